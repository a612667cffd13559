#include "engine/tokenizer/word_pattern.h"

#include <algorithm>
#include <string>

#include "engine/base/check.h"

namespace foreword::engine {

namespace {

constexpr std::size_t kNoMatch = static_cast<std::size_t>(-1);

}  // namespace

bool UnitSet::contains_slow(char32_t unit) const {
  if (category_of(unit) & categories_) return !negated_;
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), unit,
                                      [](char32_t value, const Range& range) { return value < range.first; });
  const bool inside = after != ranges_.begin() && unit <= std::prev(after)->last;
  return inside != negated_;
}

void UnitSet::seal(bool negated) {
  negated_ = negated;
  std::sort(ranges_.begin(), ranges_.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
  // Overlapping ranges become one: the look-up only asks the last range that begins at or before a unit.
  std::vector<Range> merged;
  for (const Range& range : ranges_) {
    if (!merged.empty() && range.first <= merged.back().last) {
      merged.back().last = std::max(merged.back().last, range.last);
    } else {
      merged.push_back(range);
    }
  }
  ranges_ = std::move(merged);
  for (char32_t unit = 0; unit < 128; ++unit) {
    if (contains_slow(unit)) ascii_[unit >> 6] |= std::uint64_t{1} << (unit & 63);
  }
}

class WordPatternParser {
 public:
  explicit WordPatternParser(std::string_view expression) : rest_(expression) {}

  WordPattern parse() {
    pattern_.alternatives_ = alternatives();
    check(rest_.empty(), "a word pattern ends where it should");
    check(pattern_.alternatives_.size() <= WordPattern::kMostAlternatives, "a word pattern has few alternatives");
    return std::move(pattern_);
  }

 private:
  using Item = WordPattern::Item;
  using Sequence = WordPattern::Sequence;

  bool take(std::string_view word) {
    if (rest_.substr(0, word.size()) != word) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  char take_one() {
    check(!rest_.empty(), "a word pattern is not cut short");
    const char first = rest_.front();
    rest_.remove_prefix(1);
    return first;
  }

  char32_t take_hex(std::size_t digits) {
    check(digits > 0 && digits <= rest_.size(), "a code point in a word pattern has digits");
    const char32_t code = static_cast<char32_t>(std::stoul(std::string(rest_.substr(0, digits)), nullptr, 16));
    rest_.remove_prefix(digits);
    return code;
  }

  std::uint32_t take_number() {
    std::uint32_t number = 0;
    while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
      number = number * 10 + static_cast<std::uint32_t>(take_one() - '0');
    }
    return number;
  }

  std::vector<Sequence> alternatives() {
    std::vector<Sequence> all;
    do {
      Sequence sequence;
      while (!rest_.empty() && rest_.front() != '|' && rest_.front() != ')') sequence.push_back(item());
      all.push_back(std::move(sequence));
    } while (take("|"));
    return all;
  }

  Item item() {
    Item item;
    if (take("(?!")) {
      item.kind = Item::Kind::not_before;
      item.set = set();
      check(take(")"), "a look-ahead holds one set");
      return item;
    }
    if (take("$")) {
      item.kind = Item::Kind::at_end;
      return item;
    }
    if (take("(?:")) {
      item.kind = Item::Kind::group;
      item.alternatives = alternatives();
      check(take(")"), "a group is closed");
      for (const Sequence& sequence : item.alternatives) {
        for (const Item& inner : sequence) {
          check(inner.kind == Item::Kind::repeat && inner.least == 1 && inner.most == 1, "groups have fixed length");
        }
      }
    } else {
      item.set = set();
    }
    if (take("?")) {
      item.least = 0;
    } else if (take("*")) {
      item.least = 0;
      item.most = WordPattern::kUnbounded;
    } else if (take("+")) {
      item.most = WordPattern::kUnbounded;
    } else if (take("{")) {
      item.least = take_number();
      check(take(","), "a counted repeat has two bounds");
      item.most = take_number();
      check(take("}"), "a counted repeat is closed");
    }
    return item;
  }

  std::uint32_t set() {
    UnitSet set;
    bool negated = false;
    if (take("[")) {
      negated = take("^");
      while (!take("]")) add_member(set);
    } else if (take("\\S")) {
      negated = true;
      add_white_space(set);
    } else {
      add_member(set);
    }
    set.seal(negated);
    pattern_.sets_.push_back(std::move(set));
    return static_cast<std::uint32_t>(pattern_.sets_.size() - 1);
  }

  static void add_white_space(UnitSet& set) {
    constexpr UnitSet::Range kWhiteSpace[] = {{0x09, 0x0D},     {0x20, 0x20},     {0x85, 0x85},     {0xA0, 0xA0},
                                              {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F},
                                              {0x205F, 0x205F}, {0x3000, 0x3000}};
    for (const UnitSet::Range& range : kWhiteSpace) set.ranges_.push_back(range);
  }

  void add_member(UnitSet& set) {
    if (take("\\p{")) {
      const std::size_t end = rest_.find('}');
      check(end != rest_.npos, "a category's name is closed");
      const CategoryMask categories = categories_named(rest_.substr(0, end));
      check(categories != 0, "a word pattern names a known category");
      set.categories_ |= categories;
      rest_.remove_prefix(end + 1);
      return;
    }
    if (take("\\s")) return add_white_space(set);
    const char32_t first = character();
    const bool is_range = rest_.size() >= 2 && rest_[0] == '-' && rest_[1] != ']';
    if (is_range) take("-");
    set.ranges_.push_back({first, is_range ? character() : first});
  }

  char32_t character() {
    if (take("\\u")) return take_hex(4);
    if (take("\\x{")) {
      const char32_t code = take_hex(std::min(rest_.find('}'), rest_.size()));
      check(take("}"), "a code point is closed");
      return code;
    }
    if (take("\\r")) return '\r';
    if (take("\\n")) return '\n';
    take("\\");
    return static_cast<unsigned char>(take_one());
  }

  std::string_view rest_;
  WordPattern pattern_;
};

WordPattern WordPattern::compile(std::string_view expression) { return WordPatternParser(expression).parse(); }

std::size_t WordPattern::count(const Item& item, std::u32string_view text, std::size_t at) const {
  const UnitSet& set = sets_[item.set];
  const std::size_t most = std::min<std::size_t>(item.most, text.size() - at);
  std::size_t n = 0;
  while (n < most && set.contains(text[at + n])) ++n;
  return n;
}

/// Where the items' match from `at` ends, or kNoMatch. Recursion is as deep as the expression is long.
std::size_t WordPattern::match(const Item* item, const Item* last, std::u32string_view text, std::size_t at) const {
  for (; item != last; ++item) {
    switch (item->kind) {
      case Item::Kind::at_end:
        if (at != text.size()) return kNoMatch;
        break;
      case Item::Kind::not_before:
        if (at < text.size() && sets_[item->set].contains(text[at])) return kNoMatch;
        break;
      case Item::Kind::group: {
        for (const Sequence& sequence : item->alternatives) {
          const std::size_t middle = match(sequence.data(), sequence.data() + sequence.size(), text, at);
          if (middle == kNoMatch) continue;
          const std::size_t end = match(item + 1, last, text, middle);
          if (end != kNoMatch) return end;
        }
        if (item->least != 0) return kNoMatch;
        break;
      }
      case Item::Kind::repeat: {
        const std::size_t most = count(*item, text, at);
        if (most < item->least) return kNoMatch;
        if (item + 1 != last) {
          for (std::size_t n = most; n > item->least; --n) {
            const std::size_t end = match(item + 1, last, text, at + n);
            if (end != kNoMatch) return end;
          }
          at += item->least;
        } else {
          at += most;
        }
        break;
      }
    }
  }
  return at;
}

std::optional<WordPattern::Match> WordPattern::Search::next() {
  for (; at_ < text_.size(); ++at_) {
    for (std::size_t i = 0; i < pattern_.alternatives_.size(); ++i) {
      if (at_ < hopeless_before_[i]) continue;
      const Sequence& sequence = pattern_.alternatives_[i];
      const std::size_t end = pattern_.match(sequence.data(), sequence.data() + sequence.size(), text_, at_);
      if (end != kNoMatch && end > at_) {
        const Match found{at_, end};
        at_ = end;
        return found;
      }
      // After X* or X+ in front everything was tried from every place of this run of X: later starts in the run can
      // only try the same places again. Without this `\s+$` would take quadratic time on inner runs of spaces.
      const Item& first = sequence.front();
      if (first.kind == Item::Kind::repeat && first.most == kUnbounded) {
        hopeless_before_[i] = at_ + pattern_.count(first, text_, at_) + 1;
      }
    }
  }
  return std::nullopt;
}

}  // namespace foreword::engine
