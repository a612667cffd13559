#pragma once
// Regular languages over Unicode characters: what strings, keys and numbers of a JSON Schema may be. A language is a deterministic
// automaton without superfluous states, so that its questions (is it empty, what has it in common with another) have exact answers. Pure.

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/grammar/char_set.h"

namespace foreword::engine {

/// How a language is described. Values, nested no deeper than their maker allows: they are walked by recursion.
struct Expression {
  enum class Kind : std::uint8_t { chars, sequence, choice, repeat, begin, end };  // the last two: the whole text's, of no length
  Kind kind = Kind::sequence;
  CharSet set = {};                    // chars: one of these
  std::vector<Expression> parts = {};  // repeat: one
  std::int64_t least = 0, most = 0;    // repeat; most < 0: no limit

  static Expression nothing() { return {}; }
  static Expression chars(CharSet set) { return {Kind::chars, std::move(set)}; }
  static Expression sequence(std::vector<Expression> parts) { return {Kind::sequence, {}, std::move(parts)}; }
  static Expression choice(std::vector<Expression> parts) { return {Kind::choice, {}, std::move(parts)}; }
  static Expression repeat(Expression part, std::int64_t least, std::int64_t most) { return {Kind::repeat, {}, {std::move(part)}, least, most}; }
};

class Regular {
 public:
  struct Edge {
    char32_t first, last;  // both
    std::int32_t to;
    bool operator==(const Edge&) const = default;
  };
  struct State {
    bool accepts = false;
    std::vector<Edge> edges = {};  // by rising characters, none overlapping
    bool operator==(const State&) const = default;
  };
  static constexpr std::size_t kMostStates = 20'000;

  /// Every text.
  static Regular all();
  /// `unsupported`: more than kMostStates, or too much work on the way; as with all that follow.
  static Result<Regular> of(const Expression& expression);
  /// These texts, in UTF-8; other than `of()` without a limit.
  static Regular texts(const std::vector<std::string_view>& texts);
  /// An automaton of which only its steps are known. Its states are numbered by whoever steps: from 0, and no number stands unused.
  static Regular of_states(std::vector<State> states);

  Result<Regular> common(const Regular& other) const;
  Result<Regular> without(const Regular& other) const;
  /// Texts of `least` to `most` characters (most < 0: no limit). Where a language without end would need too many states, `most` is
  /// lowered to what is possible.
  Result<Regular> of_length(std::int64_t least, std::int64_t most) const;

  bool empty() const { return states_.empty(); }
  bool is_all() const;
  bool contains(std::string_view utf8) const;
  /// Characters of the shortest and of the longest text; nullopt: they have no end. Of languages that are not empty.
  std::int64_t shortest() const;
  std::optional<std::int64_t> longest() const;

  /// The first is the beginning; from each a text's end can be reached. None: no text.
  const std::vector<State>& states() const { return states_; }

 private:
  explicit Regular(std::vector<State> states);
  Result<Regular> product(const Regular& other, bool both) const;
  std::vector<std::int64_t> to_the_end() const;
  void drop_superfluous();
  void merge_equal();

  std::vector<State> states_;
};

/// The character at `at`, which then stands behind it. Of valid UTF-8.
char32_t next_char(std::string_view utf8, std::size_t& at);
std::int64_t n_chars(std::string_view utf8);

}  // namespace foreword::engine
