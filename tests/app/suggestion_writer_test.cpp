// Which model writes suggestions (A32, A33, A52, A60).

#include <gtest/gtest.h>

#include <algorithm>

#include "app/suggestion_writer.h"
#include "tests/app/scripted_desks.h"

namespace foreword::app {
namespace {

struct Case {
  const char* name;
  WriterFacts facts;
  Writer writer;
};

TEST(SuggestionWriter, A32TheTableOfChoices) {
  const WriterFacts usual{.chat_ready = true, .helper_there = true, .helper_bytes = 4'000'000, .memory_total = 8'000'000'000, .memory_used = 2'000'000'000};
  const auto with = [&](auto change) {
    WriterFacts facts = usual;
    change(facts);
    return facts;
  };
  const Case cases[] = {
      {"a quick model", usual, Writer::chat},
      {"off", with([](WriterFacts& f) { f.enabled = false, f.wish = WriterWish::helper; }), Writer::none},
      {"no model", with([](WriterFacts& f) { f.chat_ready = false; }), Writer::none},
      {"a slow model", with([](WriterFacts& f) { f.chat_slow = true; }), Writer::helper},
      {"a slow model without a small one", with([](WriterFacts& f) { f.chat_slow = true, f.helper_there = false; }), Writer::chat},
      {"a slow model and no room", with([](WriterFacts& f) { f.chat_slow = true, f.memory_used = f.memory_total - 1; }), Writer::chat},
      {"memory unknown", with([](WriterFacts& f) { f.chat_slow = true, f.memory_total = 0; }), Writer::helper},
      {"A33 a model that thinks", with([](WriterFacts& f) { f.chat_thinks = true; }), Writer::helper},
      {"A33 alone", with([](WriterFacts& f) { f.chat_thinks = true, f.helper_there = false; }), Writer::none},
      {"A33 wished for", with([](WriterFacts& f) { f.chat_thinks = true, f.wish = WriterWish::chat; }), Writer::chat},
      {"the small one wished for", with([](WriterFacts& f) { f.wish = WriterWish::helper; }), Writer::helper},
      {"wished for and missing", with([](WriterFacts& f) { f.wish = WriterWish::helper, f.helper_there = false; }), Writer::none},
      {"the small one is the open one", with([](WriterFacts& f) { f.wish = WriterWish::helper, f.chat_is_helper = true, f.chat_slow = true; }), Writer::chat},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(writer_for(each.facts).writer, each.writer) << each.name;
    EXPECT_FALSE(writer_for(each.facts).why.empty()) << each.name;
  }
}

class WriterTest : public ScriptedDesks {
 protected:
  WriterTest() : ScriptedDesks(with_small()) { controller.start("/m/tiny.gguf"); }
  static Controller::Options with_small() {
    Controller::Options options;
    options.builtin = "/m/small.gguf", options.builtin_bytes = 4'000'000;
    return options;
  }
  void open(bool thinks) {
    engine::ModelSummary summary;
    summary.name = "big", summary.path = "/m/big.gguf", summary.thinks = thinks;
    engine_says(engine::ModelReady{summary});
  }
  void small_ready() {
    engine::ModelSummary summary;
    summary.name = "small", summary.path = "/m/small.gguf";
    controller.on_helper(engine::ModelReady{summary});
  }
  void suggest(std::uint64_t request) {
    ui::autocomplete::Letter letter;
    letter.request = request;
    letter.before = "How ";
    ui(ui::Suggesting{letter});
  }
};

TEST_F(WriterTest, A33BesideAModelThatThinksTheSmallOneSuggests) {
  open(true);
  EXPECT_EQ(last_of<engine::LoadModel>(to_helper).path, "/m/small.gguf");
  EXPECT_FALSE(view().suggestions.model) << "not yet";
  small_ready();
  EXPECT_TRUE(view().suggestions.model);
  EXPECT_EQ(view().suggestions.device.substr(0, 5), "small");
  suggest(3);
  EXPECT_EQ(count_of<engine::Suggest>(to_engine), 0);
  EXPECT_EQ(last_of<engine::Suggest>(to_helper).id, 3u);
  engine::Drafts drafts;
  drafts.id = 3;
  controller.on_helper(drafts);
  EXPECT_EQ(view().suggestions.news.size(), 1u);
  const auto row = std::ranges::find(view().settings, "suggestions.model", &ui::SettingRow::key);
  EXPECT_NE(row->help.find("thinks"), std::string::npos);

  ui(ui::ChangeSetting{"suggestions.model", "chat"});
  EXPECT_EQ(count_of<engine::UnloadModel>(to_helper), 1);
  EXPECT_EQ(view().suggestions.device.substr(0, 3), "big");
  suggest(4);
  EXPECT_EQ(asked_engine<engine::Suggest>().id, 4u);
}

TEST_F(WriterTest, A32AModelThatWasMeasuredToBeSlowIsHelped) {
  open(false);
  EXPECT_EQ(count_of<engine::LoadModel>(to_helper), 0);
  ui(ui::SuggestionsCounted{"", view().suggestions.device, 900, -1});
  EXPECT_EQ(count_of<engine::LoadModel>(to_helper), 1);
}

TEST_F(WriterTest, A52TheSmallModelGoesFirstAndA60OffLoadsNone) {
  open(true);
  small_ready();
  ui(ui::OpenModel{"/m/other.gguf"});
  EXPECT_EQ(count_of<engine::UnloadModel>(to_helper), 1);
  open(true);
  EXPECT_EQ(count_of<engine::LoadModel>(to_helper), 2);
  ui(ui::ChangeSetting{"suggestions", "off"});
  EXPECT_EQ(count_of<engine::UnloadModel>(to_helper), 2);
}

TEST_F(WriterTest, ASmallModelThatDoesNotOpenIsNotTriedAgain) {
  open(true);
  controller.on_helper(engine::ModelFailed{"/m/small.gguf", {ErrorCode::corrupt, "It is damaged."}});
  ui(ui::DraftChanged{"a"});
  EXPECT_EQ(count_of<engine::LoadModel>(to_helper), 1);
  EXPECT_FALSE(view().suggestions.model);
  EXPECT_NE(view().suggestions.writer.find("no small one"), std::string::npos);
}

}  // namespace
}  // namespace foreword::app
