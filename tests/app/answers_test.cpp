// How a chat is answered (D13): instructions and numbers of a chat, where they are kept, what they change, and what new chats begin with.

#include <gtest/gtest.h>

#include <algorithm>

#include "app/answers_page.h"
#include "app/settings_page.h"
#include "engine/sampling_advice.h"
#include "tests/app/scripted_desks.h"

namespace foreword::app {
namespace {

namespace command = storage::command;
namespace event = storage::event;

const engine::SamplerParam* param(std::string_view name) {
  const auto params = engine::sampler_params();
  return &*std::ranges::find(params, name, &engine::SamplerParam::name);
}
const ui::SamplingRow& row_of(const std::vector<ui::SamplingRow>& rows, const std::string& key) { return *std::ranges::find(rows, key, &ui::SamplingRow::key); }

TEST(D13Sampling, EveryParameterOfTheSamplerHasARow) {
  const auto rows = sampling_page({}, {}, {});
  EXPECT_EQ(rows.size(), engine::sampler_params().size() + 2);
  for (const ui::SamplingRow& row : rows) {
    EXPECT_TRUE(row.help.ends_with(".")) << row.key;
    EXPECT_FALSE(row.label.empty() || row.help.empty() || row.section.empty() || row.usual.empty()) << row.key;
    EXPECT_TRUE(row.start >= row.minimum && row.start <= row.maximum && row.step > 0) << row.key;
    EXPECT_TRUE(row.chosen.empty() && row.reason.empty()) << row.key;
  }
  for (const engine::SamplerParam& each : engine::sampler_params()) EXPECT_EQ(std::ranges::count(rows, each.name, &ui::SamplingRow::key), 1) << each.name;
  EXPECT_EQ(row_of(rows, "temperature").usual, "0.8") << "without the digits that a float does not have";
  EXPECT_EQ(row_of(rows, "seed").usual, "any");
  EXPECT_EQ(row_of(rows, "max_tokens").usual, "no limit");
}

TEST(D13Sampling, WhatIsChosenIsUsedUnlessTheCommandLineNamesIt) {
  const std::vector<const engine::SamplerParam*> named{param("top_p")};
  const ChatSampling chosen{{"temperature", 0.25}, {"top_p", 0.5}, {"max_tokens", 70}, {"seed", 7}, {"top_k", 3}};
  const Drawing drawing = drawing_for({}, named, chosen);
  EXPECT_FLOAT_EQ(drawing.sampling.temperature, 0.25f);
  EXPECT_FLOAT_EQ(drawing.sampling.top_p, 0.95f);
  EXPECT_EQ(drawing.sampling.top_k, 3);
  EXPECT_EQ(drawing.max_tokens, 70);
  EXPECT_EQ(drawing.sampling.seed, 7u);
  EXPECT_TRUE(drawing.same_seed);
  const auto rows = sampling_page({}, named, chosen);
  EXPECT_EQ(row_of(rows, "temperature").chosen, "0.25");
  EXPECT_NE(row_of(rows, "top_p").reason.find("--top-p"), std::string::npos);
  EXPECT_EQ(row_of(rows, "top_p").chosen, "") << "which does not count";
  const Drawing given = drawing_for({.sampling = {.seed = 3}, .max_tokens = 9, .same_seed = true}, {}, chosen);
  EXPECT_EQ(given.sampling.seed, 3u);
  EXPECT_EQ(given.max_tokens, 9);
}

TEST(D13Sampling, OnlyNumbersThatCanBeAreTakenFromAFile) {
  const ChatSampling good{{"temperature", 0.3}, {"top_k", 12}, {"seed", 999'999'999'999'999}};
  ChatSettings settings{.sampling = good};
  const std::string json = write_chat_settings(R"({"sampling":{"of_tomorrow":[1],"top_p":0.1},"theirs":2})", settings);
  EXPECT_EQ(read_chat_settings(json), settings);
  EXPECT_NE(json.find("of_tomorrow"), json.npos) << json;
  EXPECT_EQ(json.find("top_p"), json.npos) << "it is as usual again: " << json;
  EXPECT_NE(json.find("\"top_k\":12}"), json.npos) << "a whole number is written as one: " << json;
  settings.sampling.clear();
  EXPECT_EQ(write_chat_settings(R"({"sampling":{"top_p":0.1}})", settings).find("sampling"), std::string::npos);
  EXPECT_TRUE(read_chat_sampling(R"({"sampling":{"temperature":11,"top_k":1.5,"top_p":"0.5","min_p":-1,"seed":-1,"max_tokens":0,"repeat_penalty":1e400}})").empty());
  EXPECT_TRUE(read_chat_sampling(R"({"sampling":[0.5]})").empty());
  EXPECT_TRUE(read_chat_sampling("no JSON").empty());
}

class AnswersTest : public ScriptedDesks {
 protected:
  using ScriptedDesks::ScriptedDesks;
  void open_chat(storage::Id id, const std::string& instructions, const std::string& settings = {}) {
    ui(ui::SelectChat{id});
    event::ChatOpened opened;
    opened.request = asked_storage<command::OpenChat>().request;
    opened.chat = chat(id);
    opened.chat.system_prompt = instructions;
    opened.chat.settings = settings;
    storage_says(opened);
  }
  std::vector<engine::ChatMessage> prompt() const { return std::get<std::vector<engine::ChatMessage>>(asked_engine<engine::Generate>().prompt); }
  void stored(std::vector<storage::Setting> settings) { storage_says(event::Settings{1, std::move(settings)}); }
};

TEST_F(AnswersTest, ANewChatIsMadeWithItsInstructionsAndNumbers) {
  model_ready();
  EXPECT_FALSE(view().answers.own);
  ui(ui::SetInstructions{0, "Be brief.", false});
  ui(ui::SetSampling{"temperature", 0.2});
  EXPECT_EQ(count_of<command::SetSystemPrompt>(to_storage), 0) << "there is no chat yet";
  EXPECT_TRUE(view().answers.own);
  EXPECT_FALSE(view().answers.as_new_chats);
  ui(ui::SendMessage{"hello"});
  const storage::NewChat made = asked_storage<command::CreateChat>().chat;
  EXPECT_EQ(made.system_prompt, "Be brief.");
  EXPECT_EQ(read_chat_sampling(made.settings), (ChatSampling{{"temperature", 0.2}}));
  ASSERT_EQ(prompt().size(), 2u);
  EXPECT_EQ(prompt().front().role, engine::Role::system);
  EXPECT_EQ(prompt().front().content, "Be brief.");
  EXPECT_FLOAT_EQ(asked_engine<engine::Generate>().sampling.temperature, 0.2f);
  EXPECT_NE(asked_storage<command::CreateChat>().request, 0u);
}

TEST_F(AnswersTest, WhatIsChangedBeforeTheChatHasItsNumberGoesAfterIt) {
  model_ready();
  ui(ui::SetInstructions{0, "Be brief.", false});
  ui(ui::SendMessage{"hello"});
  const auto create = asked_storage<command::CreateChat>();
  ui(ui::SetInstructions{0, "Be long.", false});
  ui(ui::SetSampling{"top_k", 7});
  ui(ui::ChooseOverflow{ui::Overflow::drop_oldest});
  storage::Chat row = chat(5);
  row.system_prompt = create.chat.system_prompt;
  row.settings = create.chat.settings;
  storage_says(event::ChatSaved{create.request, row});
  EXPECT_EQ(asked_storage<command::SetSystemPrompt>().chat, 5);
  EXPECT_EQ(asked_storage<command::SetSystemPrompt>().system_prompt, "Be long.");
  EXPECT_EQ(asked_storage<command::SetChatSettings>().chat, 5);
  EXPECT_EQ(read_chat_settings(asked_storage<command::SetChatSettings>().settings).overflow, ui::Overflow::drop_oldest);
  EXPECT_EQ(read_chat_sampling(asked_storage<command::SetChatSettings>().settings), (ChatSampling{{"top_k", 7}}));
  EXPECT_EQ(view().answers.instructions, "Be long.");
  ui(ui::NewChat{});
  EXPECT_EQ(view().answers.instructions, "") << "the next chat is another one";
}

TEST_F(AnswersTest, AStoredChatShowsItsOwnAndKeepsChanges) {
  model_ready();
  open_chat(7, "You are a pirate.", R"({"sampling":{"temperature":0.1}})");
  EXPECT_EQ(view().answers.instructions, "You are a pirate.");
  EXPECT_EQ(row_of(view().answers.sampling, "temperature").chosen, "0.1");
  ui(ui::SetInstructions{7, "You are a judge.", false});
  EXPECT_EQ(asked_storage<command::SetSystemPrompt>().system_prompt, "You are a judge.");
  ui(ui::SetSampling{"temperature", std::nullopt});
  EXPECT_TRUE(read_chat_sampling(asked_storage<command::SetChatSettings>().settings).empty());
  ui(ui::SetSampling{"temperature", 99});
  EXPECT_EQ(row_of(view().answers.sampling, "temperature").chosen, "") << "out of its range";
  ui(ui::SendMessage{"hello"});
  EXPECT_EQ(prompt().front().content, "You are a judge.");
  EXPECT_FLOAT_EQ(asked_engine<engine::Generate>().sampling.temperature, 0.8f);
  ui(ui::SetInstructions{7, " \n", false});
  EXPECT_EQ(asked_storage<command::SetSystemPrompt>().system_prompt, "") << "blanks are no instructions";
}

TEST_F(AnswersTest, InstructionsThatComeWhenAnotherChatIsShownReachTheirOwn) {
  model_ready();
  open_chat(7, "");
  open_chat(8, "");
  ui(ui::SetInstructions{7, "Of seven.", false});
  EXPECT_EQ(asked_storage<command::SetSystemPrompt>().chat, 7);
  EXPECT_EQ(view().answers.instructions, "");
}

TEST_F(AnswersTest, TheMeterCountsThemAndTheChatIsRecalledAnew) {
  model_ready();
  open_chat(7, "");
  ui(ui::DraftChanged{"a"});
  const auto counted = asked_engine<engine::CountTokens>();
  engine_says(engine::TokensCounted{counted.id, 9, {9}});
  ui(ui::SetInstructions{7, "Be brief.", false});
  EXPECT_NE(asked_engine<engine::CountTokens>().id, counted.id);
  EXPECT_EQ(asked_engine<engine::CountTokens>().messages.front().content, "Be brief.");
}

TEST_F(AnswersTest, WhatIsLeftOfANewChatIsFoundThereAgain) {
  model_ready();
  ui(ui::SetInstructions{0, "Be brief.", false});
  ui(ui::SetSampling{"top_k", 7});
  open_chat(7, "");
  EXPECT_EQ(view().answers.instructions, "");
  ui(ui::NewChat{});
  EXPECT_EQ(view().answers.instructions, "Be brief.");
  EXPECT_EQ(row_of(view().answers.sampling, "top_k").chosen, "7");
}

TEST_F(AnswersTest, APrivateChatWritesNothingAndLeavesNothing) {
  model_ready();
  ui(ui::NewChat{true});
  const std::size_t n_before = to_storage.size();
  ui(ui::SetInstructions{0, "A secret.", true});
  ui(ui::SetSampling{"top_k", 7});
  ui(ui::KeepForNewChats{});
  EXPECT_EQ(to_storage.size(), n_before);
  ui(ui::SendMessage{"hello"});
  EXPECT_EQ(prompt().front().content, "A secret.");
  answer("yes");
  ui(ui::NewChat{});
  EXPECT_EQ(view().answers.instructions, "");
  ui(ui::SetInstructions{0, "A secret, said late.", true});
  ui(ui::NewChat{true});
  EXPECT_EQ(view().answers.instructions, "");
  EXPECT_EQ(row_of(view().answers.sampling, "top_k").chosen, "");
}

TEST_F(AnswersTest, APrivateChatKeepsItsOwnWhenACopyOfAllOthersIsRestored) {
  model_ready();
  open_chat(7, "Of seven.");
  ui(ui::NewChat{true});
  ui(ui::SetInstructions{0, "A secret.", true});
  storage_says(event::BackupRestored{99, {}, false});
  EXPECT_EQ(view().answers.instructions, "A secret.");
  ui(ui::NewChat{});
  EXPECT_EQ(view().answers.instructions, "");
}

TEST_F(AnswersTest, NewChatsBeginAsOneThatWasMadeTheirModel) {
  model_ready();
  open_chat(7, "You are a pirate.", R"({"overflow":"stop","sampling":{"temperature":0.1}})");
  ui(ui::KeepForNewChats{});
  EXPECT_TRUE(view().answers.as_new_chats);
  std::map<std::string, std::string> settings;
  for (const auto& letter : to_storage) {
    if (const auto* set = std::get_if<command::SetSetting>(&letter)) settings[set->key] = set->value;
  }
  EXPECT_EQ(settings[kInstructionsKey], "You are a pirate.");
  EXPECT_EQ(read_chat_settings(settings[kNewChatsKey]), (ChatSettings{.sampling = {{"temperature", 0.1}}})) << "what becomes of a long chat is each one's own";
  ui(ui::NewChat{});
  EXPECT_EQ(view().answers.instructions, "You are a pirate.");
  ui(ui::SendMessage{"hello"});
  EXPECT_EQ(asked_storage<command::CreateChat>().chat.system_prompt, "You are a pirate.");
  EXPECT_FLOAT_EQ(asked_engine<engine::Generate>().sampling.temperature, 0.1f);
}

TEST_F(AnswersTest, WhatNewChatsBeginWithIsReadAtTheStart) {
  model_ready();
  stored({{kInstructionsKey, "Be kind."}, {kNewChatsKey, R"({"sampling":{"top_k":3}})"}});
  EXPECT_EQ(view().answers.instructions, "Be kind.");
  EXPECT_EQ(row_of(view().answers.sampling, "top_k").chosen, "3");
  EXPECT_TRUE(view().answers.as_new_chats);
  ui(ui::SetInstructions{0, "", false});
  EXPECT_EQ(view().answers.instructions, "") << "of this one alone";
  stored({{kInstructionsKey, "Be kind."}});
  EXPECT_EQ(view().answers.instructions, "");
}

TEST_F(AnswersTest, ASeedOfAChatGivesTheSameAnswerAgain) {
  model_ready();
  ui(ui::SetSampling{"seed", 5});
  ask_in_new_chat("hello", 3);
  EXPECT_EQ(asked_engine<engine::Generate>().sampling.seed, 5u);
  answer_stored("hi", 3);
  ui(ui::Regenerate{view().messages.back().id});
  EXPECT_EQ(asked_engine<engine::Generate>().sampling.seed, 5u);
  EXPECT_NE(asked_storage<command::BeginAnswer>().message.settings.find("\"seed\":5"), std::string::npos);
}

TEST_F(AnswersTest, AnAnswerThatWasCutOffCanGoOn) {
  model_ready();
  ui(ui::SetSampling{"max_tokens", 3});
  ask_in_new_chat("hello", 3);
  EXPECT_EQ(asked_engine<engine::Generate>().max_tokens, 3);
  answer("once upon a", engine::StopReason::length);
  EXPECT_EQ(view().messages.back().state, ui::MessageState::stopped);
  EXPECT_NE(view().messages.back().stats.find("length limit"), std::string::npos);
  EXPECT_EQ(asked_storage<command::FinishAnswer>().end.status, storage::Status::stopped);
  saved(asked_storage<command::BeginAnswer>().request, 31, 3, storage::Status::stopped);
  ui(ui::ContinueAnswer{view().messages.back().id});
  EXPECT_EQ(asked_engine<engine::Generate>().answer_so_far, "once upon a");
}

Controller::Options with_temperature() {
  Controller::Options options;
  options.sampling.temperature = 0.5f;
  options.sampling_named = {param("temperature")};
  return options;
}

class NamedTest : public AnswersTest {
 protected:
  NamedTest() : AnswersTest(with_temperature()) {}
};

TEST_F(NamedTest, AFlagCountsMoreThanTheChat) {
  model_ready();
  open_chat(7, "", R"({"sampling":{"temperature":0.1}})");
  EXPECT_NE(row_of(view().answers.sampling, "temperature").reason, "");
  ui(ui::SendMessage{"hello"});
  EXPECT_FLOAT_EQ(asked_engine<engine::Generate>().sampling.temperature, 0.5f);
}

}  // namespace
}  // namespace foreword::app
