#pragma once
// What the window shows of the requests that were made: what is kept on the disk, and what could not be written there. Main thread.

#include <map>
#include <string>
#include <vector>

#include "app/download/ledger.h"
#include "ui/view_state.h"

namespace foreword::app {

class NetworkPage {
 public:
  /// What is known of a request now; `problem`: why it is not on the disk, which the list says; empty: it is.
  void add(const Asked& asked, const std::string& problem);
  /// What the disk has, read after some of what was added. From now on add() changes what is shown.
  void take(Ledger::Page page);
  /// What was not written is forgotten, too, and what is shown.
  void forget() { *this = {}; }
  /// As the window shows it, with times as of `now_ms`.
  ui::NetworkView view(std::int64_t now_ms) const;

 private:
  std::map<std::uint64_t, Asked> unwritten_;
  Ledger::Page page_;
  std::string problem_;  // of writing
  bool known_ = false;
};

}  // namespace foreword::app
