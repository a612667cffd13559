#pragma once
// When to draft, whom to ask, and how many of the drafted nodes to compute. Decides by what is known before the pass; never by
// what the target says in it. Has no clock: times are told.

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/speculative/cost_model.h"
#include "engine/speculative/draft_tree.h"
#include "engine/speculative/verify.h"

namespace foreword::engine {

/// What runs in the same pass beside this text.
struct Load {
  int rows = 0;
  double value = 0;  // tokens that these rows are worth: 1 for a text's next token, .05 for a row of a prompt
  double back = 0;   // seconds that each row of this text takes, beside what rows cost, for what it looks back at
};

/// How many nodes to compute: the N that maximises
///   R(N) = (value of others + 1 + sum of the N largest reach) / (draft_seconds + T(rows of others + 1 + N) + (1 + N) back),
/// and 0 unless that beats R(0) by `worthwhile`. Of the N between two measured row counts only "all nodes" is looked at, since
/// costs may rise in steps. reach: falling, root apart. worth: what the sum for N nodes is multiplied with; none: 1.
struct Size {
  int nodes = 0;
  double rate = 0;  // expected tokens a second
};
inline constexpr double kWorthwhile = 1.05;
Size choose_size(const std::vector<float>& reach, const CostModel& cost, double draft_seconds, const Load& load,
                 const std::function<double(int)>& worth = {}, double worthwhile = kWorthwhile);

/// Seconds that asking a drafter takes: for a proposal of one level, and for each token of the text that it has to read first.
struct DraftPrice {
  double proposal = 0, token = 0;
};

/// Seconds that a proposal took: its first level, and all those that a draft model went through below it, which take less each, for its
/// weights lie near by then.
struct DraftSeconds {
  double first = 0, further = 0;
  int n_further = 0;
};

/// What is known of a drafter before it is asked.
struct Outlook {
  double chance = .5;  // of a token that it drafts
  double said = 0;     // that the text goes on as one of those says who were asked before, by their own chances
};

class Controller {
 public:
  /// least_nodes: of a tree of which a dear drafter was asked, as far as that many were drafted, whether they pay or not; and it is asked
  /// wherever what comes is open. Dear is what takes more than .2 % of a pass: a second model.
  explicit Controller(int n_drafters, int least_nodes = 0);

  CostModel& cost() { return cost_; }
  /// What a row more adds to a pass, in passes of one row; 0: not known.
  double row_share(const Load& load) const;
  const CostModel& cost() const { return cost_; }
  /// What a token is worth as things are, in passes of one row: at most 1.
  double token_share() const { return cost_.known() ? token_seconds() / plain() : 1; }
  /// What a further level of a drafter's tree takes, in passes of one row.
  double level_share(std::uint8_t drafter) const;
  /// What the second node of dear drafters' trees came to lately, in what it had promised; may be more than 1.
  double kept_share() const;

  /// What a drafter that was never asked is thought to take, so that it need not be asked to learn that it is too dear. Of others
  /// nothing is thought: they are asked once.
  void expect(std::uint8_t drafter, const DraftPrice& price);
  /// A step begins, before anybody is asked.
  void begin_step(const Load& load) { back_ = load.back; }
  /// The step's pass, of which so many rows were this text's, took so long: what they looked back at is no part of T(n).
  void passed(int rows, int own_rows, double seconds) {
    if (const double own = seconds - own_rows * back_; own > 0) cost_.observe(rows, own);
  }
  /// Another answer begins, or the text was changed: how many steps it will take is guessed from those before.
  void begin_answer();

  /// Whether to ask this drafter in the coming step, which has to read so many tokens first: always if that takes next to no time,
  /// else if what it found lately, or before the first time what one may hope for, is worth its time, and in the steps that are
  /// left also what it has to read, or where there is a least size of trees and what comes is open; judged apart where others have said what comes; every 32nd step to see whether that has changed, or more rarely if that takes long.
  bool wants(std::uint8_t drafter, const Outlook& outlook, std::int64_t backlog = 0) const;
  /// It has read so many tokens in so long.
  void caught_up(std::uint8_t drafter, std::int64_t tokens, double seconds);
  /// Asked, it took so long.
  void asked(std::uint8_t drafter, const DraftSeconds& took, const Outlook& outlook = {});
  /// Once a step, on the weighed tree, after asking. Without a known cost the answer is none.
  Size decide(const DraftTree& tree, const Load& load);
  /// What became of a tree that had rows: for each number of nodes up to its own, whether its best so many were worth what they
  /// promised. Chances that are right on the average can be wrong together, in a text that runs in circles above all.
  void learn(const DraftTree& tree, const VerifyResult& result);
  /// How many nodes are worth drafting in the coming step, at most `most`.
  int budget(int most) const;

 private:
  static constexpr double kUnknown = -1;
  struct Case {
    std::int64_t n_asked = 0;
    double found = 0, seconds = 0;  // tokens that its chosen nodes were worth a proposal, and what that took, averaged
    int steps_since = 0;
  };
  struct Known {
    DraftPrice price;         // averaged
    Case cases[2];            // where what comes is open, and where others have probably said it
    Case* asked_now = nullptr;
    double first = kUnknown, further = kUnknown;  // seconds of a level, averaged
    std::int64_t n_asked = 0;
    bool expected = false, has_read = false;
  };
  struct Promise {
    double made = 0, kept = 0;  // tokens; decayed with every step, so that what was given up is tried again
  };
  double open(const Outlook& outlook) const;
  double worth(std::size_t kind, int nodes) const;
  double hoped_gain(const Known& known, const Outlook& outlook) const;
  double plain() const { return cost_.seconds(1) + back_; }  // a pass of one row
  double token_seconds() const;
  void share_out(const DraftTree& tree, int nodes, float least_reach, const Load& load, std::vector<double>& found) const;

  int least_nodes_;
  CostModel cost_;
  double spent_ = 0, came_ = 0;  // seconds and tokens of the last steps, decayed
  std::vector<Known> drafters_;
  std::vector<Promise> promises_[2];  // of trees of which a dear drafter was asked, and of others; by number of nodes, from 1
  std::size_t kind_ = 1;              // of this step's tree
  double back_ = 0, draft_seconds_ = 0;  // of this step
  int last_size_ = 0;
  double steps_expected_, steps_of_answer_ = 0;
};

}  // namespace foreword::engine
