#include "engine/schema/subsets.h"

#include <algorithm>
#include <map>

namespace foreword::engine {
namespace {

constexpr std::size_t kMostPlaces = 60'000;
constexpr std::int32_t kBeginning = -1;
constexpr std::size_t kMostWork = 6'000'000;  // places looked at, about a tenth of a second

/// What leads on from a place, instead of a character of a set.
enum Way : std::int32_t { kFreely = -1, kAtTheBegin = -2, kAtTheEnd = -3 };

/// A place in the network: a character leads on from it, or it is two places at once.
struct Place {
  std::int32_t set = kFreely;  // number of the set, or a Way
  std::int32_t next = -1, other = -1;
};

class Network {
 public:
  explicit Network(const Expression& expression) {
    end_ = add({});
    first_ = before(expression, end_);
  }
  bool too_large() const { return places_.size() > kMostPlaces; }
  std::int32_t first() const { return first_; }
  std::int32_t end() const { return end_; }
  const Place& at(std::int32_t place) const { return places_[static_cast<std::size_t>(place)]; }
  std::size_t size() const { return places_.size(); }
  const std::vector<CharSet>& sets() const { return sets_; }

 private:
  std::int32_t add(Place place) {
    places_.push_back(place);
    return static_cast<std::int32_t>(places_.size()) - 1;
  }
  std::int32_t number_of(const CharSet& set) {
    const auto known = std::ranges::find(sets_, set);
    if (known != sets_.end()) return static_cast<std::int32_t>(known - sets_.begin());
    sets_.push_back(set);
    return static_cast<std::int32_t>(sets_.size()) - 1;
  }
  /// The place at which the expression begins, if behind it comes `next`; built from the end.
  std::int32_t before(const Expression& e, std::int32_t next) {
    if (too_large()) return next;
    switch (e.kind) {
      case Expression::Kind::chars: return add({number_of(e.set), next});
      case Expression::Kind::sequence:
        for (auto part = e.parts.rbegin(); part != e.parts.rend(); ++part) next = before(*part, next);
        return next;
      case Expression::Kind::choice: {
        std::int32_t all = -1;
        for (const Expression& part : e.parts) all = add({kFreely, before(part, next), all});
        return all >= 0 ? all : add({number_of({}), next});
      }
      case Expression::Kind::repeat: return before_repeat(e, next);
      case Expression::Kind::begin: return add({kAtTheBegin, next});
      case Expression::Kind::end: return add({kAtTheEnd, next});
    }
    return next;
  }
  std::int32_t before_repeat(const Expression& e, std::int32_t next) {
    const Expression& part = e.parts.front();
    const std::int32_t behind = next;
    if (e.most < 0) {
      const std::int32_t loop = add({kFreely, next});
      const std::int32_t inside = before(part, loop);
      places_[static_cast<std::size_t>(loop)].other = inside;
      next = loop;
    } else {
      for (std::int64_t i = e.least; i < e.most && !too_large(); ++i) next = add({kFreely, before(part, next), behind});
    }
    for (std::int64_t i = 0; i < e.least && !too_large(); ++i) next = add({kFreely, before(part, next)});
    return next;
  }

  std::vector<Place> places_;
  std::vector<CharSet> sets_;
  std::int32_t first_ = 0, end_ = 0;
};

/// Characters that no set tells apart, and which of these classes a set has.
struct Classes {
  std::vector<CharSet> chars;
  std::vector<std::vector<std::int32_t>> of_set;

  explicit Classes(const std::vector<CharSet>& sets) : chars({CharSet::all()}) {
    for (const CharSet& set : sets) {
      std::vector<CharSet> split;
      for (const CharSet& whole : chars) {
        for (CharSet part : {whole.common(set), whole.without(set)}) {
          if (!part.empty()) split.push_back(std::move(part));
        }
      }
      chars = std::move(split);
    }
    for (const CharSet& set : sets) {
      auto& mine = of_set.emplace_back();
      for (std::size_t i = 0; i < chars.size(); ++i) {
        if (!set.empty() && set.contains(chars[i].ranges().front().first)) mine.push_back(static_cast<std::int32_t>(i));
      }
    }
  }
};

using Places = std::vector<std::int32_t>;

/// Follows the network as far as it goes without a character.
class Closure {
 public:
  explicit Closure(const Network& network) : network_(network), seen_(network.size(), 0) {}

  void begin() { ++round_; }
  /// Adds the place, and those that are the same; of these only the ones that need a character, the text's end, or are its end stay.
  void add(std::int32_t place, bool text_begins, bool text_ends, Places& all) {
    for (waiting_ = {place}; !waiting_.empty();) {
      const std::int32_t at = waiting_.back();
      waiting_.pop_back();
      if (at < 0 || seen_[static_cast<std::size_t>(at)] == round_) continue;
      seen_[static_cast<std::size_t>(at)] = round_;
      ++work_;
      const Place& here = network_.at(at);
      const bool on = at != network_.end() && (here.set == kFreely || (here.set == kAtTheBegin && text_begins) || (here.set == kAtTheEnd && text_ends));
      if (on) {
        waiting_.push_back(here.next);
        waiting_.push_back(here.other);
      } else if (here.set != kAtTheBegin) {
        all.push_back(at);
      }
    }
  }
  std::size_t work() const { return work_; }

 private:
  const Network& network_;
  std::vector<std::size_t> seen_;
  Places waiting_;
  std::size_t round_ = 0, work_ = 0;
};

/// Whether a text that has come to these places may end.
bool may_end(const Network& network, const Places& places, bool text_begins, Closure& closure) {
  if (std::ranges::find(places, network.end()) != places.end()) return true;
  closure.begin();
  Places reached;
  for (const std::int32_t place : places) {
    if (network.at(place).set == kAtTheEnd) closure.add(place, text_begins, true, reached);
  }
  return std::ranges::find(reached, network.end()) != reached.end();
}

}  // namespace

std::optional<std::vector<Regular::State>> subsets_of(const Expression& expression, std::size_t most) {
  const Network network(expression);
  if (network.too_large()) return std::nullopt;
  const Classes classes(network.sets());

  std::map<Places, std::int32_t> number;
  std::vector<const Places*> order;
  const auto number_of = [&](Places places) {
    std::ranges::sort(places);
    const auto [at, is_new] = number.try_emplace(std::move(places), static_cast<std::int32_t>(order.size()));
    if (is_new) order.push_back(&at->first);
    return at->second;
  };
  Closure closure(network);
  Places places;
  closure.begin();
  closure.add(network.first(), true, false, places);
  // The beginning is a state of its own: no later one is both begin and end of a text.
  places.push_back(kBeginning);
  number_of(std::move(places));

  std::vector<Regular::State> states;
  std::vector<Places> targets(classes.chars.size());
  for (std::size_t at = 0; at < order.size(); ++at) {
    for (Places& target : targets) target.clear();
    Places here = *order[at];
    if (at == 0) std::erase(here, kBeginning);
    Regular::State state{may_end(network, here, at == 0, closure)};
    for (const std::int32_t place : here) {
      if (network.at(place).set < 0) continue;
      for (const std::int32_t c : classes.of_set[static_cast<std::size_t>(network.at(place).set)]) targets[static_cast<std::size_t>(c)].push_back(network.at(place).next);
    }
    for (std::size_t c = 0; c < targets.size(); ++c) {
      if (targets[c].empty()) continue;
      Places reached;
      closure.begin();
      for (const std::int32_t target : targets[c]) closure.add(target, false, false, reached);
      if (reached.empty()) continue;
      const std::int32_t to = number_of(std::move(reached));
      for (const CharSet::Range& range : classes.chars[c].ranges()) state.edges.push_back({range.first, range.last, to});
    }
    if (order.size() > most || closure.work() > kMostWork) return std::nullopt;
    std::ranges::sort(state.edges, {}, &Regular::Edge::first);
    states.push_back(std::move(state));
  }
  return states;
}

}  // namespace foreword::engine
