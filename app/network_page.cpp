#include "app/network_page.h"

#include <algorithm>
#include <utility>

#include "app/words.h"
#include "ui/status_line.h"

namespace foreword::app {
namespace {

/// Of two states of one request, whether this one came later.
bool is_later(const Asked& one, const Asked& other) { return std::pair(one.ended, one.received) >= std::pair(other.ended, other.received); }

void put(std::vector<Asked>& rows, const Asked& asked) {
  const auto same = std::ranges::find(rows, asked.id, &Asked::id);
  if (same != rows.end()) {
    if (is_later(asked, *same)) *same = asked;
    return;
  }
  rows.insert(std::ranges::find_if(rows, [&](const Asked& row) { return row.at_ms <= asked.at_ms; }), asked);
  if (rows.size() > Ledger::kMostRows) rows.pop_back();
}

std::string bytes_text(std::int64_t bytes) {
  if (bytes <= 0) return "nothing came";
  if (bytes < 1000) return count_words(bytes, "byte");
  return bytes < 100'000'000 ? size_words(bytes) : ui::bytes_words(bytes);
}

ui::NetworkRow row_of(const Asked& asked, std::int64_t now_ms) {
  return {.id = asked.id, .host = asked.host, .purpose = asked.purpose, .bytes = bytes_text(asked.received), .when = when_words(asked.at_ms, now_ms), .outcome = outcome_words(asked)};
}

}  // namespace

void NetworkPage::add(const Asked& asked, const std::string& problem) {
  problem.empty() ? void(unwritten_.erase(asked.id)) : void(unwritten_.insert_or_assign(asked.id, asked));
  if (unwritten_.size() > Ledger::kMostRows) unwritten_.erase(std::ranges::min_element(unwritten_, {}, [](const auto& row) { return row.second.at_ms; }));
  problem_ = problem;
  if (known_) put(page_.rows, asked);
}

void NetworkPage::take(Ledger::Page page) {
  std::swap(page_, page);
  known_ = true;
  for (Asked& row : page_.rows) {
    const auto before = std::ranges::find(page.rows, row.id, &Asked::id);
    if (before != page.rows.end() && is_later(*before, row)) row = *before;
  }
  for (const auto& [id, asked] : unwritten_) put(page_.rows, asked);
}

ui::NetworkView NetworkPage::view(std::int64_t now_ms) const {
  ui::NetworkView view{.known = known_, .problem = !problem_.empty() ? problem_ : page_.problem};
  for (const Asked& asked : page_.rows) view.rows.push_back(row_of(asked, now_ms));
  return view;
}

}  // namespace foreword::app
