// A second model as a drafter wants it: which ones may draft for which, and that what it keeps makes no difference to a number.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>

#include <unistd.h>

#include "engine/drafting.h"
#include "engine/model/random_model.h"
#include "engine/second_model.h"
#include "tests/session/models.h"

namespace foreword::engine {
namespace {

ModelOptions options_of(std::int64_t context) {
  ModelOptions options;
  options.device = test::device();
  options.context = context;
  return options;
}

TEST(SecondModel, AnotherVocabularyIsRefused) {
  const ModelOptions options = options_of(256);
  const auto model = std::move(LoadedModel::open(builtin("main.gguf"), options)).value();
  const auto second = SecondModel::open(test::data_dir() / "models" / "arch-qwen2-Q8_0.gguf", options, *model);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("vocabulary"), std::string::npos) << second.error().message;
}

// The window is closed meanwhile, or another model is wanted.
TEST(SecondModel, IsGivenUpWhileItLoads) {
  ModelOptions options = options_of(256);
  options.n_threads = 1;  // so that the one who asks does all of the work
  const auto model = std::move(LoadedModel::open(builtin("main.gguf"), options)).value();
  options.draft = {"model"};
  options.draft_model = builtin("draft.gguf");
  options.draft_model_optional = true;
  int asked = 0;
  const auto drafters = open_drafters(*model, options, [&] { return ++asked > 1; });
  ASSERT_FALSE(drafters);
  EXPECT_EQ(drafters.error().code, ErrorCode::cancelled);
  EXPECT_EQ(asked, 1);
}

// A sibling that comes with a model may be damaged or gone.
TEST(SecondModel, IsLeftOutWhereItMayFail) {
  ModelOptions options = options_of(256);
  options.draft = {"auto", "model"};
  options.draft_model = std::filesystem::path(testing::TempDir()) / "no-such-model.gguf";
  const auto model = std::move(LoadedModel::open(builtin("main.gguf"), options)).value();
  EXPECT_FALSE(open_drafters(*model, options));
  options.draft_model_optional = true;
  auto without = open_drafters(*model, options);
  ASSERT_TRUE(without) << without.error().message;
  EXPECT_FALSE(without->second);
  ASSERT_TRUE(without->drafting);
  const auto names_model = [](const Drafters& drafters) {
    return std::ranges::any_of(drafters.drafting->speculation.drafters(), [](const auto& member) { return member.row->name == "model"; });
  };
  EXPECT_FALSE(names_model(*without));
  options.draft = {"model"};
  without = open_drafters(*model, options);
  ASSERT_TRUE(without);
  EXPECT_FALSE(without->drafting) << "nobody else was named";
  options.draft = {"auto"};
  options.draft_model = builtin("draft.gguf");
  const auto with = open_drafters(*model, options);
  ASSERT_TRUE(with);
  EXPECT_TRUE(with->second);
  EXPECT_TRUE(names_model(*with));
}

// What it kept of earlier trees, and what it reads along, make no difference to a number.
TEST(SecondModel, ScoresAsIfAllWereReadAnew) {
  const ModelOptions options = options_of(1024);
  const auto model = std::move(LoadedModel::open(builtin("main.gguf"), options)).value();
  const auto second = std::move(SecondModel::open(builtin("draft.gguf"), options, *model)).value();
  LoadedModel& small = second->model();
  const auto n_vocab = static_cast<std::size_t>(small.tokenizer()->size());
  const unsigned seed = 20261126;
  std::mt19937 random(seed);
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  const auto token = [&] { return static_cast<std::int32_t>(random() % 12); };  // so few that guesses come true
  std::vector<std::int32_t> text{1, 20, 30};
  std::size_t kept = 0;
  std::int64_t n_scored = 0;
  for (int turn = 0; turn < 120; ++turn) {
    second->follow(text, kept);
    DraftTree tree(text.back());
    std::vector<std::int32_t> level{0};
    for (int depth = 0; depth < 4 && !level.empty(); ++depth) {
      std::map<std::int32_t, std::vector<float>> scored;
      while (second->backlog() > 0) second->catch_up();
      ASSERT_TRUE(second->score(tree, level, true, [&](std::int32_t node, const LogitRow& row) {
        const std::span<const float> all = row.all();
        scored[node].assign(all.begin(), all.end());
      })) << "turn " << turn;
      ASSERT_EQ(scored.size(), level.size());
      for (const auto& [node, row] : scored) {
        std::vector<std::int32_t> whole;
        for (std::int32_t at = node; at > 0; at = tree.parent[static_cast<std::size_t>(at)]) whole.insert(whole.begin(), tree.token[static_cast<std::size_t>(at)]);
        whole.insert(whole.begin(), text.begin(), text.end());
        const SequenceId fresh = small.cache().add_sequence();
        const auto anew = last_row(small, fresh, whole);
        small.cache().remove_sequence(fresh);
        ASSERT_EQ(row.size(), n_vocab);
        ASSERT_EQ(anew.size(), n_vocab);
        ASSERT_EQ(0, std::memcmp(row.data(), anew.data(), n_vocab * sizeof(float))) << "turn " << turn << ", node " << node;
        ++n_scored;
      }
      std::vector<std::int32_t> next;
      for (const std::int32_t node : level) {
        for (unsigned i = random() % 3; i > 0 && next.size() < 3; --i) {
          const std::int32_t child = tree.add(node, token(), .5F, Draw::deterministic, {node, 0, 0, 0});
          if (std::ranges::find(next, child) == next.end()) next.push_back(child);
        }
      }
      level = next;
    }
    // The text goes on with a path of the tree, with other tokens, or was cut.
    kept = text.size();
    std::int32_t at = 0;
    while (!tree.children(at).empty() && random() % 4 != 0) text.push_back(tree.token[static_cast<std::size_t>(at = tree.children(at)[random() % tree.children(at).size()])]);
    for (unsigned i = random() % (turn % 10 == 0 ? 30 : 3); i > 0 || text.size() == kept; i -= i > 0 ? 1 : 0) text.push_back(token());
    if (random() % 8 == 0 || text.size() > 200) text.resize(kept = 1 + random() % kept % 60);
    if (text.size() == kept) text.push_back(token());
  }
  EXPECT_GT(n_scored, 200);
}


/// A file of so many tokens, all sizes alike but for them.
std::filesystem::path file_of(std::int64_t vocabulary) {
  const auto path = std::filesystem::path(testing::TempDir()) / ("vocabulary-" + std::to_string(::getpid()) + "-" + std::to_string(vocabulary) + ".gguf");
  const ModelShape shape{"small", 2, 64, 128, 2, 1, 32, vocabulary, true, ""};
  const auto writer = random_model(shape, gpu::Format::q8_0, 7);
  EXPECT_TRUE(writer && writer->write(path));
  return path;
}

// Models of one family are filled up with unused tokens to other sizes.
TEST(SecondModel, PaddingMakesNoOtherVocabulary) {
  constexpr std::int64_t kSmall = 400, kLarge = kSmall + SecondModel::kMostPadding;
  const ModelOptions options = options_of(256);
  const std::filesystem::path files[] = {file_of(kSmall), file_of(kLarge)};
  for (int target = 0; target < 2; ++target) {
    const auto model = std::move(LoadedModel::open(files[target], options)).value();
    auto second = SecondModel::open(files[1 - target], options, *model);
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_EQ((*second)->vocabulary(), kSmall);
    const auto rows_of = [&](std::vector<std::int32_t> text, std::size_t kept, std::int32_t drafted) {
      (*second)->follow(text, kept);
      DraftTree tree(text.back());
      const std::int32_t child = tree.add(0, drafted, .5F, Draw::deterministic, {0, 0, 0, 0});
      std::size_t n = 0;
      (*second)->score(tree, std::vector<std::int32_t>{child}, true, [&](std::int32_t, const LogitRow& row) { n = row.size(); });
      return n;
    };
    EXPECT_EQ(rows_of({1, 20, 30}, 0, 40), static_cast<std::size_t>(kSmall)) << "none that the other does not know";
    EXPECT_EQ(rows_of({1, 20, 30}, 3, kLarge - 1), 0U) << "drafted by another";
    EXPECT_EQ(rows_of({1, 20, 30}, 3, 40), static_cast<std::size_t>(kSmall));
    EXPECT_EQ(rows_of({1, 20, kLarge - 1}, 2, 40), 0U) << "in the text";
    EXPECT_EQ(rows_of({1, 20, kLarge - 1, 30}, 3, 40), 0U);
    EXPECT_EQ(rows_of({1, 20, 50}, 2, 40), static_cast<std::size_t>(kSmall)) << "another text";
  }
  const auto model = std::move(LoadedModel::open(files[0], options)).value();
  const auto larger = file_of(kLarge + 1);
  const auto other = SecondModel::open(larger, options, *model);
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("400"), std::string::npos) << other.error().message;
  for (const auto& file : {files[0], files[1], larger}) std::filesystem::remove(file);
}

// What a guess pushes out of a window does not come back when the guess was wrong.
TEST(SecondModel, WrongGuessesCostNoTextWhereLayersHaveWindows) {
  FW_NEED_FIXTURES();
  const ModelOptions options = options_of(1024);
  const auto path = test::fixtures_dir() / "models" / "arch-gemma2-Q4_0.gguf";
  const auto model = std::move(LoadedModel::open(path, options)).value();
  const auto second = std::move(SecondModel::open(path, options, *model)).value();
  ASSERT_GT(second->model().cache().shape().n_windowed(), 0);
  std::vector<std::int32_t> text{2};
  std::size_t kept = 0;
  const auto token = [](std::size_t i) { return static_cast<std::int32_t>(10 + 7 * i % 90); };
  while (text.size() < 500) text.push_back(token(text.size()));
  std::int64_t n_read = 0;
  int n_refused = 0;
  for (int step = 0; step < 200; ++step) {
    second->follow(text, kept);
    while (second->backlog() > 0) {
      const std::int64_t before = second->backlog();
      second->catch_up();
      n_read += before - second->backlog();
    }
    DraftTree tree(text.back());
    std::int32_t node = 0;
    for (int depth = 0; depth < 6; ++depth) {
      n_refused += second->score(tree, std::vector<std::int32_t>{node}, true, [](std::int32_t, const LogitRow&) {}) ? 0 : 1;
      node = tree.add(node, 5, .5F, Draw::deterministic, {node, 5, 0, 0});
    }
    kept = text.size();
    text.push_back(token(text.size()));
  }
  EXPECT_LT(n_read, 600) << "each token once";
  EXPECT_EQ(n_refused, 0);
}

}  // namespace
}  // namespace foreword::engine
