#include "engine/speculative/speculation.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "engine/base/check.h"
#include "engine/speculative/small_model.h"
#include "engine/speculative/top_tokens.h"

namespace foreword::engine {
namespace {

constexpr int kRehearsedGuesses = 4;

// After so many steps without a draft that came true one is left out each time, and one more for so many that were looked at in vain. Where
// a pass takes longer than that, nobody misses what looking takes: some 10 us, since what drafters and controller know is no longer in the
// processor's caches behind a pass.
constexpr int kQuiet = 8, kQuietMore = 2, kMostRest = 7;
constexpr int kCopyPatience = 12;  // more of them where a copy is expected, before its first draft that comes true
constexpr double kShortPass = .002;

/// A model whose logits behind the root are known.
class KnownRow final : public DraftModel {
 public:
  explicit KnownRow(const LogitRow& row) : row_(row) {}
  void follow(std::span<const std::int32_t>, std::size_t) override {}
  bool score(const DraftTree&, std::span<const std::int32_t> nodes, LogitWish, const Sink& sink) override {
    sink(nodes.front(), row_);
    return true;
  }
  std::int64_t bytes() const override { return 0; }

 private:
  const LogitRow& row_;
};

/// Asked between the levels of a draft model's tree: notes when the first one ended.
struct LevelClock {
  const std::function<double()>& now;
  const std::function<bool()>& go_on;
  int n_further = 0;
  double first_ended = 0;

  bool operator()() {
    if (go_on && !go_on()) return false;
    if (n_further++ == 0) first_ended = now();
    return true;
  }
};

/// That the token behind the root is one of those in the tree.
double said(const DraftTree& tree) {
  double sum = 0;
  for (std::size_t node = 1; node < tree.token.size(); ++node) sum += tree.parent[node] == 0 ? static_cast<double>(tree.chance[node]) : 0;
  return std::min(1.0, sum);
}

std::vector<float> trust_of(const std::vector<Speculation::Member>& members) {
  std::vector<float> trust;
  for (const auto& member : members) trust.push_back(member.row->trust);
  return trust;
}

}  // namespace

Result<std::vector<Speculation::Member>> Speculation::members(std::span<const std::string_view> names, const DrafterSetup& setup) {
  std::string known;
  for (const DrafterRow& row : drafter_rows()) known += std::string(known.empty() ? "" : ", ") + std::string(row.name);
  for (const std::string_view name : names) {
    if (name == "auto" || name == "off" || std::ranges::find(drafter_rows(), name, &DrafterRow::name) != drafter_rows().end()) continue;
    return Error{ErrorCode::invalid_argument, "There is no drafter \"" + std::string(name) + "\"; choose auto, off or some of " + known + "."};
  }
  const auto named = [&](std::string_view name) { return std::ranges::find(names, name) != names.end(); };
  std::vector<Member> chosen;
  for (const DrafterRow& row : drafter_rows()) {
    if (named("off") || ((!named("auto") || row.by_name_only) && !named(row.name))) continue;
    if (auto drafter = row.create(setup)) chosen.push_back({&row, std::move(drafter)});
  }
  return chosen;
}

Speculation::Speculation(SpeculationLimits limits, std::vector<Member> members, std::function<double()> clock)
    : limits_(limits), members_(std::move(members)), clock_(std::move(clock)), calibration_(trust_of(members_)),
      controller_(static_cast<int>(members_.size()), limits.least_nodes) {
  stats_.accepted.assign(members_.size(), 0);
  wants_rows_ = std::ranges::any_of(members_, [](const Member& member) { return member.row->wants_rows; });
}

std::optional<std::uint8_t> Speculation::number_of(std::string_view drafter) const {
  const auto member = std::ranges::find(members_, drafter, [](const Member& one) { return one.row->name; });
  if (member == members_.end()) return std::nullopt;
  return static_cast<std::uint8_t>(member - members_.begin());
}

void Speculation::expect(std::string_view drafter, const DraftPrice& price) {
  const auto self = number_of(drafter);
  if (!self) return;
  controller_.expect(*self, price);
}

void Speculation::rehearse(std::string_view drafter, const SamplingParams& sampling, std::int64_t index, std::int32_t token, const LogitRow& meant,
                           const LogitRow& guessed) {
  const auto self = number_of(drafter);
  if (!self) return;
  KnownRow model(guessed);
  DraftTree tree(token);
  SmallModel(model).propose({.mode = limits_.mode,
                             .temperature = sampling.greedy() ? 0 : sampling.temperature,
                             .seed = sampling.seed,
                             .index = index,
                             .max_nodes = kRehearsedGuesses,
                             .max_depth = 1,
                             .sampling = &sampling},
                            *self, calibration_, tree);
  tree.weigh();
  tree.trim(tree.n_drafted());
  Sampler sampler(sampling);
  std::vector<std::int32_t> text{token};
  Walk walk(tree, limits_.mode, sampler, {&text, index});
  walk.take(meant);
  calibration_.learn(tree, walk.result());
}

void Speculation::begin(std::span<const std::int32_t> text, std::size_t kept) {
  check(kept <= followed_ || quiet_ >= kQuiet, "a text is followed from where it was left, but where most steps are left out");
  controller_.begin_answer();
  follow(text, std::min(kept, followed_));
}

void Speculation::follow(std::span<const std::int32_t> text, std::size_t kept) {
  check(kept <= followed_ && kept <= text.size(), "a text is followed from where it was left");
  for (const Member& member : members_) member.drafter->follow(text, kept);
  followed_ = text.size();
}

void Speculation::expect_copy_of(std::span<const std::int32_t> source) {
  if (!source.empty()) quiet_ = -kCopyPatience, rest_ = 0;
  for (const Member& member : members_) member.drafter->expect_copy_of(source);
}

const DraftTree& Speculation::draft(std::span<const std::int32_t> text, const SamplingParams& sampling, std::int64_t index, int max_rows,
                                    const Load& load, TokenRule* rule, const std::function<bool()>& go_on) {
  check(!text.empty() && (text.size() == followed_ || quiet_ >= kQuiet), "what is drafted for has been followed, but where most steps are left out");
  tree_.clear(text.back());
  rests_ = rest_ > 0;
  if (rests_) {
    --rest_;
    return tree_;
  }
  if (text.size() != followed_) follow(text, followed_);
  controller_.begin_step(load);
  const bool samples = is_rejection(limits_.mode);
  DraftRules rules{.mode = limits_.mode,
                         .temperature = sampling.greedy() ? 0 : sampling.temperature,
                         .seed = sampling.seed,
                         .index = index,
                         .max_nodes = std::min(controller_.budget(limits_.max_nodes), max_rows - 1),
                         .least_nodes = std::min(limits_.least_nodes, max_rows - 1),
                         .max_depth = limits_.max_depth,
                         .sampling = &sampling,
                         .rule = rule};
  // Nodes have to be worth their rows, unless their number is told.
  if (limits_.least_nodes == 0) rules.min_reach = std::max(rules.min_reach, static_cast<float>(controller_.row_share(load)) / 4);
  LevelClock levels{clock_, go_on};
  rules.go_on = std::ref(levels);
  for (std::size_t i = 0; i < members_.size() && rules.max_nodes > 0; ++i) {
    if (members_[i].row->needs_rule && rule == nullptr) continue;
    const auto self = static_cast<std::uint8_t>(i);
    const std::int64_t backlog = members_[i].drafter->backlog();
    const Outlook outlook{calibration_.first_chance(self), said(tree_)};
    // Rejection needs to know what a child was drawn from: one drafter, and one that knows.
    if ((samples && (!members_[i].row->has_q || tree_.n_drafted() > 0)) || !controller_.wants(self, outlook, backlog) || (backlog > 0 && go_on && !go_on())) continue;
    const double child = std::min(1.0, outlook.chance * controller_.kept_share()) * controller_.token_share();
    rules.level = {static_cast<float>(controller_.level_share(self)), static_cast<float>(controller_.row_share(load)), static_cast<float>(child)};
    double start = clock_();
    if (backlog > 0) {
      members_[i].drafter->catch_up();
      const double ready = clock_();
      const std::int64_t left = members_[i].drafter->backlog();
      controller_.caught_up(self, backlog - left, ready - start);
      if (left > 0) continue;
      start = ready;
    }
    levels.n_further = 0;
    members_[i].drafter->propose(rules, self, calibration_, tree_);
    const double end = clock_(), first_end = levels.n_further > 0 ? levels.first_ended : end;
    controller_.asked(self, {first_end - start, end - first_end, levels.n_further}, outlook);
  }
  tree_.weigh();
  int nodes = controller_.decide(tree_, load).nodes;
  // A size that what was drawn decides would leave a node its row because of what was drawn below it, which is a sample of q no more then.
  if (samples) nodes = std::exchange(next_sampled_nodes_, nodes);
  tree_.trim(std::min(nodes, std::max(0, max_rows - 1)));
  return tree_;
}

void Speculation::observe(std::int32_t node, std::span<const Candidate> best) {
  if (!wants_rows_ || rests_) return;
  tell_best(node, true, best);
}

void Speculation::observe_aside(std::int32_t node, const LogitRow& logits) {
  if (!wants_rows_ || rests_) return;
  best_of_row(logits, kBestOfRow, large_, best_);
  tell_best(node, false, best_);
}

void Speculation::tell_best(std::int32_t node, bool walked, std::span<const Candidate> best) {
  for (const Member& member : members_) {
    if (member.row->wants_rows) member.drafter->observe(tree_.token[static_cast<std::size_t>(node)], walked, best);
  }
}

void Speculation::learn(std::span<const std::int32_t> text, const VerifyResult& result, int rows, double seconds) {
  ++stats_.passes;
  stats_.tokens += std::ssize(result.tokens);
  if (rests_) return;
  calibration_.learn(tree_, result);
  controller_.learn(tree_, result);
  controller_.passed(rows, tree_.size(), seconds);
  stats_.drafted += tree_.n_drafted();
  std::vector<std::uint8_t> on_path(tree_.token.size(), 0);
  for (std::size_t i = 1; i < result.path.size(); ++i) on_path[static_cast<std::size_t>(result.path[i])] = 1;
  for (const Claim& claim : tree_.claims) {
    const std::int32_t child = tree_.find(claim.parent, claim.token);
    if (child >= 0 && on_path[static_cast<std::size_t>(child)] != 0) ++stats_.accepted[claim.drafter];
  }
  const CostModel& cost = controller_.cost();
  quiet_ = result.path.size() > 1 || (cost.known() && cost.seconds(1) > kShortPass) ? 0 : quiet_ + 1;
  if (quiet_ >= kQuiet) rest_ = std::min(kMostRest, 1 + (quiet_ - kQuiet) / kQuietMore);
  else follow(text, followed_);
}

std::int64_t Speculation::bytes() const {
  std::int64_t bytes = 0;
  for (const Member& member : members_) bytes += member.drafter->bytes();
  return bytes;
}

}  // namespace foreword::engine
