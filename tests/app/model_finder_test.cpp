// Models that are on the computer already (D2, D46): found where programs keep them, each once, nothing else, and nothing is changed.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "app/model_finder.h"
#include "tests/app/scripted_desks.h"
#include "tests/gguf/raw_gguf.h"
#include "tests/support/fixtures.h"

namespace foreword::app {
namespace {

namespace fs = std::filesystem;

class FinderTest : public ::testing::Test {
 protected:
  fs::path write(const fs::path& place, const std::string& text) {
    const fs::path file = home.path() / place;
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }
  static std::string gguf(const std::string& architecture = "llama", const std::string& type = {}, std::uint64_t n_tensors = 1) {
    test::RawGguf raw;
    raw.head(n_tensors, type.empty() ? 1 : 2).key("general.architecture", test::RawGguf::string).text(architecture);
    if (!type.empty()) raw.key("general.type", test::RawGguf::string).text(type);
    return raw.str();
  }
  FoundModels find(const std::vector<fs::path>& known = {}) {
    const auto places = model_places([&](const char* name) { return variables.contains(name) ? variables[name].c_str() : nullptr; });
    std::vector<ModelPlace> ours;  // nothing of the machine that the test runs on
    std::ranges::copy_if(places, std::back_inserter(ours), [&](const ModelPlace& place) { return place.folder.string().starts_with(home.path().string()); });
    return find_models(ours, known);
  }
  static std::vector<std::string> names(const FoundModels& found) {
    std::vector<std::string> names;
    for (const FoundModel& model : found.models) names.push_back(model.owner + "/" + model.name);
    return names;
  }

  test::TempDir home;
  std::map<std::string, std::string> variables{{"HOME", home.path().string()}};
};

TEST_F(FinderTest, EveryProgramsModelsAreFoundInPlace) {
  const fs::path blob = write(".cache/huggingface/hub/models--org--repo/blobs/abc", gguf());
  for (const char* commit : {"c1", "c2"}) {  // of two commits, one file
    const fs::path snapshot = home.path() / ".cache/huggingface/hub/models--org--repo/snapshots" / commit;
    fs::create_directories(snapshot);
    fs::create_symlink("../../blobs/abc", snapshot / "hub-Q4_0.gguf");
  }
  write(".lmstudio/models/org/repo/studio-Q4_K_M.GGUF", gguf("qwen3"));
  write(".cache/llama.cpp/cpp.gguf", gguf());
  write(".local/share/nomic.ai/GPT4All/all.gguf", gguf());
  write(".local/share/nomic.ai/GPT4All/incomplete-half.gguf", gguf());
  write(".local/share/Jan/data/llamacpp/models/org/jan/model.gguf", gguf());
  write(".ollama/models/blobs/sha256-77", gguf());
  write(".ollama/models/manifests/registry.ollama.ai/library/llama3.2/3b",
        R"({"layers":[{"mediaType":"application/vnd.ollama.image.license","digest":"sha256:11"},{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:77"}]})");
  const FoundModels found = find();
  EXPECT_EQ(names(found), (std::vector<std::string>{"GPT4All/all", "llama.cpp/cpp", "Hugging Face/hub-Q4_0", "Ollama/llama3.2:3b", "Jan/model", "LM Studio/studio-Q4_K_M"}));
  for (const FoundModel& model : found.models) {
    EXPECT_EQ(model.problem, "") << model.name;
    EXPECT_GT(model.bytes, 20) << model.name;
    EXPECT_TRUE(fs::is_regular_file(model.path)) << model.path;
  }
  EXPECT_TRUE(found.unreadable.empty());
}

TEST_F(FinderTest, WhatIsNoLanguageModelIsLeftOut) {
  write(".lmstudio/models/a/projector.gguf", gguf("clip"));
  write(".lmstudio/models/a/lora.gguf", gguf("llama", "adapter"));
  write(".lmstudio/models/a/vocabulary.gguf", gguf("llama", "", 0));
  write(".lmstudio/models/a/page.gguf", "<html>not found</html>");
  write(".lmstudio/models/a/empty.gguf", "");
  write(".lmstudio/models/a/notes.txt", gguf());
  ASSERT_EQ(mkfifo((home.path() / ".lmstudio/models/a/pipe.gguf").c_str(), 0600), 0);
  fs::create_symlink("nowhere", home.path() / ".lmstudio/models/a/dangling.gguf");
  fs::create_directory_symlink("..", home.path() / ".lmstudio/models/a/round");
  EXPECT_TRUE(find().models.empty());
  write(".lmstudio/models/a/model.gguf", gguf("llama", "model"));
  EXPECT_EQ(names(find()), (std::vector<std::string>{"LM Studio/model"}));
}

TEST_F(FinderTest, WhatCannotBeOpenedSaysWhy) {
  write(".lmstudio/models/a/strange.gguf", gguf("architecture-of-tomorrow"));
  write(".lmstudio/models/a/old.gguf", std::string("GGUF\x01\0\0\0", 8) + std::string(16, '\0'));
  const FoundModels found = find();
  ASSERT_EQ(found.models.size(), 2u);
  EXPECT_NE(found.models[0].problem.find("version"), std::string::npos) << found.models[0].problem;
  EXPECT_NE(found.models[1].problem.find("architecture-of-tomorrow"), std::string::npos) << found.models[1].problem;
}

TEST_F(FinderTest, TheFilesOfASplitModelAreOneModel) {
  const std::string part = gguf();
  for (const char* number : {"1", "2", "3"}) write(std::string(".lmstudio/models/a/whole-0000") + number + "-of-00003.gguf", part);
  write(".lmstudio/models/a/broken-00001-of-00002.gguf", part);
  write(".lmstudio/models/a/lonely-00002-of-00002.gguf", part);
  write(".lmstudio/models/a/none-0001-of-00002.gguf", part);
  const FoundModels found = find();
  EXPECT_EQ(names(found), (std::vector<std::string>{"LM Studio/broken", "LM Studio/none-0001-of-00002", "LM Studio/whole"}));
  EXPECT_EQ(found.models[0].problem, "Part 2 of 2 is missing.");
  EXPECT_EQ(found.models[2].problem, "");
  EXPECT_EQ(found.models[2].bytes, 3 * std::ssize(part));
}

TEST_F(FinderTest, ModelsBesideAKnownOneAreFoundAndItselfIsNot) {
  const fs::path known = write("mine/known.gguf", gguf());
  write("mine/other.gguf", gguf());
  write("mine/deeper/hidden.gguf", gguf());
  fs::create_hard_link(known, home.path() / "mine/known again.gguf");
  EXPECT_EQ(names(find({known})), (std::vector<std::string>{"/other"}));
  EXPECT_TRUE(find({home.path() / "gone/away.gguf"}).models.empty());
}

TEST_F(FinderTest, VariablesNameOtherFolders) {
  variables["HF_HUB_CACHE"] = (home.path() / "hub").string();
  variables["LLAMA_CACHE"] = "relative/folder";
  variables["OLLAMA_MODELS"] = (home.path() / "ollama").string();
  write("hub/models--a--b/snapshots/c/x.gguf", gguf());
  write("ollama/blobs/sha256-5", gguf());
  write("ollama/manifests/h/n/m/latest", R"({"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:5"}]})");
  write("outside.gguf", gguf());
  write("ollama/manifests/h/n/m/evil", R"({"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":"../../outside.gguf"},{"mediaType":7},[],{"mediaType":"application/vnd.ollama.image.model"}]})");
  write("ollama/manifests/h/n/m/broken", "{\"layers\":");
  write("ollama/manifests/h/n/m/other", R"([{"layers":{}}])");
  EXPECT_EQ(names(find()), (std::vector<std::string>{"Ollama/m:latest", "Hugging Face/x"}));
}

TEST_F(FinderTest, AFolderThatCannotBeReadIsTold) {
  fs::create_directories(home.path() / ".lmstudio");
  fs::create_symlink("models", home.path() / ".lmstudio/models");  // leads to itself, which stops root, too
  const FoundModels found = find();
  ASSERT_EQ(found.unreadable.size(), 1u);
  EXPECT_TRUE(found.unreadable.front().starts_with((home.path() / ".lmstudio/models").string() + " cannot be read: ")) << found.unreadable.front();
}

TEST(ModelName, IsTheOneModelsOrAFiles) {
  FoundModels found;
  found.models = {{"/a/One.gguf", "One", "Jan"}, {"/b/sha256-1", "llama3.2:latest", "Ollama"}, {"/c/two.gguf", "two", "Jan"}, {"/d/two.gguf", "Two", ""}};
  EXPECT_EQ(*model_named(found, "one"), "/a/One.gguf");
  EXPECT_EQ(*model_named(found, "llama3.2"), "/b/sha256-1");
  EXPECT_EQ(*model_named(found, "llama3.2:latest"), "/b/sha256-1");
  EXPECT_EQ(*model_named(found, "on"), "on") << "whatever that is";
  const auto several = model_named(found, "two");
  ASSERT_FALSE(several);
  EXPECT_NE(several.error().message.find("/d/two.gguf"), std::string::npos) << several.error().message;
}

/// A controller beside a finder that the test plays.
class FoundTest : public ::testing::Test {
 protected:
  FoundTest()
      : controller({.engine = [this](engine::Command command) { n_looks += std::holds_alternative<engine::LookAtMemory>(command); },
                    .storage = [](storage::Command) {},
                    .now_ms = [] { return std::int64_t{1234}; },
                    .aside = [this](SideWork work) { works.push_back(std::move(work)); },
                    .save_file = {},
                    .read_file = {},
                    .find_models = [this](const std::vector<fs::path>& known) { return asked.push_back(known), found; },
                    .fit_of = [this](const fs::path& path, const engine::ModelOptions& options, const engine::MemoryThere& memory) { return fit_of(path, options, memory); }},
                   {}) {}
  Result<engine::Fit> fit_of(const fs::path& path, const engine::ModelOptions& options, const engine::MemoryThere& memory) {
    EXPECT_EQ(options.kv_book, nullptr) << "it is the engine's";
    judged.push_back(path);
    engine::Fit fit{.needed = 5'100'000'000, .free = memory.processor_free, .context = 8192, .largest_context = 8192, .layers = 32, .n_layers = 32};
    if (path == "/h/large.gguf") fit.verdict = engine::FitVerdict::too_large, fit.needed = 41'000'000'000, fit.largest_context = 0;
    if (path == "/h/part.gguf") fit.verdict = engine::FitVerdict::partly, fit.layers = 12;
    if (path == "/h/broken.gguf") return Error{ErrorCode::corrupt, "It ends early."};
    return fit;
  }
  void work() {
    for (SideWork& each : std::exchange(works, {})) each()();
  }
  std::vector<SideWork> works;
  std::vector<std::vector<fs::path>> asked;
  std::vector<fs::path> judged;
  int n_looks = 0;
  FoundModels found;
  Controller controller;
};

TEST_F(FoundTest, TheListIsMadeAtTheStartAndAnewWhenItIsAskedFor) {
  found.models = {{"/x/bad.gguf", "bad", "Jan", 5, "The architecture x is not supported yet; choose another model."}, {"/h/good.gguf", "good", "", 4'700'000'000}, {"/m/old.gguf", "old", "", 7}};
  found.unreadable = {"/secret cannot be read: Permission denied."};
  controller.on(storage::Event(storage::event::Models{1, {{"/m/old.gguf", "Old", 7, 1}}}));
  EXPECT_TRUE(controller.view().finding_models);
  controller.on(ui::UiEvent(ui::FindModels{}));
  work();
  EXPECT_FALSE(controller.view().finding_models);
  ASSERT_EQ(asked.size(), 1u) << "once while it is under way";
  EXPECT_EQ(asked.front(), std::vector<fs::path>{"/m/old.gguf"});
  const auto& rows = controller.view().found_models;
  ASSERT_EQ(rows.size(), 2u) << "the recent one is in its own list";
  EXPECT_EQ(rows[0].name, "good");
  EXPECT_EQ(rows[0].detail, "4.7 GB, in /h");
  EXPECT_TRUE(rows[0].can_open);
  EXPECT_FALSE(rows[1].can_open) << "what cannot be opened comes last";
  EXPECT_NE(rows[1].detail.find("not supported"), std::string::npos);
  EXPECT_EQ(controller.view().found_note, found.unreadable.front());
  controller.on(ui::UiEvent(ui::FindModels{}));
  work();
  EXPECT_EQ(asked.size(), 2u);
}

TEST_F(FoundTest, WhetherModelsFitIsToldOnceTheListIsThere) {
  found.models = {{"/h/broken.gguf", "broken", ""}, {"/h/large.gguf", "large", ""}, {"/h/part.gguf", "part", ""}, {"/h/bad.gguf", "bad", "", 5, "Unsupported."}, {"/h/small.gguf", "small", ""}};
  controller.on(storage::Event(storage::event::Models{1, {{"/m/old.gguf", "Old", 7, 1}}}));
  EXPECT_EQ(n_looks, 1);
  controller.on(engine::Event(engine::MemoryThere{.processor_free = 7'600'000'000}));
  EXPECT_TRUE(judged.empty()) << "not before the list is there";
  work();
  EXPECT_EQ(controller.view().found_models.front().name, "broken") << "the list does not wait for it";
  work();
  EXPECT_EQ(judged, (std::vector<fs::path>{"/m/old.gguf", "/h/broken.gguf", "/h/large.gguf", "/h/part.gguf", "/h/small.gguf"}));
  const ui::ModelFit& recent = controller.view().recent_models.front().fit;
  EXPECT_EQ(recent.level, ui::FitLevel::fits);
  EXPECT_EQ(recent.words, "Needs 5.1 of 7.6 GB");
  std::vector<std::string> rows;
  for (const ui::FoundModel& model : controller.view().found_models) rows.push_back(model.name + ": " + model.fit.words);
  EXPECT_EQ(rows, (std::vector<std::string>{"broken: ", "small: Needs 5.1 of 7.6 GB", "part: Needs 5.1 of 7.6 GB, 12 of 32 layers in graphics memory", "large: Needs 41.0 of 7.6 GB", "bad: "}));
  controller.on(engine::Event(engine::MemoryThere{.processor_free = 1}));
  work();
  EXPECT_EQ(judged.size(), 5U) << "once for each list";
}

TEST(ModelFit, InWords) {
  engine::Fit fit{.needed = 84'000'000, .free = 7'600'000'000};
  EXPECT_EQ(fit_words(fit), "Needs 84 MB of 7.6 GB");
  fit.free = 0;
  EXPECT_EQ(fit_words(fit), "Needs 84 MB") << "nobody knows of how much";
  fit = {.verdict = engine::FitVerdict::too_large, .needed = 9'000'000'000, .free = 7'600'000'000, .context = 131072, .largest_context = 16384};
  EXPECT_EQ(fit_words(fit), "Needs 9.0 of 7.6 GB, fits with a context of 16,384 tokens");
  fit = {.verdict = engine::FitVerdict::partly, .needed = 9'000'000'000, .free = 14'000'000'000, .layers = 0, .n_layers = 32};
  EXPECT_EQ(fit_words(fit), "Needs 9.0 of 14.0 GB, too much for the graphics memory");
  fit = {.needed = 996'000'000, .free = 994'000'000};
  EXPECT_EQ(fit_words(fit), "Needs 1.0 GB of 994 MB");
}

}  // namespace
}  // namespace foreword::app
