#pragma once
// A set of words, case folded, kept as hashes: enough to ask whether one was ever written, not to read them. One thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

namespace foreword::ui::autocomplete {

class Words {
 public:
  /// All words of a text.
  void add(std::string_view text);
  bool contains(std::string_view word) const;
  void clear() { hashes_.clear(); }
  std::size_t size() const { return hashes_.size(); }

 private:
  std::unordered_set<std::uint64_t> hashes_;
};

}  // namespace foreword::ui::autocomplete
