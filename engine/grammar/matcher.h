#pragma once
// Follows texts of a grammar byte by byte: what has been read so far is a number, a state, and one more byte leads to another. A state
// stands for all ways to read the text at once; ways that share what they still have to return to share its memory. Transitions are
// found when they are first asked for and kept, so that the network is a deterministic automaton after a while, as far as it is used.

#include <compare>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/grammar/grammar.h"

namespace foreword::engine {

/// One thread.
class Matcher {
 public:
  using State = std::int32_t;
  /// No text that begins so fits.
  static constexpr State kDead = 0;

  explicit Matcher(std::shared_ptr<const Grammar> grammar);

  /// Before the first byte.
  State start() const { return start_; }
  State next(State state, std::uint8_t byte) {
    if (state == kDead) return kDead;
    const State known = moves_[place(state, grammar_->class_of(byte))];
    return known >= 0 ? known : find_next(state, grammar_->class_of(byte));
  }
  State next(State state, std::string_view bytes) {
    for (const char byte : bytes) state = next(state, static_cast<std::uint8_t>(byte));
    return state;
  }
  /// The text may end here.
  bool may_end(State state) const { return states_[static_cast<std::size_t>(state)].may_end; }
  /// It cannot go on; true for kDead as well.
  bool must_end(State state) const { return states_[static_cast<std::size_t>(state)].ways.empty(); }
  /// Texts of these characters, up to so many bytes, can all follow, in any order: inside a string, say. Not all such characters are in it.
  struct FreeRun {
    ByteSet ascii;
    bool wide = false;  // and all others that UTF-8 has
    std::size_t length = 0;
  };
  FreeRun free_run(State state);
  /// The only byte that can come next, where the text may not end and there is only one; else -1.
  int only_byte(State state);

  /// Forgets all states but this one, which gets another number, as start() does: to be called when a long text has made n_states() large.
  State keep_only(State state);
  std::size_t n_states() const { return states_.size(); }

 private:
  using FrameId = std::int32_t;
  /// What to do behind the end of what is being read: the step that began it, and how often it was repeated before.
  struct Frame {
    FrameId below;
    Grammar::StepId step;
    std::int32_t times;
    bool operator==(const Frame&) const = default;
  };
  /// A place in the grammar that waits for a byte.
  struct Way {
    Grammar::StepId step;
    FrameId frame;
    auto operator<=>(const Way&) const = default;
  };
  struct StateData {
    std::vector<Way> ways;  // sorted
    bool may_end = false;
    bool operator==(const StateData&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Frame& frame) const;
    std::size_t operator()(const Way& way) const;
  };
  static constexpr FrameId kBottom = 0;
  /// More ways at once mean a grammar that nobody can follow in time; the text ends there.
  static constexpr std::size_t kMostWays = 1 << 16;

  std::size_t place(State state, int byte_class) const {
    return static_cast<std::size_t>(state) * static_cast<std::size_t>(grammar_->n_classes()) + static_cast<std::size_t>(byte_class);
  }
  State find_next(State state, int byte_class);
  /// Where all these bytes lead; kDead if not to one state.
  State common_next(State state, std::uint8_t first, std::uint8_t last);
  /// Where all characters lead that are not ASCII.
  State wide_next(State state);
  FrameId frame(const Frame& frame);
  /// Goes on without a byte from here, as far as that goes.
  void spread(Way way, StateData& into);
  State number_of(StateData data);
  void clear();
  void begin();

  std::shared_ptr<const Grammar> grammar_;
  std::vector<Frame> frames_;
  std::unordered_map<Frame, FrameId, Hash> known_frames_;
  std::vector<StateData> states_;
  std::vector<State> moves_;  // [n_states][n_classes]; -1: not known
  std::unordered_multimap<std::size_t, State> known_states_;
  State start_ = kDead;
  // Scratch of spread().
  std::vector<Way> todo_;
  std::unordered_map<Way, bool, Hash> seen_;
};

}  // namespace foreword::engine
