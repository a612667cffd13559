#pragma once
// Lists with commas of which some items may be missing: members of an object in their order, values that occur once.

#include <optional>
#include <vector>

#include "engine/schema/demands.h"
#include "engine/schema/json_parts.h"

namespace foreword::engine {

struct ListItem {
  GrammarBuilder::Part part;
  bool required = true;
};

/// The items in this order, behind them any number of `others` (nullopt: none), `count` of all together; with space() at the end if it is not
/// empty. Of `others` one at least counts as different from all, so no text has to rely on two of them. nullopt: too many items for such a count.
std::optional<GrammarBuilder::Part> listing(const std::vector<ListItem>& items, std::optional<GrammarBuilder::Part> others, Count count, JsonParts& json, GrammarBuilder& builder);
/// Different items in any order. At most kMostInAnyOrder.
GrammarBuilder::Part any_order(const std::vector<GrammarBuilder::Part>& items, Count count, JsonParts& json, GrammarBuilder& builder);
constexpr std::size_t kMostInAnyOrder = 6;

}  // namespace foreword::engine
