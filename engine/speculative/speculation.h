#pragma once
// Speculative decoding of one text, for whoever runs the passes: drafters, calibration and controller together. A step:
//
//   const DraftTree& tree = speculation.draft(text, sampler.params(), index, load);
//   Walk walk(tree, speculation.mode(), sampler, {&text, index, banned, ends});
//   one pass with a row for every node; for each row of logits, in order:
//     if (walk.wants(node)) {
//       walk.take(logits);
//       speculation.observe(node, sampler.best());
//     } else {
//       speculation.observe_aside(node, logits);
//     }
//   the KV cache keeps the rows of walk.result().path
//   speculation.learn(text, walk.result(), rows of the pass, seconds of the pass);
//
// The last token of the text is the one whose row is not yet in the KV cache. Where nothing was worth a row for long, most steps draft
// nothing and learn nothing. Nothing that is done or left out here changes the text in the modes gumbel and match.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/sampling/large_logits.h"
#include "engine/speculative/controller.h"
#include "engine/speculative/drafter.h"

namespace foreword::engine {

struct SpeculationLimits {
  VerifyMode mode = VerifyMode::gumbel;
  int max_nodes = 64;  // without the root; also never more than the measured cost reaches
  int max_depth = 16;
  int least_nodes = 0;  // without the root, where a draft model was asked and so many are drafted, also where fewer would be faster
};

struct SpeculationStats {
  std::int64_t passes = 0, tokens = 0;  // tokens chosen
  std::int64_t drafted = 0;             // nodes that had rows
  std::vector<std::int64_t> accepted;   // by drafter: tokens that it had named, of those that had rows
  double tokens_per_pass() const { return passes > 0 ? static_cast<double>(tokens) / static_cast<double>(passes) : 0; }
};

class Speculation {
 public:
  struct Member {
    const DrafterRow* row;
    std::unique_ptr<Drafter> drafter;
  };
  /// Drafters by name, in the table's order; "auto" means all that the set-up allows but those that want to be named, "off" none. `invalid_argument` names
  /// the known ones.
  static Result<std::vector<Member>> members(std::span<const std::string_view> names, const DrafterSetup& setup);

  /// clock: seconds, rising.
  Speculation(SpeculationLimits limits, std::vector<Member> members, std::function<double()> clock);

  /// To be filled once by measuring; until then nothing is drafted.
  CostModel& cost() { return controller_.cost(); }
  VerifyMode mode() const { return limits_.mode; }

  /// What a drafter takes, before it is asked for the first time.
  void expect(std::string_view drafter, const DraftPrice& price);
  /// What a drafter of models would have guessed behind this token, its model having found `guessed`, held against what is chosen of `meant`:
  /// for calibration. index: of the noise.
  void rehearse(std::string_view drafter, const SamplingParams& sampling, std::int64_t index, std::int32_t token, const LogitRow& meant, const LogitRow& guessed);
  /// What was rehearsed so far counts as little, since real texts are others.
  void end_rehearsal() { calibration_.soften(); }
  /// A new text, or the same after an edit: its first `kept` tokens are those of the last call or of learn(). Before the first
  /// draft(), and when the prompt is complete.
  void begin(std::span<const std::int32_t> text, std::size_t kept);
  /// The answer will probably repeat this text with changes. After begin().
  void expect_copy_of(std::span<const std::int32_t> source);

  /// The tree of the coming pass, ready for it; perhaps the root alone. Valid until the next call. index: of the noise for the
  /// next token. max_rows: what the pass has room for, root included. rule: that the text is held to, as the walk will be; null: none. go_on: asked
  /// between passes of a draft model; false: nothing more is drafted.
  const DraftTree& draft(std::span<const std::int32_t> text, const SamplingParams& sampling, std::int64_t index, int max_rows,
                         const Load& load = {}, TokenRule* rule = nullptr, const std::function<bool()>& go_on = {});
  /// What the target thinks comes after a node that the walk stood at, as the sampler found it: in the tree's order.
  void observe(std::int32_t node, std::span<const Candidate> best);
  /// The row of any other node.
  void observe_aside(std::int32_t node, const LogitRow& logits);
  /// After the pass. text: with the chosen tokens, as the walk left it. seconds: of the pass alone; 0 if unknown.
  void learn(std::span<const std::int32_t> text, const VerifyResult& result, int rows, double seconds);

  const SpeculationStats& stats() const { return stats_; }
  std::span<const Member> drafters() const { return members_; }
  const Calibration& calibration() const { return calibration_; }
  std::int64_t bytes() const;

 private:
  void follow(std::span<const std::int32_t> text, std::size_t kept);
  void tell_best(std::int32_t node, bool walked, std::span<const Candidate> best);
  std::optional<std::uint8_t> number_of(std::string_view drafter) const;

  SpeculationLimits limits_;
  std::vector<Member> members_;
  std::function<double()> clock_;
  Calibration calibration_;
  Controller controller_;
  DraftTree tree_;
  SpeculationStats stats_;
  std::size_t followed_ = 0;  // tokens of the text that the drafters know
  bool wants_rows_ = false;
  int quiet_ = 0, rest_ = 0;    // steps in which nothing was drafted; that are to be left out
  bool rests_ = false;          // in this step
  int next_sampled_nodes_ = 0;  // in the modes of rejection: of the next tree, by this one's draws
  LargeLogits large_;
  std::vector<Candidate> best_;
};

}  // namespace foreword::engine
