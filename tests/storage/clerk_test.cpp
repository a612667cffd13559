#include "storage/clerk.h"

#include "tests/storage/store_test.h"

namespace foreword::storage {
namespace {

using std::chrono::milliseconds;

class ClerkTest : public StoreTest {
 protected:
  void SetUp() override {
    store_ = open();
    chat_ = must(store_->create_chat({"chat"})).id;
    clerk_ = std::make_unique<Clerk>(*store_, sink_);
  }
  template <class Letter>
  void send(Letter letter) {
    clerk_->handle(std::move(letter), moment_);
  }
  void advance(int ms) {
    moment_ += milliseconds(ms);
    clerk_->tick(moment_);
  }
  /// The only event since the last call.
  template <class Letter>
  Letter only() {
    EXPECT_EQ(events_.size(), 1u);
    if (events_.size() != 1 || !std::holds_alternative<Letter>(events_[0])) throw std::runtime_error("another event");
    Letter letter = std::get<Letter>(std::move(events_[0]));
    events_.clear();
    return letter;
  }
  std::string on_disk(Id id) { return must(store_->message(id)).content; }
  void fill_disk() { must(store_->database().execute("PRAGMA max_page_count = 1")); }
  void free_disk() { must(store_->database().execute("PRAGMA max_page_count = 1000000")); }

  std::unique_ptr<ChatStore> store_;
  std::vector<Event> events_;
  EventSink sink_ = [this](Event event) { events_.push_back(std::move(event)); };
  Moment moment_{};
  std::unique_ptr<Clerk> clerk_;
  Id chat_ = 0;
};

TEST_F(ClerkTest, writes_growing_text_in_half_second_steps) {
  send(command::BeginAnswer{1, answer(chat_, 0)});
  const Message begun = only<event::MessageSaved>().message;
  EXPECT_EQ(begun.status, Status::streaming);
  EXPECT_FALSE(clerk_->next_due());
  int n_writes = 0;
  std::string sent, seen;
  for (int ms = 0; ms < 10'000; ms += 10) {
    send(command::AppendText{1, "x", "y"});
    sent += "x";
    advance(10);
    const std::string saved = on_disk(begun.id);
    n_writes += saved != seen;
    seen = saved;
    EXPECT_LE(sent.size() - saved.size(), 50u) << "text older than half a second is not on the disk";
  }
  EXPECT_LE(n_writes, 20);
  EXPECT_TRUE(events_.empty());
  send(command::FinishAnswer{1, {Status::complete, {5, 0, 1000, 0.1, 10, "end"}}});
  const Message finished = only<event::MessageSaved>().message;
  EXPECT_EQ(finished.status, Status::complete);
  EXPECT_EQ(finished.stats.generated_tokens, 1000);
  EXPECT_TRUE(finished.content.empty());
  EXPECT_EQ(on_disk(begun.id), sent);
  EXPECT_EQ(must(store_->message(begun.id)).reasoning, std::string(1000, 'y'));
  EXPECT_FALSE(clerk_->next_due());
}

TEST_F(ClerkTest, keeps_the_text_while_the_disk_is_full) {
  send(command::BeginAnswer{1, answer(chat_, 0)});
  const Id id = only<event::MessageSaved>().message.id;
  fill_disk();
  const std::string big(50'000, 'z');
  send(command::AppendText{1, big, ""});
  advance(500);
  const auto failed = only<event::Failed>();
  EXPECT_TRUE(failed.kept);
  EXPECT_EQ(failed.error.code, ErrorCode::io);
  EXPECT_NE(failed.error.message.find("full"), std::string::npos);
  for (int i = 0; i < 5; ++i) advance(1000);
  EXPECT_TRUE(events_.empty()) << "told once, not every second";
  free_disk();
  advance(1000);
  EXPECT_EQ(only<event::MessageSaved>().message.status, Status::streaming);
  EXPECT_EQ(on_disk(id), big);

  fill_disk();
  send(command::AppendText{1, big, ""});
  send(command::FinishAnswer{1, {}});
  EXPECT_TRUE(only<event::Failed>().kept);
  free_disk();
  advance(1000);
  EXPECT_EQ(only<event::MessageSaved>().message.status, Status::complete);
  EXPECT_EQ(on_disk(id), big + big);
}

TEST_F(ClerkTest, keeps_whole_messages_and_beginnings_while_the_disk_is_full) {
  fill_disk();
  send(command::AppendMessage{1, said(chat_, 0, std::string(50'000, 'q'))});
  EXPECT_TRUE(only<event::Failed>().kept);
  NewMessage begun = answer(chat_, 0);
  begun.content = std::string(50'000, 'a');
  send(command::BeginAnswer{2, begun});
  EXPECT_TRUE(only<event::Failed>().kept);
  send(command::AppendText{2, " and more", ""});
  send(command::FinishAnswer{2, {Status::stopped, {}}});
  free_disk();
  advance(1000);
  ASSERT_EQ(events_.size(), 2u);
  const Message whole = std::get<event::MessageSaved>(events_[0]).message;
  const Message stopped = std::get<event::MessageSaved>(events_[1]).message;
  EXPECT_EQ(whole.status, Status::complete);
  EXPECT_EQ(on_disk(whole.id), std::string(50'000, 'q'));
  EXPECT_EQ(stopped.status, Status::stopped);
  EXPECT_EQ(on_disk(stopped.id), begun.content + " and more");
  EXPECT_FALSE(clerk_->next_due());
}

TEST_F(ClerkTest, keeps_a_new_chat_while_the_disk_is_full) {
  fill_disk();
  send(command::CreateChat{1, {std::string(50'000, 't')}});
  EXPECT_TRUE(only<event::Failed>().kept);
  for (int i = 0; i < 5; ++i) advance(1000);
  EXPECT_TRUE(events_.empty()) << "told once, not every second";
  free_disk();
  advance(1000);
  const auto saved = only<event::ChatSaved>();
  EXPECT_EQ(saved.request, 1u);
  EXPECT_EQ(saved.chat.title, std::string(50'000, 't'));
  EXPECT_EQ(must(store_->chats()).size(), 2u);
  EXPECT_FALSE(clerk_->next_due());
}

TEST_F(ClerkTest, continues_an_answer_once_the_disk_takes_it_again) {
  std::string words;  // so many that the search indexes need room to forget them
  for (int i = 0; i < 5000; ++i) words += "word" + std::to_string(i) + " ";
  Id ids[2] = {};
  for (Request request : {1, 2}) {
    send(command::BeginAnswer{request, answer(chat_, 0)});
    ids[request - 1] = only<event::MessageSaved>().message.id;
    send(command::AppendText{request, words, ""});
    send(command::FinishAnswer{request, {Status::stopped, {5, 0, 5000, 0.1, 2, "stop"}}});
    only<event::MessageSaved>();
  }
  fill_disk();
  for (Request request : {3, 4}) {
    send(command::ResumeAnswer{request, ids[request - 3]});
    EXPECT_TRUE(only<event::Failed>().kept);
    send(command::AppendText{request, "and more", ""});
  }
  send(command::FinishAnswer{3, {Status::complete, {5, 0, 5002, 0.1, 2, "end"}}});
  EXPECT_TRUE(events_.empty());
  free_disk();
  advance(1000);
  ASSERT_EQ(events_.size(), 2u);
  EXPECT_EQ(std::get<event::MessageSaved>(events_[0]).message.status, Status::complete);
  EXPECT_EQ(std::get<event::MessageSaved>(events_[0]).message.stats.generated_tokens, 5002);
  EXPECT_EQ(std::get<event::MessageSaved>(events_[1]).message.status, Status::streaming);
  for (const Id id : ids) EXPECT_EQ(on_disk(id), words + "and more");
  events_.clear();
  send(command::AppendText{4, " still", ""});
  advance(500);
  EXPECT_EQ(on_disk(ids[1]), words + "and more still");
}

TEST_F(ClerkTest, an_answer_that_is_cut_off_while_it_is_continued_keeps_what_was_counted) {
  for (const bool is_full : {false, true}) {
    send(command::BeginAnswer{1, answer(chat_, 0)});
    const Id id = only<event::MessageSaved>().message.id;
    send(command::AppendText{1, std::string(50'000, 'a'), ""});
    send(command::FinishAnswer{1, {Status::stopped, {5, 0, 7, 0.1, 2, "stop"}}});
    only<event::MessageSaved>();
    if (is_full) fill_disk();
    send(command::ResumeAnswer{2, id});
    send(command::AppendText{2, "b", ""});
    free_disk();
    events_.clear();
    EXPECT_TRUE(clerk_->close(moment_));
    const Message cut_off = only<event::MessageSaved>().message;
    EXPECT_EQ(cut_off.status, Status::interrupted);
    EXPECT_EQ(cut_off.stats.generated_tokens, 7);
    EXPECT_EQ(cut_off.stats.seconds, 2);
    EXPECT_EQ(on_disk(id), std::string(50'000, 'a') + "b");
  }
}

TEST_F(ClerkTest, gives_up_on_what_can_never_be_saved_and_says_so) {
  send(command::AppendMessage{1, said(99, 0, "lost chat")});
  EXPECT_FALSE(only<event::Failed>().kept);
  send(command::AppendText{7, "nobody's", ""});
  EXPECT_EQ(only<event::Failed>().error.code, ErrorCode::invalid_argument);
  send(command::BeginAnswer{2, answer(chat_, 0)});
  only<event::MessageSaved>();
  send(command::BeginAnswer{2, answer(chat_, 0)});
  EXPECT_EQ(only<event::Failed>().error.code, ErrorCode::invalid_argument);
  must(store_->delete_chat(chat_));
  send(command::AppendText{2, "into the void", ""});
  advance(500);
  const auto failed = only<event::Failed>();
  EXPECT_FALSE(failed.kept);
  EXPECT_EQ(failed.request, 2u);
  EXPECT_FALSE(clerk_->next_due());
}

TEST_F(ClerkTest, closing_writes_everything_and_interrupts_what_has_no_end) {
  send(command::BeginAnswer{1, answer(chat_, 0)});
  const Id id = only<event::MessageSaved>().message.id;
  send(command::AppendText{1, "the last words", ""});
  EXPECT_TRUE(clerk_->close(moment_));
  EXPECT_EQ(only<event::MessageSaved>().message.status, Status::interrupted);
  EXPECT_EQ(on_disk(id), "the last words");
}

TEST_F(ClerkTest, closing_on_a_full_disk_says_what_is_lost) {
  send(command::BeginAnswer{1, answer(chat_, 0)});
  only<event::MessageSaved>();
  send(command::AppendText{1, std::string(50'000, 'z'), ""});
  fill_disk();
  advance(500);
  events_.clear();
  EXPECT_FALSE(clerk_->close(moment_));
  EXPECT_TRUE(only<event::Failed>().kept);
  free_disk();
}

TEST_F(ClerkTest, continues_a_stopped_answer) {
  send(command::BeginAnswer{1, answer(chat_, 0)});
  const Id id = only<event::MessageSaved>().message.id;
  send(command::AppendText{1, "Once upon", ""});
  send(command::FinishAnswer{1, {Status::stopped, {}}});
  only<event::MessageSaved>();
  send(command::ResumeAnswer{2, id});
  EXPECT_EQ(only<event::MessageSaved>().message.status, Status::streaming);
  send(command::AppendText{2, " a time", ""});
  send(command::FinishAnswer{2, {}});
  EXPECT_EQ(only<event::MessageSaved>().message.status, Status::complete);
  EXPECT_EQ(on_disk(id), "Once upon a time");
}

TEST_F(ClerkTest, answers_every_other_command) {
  send(command::CreateChat{1, {"new"}});
  const Id id = only<event::ChatSaved>().chat.id;
  send(command::RenameChat{2, id, "named"});
  EXPECT_EQ(only<event::ChatSaved>().chat.title, "named");
  send(command::AutomaticTitle{3, id, "automatic"});
  EXPECT_EQ(only<event::ChatSaved>().chat.title, "named");
  send(command::PinChat{4, id, true});
  EXPECT_TRUE(only<event::ChatSaved>().chat.pinned);
  send(command::MoveChat{28, id, "Work"});
  EXPECT_EQ(only<event::ChatSaved>().chat.folder, "Work");
  send(command::RenameFolder{29, "Work", "Home"});
  const auto renamed = only<event::FolderRenamed>();
  EXPECT_EQ(renamed.chats.at(0).folder, "Home");
  EXPECT_EQ(renamed.before.at(0).folder, "Work");
  send(command::PlaceChats{30, renamed.before});
  EXPECT_EQ(only<event::Chats>().chats.at(0).folder, "Work");
  send(command::SetChatModel{5, id, "/m.gguf"});
  EXPECT_EQ(only<event::ChatSaved>().chat.model_path, "/m.gguf");
  send(command::SetSystemPrompt{6, id, "Be kind."});
  EXPECT_EQ(only<event::ChatSaved>().chat.system_prompt, "Be kind.");
  send(command::SetChatSettings{7, id, "{}"});
  EXPECT_EQ(only<event::ChatSaved>().chat.settings, "{}");
  send(command::ListChats{8});
  EXPECT_EQ(only<event::Chats>().chats.size(), 2u);
  send(command::AppendMessage{9, said(id, 0, "first")});
  const Id first = only<event::MessageSaved>().message.id;
  send(command::AppendMessage{10, said(id, 0, "second")});
  const Id second = only<event::MessageSaved>().message.id;
  send(command::OpenChat{11, id});
  EXPECT_EQ(only<event::ChatOpened>().path.at(0).message.content, "second");
  send(command::ShowMessage{12, first});
  EXPECT_EQ(only<event::ChatOpened>().path.at(0).message.content, "first");
  send(command::DeleteBranch{13, first});
  const Id entry = only<event::BranchDeleted>().entry;
  send(command::OpenChat{22, id});
  EXPECT_EQ(only<event::ChatOpened>().path.at(0).message.id, second);
  send(command::ListBin{23});
  EXPECT_EQ(only<event::Bin>().entries.at(0).id, entry);
  send(command::Restore{24, entry});
  EXPECT_EQ(only<event::Restored>().chat, id);
  send(command::ForkChat{25, first});
  const Id copy = only<event::ChatSaved>().chat.id;
  send(command::ReadTree{26, copy});
  ChatTree tree = only<event::TreeRead>().tree;
  EXPECT_EQ(tree.messages.size(), 1u);
  send(command::AddTrees{27, {tree}});
  EXPECT_NE(only<event::TreesAdded>().chats.at(0).id, copy);
  send(command::FindSources{31, {tree.chat.source, "elsewhere"}});
  EXPECT_EQ(only<event::SourcesFound>().chats.size(), 2u) << "the chat, and its copy";
  send(command::ListBackups{32});
  EXPECT_TRUE(only<event::Backups>().backups.empty());
  send(command::RestoreBackup{33, "/nowhere.db"});
  EXPECT_FALSE(only<event::Failed>().kept);
  send(command::Search{14, "second", 5});
  EXPECT_EQ(only<event::Found>().hits.at(0).message_id, second);
  send(command::SetSetting{15, "theme", "dark"});
  EXPECT_EQ(only<event::Settings>().settings.at(0).value, "dark");
  send(command::ListSettings{16});
  EXPECT_EQ(only<event::Settings>().settings.size(), 1u);
  send(command::EraseSetting{17, "theme"});
  EXPECT_TRUE(only<event::Settings>().settings.empty());
  send(command::RememberModel{18, {"/m.gguf", "M", 1, 2}});
  EXPECT_EQ(only<event::Models>().models.at(0).name, "M");
  send(command::ListModels{19});
  EXPECT_EQ(only<event::Models>().models.size(), 1u);
  send(command::ForgetModel{20, "/m.gguf"});
  EXPECT_TRUE(only<event::Models>().models.empty());
  send(command::OpenChat{21, 99});
  EXPECT_EQ(only<event::Failed>().error.code, ErrorCode::not_found);
}

}  // namespace
}  // namespace foreword::storage
