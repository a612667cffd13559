#include "engine/speculative/controller.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace foreword::engine {
namespace {

constexpr double kFree = .002;   // share of a pass that nobody misses
constexpr int kProbeEvery = 32;  // steps, at least
constexpr double kProbeShare = .01;  // of the time, at most, goes to looking again
constexpr double kAlike = 4;     // prices that do not differ
constexpr double kMargin = 1.1;  // what a drafter finds has to be worth its time so many times, since it is only expected
constexpr double kReadingMargin = 2;  // likewise what it has to read, for answers end earlier than expected
constexpr double kRate = .2;  // of the averages
constexpr double kUnknownLevel = .3;  // passes
constexpr int kHopedDepth = 8;
constexpr double kOpen = .5;  // below, others have probably said what comes
constexpr std::size_t kDear = 0, kCheap = 1;  // kinds of trees
constexpr double kMemory = .98;  // of promises, a step
constexpr double kDoubt = 3;     // tokens that were promised before the first, of which
constexpr double kHope[] = {.85, .75};  // this share was kept
constexpr double kMostSaid = 3;         // tokens that a pass counts as at most: those of one chain stand and fall together
constexpr double kBySmaller = .7;       // of what smaller ones keep above that is hoped of larger ones
constexpr double kWorthwhileOf[] = {kWorthwhile, 1.08};  // of them: what is dear has been asked because it pays

// The first ones count alike.
double rate_of(std::int64_t n) { return std::max(kRate, 1.0 / static_cast<double>(n)); }

double pass_seconds(const CostModel& cost, const Load& load, int nodes) { return cost.seconds(load.rows + 1 + nodes) + (1 + nodes) * load.back; }

}  // namespace

Size choose_size(const std::vector<float>& reach, const CostModel& cost, double draft_seconds, const Load& load,
                 const std::function<double(int)>& worth, double worthwhile) {
  const auto rate = [&](double tokens, int nodes) {
    return (load.value + 1 + tokens) / (draft_seconds + pass_seconds(cost, load, nodes));
  };
  const Size none{0, rate(0, 0)};
  Size best = none;
  double sum = 0;
  const int most = std::min(static_cast<int>(reach.size()), std::max(0, cost.max_rows() - load.rows - 1));
  for (int n = 1; n <= most; ++n) {
    sum += static_cast<double>(reach[static_cast<std::size_t>(n) - 1]);
    if (!cost.measured(load.rows + 1 + n) && n < most) continue;
    if (const double r = rate(worth ? sum * worth(n) : sum, n); r > best.rate) best = {n, r};
  }
  return best.rate > worthwhile * none.rate ? best : none;
}

Controller::Controller(int n_drafters, int least_nodes)
    : least_nodes_(least_nodes), drafters_(static_cast<std::size_t>(n_drafters)), steps_expected_(kProbeEvery) {}

void Controller::expect(std::uint8_t drafter, const DraftPrice& price) {
  drafters_[drafter].price = price;
  drafters_[drafter].first = drafters_[drafter].further = price.proposal;
  drafters_[drafter].expected = true;
}

void Controller::begin_answer() {
  if (steps_of_answer_ > 0) steps_expected_ += kRate * (steps_of_answer_ - steps_expected_);
  steps_of_answer_ = 0;
}

bool Controller::wants(std::uint8_t drafter, const Outlook& outlook, std::int64_t backlog) const {
  const Known& known = drafters_[drafter];
  if (!cost_.known() || (known.n_asked == 0 && !known.expected)) return true;
  const Case& here = known.cases[open(outlook) > kOpen ? 0 : 1];
  const double plain = this->plain();  // what a token costs
  const double reading = known.price.token * static_cast<double>(backlog), whole = known.price.proposal + reading;
  if (whole <= kFree * plain || here.steps_since + 1 >= std::max<double>(kProbeEvery, whole / (kProbeShare * plain))) return true;
  if (least_nodes_ > 0 && open(outlook) > kOpen) return true;
  double gain = here.n_asked > 0 ? here.found * token_seconds() - kMargin * here.seconds : 0;
  gain = std::max(gain, hoped_gain(known, outlook));
  return gain > 0 && gain * std::max(steps_expected_, steps_of_answer_) >= kReadingMargin * reading;
}

// Seconds that chains of the best length save a step. A first level takes more than a further one; as much as that is brought by what is
// not hoped for here, second guesses and sure tokens behind sure ones.
double Controller::hoped_gain(const Known& known, const Outlook& outlook) const {
  const double level = known.further != kUnknown ? known.further : known.first;
  double best = 0, reach = open(outlook), tokens = 0;
  for (int n = 1; n <= std::min(kHopedDepth, cost_.max_rows() - 1); ++n) {
    tokens += reach *= outlook.chance;
    best = std::max(best, tokens * token_seconds() - (cost_.seconds(1 + n) - cost_.seconds(1)) - n * (back_ + level));
  }
  return best > (kWorthwhile - 1) * plain() ? best : 0;  // less would not be taken
}

// What a token takes as things are, and so is worth: a pass, or less where drafts are right. Whoever finds tokens for less makes them come faster.
double Controller::token_seconds() const {
  const double plain = this->plain();
  return std::min(plain, (spent_ + kDoubt * plain) / (came_ + kDoubt));
}

void Controller::caught_up(std::uint8_t drafter, std::int64_t tokens, double seconds) {
  Known& known = drafters_[drafter];
  const double found = seconds / static_cast<double>(std::max<std::int64_t>(1, tokens));
  known.price.token = known.has_read || known.expected ? known.price.token + kRate * (found - known.price.token) : found;
  known.has_read = true;
}

void Controller::asked(std::uint8_t drafter, const DraftSeconds& took, const Outlook& outlook) {
  Known& known = drafters_[drafter];
  const double seconds = took.first + took.further;
  const auto average = [](double& of, double found) { of = of == kUnknown ? found : of + kRate * (found - of); };
  average(known.first, took.first);
  if (took.n_further > 0) average(known.further, took.further / took.n_further);
  Case& here = known.cases[open(outlook) > kOpen ? 0 : 1];
  ++here.n_asked;
  here.seconds += rate_of(here.n_asked) * (seconds - here.seconds);
  ++known.n_asked;
  known.price.proposal = known.n_asked > 1 ? known.price.proposal + rate_of(known.n_asked) * (seconds - known.price.proposal) : seconds;  // what was expected is of one level
  known.asked_now = &here;
  draft_seconds_ += seconds;
}

Size Controller::decide(const DraftTree& tree, const Load& load) {
  Size size;
  std::vector<double> found(drafters_.size(), 0.0);
  const auto is_dear = [&](const Known& known) { return known.asked_now != nullptr && cost_.known() && known.price.proposal > kFree * plain(); };
  kind_ = std::ranges::any_of(drafters_, is_dear) ? kDear : kCheap;
  if (cost_.known() && tree.n_drafted() > 0) {
    std::vector<float> reach(tree.reach.begin() + 1, tree.reach.end());
    std::ranges::sort(reach, std::greater());
    size = choose_size(reach, cost_, draft_seconds_, load, [this](int nodes) { return worth(kind_, nodes); }, kWorthwhileOf[kind_]);
    if (kind_ == kDear) size.nodes = std::max(size.nodes, std::min({least_nodes_, tree.n_drafted(), cost_.max_rows() - load.rows - 1}));
    if (size.nodes > 0) share_out(tree, size.nodes, reach[static_cast<std::size_t>(size.nodes) - 1], load, found);
  }
  for (std::size_t i = 0; i < drafters_.size(); ++i) {
    Known& known = drafters_[i];
    for (Case& one : known.cases) ++one.steps_since;
    if (known.asked_now != nullptr) {
      known.asked_now->found += rate_of(known.asked_now->n_asked) * (found[i] - known.asked_now->found);
      known.asked_now->steps_since = 0;
    }
    known.asked_now = nullptr;
  }
  if (cost_.known()) {
    spent_ = kMemory * spent_ + draft_seconds_ + pass_seconds(cost_, load, size.nodes) - pass_seconds(cost_, load, 0) + plain();
  }
  draft_seconds_ = 0;
  ++steps_of_answer_;
  last_size_ = size.nodes;
  return size;
}

// What the chosen nodes are worth in tokens, that they are reached less what their rows cost, to those who named them; of equal
// reach all of them.
void Controller::share_out(const DraftTree& tree, int nodes, float least_reach, const Load& load, std::vector<double>& found) const {
  const double promise = worth(kind_, nodes), row = (pass_seconds(cost_, load, nodes) / pass_seconds(cost_, load, 0) - 1) / nodes;
  std::vector<int> claimants(tree.token.size(), 0);
  const auto child_of = [&](const Claim& claim) { return static_cast<std::size_t>(tree.find(claim.parent, claim.token)); };
  // Without the dear ones what the cheap ones name would be there too.
  std::vector<double> least_price(tree.token.size(), std::numeric_limits<double>::infinity());
  const auto price_of = [&](const Claim& claim) { return std::max(kFree * plain(), drafters_[claim.drafter].price.proposal); };
  for (const Claim& claim : tree.claims) least_price[child_of(claim)] = std::min(least_price[child_of(claim)], price_of(claim));
  const auto earns = [&](const Claim& claim) { return price_of(claim) <= kAlike * least_price[child_of(claim)]; };
  for (const Claim& claim : tree.claims) claimants[child_of(claim)] += earns(claim) ? 1 : 0;
  for (const Claim& claim : tree.claims) {
    const std::size_t child = child_of(claim);
    if (earns(claim) && tree.reach[child] >= least_reach) found[claim.drafter] += (promise * static_cast<double>(tree.reach[child]) - row) / claimants[child];
  }
}

double Controller::level_share(std::uint8_t drafter) const {
  const double level = drafters_[drafter].further;
  return cost_.known() && level != kUnknown ? level / plain() : kUnknownLevel;
}

double Controller::row_share(const Load& load) const {
  constexpr int kRows = 4;  // steps between few of them are too small to be told
  if (!cost_.known()) return 0;
  return (pass_seconds(cost_, load, kRows) - pass_seconds(cost_, load, 0)) / kRows / (cost_.seconds(1) + load.back);
}

// What others say, as far as it was true lately.
double Controller::open(const Outlook& outlook) const { return 1 - std::min(1.0, outlook.said * worth(kCheap, 1)); }

double Controller::worth(std::size_t kind, int nodes) const {
  const std::vector<Promise>& promises = promises_[kind];
  const auto of = [](const Promise& promise, double hope) { return (promise.kept + hope * kDoubt) / (promise.made + kDoubt); };
  const std::size_t n = std::min(static_cast<std::size_t>(std::max(0, nodes)), promises.size());
  double most = kHope[kind];
  for (std::size_t i = 0; i + 1 < n; ++i) most = std::max(most, of(promises[i], kHope[kind]));
  const double hope = kHope[kind] + kBySmaller * (most - kHope[kind]);
  return n == 0 ? kHope[kind] : of(promises[n - 1], hope);
}

// What two kept, less what one did.
double Controller::kept_share() const { return std::max(0.0, 2 * worth(kDear, 2) - worth(kDear, 1)); }

void Controller::learn(const DraftTree& tree, const VerifyResult& result) {
  came_ = kMemory * came_ + static_cast<double>(result.tokens.size());
  for (std::vector<Promise>& promises : promises_) {
    for (Promise& promise : promises) promise = {kMemory * promise.made, kMemory * promise.kept};
  }
  const auto n = static_cast<std::size_t>(tree.n_drafted());
  if (n == 0) return;
  std::vector<Promise>& promises = promises_[kind_];
  promises.resize(std::max(promises.size(), n));
  std::vector<std::uint8_t> on_path(tree.token.size(), 0);
  for (const std::int32_t node : result.path) on_path[static_cast<std::size_t>(node)] = 1;
  std::vector<std::size_t> best(n);
  std::iota(best.begin(), best.end(), std::size_t{1});
  std::ranges::stable_sort(best, std::greater(), [&](std::size_t node) { return tree.reach[node]; });
  double made = 0, kept = 0;
  for (std::size_t i = 0; i < n; ++i) {
    made += static_cast<double>(tree.reach[best[i]]);
    kept += on_path[best[i]];
    const double weight = made > kMostSaid ? kMostSaid / made : 1;
    promises[i].made += weight * made;
    promises[i].kept += weight * kept;
  }
}

int Controller::budget(int most) const {
  if (!cost_.known()) return 0;
  return std::clamp(2 * last_size_ + 8, 0, std::min(most, cost_.max_rows() - 1));
}

}  // namespace foreword::engine
