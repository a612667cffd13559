#pragma once
// Greedy growth of a draft (after DySpec; Xiong et al. 2024): of all children that could be added, always the one that the
// text will most probably go through. For any source that can list guesses for a node; how children are chosen from the list
// follows from the mode of verification.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/speculative/calibration.h"
#include "engine/speculative/draft_tree.h"
#include "engine/speculative/verify.h"

namespace foreword::engine {

class TokenRule;

struct Guess {
  std::int32_t token;
  float p;  // > 0; the guesses of a node need not sum to 1
};

/// What looking below some nodes costs a draft model, and what comes of it, in passes of the target.
struct LevelPrice {
  float pass = .1F;   // of the draft model
  float row = 0;      // another one in the target's pass
  float child = .5F;  // what the best child of a node that is reached is worth
  float surplus(float reach) const { return reach * child - row; }
};

/// What all growing in one step has in common.
struct DraftRules {
  VerifyMode mode = VerifyMode::gumbel;
  float temperature = 0;   // of the choice; 0: there is no noise
  std::uint64_t seed = 0;  // of the choice
  std::int64_t index = 0;  // of the choice after the root
  int max_nodes = 0;       // without the root
  int least_nodes = 0;     // likewise: a draft model goes on until so many are worth a row, whatever a level costs, and lesser ones fill up
  int max_depth = 16;
  float min_reach = 1e-3F;  // children that are reached less often are not added
  const SamplingParams* sampling = nullptr;  // all steps of the choice, for drafters that have logits
  TokenRule* rule = nullptr;                 // that the text is held to; null: none
  LevelPrice level = {};
  std::function<bool()> go_on = {};  // asked before each pass of a draft model but the first; none: it goes on

  bool noisy() const { return temperature > 0; }
  bool goes_on() const { return !go_on || go_on(); }
};

/// A child that a node could have.
struct Child {
  std::int32_t token;
  float chance;  // calibrated
  std::uint8_t cell;
};

/// At most kMost of them, in place: they are chosen several times a step.
class Children {
 public:
  static constexpr int kMost = 8;
  void add(const Child& child) { children_[n_++] = child; }
  const Child* begin() const { return children_.data(); }
  const Child* end() const { return children_.data() + n_; }
  std::size_t size() const { return n_; }
  const Child& operator[](std::size_t i) const { return children_[i]; }

 private:
  std::array<Child, kMost> children_{};
  std::size_t n_ = 0;
};

/// Chooses among the guesses for a node's next token, at most `n` (up to Children::kMost), as the mode demands: by log p + noise, by p, or drawn;
/// drawn ones are noted in the tree with their distribution. guesses: distinct tokens, with p as at this temperature; they
/// come back normalised. Best first, or in the order of drawing, each token once.
Children choose_children(DraftTree& tree, std::int32_t node, std::vector<Guess>& guesses, int n,
                                   const DraftRules& rules, std::uint8_t drafter, const Calibration& calibration);
/// The kind and the claim that go with such a child.
std::int32_t add_child(DraftTree& tree, std::int32_t node, const Child& child, const DraftRules& rules, std::uint8_t drafter);

/// Turns probabilities of temperature 1 into those of this temperature; at 0 they stay, as there only their order counts.
void temper(std::vector<Guess>& guesses, float temperature);

/// Fills `guesses` (empty before) for the token after `node`; none ends the path.
using GuessSource = std::function<void(const DraftTree& tree, std::int32_t node, std::vector<Guess>& guesses)>;

/// Adds at most rules.max_nodes nodes, of what others added before the ones that it guesses too included. Looks below nodes that are
/// reached more often than half of what a row costs.
void grow(DraftTree& tree, const GuessSource& source, const DraftRules& rules, std::uint8_t drafter,
          const Calibration& calibration);

}  // namespace foreword::engine
