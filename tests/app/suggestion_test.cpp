// The bridge of suggestions: the advisor's letters as the engine's commands, the engine's drafts as the advisor's events.

#include <gtest/gtest.h>

#include <algorithm>

#include "app/suggestion_desk.h"
#include "tests/app/scripted_desks.h"

namespace foreword::app {
namespace {

namespace command = storage::command;
namespace event = storage::event;
using ui::autocomplete::Letter;
using ui::autocomplete::Reason;

class SuggestionTest : public ScriptedDesks {
 protected:
  SuggestionTest() {
    controller.start("/m/tiny.gguf");
    model_ready();
  }
  static Letter letter(Letter::Kind kind, std::uint64_t request, std::string before = "How ") {
    Letter letter;
    letter.kind = kind;
    letter.request = request;
    letter.before = std::move(before);
    letter.limits = {3, 12, 400, -1.2};
    return letter;
  }
  static Letter about(Letter::Kind kind, std::uint64_t request, std::vector<ui::autocomplete::DraftId> drafts, int tokens = 12) {
    Letter out = letter(kind, request);
    out.before.clear();
    out.drafts = std::move(drafts);
    out.limits.tokens = tokens;
    return out;
  }
  void write(Letter letter, std::int64_t rewrites = 0) { ui(ui::Suggesting{std::move(letter), rewrites}); }
  void suggest(std::uint64_t request, std::string before = "How ") { write(letter(Letter::Kind::suggest, request, std::move(before))); }
  engine::Suggest asked() const { return asked_engine<engine::Suggest>(); }
  std::vector<engine::ChatMessage> context() const { return std::get<std::vector<engine::ChatMessage>>(asked().context); }

  engine::Drafts drafts(std::uint64_t id, engine::SuggestReason reason, std::vector<std::string> texts = {}, std::int64_t decoded = 0) {
    engine::Drafts out;
    out.id = id;
    out.reason = reason;
    out.decoded_tokens = decoded;
    for (std::string& text : texts) {
      engine::Draft draft;
      draft.id = static_cast<std::int32_t>(out.drafts.size());
      draft.text = std::move(text);
      draft.score = -0.5;
      draft.ids = {1, 2};
      out.drafts.push_back(std::move(draft));
    }
    return out;
  }
  const ui::autocomplete::DraftsEvent& newest() const { return view().suggestions.news.back().event; }
};

TEST_F(SuggestionTest, A34ASuggestionStandsOnTheChatAndTheUsersOwnTurn) {
  ask_in_new_chat("Why is the sky blue?", 1);
  answer_stored("Because of the air.", 1);
  suggest(1, "And at ");
  EXPECT_EQ(asked().id, 1u);
  EXPECT_EQ(asked().before, "And at ");
  EXPECT_EQ(asked().chat, 1);
  EXPECT_EQ(asked().limits.count, 3);
  EXPECT_EQ(asked().limits.max_tokens, 12);
  EXPECT_DOUBLE_EQ(asked().limits.least_mean_log_prob, -1.2);
  EXPECT_DOUBLE_EQ(asked().seconds, 0.4);
  ASSERT_EQ(context().size(), 2u);
  EXPECT_EQ(context()[0].content, "Why is the sky blue?");
  EXPECT_EQ(context()[1].role, engine::Role::assistant);
}

TEST_F(SuggestionTest, A34OnlyTheEndOfALongChatIsSentAndItBeginsWithAQuestion) {
  for (int i = 0; i < 6; ++i) {
    ui(ui::SendMessage{"question " + std::to_string(i) + std::string(6000, 'q')});
    answer(std::string(6000, 'a'));
  }
  suggest(1);
  ASSERT_GE(context().size(), 4u);
  ASSERT_LT(context().size(), 10u);
  EXPECT_EQ(context().front().role, engine::Role::user);
  EXPECT_EQ(context().back().role, engine::Role::assistant);
}

TEST_F(SuggestionTest, A34AnUnansweredQuestionIsOneTurnWithWhatIsWritten) {
  ui(ui::SendMessage{"Why?"});
  engine::GenerationFailed failed;
  failed.id = asked_engine<engine::Generate>().id;
  engine_says(failed);
  suggest(1, "I mean ");
  EXPECT_TRUE(context().empty());
  EXPECT_EQ(asked().before, "Why?\n\nI mean ");
}

TEST_F(SuggestionTest, A34AMessageThatIsRewrittenIsSuggestedAtItsPlace) {
  ui(ui::SendMessage{"first"});
  answer("one");
  ui(ui::SendMessage{"second"});
  answer("two");
  write(letter(Letter::Kind::suggest, 1), view().messages[2].id);
  ASSERT_EQ(context().size(), 2u);
  EXPECT_EQ(context()[1].content, "one");
}

TEST_F(SuggestionTest, A59PrivateChatsHaveTheirOwnPagesAndContext) {
  const std::uint64_t before = view().suggestions.context;
  ui(ui::NewChat{true});
  EXPECT_NE(view().suggestions.context, before);
  suggest(1);
  EXPECT_EQ(asked().chat, -1);
}

TEST_F(SuggestionTest, A10ARunningJobIsAdvancedAndExtended) {
  suggest(7);
  write(about(Letter::Kind::advance, 7, {0, 2}));
  const auto advance = asked_engine<engine::AdjustDrafts>();
  EXPECT_EQ(advance.id, 7u);
  EXPECT_EQ(advance.ids, (std::vector<std::int32_t>{0, 2}));
  EXPECT_EQ(advance.max_tokens, 0) << "the tokens stay as they were";
  write(about(Letter::Kind::advance, 7, {}));
  EXPECT_EQ(count_of<engine::AdjustDrafts>(to_engine), 1) << "an advance that names none would give all up";
  engine_says(drafts(7, engine::SuggestReason::done, {"are you"}));
  write(about(Letter::Kind::extend, 7, {0}, 24));
  EXPECT_EQ(asked_engine<engine::AdjustDrafts>().max_tokens, 24);
  EXPECT_EQ(count_of<engine::Suggest>(to_engine), 1);
}

TEST_F(SuggestionTest, A10AJobThatIsGoneIsAskedForAnew) {
  suggest(7, "How do ");
  engine_says(drafts(7, engine::SuggestReason::done, {"you do"}));
  ui(ui::SendMessage{"How do you do"});
  answer("Well.");
  write(about(Letter::Kind::extend, 7, {0}, 24));
  EXPECT_EQ(count_of<engine::AdjustDrafts>(to_engine), 0);
  EXPECT_EQ(count_of<engine::Suggest>(to_engine), 2);
  EXPECT_EQ(asked().id, 7u);
  EXPECT_EQ(asked().before, "How do ");
  EXPECT_EQ(asked().limits.max_tokens, 24);
  for (const auto gone : {engine::SuggestReason::cancelled, engine::SuggestReason::failed, engine::SuggestReason::busy}) {
    engine_says(drafts(7, gone));
    const int n = count_of<engine::Suggest>(to_engine);
    write(about(Letter::Kind::advance, 7, {0}));
    write(about(Letter::Kind::extend, 7, {0}, 24));
    EXPECT_EQ(count_of<engine::Suggest>(to_engine), n + 1);
    EXPECT_EQ(count_of<engine::AdjustDrafts>(to_engine), 0);
  }
}

TEST_F(SuggestionTest, A10AnExtensionWithoutDraftsIsANewJobAndACancelIsSaid) {
  suggest(1);
  Letter refill = letter(Letter::Kind::extend, 2, "How are ");
  write(refill);
  EXPECT_EQ(asked().id, 2u);
  EXPECT_EQ(asked().before, "How are ");
  write(about(Letter::Kind::cancel, 2, {}));
  EXPECT_EQ(asked_engine<engine::CancelSuggest>().id, 2u);
}

TEST_F(SuggestionTest, A50NothingStandsReadyWhileAnAnswerStreamsOrNoModelIsOpen) {
  EXPECT_TRUE(view().suggestions.model);
  EXPECT_FALSE(view().suggestions.busy);
  ui(ui::SendMessage{"Hi"});
  EXPECT_TRUE(view().suggestions.busy);
  answer("Hello");
  EXPECT_FALSE(view().suggestions.busy);
  engine_says(engine::ModelUnloaded{});
  EXPECT_FALSE(view().suggestions.model);
}

TEST_F(SuggestionTest, DraftsBecomeEventsOfTheAdvisor) {
  engine::Drafts said = drafts(3, engine::SuggestReason::running, {"are you", "is it"}, 20);
  said.drafts[1].end = engine::DraftEnd::sentence;
  engine_says(said);
  EXPECT_EQ(newest().request, 3u);
  EXPECT_FALSE(newest().finished);
  ASSERT_EQ(newest().drafts.size(), 2u);
  EXPECT_EQ(newest().drafts[0].text, "are you");
  EXPECT_DOUBLE_EQ(newest().drafts[0].mean_log_prob, -0.5);
  EXPECT_FALSE(newest().drafts[0].ended);
  EXPECT_TRUE(newest().drafts[1].ended);
  said = drafts(3, engine::SuggestReason::done, {"are you today"}, 30);
  said.drafts[0].end = engine::DraftEnd::length;
  engine_says(said);
  EXPECT_EQ(view().suggestions.news.size(), 1u) << "the newer event says it all";
  EXPECT_EQ(view().suggestions.news.back().serial, 2u);
  EXPECT_TRUE(newest().finished);
  EXPECT_FALSE(newest().drafts[0].ended) << "it stopped for its length";
  EXPECT_EQ(view().suggestions.tokens_decoded, 30u);
  EXPECT_EQ(view().suggestions.tokens_dropped, 28u);
  engine_says(drafts(4, engine::SuggestReason::done));
  EXPECT_EQ(newest().reason, Reason::low_confidence);
  engine_says(drafts(5, engine::SuggestReason::busy));
  EXPECT_EQ(newest().reason, Reason::busy);
  engine::Drafts failed = drafts(6, engine::SuggestReason::failed);
  failed.message = "It does not fit.";
  engine_says(failed);
  EXPECT_EQ(view().suggestions.failure, "It does not fit.");
  engine_says(drafts(7, engine::SuggestReason::done, {"x"}));
  EXPECT_EQ(view().suggestions.failure, "");
  EXPECT_EQ(view().suggestions.news.size(), 4u);
  EXPECT_EQ(view().suggestions.news.front().event.request, 4u);
}

TEST_F(SuggestionTest, A56AnotherPlaceInAnotherChatIsAnotherContext) {
  std::set<std::uint64_t> seen{view().suggestions.context};
  ui(ui::SendMessage{"Hi"});
  answer("Hello");
  EXPECT_TRUE(seen.insert(view().suggestions.context).second);
  const std::uint64_t here = view().suggestions.context;
  ui(ui::DraftChanged{"And "});
  EXPECT_EQ(view().suggestions.context, here) << "writing changes nothing";
  ui(ui::NewChat{});
  EXPECT_NE(view().suggestions.context, here);
  engine::ModelSummary other;
  other.name = "other";
  engine_says(engine::ModelReady{other});
  EXPECT_TRUE(seen.insert(view().suggestions.context).second);
}

TEST_F(SuggestionTest, A61WhatIsSetIsStoredAndComesBack) {
  ui(ui::ChangeSetting{"suggestions", "off"});
  EXPECT_FALSE(view().suggestions.settings.enabled);
  EXPECT_NE(view().notices.back().text.find("Ctrl+Shift+S"), std::string::npos);
  ui(ui::ChangeSetting{"suggestions.drafts", "1"});
  EXPECT_EQ(view().suggestions.settings.drafts, 1);
  std::map<std::string, std::string> stored;
  for (const auto& letter : to_storage) {
    if (const auto* set = std::get_if<command::SetSetting>(&letter)) stored[set->key] = set->value;
  }
  EXPECT_EQ(stored, (std::map<std::string, std::string>{{"suggestions", "off"}, {"suggestions.drafts", "1"}}));
  ui(ui::ChangeSetting{"suggestions", "on"});
  event::Settings read{0, {}};
  for (const auto& [key, value] : stored) read.settings.push_back({key, value});
  read.settings.push_back({"suggestions.tab", "word"});
  read.settings.push_back({"suggestions.drafts", "many"});
  storage_says(read);
  EXPECT_FALSE(view().suggestions.settings.enabled);
  EXPECT_TRUE(view().suggestions.settings.tab_accepts_word);
  EXPECT_EQ(view().suggestions.settings.drafts, 3) << "a value that makes no sense is the usual one";
}

TEST_F(SuggestionTest, A31WhatDraftsMustReachIsStoredForEachModel) {
  const std::string device = view().suggestions.device;
  ui(ui::SuggestionsCounted{"shown 3\n", device, 120, -0.85});
  EXPECT_EQ(asked_storage<command::SetSetting>().key, "suggestions.tau " + device);
  const std::size_t n = to_storage.size();
  ui(ui::SuggestionsCounted{"shown 3\n", device, 120, -0.85});
  EXPECT_EQ(to_storage.size(), n + 1) << "only the counts again";
  storage_says(event::Settings{0, {{"suggestions.tau " + device, "-0.850000"}, {"suggestions.tau other on " + view().status.device, "-2"}}});
  EXPECT_DOUBLE_EQ(view().suggestions.tau, -0.85);
  engine::ModelSummary other;
  other.name = "other";
  engine_says(engine::ModelReady{other});
  EXPECT_DOUBLE_EQ(view().suggestions.tau, -2);
}

TEST_F(SuggestionTest, A54WhatFeedsTheComputerIsLookedAtNowAndThen) {
  const int before = n_power_read;
  power = {.on_battery = true, .saver = false};
  ui(ui::DraftChanged{"a"});
  EXPECT_EQ(n_power_read, before) << "it was read a moment ago";
  now += 11'000;
  ui(ui::DraftChanged{"ab"});
  EXPECT_EQ(n_power_read, before + 1);
  EXPECT_TRUE(view().suggestions.on_battery);
  const auto speed = [&] { return std::ranges::find(view().settings, "suggestions.speed", &ui::SettingRow::key)->help; };
  EXPECT_EQ(speed(), "Suggestions wait for a pause: this computer runs on battery.");
  ui(ui::ChangeSetting{"suggestions.battery", "ignored"});
  EXPECT_EQ(speed().find("battery"), std::string::npos);
  ui(ui::ChangeSetting{"suggestions.battery", "saves"});
  power = {.on_battery = true, .saver = true};
  now += 11'000;
  ui(ui::DraftChanged{"abc"});
  EXPECT_EQ(speed(), "Suggestions come when you press Alt+Down: the power saver is on.");
  ui(ui::ChangeSetting{"suggestions", "off"});
  now += 60'000;
  ui(ui::DraftChanged{"abcd"});
  EXPECT_EQ(n_power_read, before + 2) << "nobody needs to know";
}

TEST_F(SuggestionTest, A35WhatIsSentIsLearnedUnlessItIsPrivateOrASecret) {
  storage_says(event::Settings{0, {}});
  model_ready();
  storage_says(event::Said{asked_storage<command::ListSaid>().request, {{7, "Hello Quillfeather"}, {7, "my key is sk-abcdefghijklmnop1234"}}});
  EXPECT_TRUE(asked_engine<engine::LearnTexts>().anew);
  ASSERT_EQ(asked_engine<engine::LearnTexts>().texts.size(), 1u) << "no secret";
  EXPECT_EQ(asked_engine<engine::LearnTexts>().texts[0].chat, 7);
  ask_in_new_chat("Good morning", 1);
  answer_stored("Hi", 1);
  EXPECT_FALSE(asked_engine<engine::LearnTexts>().anew);
  EXPECT_EQ(asked_engine<engine::LearnTexts>().texts[0].text, "Good morning");
  EXPECT_EQ(asked_engine<engine::LearnTexts>().texts[0].chat, 1);
  suggest(1);
  EXPECT_TRUE(asked().own_texts);
  const int n = count_of<engine::LearnTexts>(to_engine);
  ui(ui::NewChat{true});
  ui(ui::SendMessage{"between us"});
  answer("Yes");
  EXPECT_EQ(count_of<engine::LearnTexts>(to_engine), n) << "A59";
  suggest(2);
  EXPECT_FALSE(asked().own_texts);
  ui(ui::ChangeSetting{"suggestions.own", "off"});
  EXPECT_TRUE(asked_engine<engine::LearnTexts>().anew);
  EXPECT_TRUE(asked_engine<engine::LearnTexts>().texts.empty()) << "all is forgotten";
  ui(ui::ChangeSetting{"suggestions.own", "on"});
  EXPECT_EQ(count_of<command::ListSaid>(to_storage), 2);
}

TEST_F(SuggestionTest, A61SpeedAndAliasesAreSet) {
  using ui::autocomplete::Tier;
  ui(ui::ChangeSetting{"suggestions.speed", "pause_only"});
  EXPECT_EQ(view().suggestions.settings.speed, std::optional(Tier::pause_only));
  for (const char* value : {"off", "auto", "nonsense"}) {
    ui(ui::ChangeSetting{"suggestions.speed", value});
    EXPECT_EQ(view().suggestions.settings.speed, std::nullopt) << value;
  }
  ui(ui::ChangeSetting{"suggestions.aliases", "on"});
  EXPECT_TRUE(view().suggestions.settings.aliases);
}

TEST_F(SuggestionTest, A53A57TheTierAndTheCountsAreStoredWithoutText) {
  const std::string device = view().suggestions.device;
  ui(ui::SuggestionsCounted{"shown 3\n", device, 120});
  storage_says(event::Settings{0, {{"suggestions.counters", "shown 3\n"}, {"suggestions.tier " + device, "120.000000"}}});
  EXPECT_EQ(view().suggestions.counters, "shown 3\n");
  EXPECT_DOUBLE_EQ(view().suggestions.tier, 120);
  const auto set = asked_storage<command::SetSetting>();
  EXPECT_EQ(set.key, "suggestions.tier " + device);
}

}  // namespace
}  // namespace foreword::app
