#include "app/context_plan.h"

#include <algorithm>

namespace foreword::app {

std::int64_t answer_room(std::int64_t context) { return std::clamp<std::int64_t>(context / 8, 1, 512); }

std::size_t first_row_to_keep(std::span<const CountedRow> rows, std::size_t kept, std::int64_t excess) {
  std::int64_t gone = 0;
  for (std::size_t i = kept; i < rows.size(); ++i) {
    if (i > kept && gone >= excess && rows[i].question) return i;
    gone += rows[i].tokens;
  }
  return rows.size();
}

}  // namespace foreword::app
