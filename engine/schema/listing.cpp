#include "engine/schema/listing.h"

#include <algorithm>
#include <bit>

namespace foreword::engine {
namespace {

constexpr std::size_t kMostPlaces = 40'000;
constexpr std::size_t kMostInARow = 50;  // items in one rule

using Part = GrammarBuilder::Part;

/// A place in the list is an item's number and how many stand before it, of which more than matter are counted as one number.
class Listing {
 public:
  Listing(const std::vector<ListItem>& items, std::optional<Part> others, Count count, JsonParts& json, GrammarBuilder& builder)
      : items_(items), others_(others), count_(count), json_(json), builder_(builder) {
    const std::int64_t n = static_cast<std::int64_t>(items.size()), n_required = std::ranges::count_if(items, &ListItem::required);
    if (!others && count_.most >= n) count_.most = -1;
    if (count_.least <= n_required) count_.least = 0;
    n_counts_ = static_cast<std::size_t>(std::min(n, count_.most >= 0 ? count_.most : std::max<std::int64_t>(count_.least, 1))) + 1;
    n_counts_ = std::max<std::size_t>(n_counts_, 2);
  }

  std::optional<Part> whole() {
    if (n_counts_ * (items_.size() + 1) > kMostPlaces) return std::nullopt;
    find_ways();
    std::vector<std::optional<Part>> behind(n_counts_), here(n_counts_);
    for (std::size_t c = 0; c < n_counts_; ++c) {
      if (ways_.back()[c] > 0) behind[c] = shared(tail(static_cast<std::int64_t>(c)), items_.size(), c);
    }
    for (std::size_t i = items_.size(); i-- > 0;) {
      here.assign(n_counts_, std::nullopt);
      for (std::size_t c = 0; c < n_counts_; ++c) {
        if (ways_[i][c] == 0) continue;
        std::vector<Part> choices;
        if (const auto next = after(c)) choices.push_back(builder_.sequence({c > 0 ? json_.comma() : builder_.nothing(), items_[i].part, *behind[*next]}));
        if (!items_[i].required) choices.push_back(*behind[c]);
        here[c] = shared(builder_.choice(std::move(choices)), i, c);
      }
      behind.swap(here);
    }
    return behind[0];
  }

 private:
  /// The count with one more; nullopt: too many.
  std::optional<std::size_t> after(std::size_t c) const {
    if (count_.most >= 0 && static_cast<std::int64_t>(c) >= count_.most) return std::nullopt;
    return std::min(c + 1, n_counts_ - 1);
  }

  /// By how many ways each place is reached.
  void find_ways() {
    ways_.assign(items_.size() + 1, std::vector<int>(n_counts_, 0));
    ways_[0][0] = 1;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      for (std::size_t c = 0; c < n_counts_; ++c) {
        if (ways_[i][c] == 0) continue;
        if (const auto next = after(c)) ++ways_[i + 1][*next];
        if (!items_[i].required) ++ways_[i + 1][c];
      }
    }
  }

  /// What is reached by several ways is written once.
  Part shared(Part part, std::size_t i, std::size_t c) {
    if (ways_[i][c] < 2 && i % kMostInARow != 1) return part;
    const GrammarBuilder::Rule rule = builder_.rule("rest of a list");
    builder_.define(rule, part);
    return builder_.call(rule);
  }

  Part tail(std::int64_t c) {
    const std::int64_t least = std::max<std::int64_t>(count_.least - c, 0), most = count_.most < 0 ? -1 : count_.most - c;
    if (!others_ || most == 0) return least > 0 ? builder_.never() : c > 0 ? json_.space() : builder_.nothing();
    if (least > 1) return builder_.never();
    const Part more = builder_.sequence({json_.comma(), *others_});
    if (c > 0) return builder_.sequence({builder_.repeat(more, least, most), json_.space()});
    const Part some = builder_.sequence({*others_, builder_.repeat(more, 0, most < 0 ? -1 : most - 1), json_.space()});
    return least > 0 ? some : builder_.optional(some);
  }

  const std::vector<ListItem>& items_;
  const std::optional<Part> others_;
  Count count_;
  JsonParts& json_;
  GrammarBuilder& builder_;
  std::size_t n_counts_ = 0;
  std::vector<std::vector<int>> ways_;
};

}  // namespace

std::optional<Part> listing(const std::vector<ListItem>& items, std::optional<Part> others, Count count, JsonParts& json, GrammarBuilder& builder) {
  return Listing(items, others, count, json, builder).whole();
}

Part any_order(const std::vector<Part>& items, Count count, JsonParts& json, GrammarBuilder& builder) {
  // A rule for each set of items that stand already.
  const std::size_t all = (std::size_t{1} << items.size()) - 1;
  std::vector<GrammarBuilder::Rule> rules;
  for (std::size_t set = 0; set <= all; ++set) rules.push_back(builder.rule("different items"));
  for (std::size_t set = 0; set <= all; ++set) {
    const std::int64_t n = std::popcount(set);
    std::vector<Part> choices;
    if (n >= count.least) choices.push_back(n > 0 ? json.space() : builder.nothing());
    for (std::size_t i = 0; i < items.size() && (count.most < 0 || n < count.most); ++i) {
      if ((set >> i & 1) != 0) continue;
      choices.push_back(builder.sequence({n > 0 ? json.comma() : builder.nothing(), items[i], builder.call(rules[set | std::size_t{1} << i])}));
    }
    builder.define(rules[set], builder.choice(std::move(choices)));
  }
  return builder.call(rules[0]);
}

}  // namespace foreword::engine
