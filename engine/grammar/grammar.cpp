#include "engine/grammar/grammar.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/base/check.h"

namespace foreword::engine {
namespace {

constexpr int kDeepest = 2000;  // parts within parts; recursion of rules costs none of it

Error too_large() {
  return {ErrorCode::unsupported, "The grammar is too large; shorten it, or ask for fewer repetitions and alternatives."};
}

}  // namespace

GrammarBuilder::Part GrammarBuilder::add(Piece piece) {
  pieces_.push_back(std::move(piece));
  return Part{static_cast<std::int32_t>(pieces_.size() - 1)};
}

GrammarBuilder::Part GrammarBuilder::nothing() { return add({Kind::sequence}); }
GrammarBuilder::Part GrammarBuilder::never() { return add({Kind::never}); }

GrammarBuilder::Part GrammarBuilder::text(std::string_view bytes) {
  std::vector<Part> parts;
  for (const char byte : bytes) parts.push_back(this->byte(ByteSet().set(static_cast<std::uint8_t>(byte))));
  return sequence(std::move(parts));
}

GrammarBuilder::Part GrammarBuilder::byte(const ByteSet& set) {
  if (set.none()) return never();
  return add({.kind = Kind::byte, .set = set});
}

GrammarBuilder::Part GrammarBuilder::chars(const CharSet& set) {
  // First bytes with the same continuation become one set: few steps, and few texts at a time to follow.
  std::map<std::vector<ByteRange>, ByteSet> firsts;
  for (const std::vector<ByteRange>& ranges : utf8_ranges(set)) {
    ByteSet& first = firsts[{ranges.begin() + 1, ranges.end()}];
    for (int byte = ranges[0].first; byte <= ranges[0].last; ++byte) first.set(static_cast<std::size_t>(byte));
  }
  std::vector<Part> alternatives;
  for (const auto& [rest, first] : firsts) {
    std::vector<Part> parts{byte(first)};
    for (const ByteRange range : rest) {
      ByteSet bytes;
      for (int byte = range.first; byte <= range.last; ++byte) bytes.set(static_cast<std::size_t>(byte));
      parts.push_back(byte(bytes));
    }
    alternatives.push_back(sequence(std::move(parts)));
  }
  return choice(std::move(alternatives));
}

GrammarBuilder::Part GrammarBuilder::sequence(std::vector<Part> parts) {
  if (parts.size() == 1) return parts.front();
  Piece piece{Kind::sequence};
  for (const Part part : parts) piece.parts.push_back(static_cast<std::int32_t>(part));
  return add(std::move(piece));
}

GrammarBuilder::Part GrammarBuilder::choice(std::vector<Part> parts) {
  if (parts.empty()) return never();
  if (parts.size() == 1) return parts.front();
  Piece piece{Kind::choice};
  for (const Part part : parts) piece.parts.push_back(static_cast<std::int32_t>(part));
  return add(std::move(piece));
}

GrammarBuilder::Part GrammarBuilder::repeat(Part part, std::int64_t least, std::int64_t most) {
  check(least >= 0, "a part is repeated at least zero times");
  if (most >= 0 && most < least) return never();
  if (most == 0) return nothing();
  return add({Kind::repeat, {static_cast<std::int32_t>(part)}, std::min(least, kMostRepeats), most < 0 ? -1 : std::min(most, kMostRepeats)});
}

GrammarBuilder::Rule GrammarBuilder::rule(std::string name) {
  rules_.push_back({std::move(name)});
  return Rule{static_cast<std::int32_t>(rules_.size() - 1)};
}

GrammarBuilder::Part GrammarBuilder::call(Rule rule) { return add({Kind::call, {static_cast<std::int32_t>(rule)}}); }

void GrammarBuilder::define(Rule rule, Part part) { rules_[static_cast<std::size_t>(rule)].part = static_cast<std::int32_t>(part); }

/// Checks what was described and writes it down as steps.
class GrammarWriter {
 public:
  using Kind = GrammarBuilder::Kind;
  using StepId = Grammar::StepId;

  explicit GrammarWriter(const GrammarBuilder& builder) : pieces_(builder.pieces_), rules_(builder.rules_), facts_(pieces_.size()) {}

  Result<std::shared_ptr<const Grammar>> write(std::int32_t root) {
    FW_TRY(find_undefined());
    find_facts();
    FW_TRY(find_left_recursion());
    if (!facts_[at(root)].possible) return Error{ErrorCode::invalid_argument, "No text at all fits this grammar; something in it contradicts itself or never ends."};
    grammar_ = std::make_shared<Grammar>();
    entries_.assign(rules_.size(), -1);
    steps().push_back({Grammar::Kind::end});
    grammar_->first_ = write(root, kEnd, 0);
    while (!called_.empty() && !too_large_) {
      const std::int32_t rule = called_.back();
      called_.pop_back();
      entries_[at(rule)] = write(rules_[at(rule)].part, kEnd, 0);
    }
    if (too_large_) return too_large();
    for (Grammar::Step& step : steps()) {
      if (step.kind == Grammar::Kind::call) step.other = entries_[at(step.other)];
    }
    grammar_->find_classes();
    return std::shared_ptr<const Grammar>(std::move(grammar_));
  }

 private:
  static constexpr StepId kEnd = Grammar::kEnd;
  struct Facts {
    bool possible = false;  // some text fits
    bool empty = false;     // the empty one does
  };

  static std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }
  std::vector<Grammar::Step>& steps() { return grammar_->steps_; }
  const Facts& fact(std::int32_t part) const { return facts_[at(part)]; }

  Result<void> find_undefined() const {
    for (const auto& piece : pieces_) {
      if (piece.kind != Kind::call || rules_[at(piece.parts[0])].part >= 0) continue;
      return Error{ErrorCode::invalid_argument, "The rule \"" + rules_[at(piece.parts[0])].name + "\" is used in the grammar but not defined."};
    }
    return {};
  }

  Facts facts_of(const GrammarBuilder::Piece& piece) const {
    const auto possible = [&](std::int32_t part) { return fact(part).possible; };
    const auto empty = [&](std::int32_t part) { return fact(part).empty; };
    switch (piece.kind) {
      case Kind::never: return {};
      case Kind::byte: return {true, false};
      case Kind::sequence: return {std::ranges::all_of(piece.parts, possible), std::ranges::all_of(piece.parts, empty)};
      case Kind::choice: return {std::ranges::any_of(piece.parts, possible), std::ranges::any_of(piece.parts, empty)};
      case Kind::repeat: return {piece.least == 0 || possible(piece.parts[0]), piece.least == 0 || empty(piece.parts[0])};
      case Kind::call: return fact(rules_[at(piece.parts[0])].part);
    }
    return {};
  }

  /// The least facts that agree with each other. Parts come after what they consist of; only calls point ahead.
  void find_facts() {
    std::vector<std::vector<std::int32_t>> users(pieces_.size());
    std::vector<std::int32_t> changed;
    const auto look = [&](std::int32_t part) {
      const Facts found = facts_of(pieces_[at(part)]);
      Facts& known = facts_[at(part)];
      if (found.possible == known.possible && found.empty == known.empty) return;
      known = found;
      changed.push_back(part);
    };
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      const bool calls = pieces_[i].kind == Kind::call;
      for (const std::int32_t part : pieces_[i].parts) users[at(calls ? rules_[at(part)].part : part)].push_back(static_cast<std::int32_t>(i));
      look(static_cast<std::int32_t>(i));
    }
    while (!changed.empty()) {
      const std::int32_t part = changed.back();
      changed.pop_back();
      for (const std::int32_t user : users[at(part)]) look(user);
    }
  }

  /// What may stand at the very beginning of a part.
  std::vector<std::int32_t> beginnings(std::int32_t part) const {
    const GrammarBuilder::Piece& piece = pieces_[at(part)];
    if (piece.kind == Kind::call) return {rules_[at(piece.parts[0])].part};
    if (piece.kind != Kind::sequence) return piece.parts;
    const auto behind = std::ranges::find_if(piece.parts, [&](std::int32_t p) { return !fact(p).empty; });
    return {piece.parts.begin(), behind == piece.parts.end() ? behind : behind + 1};
  }

  Result<void> find_left_recursion() const {
    enum class Colour : std::uint8_t { fresh, open, done };
    std::vector<Colour> colours(pieces_.size(), Colour::fresh);
    struct Visit {
      std::int32_t part;
      std::vector<std::int32_t> todo;
    };
    std::vector<Visit> visits;
    const auto enter = [&](std::int32_t part) {
      colours[at(part)] = Colour::open;
      visits.push_back({part, beginnings(part)});
    };
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      if (colours[i] == Colour::fresh && facts_[i].possible) enter(static_cast<std::int32_t>(i));
      while (!visits.empty()) {
        Visit& visit = visits.back();
        if (visit.todo.empty()) {
          colours[at(visit.part)] = Colour::done;
          visits.pop_back();
          continue;
        }
        const std::int32_t next = visit.todo.back();
        visit.todo.pop_back();
        if (colours[at(next)] == Colour::fresh && fact(next).possible) {
          enter(next);
          continue;
        }
        if (colours[at(next)] != Colour::open) continue;
        // Only calls point to what is open, so a rule is among these.
        auto rule = rules_.end();
        while (rule == rules_.end()) {
          rule = std::ranges::find(rules_, visits.back().part, &GrammarBuilder::Named::part);
          visits.pop_back();
        }
        return Error{ErrorCode::unsupported, "The rule \"" + rule->name + "\" can begin with itself, which cannot be followed; write the repetition with * or +."};
      }
    }
    return {};
  }

  StepId add(const Grammar::Step& step) {
    const auto [known, is_new] = known_.try_emplace(step, static_cast<StepId>(steps().size()));
    if (is_new) steps().push_back(step);
    too_large_ |= steps().size() > GrammarBuilder::kMostSteps;
    return known->second;
  }

  std::int32_t number_of(const ByteSet& set) {
    const auto [known, is_new] = set_numbers_.try_emplace(set.to_string(), static_cast<std::int32_t>(grammar_->sets_.size()));
    if (is_new) grammar_->sets_.push_back(set);
    return known->second;
  }

  /// The step that this part begins with, where `next` comes behind it.
  StepId write(std::int32_t part, StepId next, int depth) {
    too_large_ |= depth > kDeepest;
    if (too_large_) return kEnd;
    const GrammarBuilder::Piece& piece = pieces_[at(part)];
    switch (piece.kind) {
      case Kind::never: break;
      case Kind::byte: return add({.kind = Grammar::Kind::bytes, .next = next, .set = number_of(piece.set)});
      case Kind::sequence:
        for (auto p = piece.parts.rbegin(); p != piece.parts.rend(); ++p) next = write(*p, next, depth + 1);
        return next;
      case Kind::choice: {
        StepId first = -1;
        for (auto p = piece.parts.rbegin(); p != piece.parts.rend(); ++p) {
          if (!fact(*p).possible) continue;
          const StepId entry = write(*p, next, depth + 1);
          first = first < 0 ? entry : add({Grammar::Kind::either, entry, first});
        }
        return first;
      }
      case Kind::repeat: return write_repeat(piece, next, depth);
      case Kind::call: {
        const std::int32_t rule = piece.parts[0];
        if (entries_[at(rule)] < 0) {
          entries_[at(rule)] = kEnd;
          called_.push_back(rule);
        }
        return add({Grammar::Kind::call, next, rule});
      }
    }
    return kEnd;
  }

  StepId write_repeat(const GrammarBuilder::Piece& piece, StepId next, int depth) {
    const std::int32_t part = piece.parts[0];
    if (!fact(part).possible) return next;
    const std::int64_t least = fact(part).empty ? 0 : piece.least;
    if (piece.most == 1) {
      const StepId entry = write(part, next, depth + 1);
      return least == 1 ? entry : add({Grammar::Kind::either, entry, next});
    }
    if (piece.most > 0 || least > 1) {
      return add({Grammar::Kind::repeat, next, write(part, kEnd, depth + 1), 0, static_cast<std::int32_t>(least), static_cast<std::int32_t>(piece.most)});
    }
    // Without a number to keep it is a circle.
    const auto circle = static_cast<StepId>(steps().size());
    steps().push_back({Grammar::Kind::either, kEnd, next});
    const StepId entry = write(part, circle, depth + 1);
    steps()[at(circle)].next = entry;
    return least == 1 ? entry : circle;
  }

  const std::vector<GrammarBuilder::Piece>& pieces_;
  const std::vector<GrammarBuilder::Named>& rules_;
  std::vector<Facts> facts_;  // by part
  std::shared_ptr<Grammar> grammar_;
  std::map<Grammar::Step, StepId> known_;
  std::map<std::string, std::int32_t> set_numbers_;
  std::vector<StepId> entries_;  // by rule
  std::vector<std::int32_t> called_;
  bool too_large_ = false;
};

void Grammar::find_classes() {
  class_of_ = {};
  size_of_ = {};
  n_classes_ = 1;
  for (const ByteSet& set : sets_) {
    std::map<std::pair<int, bool>, int> numbers;
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const auto known = numbers.try_emplace({class_of_[byte], set[byte]}, static_cast<int>(numbers.size())).first;
      class_of_[byte] = static_cast<std::uint8_t>(known->second);
    }
    n_classes_ = static_cast<int>(numbers.size());
  }
  for (std::size_t byte = 256; byte-- > 0;) {
    byte_of_[class_of_[byte]] = static_cast<std::uint8_t>(byte);
    ++size_of_[class_of_[byte]];
  }
  for (ByteSet& set : sets_) {
    ByteSet classes;
    for (std::size_t byte = 0; byte < 256; ++byte) {
      if (set[byte]) classes.set(class_of_[byte]);
    }
    set = classes;
  }
}

Grammar::StepId Grammar::take_over(const Grammar& other) {
  const auto first_step = static_cast<StepId>(steps_.size()), first_set = static_cast<std::int32_t>(sets_.size());
  const auto moved = [&](StepId id) { return id == kEnd ? kEnd : id + first_step; };
  for (Step step : other.steps_) {
    step.next = moved(step.next);
    step.other = moved(step.other);
    step.set += first_set;
    steps_.push_back(step);
  }
  for (const ByteSet& classes : other.sets_) {
    ByteSet bytes;
    for (std::size_t byte = 0; byte < 256; ++byte) bytes.set(byte, classes[other.class_of_[byte]]);
    sets_.push_back(bytes);
  }
  return moved(other.first_);
}

std::shared_ptr<const Grammar> Grammar::followed_by(const Grammar& other) const {
  const auto both = std::make_shared<Grammar>();
  both->steps_.push_back({Kind::end});
  const StepId first = both->take_over(*this), second = both->take_over(other);
  both->first_ = static_cast<StepId>(both->steps_.size());
  both->steps_.push_back({Kind::call, second, first});
  both->find_classes();
  return both;
}

Result<std::shared_ptr<const Grammar>> GrammarBuilder::build(Part root) const { return GrammarWriter(*this).write(static_cast<std::int32_t>(root)); }

}  // namespace foreword::engine
