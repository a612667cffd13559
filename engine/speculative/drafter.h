#pragma once
// A drafter guesses tokens; it never decides any. One file each, and one row in drafter_rows(). Simpler than a drafter could
// be, because this engine needs no more: a text only ever grows by chosen tokens, so nothing is rolled back; drafters live in
// memory, so proposing cannot fail; hidden states of the target are not asked for yet.

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "engine/speculative/calibration.h"
#include "engine/speculative/draft_tree.h"
#include "engine/speculative/tree_builder.h"

namespace foreword::engine {

class DraftModel;

/// Engine desk only, as everything in this room.
class Drafter {
 public:
  virtual ~Drafter() = default;

  /// The text is now this; its first `kept` tokens are those of the last call. Called before every proposal, and with every
  /// token that was followed before kept while an answer grows.
  virtual void follow(std::span<const std::int32_t> text, std::size_t kept) = 0;
  /// Tokens of the text that it has to read before it can propose, and reading some of them: what that costs is told apart, since it is
  /// paid once. It proposes when there are none.
  virtual std::int64_t backlog() const { return 0; }
  virtual void catch_up() {}
  /// Adds children below the root, which is the last token of the text, to a tree that others may have begun. `self`: this
  /// drafter's number, for claims.
  virtual void propose(const DraftRules& rules, std::uint8_t self, const Calibration& calibration, DraftTree& tree) = 0;
  /// What the target thinks comes after `token`: its kBestOfRow likeliest tokens, best first, as they were before any noise.
  /// For every row of a pass, in order; `walked`: the token belongs to the text, so that the context was right.
  virtual void observe(std::int32_t token, bool walked, std::span<const Candidate> best) {
    (void)token, (void)walked, (void)best;
  }
  /// The text that the answer will probably repeat with changes; empty: none. To be said when all before the answer is
  /// followed; forgotten when a text is followed that keeps less.
  virtual void expect_copy_of(std::span<const std::int32_t> source) { (void)source; }
  /// Memory held.
  virtual std::int64_t bytes() const = 0;
};

inline constexpr int kBestOfRow = 8;

/// What a drafter may be made of.
struct DrafterSetup {
  std::int32_t vocabulary = 0;  // ids are below this
  // small_model.h; null: there is none. They outlive the drafter.
  DraftModel* model = nullptr;
  DraftModel* self = nullptr;   // the target with layers left out
};

struct DrafterRow {
  std::string_view name;    // as in settings and on the command line
  std::string_view help;
  std::string_view source;
  float trust;              // what calibration starts with (calibration.h)
  bool has_q;               // lists come with probabilities, so that rejection sampling is possible
  bool wants_rows;          // needs observe()
  std::unique_ptr<Drafter> (*create)(const DrafterSetup&);  // null if the set-up lacks what it needs
  bool by_name_only = false;  // "auto" does not mean it
  bool needs_rule = false;    // is asked only where the text is held to a rule
};
/// In the order in which they propose.
std::span<const DrafterRow> drafter_rows();

}  // namespace foreword::engine
