#pragma once
// Lets text through until a stop text appears in it; holds back what may still become one.

#include <string>
#include <string_view>
#include <vector>

namespace foreword::engine {

class StopFilter {
 public:
  /// Empty stop texts are ignored.
  explicit StopFilter(std::vector<std::string> stops);

  /// Adds text and returns what is safe to show. After a hit the rest is dropped.
  std::string push(std::string_view text);
  /// What was held back and did not become a stop text.
  std::string finish();
  bool hit() const { return hit_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  bool hit_ = false;
};

}  // namespace foreword::engine
