// What would be sent now, and what becomes of a chat that outgrows the context (D56, D57); reasons of waits (D59).

#include <gtest/gtest.h>

#include "app/chat_settings.h"
#include "app/context_plan.h"
#include "tests/app/scripted_desks.h"

namespace foreword::app {
namespace {

namespace command = storage::command;
namespace event = storage::event;
using ui::Overflow;

TEST(D57Plan, WholeTurnsGoUntilEnoughIsGone) {
  const std::vector<CountedRow> rows{{10, true}, {90, false}, {10, true}, {40, false}, {10, true}};
  EXPECT_EQ(first_row_to_keep(rows, 0, 50), 2u);
  EXPECT_EQ(first_row_to_keep(rows, 0, 101), 4u);
  EXPECT_EQ(first_row_to_keep(rows, 2, 1), 4u) << "one turn more than before";
  EXPECT_EQ(first_row_to_keep(rows, 0, 151), 5u) << "only what is being written is left";
  EXPECT_EQ(first_row_to_keep({}, 0, 5), 0u);
}

/// A stored chat of `n` turns, 100 tokens a message, in a context of 1,024 (128 of them kept for the answer).
class ContextTest : public ScriptedDesks {
 protected:
  void model(std::int64_t context = 1024) {
    engine::ModelSummary summary;
    summary.name = "tiny";
    summary.path = "/m/tiny.gguf";
    summary.context = context;
    summary.trained_context = 4096;
    summary.kv_bytes = 1000 * context;
    summary.file_bytes = 5'000'000;
    summary.memory_total = 16'000'000'000;
    engine_says(engine::ModelReady{summary});
  }
  void open_chat(int n_turns, const std::string& settings = {}) {
    ui(ui::SelectChat{7});
    event::ChatOpened opened;
    opened.request = asked_storage<command::OpenChat>().request;
    opened.chat = chat(7);
    opened.chat.settings = settings;
    for (int i = 0; i < 2 * n_turns; ++i) {
      storage::PathEntry entry;
      entry.message.id = 100 + i;
      entry.message.role = i % 2 == 0 ? storage::Role::user : storage::Role::assistant;
      entry.message.content = "message " + std::to_string(i);
      opened.path.push_back(entry);
    }
    storage_says(opened);
  }
  /// Answers counts until none is under way.
  void count(std::int64_t of_each = 100, std::int64_t of_template = 10, std::int64_t around_each = 0) {
    while (count_of<engine::CountTokens>(to_engine) > n_answered_) {
      ++n_answered_;
      const auto asked = asked_engine<engine::CountTokens>();
      engine::TokensCounted counted{asked.id, of_template, {}};
      for (std::size_t i = 0; i < asked.messages.size(); ++i) counted.of_messages.push_back(of_each), counted.total += of_each + around_each;
      engine_says(counted);
    }
  }
  const ui::ContextView& context() const { return view().context; }
  std::size_t n_prompt() const { return std::get<std::vector<engine::ChatMessage>>(asked_engine<engine::Generate>().prompt).size(); }
  const std::string first_of_prompt() const { return std::get<std::vector<engine::ChatMessage>>(asked_engine<engine::Generate>().prompt).front().content; }

  int n_answered_ = 0;
};

TEST_F(ContextTest, D56TheMeterCountsWhatWouldBeSentAndItsShares) {
  model();
  EXPECT_EQ(view().status.memory_used, 5'000'000 + 1'024'000);
  EXPECT_EQ(context().total, 0);
  ui(ui::DraftChanged{"a question"});
  count();
  EXPECT_EQ(context().total, 110);
  EXPECT_EQ(context().shares, (std::vector<ui::Share>{{"What you write", 100}, {"The model's own format", 10}}));
  open_chat(2);
  count();
  EXPECT_EQ(context().total, 510);
  EXPECT_EQ(context().shares[0], (ui::Share{"Earlier messages", 400}));
  ui(ui::DraftChanged{""});
  count();
  EXPECT_EQ(context().total, 410);
}

TEST_F(ContextTest, D56OneCountAtATimeAndTheLatestTextWins) {
  model();
  ui(ui::DraftChanged{"a"});
  ui(ui::DraftChanged{"ab"});
  ui(ui::DraftChanged{"abc"});
  EXPECT_EQ(count_of<engine::CountTokens>(to_engine), 1);
  count();
  EXPECT_EQ(count_of<engine::CountTokens>(to_engine), 2);
  EXPECT_EQ(asked_engine<engine::CountTokens>().messages.back().content, "abc");
  ui(ui::DismissNotice{99});
  EXPECT_EQ(count_of<engine::CountTokens>(to_engine), 2) << "nothing of it has changed";
}

TEST_F(ContextTest, AnOldChatIsBroughtBackOnceALineIsWrittenToIt) {
  const auto n = [this] { return count_of<engine::RecallChat>(to_engine); };
  model();
  ui(ui::DraftChanged{"of a new chat"});
  ui(ui::DraftChanged{""});
  open_chat(2);
  EXPECT_EQ(n(), 0) << "it is only looked at";
  ui(ui::DraftChanged{"A"});
  ui(ui::DraftChanged{"And"});
  ASSERT_EQ(n(), 1);
  EXPECT_EQ(asked_engine<engine::RecallChat>().chat, 7);
  EXPECT_EQ(asked_engine<engine::RecallChat>().messages.size(), 4u) << "what is being written is not a part of it";
  model(2048);
  EXPECT_EQ(n(), 2) << "another model has read nothing yet";
}

TEST_F(ContextTest, D57WithoutAChoiceNothingIsLeftOutAndTheLineShowsWhatWouldBe) {
  model();
  open_chat(5);
  ui(ui::DraftChanged{"one more"});
  count();
  EXPECT_EQ(context().total, 1110);
  EXPECT_TRUE(context().blocked);
  EXPECT_EQ(context().choice, Overflow::ask);
  EXPECT_EQ(context().n_forgotten, 4u) << "214 tokens have to go: two turns";
  EXPECT_EQ(context().first_kept, view().messages[4].id);
  EXPECT_EQ(context().larger, 2048);
  EXPECT_EQ(context().larger_bytes, 1'024'000);
  ui(ui::DraftChanged{""});
  count(80);
  EXPECT_FALSE(context().blocked) << "it fits again";
  EXPECT_EQ(context().first_kept, 0);
}

TEST_F(ContextTest, D57TheOldestAreDroppedWithSomeSlackAndTheChoiceIsStored) {
  model();
  open_chat(5);
  ui(ui::DraftChanged{"one more"});
  count();
  ui(ui::ChooseOverflow{Overflow::drop_oldest});
  EXPECT_EQ(read_chat_settings(asked_storage<command::SetChatSettings>().settings).overflow, Overflow::drop_oldest);
  count();
  EXPECT_FALSE(context().blocked);
  EXPECT_EQ(context().n_forgotten, 6u);
  EXPECT_EQ(context().total, 510) << "counted anew without them";
  ui(ui::SendMessage{"one more"});
  EXPECT_EQ(n_prompt(), 5u);
  EXPECT_EQ(first_of_prompt(), "message 6");
  answer("yes");
  ui(ui::DraftChanged{"and more"});
  count();
  EXPECT_EQ(context().n_forgotten, 6u) << "the slack holds: the next prompt begins with the same words";
  ui(ui::SendMessage{"and more"});
  EXPECT_EQ(first_of_prompt(), "message 6");
}

TEST_F(ContextTest, D57OfManyShortMessagesAsManyAreKeptAsFit) {
  model(2048);  // 1,792 for what is sent, three quarters of which are 1,344
  for (const int n_turns : {250, 1000}) {
    open_chat(n_turns);
    count(4, 20, 9);  // most of it is the format's
    EXPECT_LT(context().n_forgotten, view().messages.size() - 100) << "what would be left out";
    ui(ui::ChooseOverflow{Overflow::drop_oldest});
    count(4, 20, 9);
    EXPECT_FALSE(context().blocked);
    EXPECT_GE(context().total, 1344 - 26);
    EXPECT_LE(context().total, 1344 + 20);
  }
}

TEST_F(ContextTest, D57TheStoredChoiceHoldsWhenTheChatIsOpenedAgain) {
  model();
  open_chat(5, write_chat_settings({}, {Overflow::drop_oldest, {}, 0}));
  count();
  EXPECT_EQ(context().choice, Overflow::drop_oldest);
  EXPECT_EQ(context().n_forgotten, 4u);
  ui(ui::NewChat{});
  count();
  EXPECT_EQ(context().choice, Overflow::ask) << "of that chat, not of the next one";
  EXPECT_EQ(context().n_forgotten, 0u);
}

TEST_F(ContextTest, D57AChoiceOfANewChatIsStoredWithIt) {
  model();
  ui(ui::ChooseOverflow{Overflow::stop});
  ui(ui::SendMessage{"hi"});
  EXPECT_EQ(read_chat_settings(asked_storage<command::CreateChat>().chat.settings).overflow, Overflow::stop);
}

TEST_F(ContextTest, D57AMessageThatAloneIsTooLongIsToldSo) {
  model();
  ui(ui::DraftChanged{"very long"});
  count(5000);
  EXPECT_TRUE(context().blocked);
  EXPECT_TRUE(context().alone_too_long);
  ui(ui::ChooseOverflow{Overflow::drop_oldest});
  count(5000);
  EXPECT_TRUE(context().blocked) << "nothing is left to forget";
}

TEST_F(ContextTest, D57ALargerContextOpensTheModelAnewAndAFailureGoesBack) {
  model();
  open_chat(5);
  count();
  ui(ui::ChooseOverflow{Overflow::larger_context});
  EXPECT_EQ(asked_engine<engine::LoadModel>().path, "/m/tiny.gguf");
  EXPECT_EQ(asked_engine<engine::LoadModel>().options.context, 2048);
  engine_says(engine::ModelFailed{"/m/tiny.gguf", {ErrorCode::out_of_memory, "Too little memory."}});
  EXPECT_EQ(count_of<engine::LoadModel>(to_engine), 2);
  EXPECT_EQ(asked_engine<engine::LoadModel>().options.context, 0) << "as before";
  EXPECT_EQ(read_chat_settings(asked_storage<command::SetChatSettings>().settings).overflow, Overflow::ask);
  model();
  count();
  EXPECT_TRUE(context().blocked);
  ui(ui::ChooseOverflow{Overflow::larger_context});
  model(2048);
  count();
  EXPECT_FALSE(context().blocked);
  EXPECT_EQ(context().larger, 4096);
}

TEST_F(ContextTest, D57ASummaryIsWrittenFirstAndReadInThePlaceOfWhatIsForgotten) {
  model();
  open_chat(5);
  ui(ui::DraftChanged{"one more"});
  count();
  ui(ui::ChooseOverflow{Overflow::summarise});
  count();
  EXPECT_EQ(context().n_forgotten, 6u);
  ui(ui::SendMessage{"one more"});
  EXPECT_EQ(view().status.activity, "Summarising 6 earlier messages") << "the reason of the wait (D59)";
  EXPECT_EQ(view().messages.back().state, ui::MessageState::waiting);
  EXPECT_NE(first_of_prompt().find("Question: message 0"), std::string::npos);
  EXPECT_NE(first_of_prompt().find("Answer: message 3"), std::string::npos);
  EXPECT_EQ(first_of_prompt().find("message 6"), std::string::npos);
  answer("They greeted.");
  EXPECT_NE(first_of_prompt().find("Answer: message 5"), std::string::npos) << "what did not fit into half of the context";
  EXPECT_NE(first_of_prompt().find("They greeted."), std::string::npos);
  answer("They greeted twice.");
  EXPECT_EQ(first_of_prompt(), "Summary of our conversation so far:\nThey greeted twice.\n\nmessage 6");
  const ChatSettings stored = read_chat_settings(asked_storage<command::SetChatSettings>().settings);
  EXPECT_EQ(stored, (ChatSettings{Overflow::summarise, "They greeted twice.", 105}));
  answer("Hello again.");
  EXPECT_EQ(view().messages.back().text, "Hello again.");
  open_chat(5, write_chat_settings({}, stored));
  count();
  EXPECT_EQ(context().n_forgotten, 6u) << "the summary is used again";
}

TEST_F(ContextTest, D57AStopWhileSummarisingEndsTheTurn) {
  model();
  open_chat(5, write_chat_settings({}, {Overflow::summarise, {}, 0}));
  count();
  ui(ui::SendMessage{"one more"});
  const std::uint64_t summary = asked_engine<engine::Generate>().id;
  ui(ui::StopGenerating{});
  EXPECT_EQ(asked_engine<engine::Stop>().id, summary);
  answer("", engine::StopReason::cancelled);
  EXPECT_FALSE(view().generating);
  EXPECT_EQ(view().messages.back().state, ui::MessageState::stopped);
}

TEST_F(ContextTest, D57ASummaryHoldsNoThoughts) {
  engine::ModelSummary thinker;
  thinker.context = 1024;
  thinker.thinks = true;
  engine_says(engine::ModelReady{thinker});
  open_chat(5, write_chat_settings({}, {Overflow::summarise, {}, 0}));
  count();
  ui(ui::SendMessage{"one more"});
  EXPECT_EQ(asked_engine<engine::Generate>().thinking, false);
  answer("<think>\nThey met, so\n</think>\n\nThey greeted.");
  EXPECT_EQ(asked_storage<command::SetChatSettings>().settings, write_chat_settings({}, {Overflow::summarise, "They greeted.", 103}));
  EXPECT_EQ(first_of_prompt(), "Summary of our conversation so far:\nThey greeted.\n\nmessage 4");
}

/// A turn that waits for a summary whose chat is no longer shown as it was: neither another chat's text nor all of this one is sent.
class SummaryTest : public ContextTest {
 protected:
  SummaryTest() {
    model();
    open_chat(5, write_chat_settings({}, {Overflow::summarise, {}, 0}));
    count();
    ui(ui::SendMessage{"one more"});
    saved(asked_storage<command::AppendMessage>().request, 200, 7);
    EXPECT_EQ(view().status.activity, "Summarising 4 earlier messages");
    n_settings_ = count_of<command::SetChatSettings>(to_storage);
  }
  void expect_stopped() {
    const int n = count_of<engine::Generate>(to_engine);
    answer("They greeted.");
    EXPECT_EQ(count_of<engine::Generate>(to_engine), n);
    EXPECT_FALSE(view().generating);
    EXPECT_EQ(asked_storage<command::FinishAnswer>().end.status, storage::Status::stopped);
    EXPECT_EQ(count_of<command::SetChatSettings>(to_storage), n_settings_);
    EXPECT_EQ(view().notices.back().text.find("The last question was not asked"), 0u);
  }
  int n_settings_ = 0;
};

TEST_F(SummaryTest, ItsTurnEndsWhenANewChatIsShown) {
  ui(ui::NewChat{});
  expect_stopped();
}

TEST_F(SummaryTest, ItsTurnEndsWhenAnotherLongChatIsShown) {
  ui(ui::SelectChat{8});
  event::ChatOpened other;
  other.request = asked_storage<command::OpenChat>().request;
  other.chat = chat(8);
  for (int i = 0; i < 20; ++i) other.path.emplace_back().message.id = 300 + i;
  storage_says(other);
  expect_stopped();
}

TEST_F(SummaryTest, ItsTurnEndsWhenItsChatIsOpenedAnew) {
  ui(ui::SelectChat{7});
  event::ChatOpened again;
  again.request = asked_storage<command::OpenChat>().request;
  again.chat = chat(7);
  again.chat.settings = write_chat_settings({}, {Overflow::summarise, {}, 0});
  for (int i = 0; i < 10; ++i) again.path.emplace_back().message.id = 100 + i;
  again.path.emplace_back().message.id = 200;
  saved(asked_storage<command::BeginAnswer>().request, 201, 7, storage::Status::streaming);
  again.path.emplace_back().message.id = 201;
  again.path.back().message.role = storage::Role::assistant;
  storage_says(again);
  expect_stopped();
  EXPECT_EQ(view().messages.back().state, ui::MessageState::stopped) << "and can go on";
}

TEST_F(SummaryTest, IsWhatARestoreStops) {
  const std::uint64_t summary = asked_engine<engine::Generate>().id;
  ui(ui::ShowBackups{});
  storage_says(event::Backups{1, {storage::Backup{}}});
  ui(ui::RestoreBackup{1});
  EXPECT_EQ(asked_engine<engine::Stop>().id, summary);
}

TEST_F(ContextTest, D79AttachedTextIsOfferedAndOtherFilesSayWhyNot) {
  files["notes.txt"] = "Grüße\n";
  files["photo.png"] = std::string("\x89PNG\r\n\x1a\n\0", 9);
  ui(ui::AttachFile{"/d/notes.txt"});
  EXPECT_EQ(view().offers.back().name, "notes.txt");
  EXPECT_EQ(view().offers.back().text, "Grüße\n");
  const std::uint64_t id = view().offers.back().id;
  ui(ui::AttachFile{"/d/photo.png"});
  EXPECT_EQ(view().offers.back().id, id);
  EXPECT_EQ(view().notices.back().text.find("photo.png is no text."), 0u);
  ui(ui::AttachFile{"/d/missing.txt"});
  EXPECT_EQ(view().notices.back().kind, ui::NoticeKind::error);
}

TEST(D73SideDesk, FilesAreReadByOthersAndSeveralOfThemAllArrive) {
  std::vector<SideWork> works;
  int n_reads = 0;
  Controller controller({.engine = [](engine::Command) {},
                         .storage = [](storage::Command) {},
                         .now_ms = [] { return std::int64_t{1}; },
                         .aside = [&](SideWork work) { works.push_back(std::move(work)); },
                         .save_file = {},
                         .read_file = [&](const std::filesystem::path& path) { return ++n_reads, Result<std::string>(path.filename().string()); }},
                        {});
  controller.on(ui::UiEvent(ui::AttachFile{"/d/a.txt"}));
  controller.on(ui::UiEvent(ui::AttachFile{"/d/b.txt"}));
  controller.on(ui::UiEvent(ui::ImportFile{"/d/c.json"}));
  EXPECT_EQ(n_reads, 0) << "the window waits for no disk";
  EXPECT_FALSE(controller.settled());
  ASSERT_TRUE(controller.view().import);
  EXPECT_FALSE(controller.view().import->busy.empty()) << "D59: what is being waited for";
  for (const SideWork& work : works) work()();
  ASSERT_EQ(controller.view().offers.size(), 2u);
  EXPECT_EQ(controller.view().offers[0].text, "a.txt");
  EXPECT_EQ(controller.view().offers[1].text, "b.txt");
  EXPECT_EQ(controller.view().import->rows.size(), 1u);
}

TEST(D59Waits, ALongReadingIsToldWithAnEstimate) {
  std::int64_t now = 1000;
  std::vector<engine::Command> sent;
  Controller controller({.engine = [&](engine::Command c) { sent.push_back(std::move(c)); }, .storage = [](storage::Command) {}, .now_ms = [&] { return now; }}, {});
  engine::ModelSummary summary;
  summary.context = 100'000;
  controller.on(engine::Event(engine::ModelReady{summary}));
  controller.on(ui::UiEvent(ui::SendMessage{"hi"}));
  const std::uint64_t id = std::get<engine::Generate>(sent.back()).id;
  controller.on(engine::Event(engine::GenerationStarted{id, 2000, 500}));
  EXPECT_EQ(controller.view().status.activity, "Reading 1,500 tokens") << "nothing is guessed before it is measured";
  now += 1000;
  controller.on(engine::Event(engine::PromptProgress{id, 100, 1500}));
  EXPECT_EQ(controller.view().status.activity, "Reading 1,400 tokens of 1,500, about 14 s");
  now += 12'000;
  controller.on(engine::Event(engine::PromptProgress{id, 1400, 1500}));
  EXPECT_EQ(controller.view().status.activity, "Reading 100 tokens of 1,500");
  engine::TextPiece piece;
  piece.id = id;
  piece.text = "<think>\nhm";  // D63
  controller.on(engine::Event(piece));
  now += 4200;
  piece.text = "\n</think>\n\nYes";
  controller.on(engine::Event(piece));
  EXPECT_NEAR(controller.view().messages.back().reasoning_seconds, 4.2, 1e-9);
}

}  // namespace
}  // namespace foreword::app
