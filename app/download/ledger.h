#pragma once
// Which requests this program has made, kept on the disk: lines of JSON in two small files of which the older one goes when the newer one is
// full. No database: the command line has none, and going back to a copy of the chats must not change what was asked.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "app/download/asked.h"
#include "engine/base/result.h"

namespace foreword::app {

/// Any thread, and several processes at once: nobody waits for anybody, and no line is lost.
class Ledger {
 public:
  static constexpr std::size_t kMostRows = 1000;
  static constexpr std::int64_t kMostBytes = 1 << 20;  // of each of both files; rows and their beginnings are some 400 bytes

  struct Page {
    std::vector<Asked> rows;  // the newest first, at most kMostRows
    std::string problem{};    // what is missing of it, one sentence; empty: nothing
  };

  /// Nothing is read or made yet. `file`: the newer one; the older has ".1" after its name.
  explicit Ledger(std::filesystem::path file, std::int64_t most_bytes = kMostBytes) : file_(std::move(file)), most_bytes_(most_bytes) {}

  /// What is known of a request now; it counts instead of what was written of the same one before. `io`: with a sentence for people.
  Result<void> write(const Asked& asked) const;
  /// Lines that are damaged are left out, and said.
  Page read() const;
  /// Forgets all of it. A request that is under way comes back with its end. `io`.
  Result<void> clear() const;

 private:
  std::filesystem::path older() const;
  void turn_over(int file) const;

  std::filesystem::path file_;
  std::int64_t most_bytes_;
};

}  // namespace foreword::app
