#pragma once
// A context-free grammar of bytes, ready to be followed (matcher.h). Whoever describes texts (gbnf.h, json_schema.h) puts one together
// from parts with a GrammarBuilder; a Grammar is what comes of it, an immutable network of steps: a recursive transition network
// (Woods 1970), whose rules are called and returned from.

#include <array>
#include <bitset>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/grammar/char_set.h"

namespace foreword::engine {

using ByteSet = std::bitset<256>;

/// Immutable; any thread.
class Grammar {
 public:
  using StepId = std::int32_t;
  enum class Kind : std::uint8_t {
    bytes,    // one byte of a set, then `next`
    either,   // `next` or `other`, without a byte
    call,     // `other`, and behind its end `next`
    repeat,   // `other` from `least` to `most` times (-1: no limit), then `next`
    end,      // of a rule, of what is repeated, or of the text
  };
  struct Step {
    Kind kind;
    StepId next = 0, other = 0;
    std::int32_t set = 0;             // bytes: number of the set
    std::int32_t least = 0, most = 0;  // repeat; most >= 1
    auto operator<=>(const Step&) const = default;
  };

  /// The end of everything.
  static constexpr StepId kEnd = 0;

  StepId first() const { return first_; }
  const Step& step(StepId id) const { return steps_[static_cast<std::size_t>(id)]; }
  std::size_t n_steps() const { return steps_.size(); }
  /// Bytes that no set tells apart are in one class: the only difference that matters. [0, n_classes).
  int class_of(std::uint8_t byte) const { return class_of_[byte]; }
  int n_classes() const { return n_classes_; }
  bool has(std::int32_t set, int byte_class) const { return sets_[static_cast<std::size_t>(set)][static_cast<std::size_t>(byte_class)]; }
  /// A byte of the class.
  std::uint8_t byte_of(int byte_class) const { return byte_of_[static_cast<std::size_t>(byte_class)]; }
  /// How many bytes are in it.
  int size_of(int byte_class) const { return size_of_[static_cast<std::size_t>(byte_class)]; }

  /// A text of this one, and behind it one of `other`.
  std::shared_ptr<const Grammar> followed_by(const Grammar& other) const;

 private:
  /// Appends the other's steps and sets, the sets still by byte; where its texts begin.
  StepId take_over(const Grammar& other);
  /// Sets of bytes become sets of classes.
  void find_classes();

  friend class GrammarBuilder;
  friend class GrammarWriter;
  std::vector<Step> steps_;
  std::vector<ByteSet> sets_;  // by class, once find_classes() has run
  StepId first_ = 0;
  std::array<std::uint8_t, 256> class_of_{}, byte_of_{};
  std::array<int, 256> size_of_{};
  int n_classes_ = 0;
};

class GrammarBuilder {
 public:
  /// A description of texts; of this builder alone. May be used any number of times.
  enum class Part : std::int32_t {};
  enum class Rule : std::int32_t {};

  /// The empty text.
  Part nothing();
  /// No text at all; whatever needs it is left out of the grammar.
  Part never();
  /// These bytes.
  Part text(std::string_view bytes);
  /// One byte of the set; one character of the set, in UTF-8.
  Part byte(const ByteSet& set);
  Part chars(const CharSet& set);
  Part sequence(std::vector<Part> parts);
  Part choice(std::vector<Part> parts);
  /// most < 0: no limit. 0 <= least; most < least is never().
  Part repeat(Part part, std::int64_t least, std::int64_t most);
  Part optional(Part part) { return repeat(part, 0, 1); }

  /// A rule may be called before it is defined, also by itself, but not as its own beginning. Names are for messages.
  Rule rule(std::string name);
  Part call(Rule rule);
  void define(Rule rule, Part part);

  /// Texts that begin with `root` and end with it. `invalid_argument`: a rule that is called is not defined, one begins with itself, or no
  /// text at all fits; `unsupported`: more steps than kMostSteps. The builder can go on afterwards.
  Result<std::shared_ptr<const Grammar>> build(Part root) const;
  static constexpr std::size_t kMostSteps = 1 << 20;
  static constexpr std::int64_t kMostRepeats = 1 << 24;

 private:
  friend class GrammarWriter;
  enum class Kind : std::uint8_t { never, byte, sequence, choice, repeat, call };
  struct Piece {
    Kind kind;
    std::vector<std::int32_t> parts = {};  // or the rule
    std::int64_t least = 0, most = 0;
    ByteSet set = {};
  };
  struct Named {
    std::string name;
    std::int32_t part = -1;
  };
  Part add(Piece piece);

  std::vector<Piece> pieces_;
  std::vector<Named> rules_;
};

}  // namespace foreword::engine
