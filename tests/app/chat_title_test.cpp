// Titles by the model: when they are asked for, when they are given up, and what counts as one.

#include "app/chat_title.h"

#include "tests/app/scripted_desks.h"

namespace foreword::app {
namespace {

namespace command = storage::command;

using Messages = std::vector<engine::ChatMessage>;

const Messages kSky{{engine::Role::user, "Why is the sky blue?", {}},
                    {engine::Role::assistant, "Blue light is scattered by the air more than red light: Rayleigh scattering.", {}}};

std::string title_of(std::string_view answer, const Messages& said = kSky) { return title_from_answer(answer, said).value_or("-"); }

TEST(ChatTitle, D42AGoodModelsLineIsTakenWithoutItsMarks) {
  EXPECT_EQ(title_of("Why the Sky Is Blue"), "Why the Sky Is Blue");
  EXPECT_EQ(title_of("\n\"Rayleigh Scattering Explained\"\n"), "Rayleigh Scattering Explained");
  EXPECT_EQ(title_of("**Title:** Blue Sky.\n\n"), "Blue Sky");
  EXPECT_EQ(title_of("<think>\nA title, then.\n</think>\n\nBlue light"), "Blue light");
  const Messages chinese{{engine::Role::user, "北京明天天气怎么样？", {}}};
  EXPECT_EQ(title_of("《北京明天天气》", chinese), "北京明天天气");
}

TEST(ChatTitle, D42APoorModelsWordsAreNoTitle) {
  for (const char* garbage : {
           "", " \n ", "Once upon a time there was a little girl named Lily",          // another text
           "I think the sky is blue", "Sure! Here is one: Blue Sky", "Blue sky and,",  // speech
           "The sky is blue. The light is red", "Blue\nSky\nLight",
           "blue blue blue blue", "sky light sky light light", "<|im_end|> blue sky", "{\"sky\": \"blue\"}",
           "Give this conversation a title", "Conversation title", "<think>\nthe sky is", "!!!", "is it so",
           "The sky is blue because the air scatters all of the light of the sun"}) {  // too long
    EXPECT_EQ(title_of(garbage), "-") << garbage;
  }
  EXPECT_EQ(title_of("日本語の手紙を書く"), "-") << "of something else";
}

class TitleTest : public ScriptedDesks {};

TEST_F(TitleTest, D42AfterTheFirstStoredAnswerTheModelIsAskedForATitle) {
  model_ready();
  ask_in_new_chat("Why is the sky blue?", 3);
  answer("Blue light is scattered more.");
  EXPECT_EQ(count_of<engine::Generate>(to_engine), 1) << "not before the answer is on the disk";
  saved(asked_storage<command::BeginAnswer>().request, 31, 3);
  ASSERT_EQ(count_of<engine::Generate>(to_engine), 2);
  EXPECT_EQ(view().status.activity, "Looking for a title");
  EXPECT_FALSE(view().generating) << "the user may write";
  const auto prompt = std::get<Messages>(asked_engine<engine::Generate>().prompt);
  ASSERT_EQ(prompt.size(), 3u);
  EXPECT_EQ(prompt[1].content, "Blue light is scattered more.") << "the conversation goes on, so that its cache serves";
  EXPECT_EQ(asked_engine<engine::Generate>().chat, 3) << "whose text it is";
  EXPECT_TRUE(asked_engine<engine::Generate>().background) << "what is being typed goes first";
  EXPECT_FALSE(controller.settled());
  answer("Blue Sky");
  EXPECT_EQ(asked_storage<command::AutomaticTitle>().chat, 3);
  EXPECT_EQ(asked_storage<command::AutomaticTitle>().title, "Blue Sky");
  EXPECT_EQ(view().messages.back().text, "Blue light is scattered more.") << "the title is no part of the chat";
  EXPECT_EQ(view().status.activity, "");
  EXPECT_TRUE(view().messages.size() == 2 && !view().generating);
  ui(ui::SendMessage{"And at night?"});
  saved(asked_storage<command::AppendMessage>().request, 32, 3);
  answer("Black.");
  saved(asked_storage<command::BeginAnswer>().request, 33, 3);
  EXPECT_EQ(count_of<engine::Generate>(to_engine), 3) << "once is enough";
}

TEST_F(TitleTest, D42ATitleGivesWayToTheUserAndIsAskedForAgainAfterTheNextAnswer) {
  model_ready();
  ask_in_new_chat("Why is the sky blue?", 3);
  answer_stored("Blue light is scattered more.", 3);
  const std::uint64_t title = asked_engine<engine::Generate>().id;
  ui(ui::SendMessage{"And at night?"});
  ASSERT_EQ(count_of<engine::Stop>(to_engine), 1);
  EXPECT_EQ(asked_engine<engine::Stop>().id, title);
  EXPECT_TRUE(std::holds_alternative<engine::Generate>(to_engine.back())) << "stopped first";
  engine::TextPiece late;
  late.id = title;
  late.text = "Blue";
  engine_says(late);
  engine::GenerationDone done;
  done.id = title;
  done.stats.stop_reason = engine::StopReason::cancelled;
  engine_says(done);
  EXPECT_TRUE(view().generating);
  EXPECT_EQ(view().messages.back().text, "");
  saved(asked_storage<command::AppendMessage>().request, 32, 3);
  answer("Black.");
  saved(asked_storage<command::BeginAnswer>().request, 33, 3);
  EXPECT_EQ(std::get<Messages>(asked_engine<engine::Generate>().prompt).size(), 5u) << "of all that was said";
  answer("Sky at night");
  EXPECT_EQ(asked_storage<command::AutomaticTitle>().title, "Sky at night");
}

TEST_F(TitleTest, D42GarbageAndTalkChangeNothing) {
  for (const bool talks : {false, true}) {
    to_engine.clear();
    to_storage.clear();
    ui(ui::NewChat{});
    model_ready();
    ask_in_new_chat("Why is the sky blue?", talks ? 4 : 3);
    answer_stored("Blue light is scattered more.", talks ? 4 : 3);
    answer(talks ? "Blue sky" : "Once upon a time", talks ? engine::StopReason::length : engine::StopReason::eos);
    EXPECT_EQ(count_of<command::AutomaticTitle>(to_storage), 0);
    EXPECT_EQ(view().status.activity, "");
  }
}

TEST_F(TitleTest, D42AUsersTitleADeletedChatAndAPrivateOneAreLeftAlone) {
  model_ready();
  ask_in_new_chat("Why is the sky blue?", 3);
  ui(ui::RenameChat{3, "Mine"});
  answer_stored("Blue light is scattered more.", 3);
  EXPECT_EQ(count_of<engine::Generate>(to_engine), 1);
  ui(ui::NewChat{});
  ask_in_new_chat("Why is the sky blue?", 4);
  answer_stored("Blue light is scattered more.", 4);
  ui(ui::RenameChat{4, "Mine too"});
  answer("Blue sky");
  EXPECT_EQ(count_of<command::AutomaticTitle>(to_storage), 0) << "named while the model was looking";
  to_engine.clear();
  ui(ui::NewChat{true});
  ui(ui::SendMessage{"A secret sky"});
  answer("Yes.");
  EXPECT_EQ(count_of<engine::Generate>(to_engine), 1);
}

TEST_F(TitleTest, D42AModelThatThinksIsToldThatItHasThought) {
  model_ready();
  ask_in_new_chat("Why is the sky blue?", 3);
  answer_stored("<think>\nhm\n</think>\n\nBlue light is scattered.", 3);
  EXPECT_EQ(asked_engine<engine::Generate>().thinking, false);
}

}  // namespace
}  // namespace foreword::app
