// Equality: whatever drafts, the text is the one that plain decoding writes, through the engine's own writer, cache and kernels.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <random>
#include <set>

#include "engine/answer_writer.h"
#include "engine/drafting.h"
#include "engine/grammar/gbnf.h"
#include "engine/scheduler.h"
#include "engine/second_model.h"
#include "gpu/registry.h"
#include "tests/session/models.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

/// FOREWORD_CASES raises the number of cases for the full suite.
int n_cases(int standard) {
  const char* wanted = std::getenv("FOREWORD_CASES");
  return wanted != nullptr ? std::atoi(wanted) : standard;
}

/// Forms of answers: few words, many, one that forces most of its text, and one that never ends.
constexpr std::string_view kForms[] = {
    "root ::= \" \"? (\"big\" | \"little\" | \"very \"+ \"old\") \" \" [a-z]{3,12} \".\"",
    "root ::= \" \"? word (\" \" word){4,30} [.!?]\nword ::= [A-Za-z]+ \",\"?",
    "root ::= \"{\\\"name of the animal\\\": \\\"\" [A-Za-z ]{1,20} \"\\\", \\\"number of its legs\\\": \" [0-9]{1,2} \", \\\"what it likes\\\": [\" word (\", \" word){0,2} \"]}\"\nword ::= \"\\\"\" [a-z]{2,9} \"\\\"\"",
    "root ::= (\" \"? [^\\n.] [^\\n.]{9,60} \".\" \"\\n\"?)+ \"THE END\"",
};

/// Whether it is a text of the form, or the beginning of one.
bool has_form(const std::shared_ptr<const Grammar>& form, std::string_view text, bool whole) {
  Matcher matcher(form);
  const Matcher::State end = matcher.next(matcher.start(), text);
  return whole ? matcher.may_end(end) : end != Matcher::kDead;
}

/// Knows what the plain text goes on with, and does with it what its kind says.
class Scripted : public Drafter {
 public:
  enum class Kind { oracle, always_wrong, random };
  Scripted(Kind kind, const std::vector<TokenId>& plain, std::int32_t n_vocab, unsigned seed)
      : kind_(kind), plain_(&plain), n_vocab_(n_vocab), random_(seed) {}

  void follow(std::span<const std::int32_t> text, std::size_t) override { length_ = text.size(); }
  void propose(const DraftRules& rules, std::uint8_t self, const Calibration&, DraftTree& tree) override {
    std::int32_t node = 0;
    for (int i = 0; i < rules.max_nodes; ++i) {
      const std::size_t at = length_ + static_cast<std::size_t>(kind_ == Kind::random ? 0 : i);
      TokenId token = static_cast<TokenId>(random_() % static_cast<unsigned>(n_vocab_));
      if (kind_ == Kind::oracle) {
        if (at >= plain_->size() || i >= rules.max_depth) return;
        token = (*plain_)[at];
      } else if (kind_ == Kind::always_wrong && at < plain_->size() && token == (*plain_)[at]) {
        token = (token + 1) % n_vocab_;
      }
      const std::int32_t child = tree.add(node, token, 0.9F, Draw::deterministic, {node, token, self, 0});
      // The random one grows bushes; every now and then with the right token in them.
      if (kind_ != Kind::random) node = child;
      else node = static_cast<std::int32_t>(random_() % static_cast<unsigned>(tree.size()));
      if (kind_ == Kind::random && random_() % 4 == 0 && length_ < plain_->size()) tree.add(0, (*plain_)[length_], 0.9F, Draw::deterministic, {0, (*plain_)[length_], self, 0});
    }
  }
  std::int64_t bytes() const override { return 0; }

 private:
  Kind kind_;
  const std::vector<TokenId>* plain_;
  std::int32_t n_vocab_;
  std::mt19937 random_;
  std::size_t length_ = 0;
};

constexpr DrafterRow kScripted{"scripted", "", "", 1.0F, false, false, nullptr};

class SpeculationEquality : public testing::Test {
 protected:
  void SetUp() override {
    const auto there = gpu::open_device(test::device(), {});
    if (!there) GTEST_SKIP() << there.error().message;
  }

  struct Written {
    std::vector<TokenId> ids;
    std::string text;
    GenerationStats stats;
    std::vector<TokenId> prompt;
    std::vector<std::int32_t> pools;  // where its pages lie: what has closed
  };

  static std::unique_ptr<LoadedModel> open(const std::filesystem::path& path, gpu::KvEncoding kv) {
    ModelOptions options;
    options.device = test::device();
    options.context = 512;
    options.n_threads = 2;
    options.kv = kv;
    return std::move(LoadedModel::open(path, options)).value();
  }

  /// Passes of any size cost the same here, so that trees are as large as they may be.
  static Drafting drafting_of(std::vector<Speculation::Member> members, SpeculationLimits limits) {
    Drafting drafting{.speculation = Speculation(limits, std::move(members), [] { return 0.0; })};
    for (const int n : CostModel::row_counts(64)) drafting.speculation.cost().measure(n, 1.0);
    return drafting;
  }

  static Written write(LoadedModel& model, const Generate& request, Drafting* drafting, int stop_after = -1) {
    Written written;
    AnswerWriter writer(model, request, std::chrono::steady_clock::now(), [&](Event event) {
      if (auto* piece = std::get_if<TextPiece>(&event)) {
        written.text += piece->text;
        written.ids.insert(written.ids.end(), piece->ids.begin(), piece->ids.end());
      } else if (auto* done = std::get_if<GenerationDone>(&event)) {
        written.stats = done->stats;
      }
    });
    EXPECT_TRUE(writer.encode({}));
    writer.open(nullptr);
    writer.draft_with(drafting);
    Scheduler scheduler(model.forward());
    Work* works[] = {&writer};
    for (int passes = 0; !writer.done();) {
      EXPECT_TRUE(scheduler.step(works, {}));
      if (!writer.done() && !written.ids.empty() && stop_after >= 0 && ++passes > stop_after) writer.stop();
    }
    const PrefixTree::Text& known = model.texts().texts().back();
    EXPECT_EQ(std::ssize(known.tokens), model.cache().length(known.sequence));
    for (const std::int32_t block : model.cache().blocks(known.sequence)) written.pools.push_back(gpu::pool_of(block));
    written.prompt = encode_prompt(model, request.prompt, request.answer_so_far, {}).value().tokens;
    std::vector<TokenId> whole = written.prompt;
    whole.insert(whole.end(), written.ids.begin(), written.ids.end());
    EXPECT_TRUE(std::equal(known.tokens.begin(), known.tokens.end(), whole.begin())) << "the cache holds what was written";
    return written;
  }

  /// Logits behind the last token of what the cache knows of a text, and of the same text read anew: the same bits.
  static void expect_same_cache(LoadedModel& model, LoadedModel& other, const Written& written) {
    std::vector<TokenId> whole = written.prompt;
    whole.insert(whole.end(), written.ids.begin(), written.ids.end());
    PrefixTree::Text& known = model.texts().open(std::span(whole).first(whole.size() - 1), 0);
    const TextInUse in_use(model.texts(), known);
    const auto kept = last_row(model, known.sequence, std::span(whole).subspan(known.tokens.size()));
    known.tokens = whole;
    const SequenceId fresh = other.cache().add_sequence();
    const auto anew = last_row(other, fresh, whole);
    other.cache().remove_sequence(fresh);
    ASSERT_EQ(kept.size(), anew.size());
    EXPECT_EQ(std::memcmp(kept.data(), anew.data(), kept.size() * sizeof(float)), 0);
  }

  void run(const std::filesystem::path& path, const std::filesystem::path& small, gpu::KvEncoding kv, int cases) {
    const auto model = open(path, kv);
    const auto plain_model = open(path, kv);
    std::unique_ptr<SecondModel> second;
    ModelOptions of_second;
    of_second.device = test::device();
    if (!small.empty()) second = std::move(SecondModel::open(small, of_second, *model)).value();
    const auto n_vocab = static_cast<std::int32_t>(model->tokenizer()->size());
    const unsigned seed = 20261125;
    std::mt19937 random(seed);
    std::int64_t tokens = 0, passes = 0;
    for (int i = 0; i < cases; ++i) {
      constexpr const char* kPrompts[] = {"Once upon a time there was a", "The", "Tim and Sue went to the park. Tim and Sue saw a",
                                          "Thank you for your letter. I am writing to", "It was a sunny day. It was a"};
      Generate request;
      std::string prompt = kPrompts[random() % std::size(kPrompts)];
      if (random() % 3 == 0) for (int k = 0; k < 12; ++k) prompt += " and the cat sat on the mat, again and again,";
      request.prompt = prompt;
      request.max_tokens = 20 + static_cast<std::int64_t>(random() % 100);
      request.sampling.seed = random();
      constexpr float kTemperatures[] = {0, 0.7F, 1.2F};
      request.sampling.temperature = kTemperatures[random() % 3];
      if (random() % 2 == 0) request.sampling = {.temperature = request.sampling.temperature, .top_k = 0, .top_p = 1, .min_p = 0, .seed = request.sampling.seed};
      if (random() % 3 == 0) request.sampling.repeat_penalty = 1.3F;
      if (random() % 3 == 0) request.sampling.dry_multiplier = 0.8F;
      if (random() % 5 == 0) request.sampling.momentum = 0.2F;
      if (random() % 4 == 0) request.stop = {"the "};
      if (random() % 3 == 0) request.form = parse_gbnf(kForms[random() % std::size(kForms)]).value();
      // What was read for another text may have closed earlier than this one would have closed it.
      if (gpu::info(kv.k).scaled) {
        for (LoadedModel* each : {model.get(), plain_model.get()}) each->texts().forget(0);
      }
      const Written plain = write(*plain_model, request, nullptr);
      if (request.form) { EXPECT_TRUE(has_form(request.form, plain.text, plain.stats.stop_reason == StopReason::eos)) << plain.text; }
      std::vector<TokenId> whole = plain.prompt;
      whole.insert(whole.end(), plain.ids.begin(), plain.ids.end());

      const VerifyMode mode = random() % 2 == 0 ? VerifyMode::gumbel : VerifyMode::match;
      const int max_nodes = 1 + static_cast<int>(random() % 40);
      std::vector<Speculation::Member> members;
      const unsigned kind = random() % 6;
      std::unique_ptr<SelfDraft> self;
      if (kind < 3) {
        members.push_back({&kScripted, std::make_unique<Scripted>(static_cast<Scripted::Kind>(kind), whole, n_vocab, random())});
      } else {
        std::vector<std::string_view> names{"auto"};
        if (kind == 5) {
          names = {"skip"};
          self = std::move(SelfDraft::open(*model, [] { return false; })).value();
        }
        members = std::move(Speculation::members(names, {n_vocab, kind == 4 ? second.get() : nullptr, self.get()})).value();
      }
      Drafting drafting = drafting_of(std::move(members), {.mode = mode, .max_nodes = max_nodes, .max_depth = 1 + static_cast<int>(random() % 16)});
      drafting.self = std::move(self);
      const int stop_after = random() % 4 == 0 ? static_cast<int>(random() % 20) : -1;
      SCOPED_TRACE(testing::Message() << "seed " << seed << ", case " << i << ", drafter " << kind << ", nodes " << max_nodes);
      const Written drafted = write(*model, request, &drafting, stop_after);
      ASSERT_LE(drafted.ids.size(), plain.ids.size());
      if (stop_after < 0 && gpu::info(kv.k).scaled) { EXPECT_EQ(drafted.pools, plain.pools) << "no page has closed that plain decoding leaves open"; }
      ASSERT_TRUE(std::equal(drafted.ids.begin(), drafted.ids.end(), plain.ids.begin()));
      if (drafted.stats.stop_reason != StopReason::cancelled) {
        EXPECT_EQ(drafted.ids.size(), plain.ids.size());
        EXPECT_EQ(drafted.text, plain.text);
        EXPECT_EQ(drafted.stats.stop_reason, plain.stats.stop_reason);
      }
      if (!gpu::info(kv.k).scaled && !gpu::info(kv.v).scaled) expect_same_cache(*model, *plain_model, drafted);
      if (kind == 0 && drafted.stats.passes > 3) {
        EXPECT_LT(drafted.stats.passes, std::ssize(drafted.ids));
      }
      tokens += std::ssize(drafted.ids);
      passes += drafted.stats.passes;
    }
    std::printf("%s: %d cases, %.2f tokens a pass\n", path.filename().c_str(), cases, static_cast<double>(tokens) / static_cast<double>(passes));
    EXPECT_GT(tokens, passes) << "something was drafted";
  }
};

TEST_F(SpeculationEquality, ASecondModelOpensInTheSmallestContexts) {
  for (const std::int64_t context : {1, 2, 3, 7, 8, 9, 16, 31, 32, 40, 41, 42, 64}) {
    ModelOptions options;
    options.device = test::device();
    options.context = context;
    options.draft = {"auto", "model"};
    options.draft_model = builtin("draft.gguf");
    const auto model = LoadedModel::open(builtin("main.gguf"), options);
    ASSERT_TRUE(model) << context;
    const auto second = SecondModel::open(options.draft_model, options, **model);
    ASSERT_TRUE(second) << context;
    EXPECT_TRUE(open_drafting(**model, second->get(), options)) << context;
  }
}

TEST_F(SpeculationEquality, Builtin) { run(builtin("main.gguf"), builtin("draft.gguf"), {}, n_cases(40)); }
TEST_F(SpeculationEquality, BuiltinWithOldPagesInFewBits) {
  run(builtin("main.gguf"), builtin("draft.gguf"), {gpu::KvFormat::q8, gpu::KvFormat::q4h}, n_cases(30));
}
TEST_F(SpeculationEquality, Stories) {
  FW_NEED_FIXTURES();
  run(test::fixtures_dir() / "models" / "stories260K-Q4_0.gguf", {}, {}, n_cases(40));
}

/// Share of the 4-grams that are not the first of their kind.
double repeated(const std::vector<TokenId>& ids) {
  std::set<std::vector<TokenId>> known;
  for (auto at = ids.begin(); at + 4 <= ids.end(); ++at) known.emplace(at, at + 4);
  return 1 - static_cast<double>(known.size()) / static_cast<double>(std::ssize(ids) - 3);
}

TEST_F(SpeculationEquality, WhatAFormForcesIsDraftedAtOnce) {
  const auto model = open(builtin("main.gguf"), {});
  Generate request;
  request.prompt = std::string("The dog is an animal:\n");
  request.sampling.temperature = 0;
  request.max_tokens = 200;
  request.form = parse_gbnf(kForms[2]).value();
  const Written plain = write(*model, request, nullptr);
  EXPECT_EQ(plain.stats.stop_reason, StopReason::eos);
  EXPECT_TRUE(has_form(request.form, plain.text, true)) << plain.text;
  std::vector<std::string_view> names{"form"};
  Drafting drafting = drafting_of(std::move(Speculation::members(names, {static_cast<std::int32_t>(model->tokenizer()->size())})).value(), {});
  const Written drafted = write(*model, request, &drafting);
  EXPECT_EQ(drafted.ids, plain.ids);
  std::printf("%s\n%zu tokens in %d passes for %d\n", plain.text.c_str(), plain.ids.size(), static_cast<int>(drafted.stats.passes), static_cast<int>(plain.stats.passes));
  EXPECT_LT(drafted.stats.passes * 4, plain.stats.passes * 3) << "names and signs of the form cost no pass each";
}

TEST_F(SpeculationEquality, AFormEndsTheAnswerAndGoesOnWithIt) {
  const auto model = open(builtin("main.gguf"), {});
  Generate request;
  request.prompt = std::vector<ChatMessage>{{Role::user, "Yes or no?", {}}};
  request.form = parse_gbnf("root ::= \"Yes\" | \"No, \" [a-z ]{3,9} \"!\"").value();
  request.max_tokens = 100;
  request.answer_so_far = "No, ne";
  const Written answer = write(*model, request, nullptr);
  EXPECT_EQ(answer.stats.stop_reason, StopReason::eos);
  EXPECT_TRUE(has_form(request.form, request.answer_so_far + answer.text, true)) << answer.text;
  request.answer_so_far = "Nay";
  AnswerWriter writer(*model, request, std::chrono::steady_clock::now(), [](const Event&) {});
  EXPECT_EQ(writer.encode({}).error().code, ErrorCode::invalid_argument);
}

TEST_F(SpeculationEquality, MomentumAndDryEndWhatGoesRoundInCircles) {
  const auto model = open(builtin("main.gguf"), {});
  Generate request;
  request.prompt = std::string("It was a sunny day. It was a");
  request.max_tokens = 300;
  request.sampling.temperature = 0;
  const auto share = [&] { return repeated(write(*model, request, nullptr).ids); };
  EXPECT_GT(share(), .5);
  request.sampling.dry_multiplier = 0.8F;
  EXPECT_LT(share(), .25);
  request.sampling.dry_multiplier = 0;
  request.sampling.momentum = 0.2F;
  EXPECT_LT(share(), .05);
}

TEST(TextToEdit, StandsBehindTheRequest) {
  const auto of = [](std::string asked) {
    Generate request;
    request.prompt = std::vector<ChatMessage>{{Role::user, std::move(asked), {}}};
    return text_to_edit(request);
  };
  const std::string text = "He go to the market every day and buyed some bread.";
  EXPECT_EQ(of("Correct this: " + text), text);
  EXPECT_EQ(of("Please repair the text.\n\n" + text), text);
  EXPECT_EQ(of("What is the capital of France?"), "");
  EXPECT_EQ(of("Note: short"), "");
}

}  // namespace
}  // namespace foreword::engine
