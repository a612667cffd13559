// What drafts bring by count, on machines whose passes take told times: tokens a pass and the time of plain decoding over that with
// drafts. No clock is read, so the machine that counts and what else it does make no difference.
//
//   bench_draft_counts MODEL.gguf SIBLING.gguf

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "engine/answer_writer.h"
#include "engine/loaded_model.h"
#include "engine/rehearsal.h"
#include "engine/second_model.h"
#include "engine/speculative/speculation.h"
#include "tests/bench/drafts_requests.h"

namespace foreword::engine {
namespace {

using Costs = std::vector<std::pair<int, double>>;
/// What a drafting model takes, in passes of one row of the other: the first level of a tree, when its weights have left the nearest caches
/// behind a pass, one below it, and a token that it reads.
struct SiblingCost {
  double first, further, reading;
};
/// In passes of one row: what a pass of n rows takes, measured in between, and the sibling.
struct Machine {
  const char* name;
  Costs rows;
  SiblingCost sibling;
  int insists = 0;             // on trees of so many nodes, whatever they cost: the controller is told that all is free
  const char* only = nullptr;  // kind of request
};
// The built-in model: .30 ms.
const Costs kTwoCores{{1, 1}, {2, 1.12}, {3, 1.31}, {4, 1.5}, {6, 1.92}, {8, 2.33}, {12, 3.22}, {16, 4.16}, {24, 6}, {32, 7.8}, {64, 15}};
constexpr SiblingCost kSibling{.15, .15, .0225};
// The same on an Intel Xeon (Granite Rapids), not in a loop but as answers were written: .575 ms.
const Costs kOtherCores{{1, 1}, {2, 1.2}, {3, 1.4}, {4, 1.58}, {6, 2}, {8, 2.4}, {12, 3.3}, {16, 4}, {24, 6}, {32, 7.6}, {64, 14.4}};
constexpr SiblingCost kOtherSibling{.25, .18, .045};
// The same on an AMD EPYC (Zen 3), which has AVX2 alone: .75 ms.
const Costs kOlderCores{{1, 1}, {2, 1.4}, {3, 1.75}, {4, 2.09}, {6, 2.82}, {8, 3.42}, {12, 5}, {16, 6.5}, {24, 9.7}, {32, 12.8}, {64, 25.4}};
constexpr SiblingCost kOlderSibling{.22, .18, .08};
const Machine kMachines[] = {
    {"two cores", kTwoCores, kSibling},
    {"two other cores", kOtherCores, kOtherSibling},
    {"two older cores", kOlderCores, kOlderSibling},
    {"rows are free", {{1, 1}, {64, 1.0001}}, {.1, .1, .015}},
    {"two cores, 1 drafted", kTwoCores, kSibling, 1, "chat"},
    {"two cores, 2 drafted", kTwoCores, kSibling, 2, "chat"},
    {"two cores, 4 drafted", kTwoCores, kSibling, 4, "chat"},
    {"two cores, 8 drafted", kTwoCores, kSibling, 8, "chat"},
    {"two cores, 12 drafted", kTwoCores, kSibling, 12, "chat"},
};

/// A second model whose passes take a told time.
class Timed : public DraftModel {
 public:
  Timed(DraftModel& model, const SiblingCost& cost, double& now) : model_(model), cost_(cost), now_(now) {}
  void follow(std::span<const std::int32_t> text, std::size_t kept) override { model_.follow(text, kept); }
  std::int64_t backlog() const override { return model_.backlog(); }
  void catch_up() override {
    const std::int64_t before = backlog();
    model_.catch_up();
    now_ += cost_.reading * static_cast<double>(before - backlog());
  }
  bool score(const DraftTree& tree, std::span<const std::int32_t> nodes, LogitWish wish, const Sink& sink) override {
    now_ += nodes.front() > 0 ? cost_.further : cost_.first;
    return model_.score(tree, nodes, wish, sink);
  }
  std::int64_t bytes() const override { return 0; }

 private:
  DraftModel& model_;
  SiblingCost cost_;
  double& now_;
};

struct Counts {
  double tokens = 0, passes = 0;
};

void or_exit(bool fine, const char* what) {
  if (fine) return;
  std::fprintf(stderr, "%s\n", what);
  std::exit(1);
}

class Writer {
 public:
  Writer(LoadedModel& model, SecondModel& sibling, const Machine& machine, bool with_sibling, int draft_min)
      : model_(model), sibling_(sibling, machine.sibling, now_) {
    const std::vector<std::string_view> names{"auto"};
    auto members = Speculation::members(names, {static_cast<std::int32_t>(model.tokenizer()->size()), with_sibling ? &sibling_ : nullptr, nullptr});
    believes_ = machine.insists == 0;
    speculation_ = std::make_unique<Speculation>(SpeculationLimits{.least_nodes = draft_min}, std::move(*members), [this] { return believes_ ? now_ : 0; });
    for (const auto& [n, seconds] : believes_ ? machine.rows : Costs{{1, 1}, {machine.insists + 1, 1.0001}}) speculation_->cost().measure(n, seconds);
    for (const auto& [n, seconds] : machine.rows) cost_.measure(n, seconds);
    if (believes_ && with_sibling) or_exit(rehearse(model, sibling, 1e9, *speculation_).has_value(), "rehearsing failed");
    speculation_->expect("model", believes_ ? DraftPrice{machine.sibling.further, machine.sibling.reading} : DraftPrice{});
  }

  void write(const Kind& kind, const std::string& prompt, const SamplingParams& sampling, int max_tokens, Counts& counts) {
    Generate request;
    if (kind.chat) request.prompt = std::vector<ChatMessage>{{Role::user, prompt, {}}};
    else request.prompt = prompt;
    std::vector<TokenId> text = std::move(encode_prompt(model_, request.prompt, {}, std::tm{})->tokens);
    const Tokenizer& tokenizer = *model_.tokenizer();
    const auto end = static_cast<std::int64_t>(text.size()) + max_tokens;
    const SequenceId sequence = model_.cache().add_sequence();
    or_exit(model_.read(sequence, std::span(text).first(text.size() - 1), [](std::int64_t) { return false; }, [](std::int64_t, std::span<const float>) {}).has_value(), "reading failed");
    Sampler sampler(sampling);
    const std::size_t n_prompt = text.size();
    bool first = true, begun = false, done = false;
    while (!done && std::ssize(text) < end) {
      DraftTree alone(text.back());
      const DraftTree* tree = &alone;
      if (!first) {
        auto kept = static_cast<std::size_t>(std::ranges::mismatch(followed_, text).in1 - followed_.begin());
        if (!begun) {
          const auto shown = std::span(text).first(n_prompt);
          speculation_->begin(shown, std::min(kept, n_prompt));
          speculation_->expect_copy_of(tokenizer.encode(text_to_edit(request), {}));
          kept = n_prompt;
          begun = true;
        }
        if (followed_ != text) speculation_->begin(text, kept);
        tree = &speculation_->draft(text, sampling, std::ssize(text), static_cast<int>(std::min<std::int64_t>(64, model_.cache().n_steady(sequence))));
      }
      Batch batch;
      for (std::size_t node = 0; node < tree->token.size(); ++node) batch.add(tree->token[node], sequence, tree->parent[node], true);
      Walk walk(*tree, VerifyMode::gumbel, sampler, {&text, std::ssize(text), tokenizer.suppressed(), [&](TokenId token) { return tokenizer.is_end_of_generation(token); }});
      or_exit(model_.forward().run(batch, [&](std::int64_t row, std::span<const float> logits) {
        const auto named = logits.first(std::min(logits.size(), static_cast<std::size_t>(tokenizer.size())));
        const auto node = static_cast<std::int32_t>(row);
        if (walk.wants(node)) {
          walk.take(named);
          if (!first) speculation_->observe(node, sampler.best());
        } else if (!first) {
          speculation_->observe_aside(node, named);
        }
      }).has_value(), "a pass failed");
      const VerifyResult chosen = walk.result();
      or_exit(model_.cache().accept(sequence, chosen.path).has_value(), "accepting failed");
      if (!first) {
        const double seconds = cost_.seconds(static_cast<int>(batch.size()));
        now_ += seconds;
        speculation_->learn(text, chosen, static_cast<int>(batch.size()), believes_ ? seconds : 0);
        counts.tokens += static_cast<double>(chosen.tokens.size());
        counts.passes += 1;
        followed_ = text;
      }
      first = false;
      done = std::ranges::any_of(chosen.tokens, [&](TokenId token) { return tokenizer.is_end_of_generation(token); });
    }
    model_.cache().remove_sequence(sequence);
  }
  double now() const { return now_; }

 private:
  LoadedModel& model_;
  double now_ = 0;
  bool believes_ = true;  // in the costs
  Timed sibling_;
  CostModel cost_;
  std::unique_ptr<Speculation> speculation_;
  std::vector<TokenId> followed_;
};

}  // namespace
}  // namespace foreword::engine

int main(int argc, char** argv) {
  using namespace foreword::engine;
  if (argc < 3) {
    std::fprintf(stderr, "bench_draft_counts MODEL.gguf SIBLING.gguf\n");
    return 2;
  }
  auto model = LoadedModel::open(argv[1], {});
  if (!model) return 1;
  std::printf("| machine | | T | tokens a pass: auto | with sibling | 2 at least | times plain: auto | with sibling | 2 at least |\n|---|---|---|---|---|---|---|---|---|\n");
  for (const Machine& machine : kMachines) {
    for (const Kind& kind : kinds()) {
      if (machine.only != nullptr && std::string_view(machine.only) != kind.name) continue;
      for (const float temperature : {0.0F, .8F}) {
        constexpr std::pair<bool, int> kSettings[] = {{false, 0}, {true, 0}, {true, 2}};  // with sibling; --draft-min
        std::vector<double> tokens, times;
        for (const auto& [with_sibling, draft_min] : kSettings) {
          auto sibling = SecondModel::open(argv[2], {}, **model);
          if (!sibling) return 1;
          Writer writer(**model, **sibling, machine, with_sibling, machine.insists > 0 ? 0 : draft_min);
          Counts counts;
          for (std::size_t p = 0; p < kind.prompts.size(); ++p) {
            SamplingParams sampling;
            sampling.temperature = temperature;
            sampling.seed = p + 1;
            writer.write(kind, kind.prompts[p], sampling, 120, counts);
          }
          tokens.push_back(counts.tokens / counts.passes);
          times.push_back(counts.tokens / writer.now());
        }
        std::printf("| %s | %s | %.1f |", machine.name, kind.name, static_cast<double>(temperature));
        for (const double each : tokens) std::printf(" %.2f |", each);
        for (const double each : times) std::printf(" %.3f |", each);
        std::printf("\n");
        std::fflush(stdout);
      }
    }
  }
}
