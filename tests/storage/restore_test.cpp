// Going back to a copy: of a database that is open, and of one that is damaged.
#include <fstream>

#include "storage/backups.h"
#include "storage/desk.h"
#include "tests/storage/store_test.h"

namespace foreword::storage {
namespace {

namespace fs = std::filesystem;

class RestoreTest : public StoreTest {
 protected:
  static constexpr std::int64_t kDay = 24LL * 3600 * 1000;

  std::vector<std::string> titles(ChatStore& store) {
    std::vector<std::string> found;
    for (const Chat& chat : must(store.chats())) found.push_back(chat.title);
    return found;
  }
  /// A database with the chat "old", its copy, and then the chat "new" in the database alone.
  fs::path make_copy(ChatStore& store) {
    must(store.append(said(must(store.create_chat({"old"})).id, 0, "words of old")));
    must(back_up_daily(store.database(), now_));
    must(store.append(said(must(store.create_chat({"new"})).id, 0, "words of new")));
    return daily_backup(file(), now_);
  }
  /// Bytes in the middle of a file that are no database any more.
  static void damage(const fs::path& path) {
    std::fstream bytes(path, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(4096);
    bytes << std::string(3 * 4096, 'x');
  }
};
using Titles = std::vector<std::string>;

TEST_F(RestoreTest, D43_copies_are_listed_newest_first_with_their_chats) {
  auto store = open();
  make_copy(*store);
  must(store->bin_chat(must(store->create_chat({"binned"})).id));
  must(back_up_daily(store->database(), now_ + kDay));
  fs::last_write_time(daily_backup(file(), now_), fs::file_time_type::clock::now() - std::chrono::hours(24));
  std::ofstream(daily_backup(file(), now_).parent_path() / "foreword-2023-01-01.db") << "not a database at all";
  std::ofstream(file().string() + ".backup-v3.part-aB3xYz") << "left over";
  const std::vector<Backup> backups = list_backups(file());
  ASSERT_EQ(backups.size(), 2u);
  EXPECT_EQ(backups[0].n_chats, 2) << "without the one in its bin";
  EXPECT_EQ(backups[1].n_chats, 1);
  EXPECT_EQ(backups[0].kind, BackupKind::daily);
  EXPECT_GT(backups[0].made_at, backups[1].made_at);
  EXPECT_GT(backups[0].bytes, 4096);
  EXPECT_FALSE(fs::exists(backups[0].path + "-wal")) << "looking changes nothing";
}

TEST_F(RestoreTest, D43_a_copy_takes_the_place_of_everything_and_gives_it_back) {
  auto store = open();
  const fs::path copy = make_copy(*store);
  const std::string kept = must(store->restore_backup(copy));
  EXPECT_EQ(titles(*store), Titles{"old"});
  EXPECT_TRUE(must(store->search("new", 5)).empty());
  EXPECT_EQ(must(store->search("words", 5)).size(), 1u);
  const Id streaming = must(store->append(answer(must(store->chats())[0].id, 0))).id;  // it is a whole store again
  must(store->finish(streaming, "said after the restore", "", {}));
  must(store->database().check_integrity());
  const std::string before = must(store->restore_backup(kept));
  EXPECT_EQ(titles(*store), (Titles{"new", "old"}));
  must(store->restore_backup(before));
  EXPECT_EQ(must(store->search("restore", 5)).size(), 1u);
  store.reset();
  store = open();
  EXPECT_EQ(store->n_interrupted(), 0);
  EXPECT_EQ(titles(*store), Titles{"old"});
}

TEST_F(RestoreTest, D43_only_the_newest_three_replaced_states_are_kept) {
  auto store = open();
  const fs::path copy = make_copy(*store);
  for (int i = 0; i < 6; ++i) {
    now_ += 60'000;
    must(store->restore_backup(copy));
  }
  int n_kept = 0;
  for (const Backup& backup : list_backups(file())) n_kept += backup.kind == BackupKind::before_restore;
  EXPECT_EQ(n_kept, kRestoresKept);
  EXPECT_TRUE(fs::exists(copy));
}

TEST_F(RestoreTest, D43_what_a_killed_copy_left_is_cleared_away_after_a_day) {
  auto store = open();
  make_copy(*store);
  const fs::path old = daily_backup(file(), now_).string() + ".part-aB3xYz", fresh = file().string() + ".backup-v3.part-aB3xYz";
  std::ofstream(old) << "half a copy";
  std::ofstream(fresh) << "half a copy";
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(25));
  must(back_up_daily(store->database(), system_milliseconds()));
  EXPECT_FALSE(fs::exists(old));
  EXPECT_TRUE(fs::exists(fresh)) << "another program may be writing it";
}

TEST_F(RestoreTest, D43_a_damaged_or_foreign_copy_and_a_shared_database_are_refused_unharmed) {
  auto store = open();
  const fs::path copy = make_copy(*store), bad = copy.parent_path() / "foreword-2023-01-02.db", none = bad.string() + "x";
  fs::copy_file(copy, bad);
  damage(bad);
  EXPECT_EQ(store->restore_backup(bad).error().code, ErrorCode::corrupt);
  EXPECT_FALSE(store->restore_backup(none));
  EXPECT_FALSE(fs::exists(none)) << "nothing is made where nothing was";
  std::ofstream(none) << "These are the notes of somebody else. ";
  EXPECT_FALSE(store->restore_backup(none));
  {
    auto other = open();
    EXPECT_EQ(store->restore_backup(copy).error().code, ErrorCode::invalid_argument);
  }
  EXPECT_EQ(titles(*store), (Titles{"new", "old"}));
  must(store->restore_backup(copy));
}

TEST_F(RestoreTest, D43_a_full_disk_leaves_everything_as_it_was) {
  auto store = open();
  const Id chat = must(store->create_chat({"old"})).id;
  must(store->append(said(chat, 0, std::string(2'000'000, 'x'))));
  must(back_up_daily(store->database(), now_));
  must(store->delete_chat(chat));
  must(store->create_chat({"new"}));
  must(store->database().execute("VACUUM"));
  must(store->database().execute("PRAGMA max_page_count = 100"));
  EXPECT_EQ(store->restore_backup(daily_backup(file(), now_)).error().code, ErrorCode::io);
  EXPECT_EQ(titles(*store), Titles{"new"});
  must(store->database().execute("PRAGMA max_page_count = 1000000"));
  must(store->create_chat({"newer"}));
  must(store->database().check_integrity());
}

/// The desk, whose thread is the only one that opens the file.
class RestoreDeskTest : public RestoreTest {
 protected:
  template <class Letter>
  Letter next() {
    std::optional<Event> event = events_.take();
    if (!event || !std::holds_alternative<Letter>(*event)) throw std::runtime_error("another event");
    return std::get<Letter>(*std::move(event));
  }
  Mailbox<Event> events_;
  EventSink sink_ = [this](Event event) { events_.push(std::move(event)); };
};

TEST_F(RestoreDeskTest, D43_a_damaged_database_offers_its_newest_good_copy) {
  fs::path good, newer;
  {
    auto store = open();
    good = make_copy(*store);
    newer = daily_backup(file(), now_ + kDay);
    must(back_up_daily(store->database(), now_ + kDay));
  }
  fs::last_write_time(good, fs::file_time_type::clock::now() - std::chrono::hours(24));
  damage(newer);
  damage(file());
  {
    StorageDesk desk(file(), sink_);
    EXPECT_EQ(next<event::OpenFailed>().error.code, ErrorCode::corrupt);
    desk.send(command::ListChats{1});
    EXPECT_EQ(next<event::Failed>().request, 1u);
    desk.send(command::ListBackups{2});
    const auto backups = next<event::Backups>().backups;
    ASSERT_EQ(backups.size(), 1u) << "the newer one is damaged as well";
    EXPECT_EQ(backups[0].path, good);
    desk.send(command::RestoreBackup{3, newer});
    EXPECT_EQ(next<event::Failed>().error.code, ErrorCode::corrupt);
    desk.send(command::RestoreBackup{4, good});
    const auto restored = next<event::BackupRestored>();
    EXPECT_FALSE(restored.can_undo);
    EXPECT_TRUE(fs::exists(restored.kept)) << "what was damaged may still be of use to somebody";
    next<event::Opened>();
    desk.send(command::ListChats{5});
    EXPECT_EQ(next<event::Chats>().chats.at(0).title, "old");
  }
  auto store = open();
  must(store->database().check_integrity());
}

TEST_F(RestoreDeskTest, D43_an_answer_that_grows_is_in_what_is_kept_before_a_restore) {
  const fs::path copy = [&] {
    auto store = open();
    return make_copy(*store);
  }();
  StorageDesk desk(file(), sink_);
  next<event::Opened>();
  desk.send(command::CreateChat{1, {"growing"}});
  desk.send(command::BeginAnswer{2, answer(next<event::ChatSaved>().chat.id, 0)});
  next<event::MessageSaved>();
  desk.send(command::AppendText{2, "half an answer", ""});
  desk.send(command::RestoreBackup{3, copy});
  EXPECT_EQ(next<event::MessageSaved>().message.status, Status::interrupted);
  const auto restored = next<event::BackupRestored>();
  desk.send(command::FinishAnswer{2, {}});
  EXPECT_FALSE(next<event::Failed>().kept);
  desk.send(command::RestoreBackup{4, restored.kept});
  next<event::BackupRestored>();
  desk.send(command::Search{5, "half", 5});
  EXPECT_EQ(next<event::Found>().hits.size(), 1u);
}

TEST_F(RestoreTest, D44_a_chat_is_known_by_its_source_unless_it_is_in_the_bin) {
  auto store = open();
  const Id chat = must(store->create_chat({"walks"})).id, other = must(store->create_chat({"other"})).id;
  const std::string source = must(store->chat(chat)).source;
  EXPECT_EQ(source.size(), 32u);
  EXPECT_NE(must(store->chat(other)).source, source);
  EXPECT_EQ(must(store->chats_from({"nowhere", source})).size(), 1u);
  ChatTree tree = must(store->tree(chat)), broken = tree;
  broken.messages.push_back({});
  broken.messages.back().message.parent_id = 7;
  EXPECT_EQ(store->add_trees({tree, broken}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(must(store->chats()).size(), 2u) << "all or none";
  const std::vector<Chat> added = must(store->add_trees({tree, tree}));
  ASSERT_EQ(added.size(), 2u);
  EXPECT_EQ(added[0].source, source);
  for (const Chat& copy : added) must(store->bin_chat(copy.id));
  must(store->bin_chat(chat));
  EXPECT_TRUE(must(store->chats_from({source})).empty());
  EXPECT_EQ(must(store->chats_from({must(store->fork(must(store->append(said(other, 0, "x"))).id)).source})).size(), 1u)
      << "a fork begins here";
}

TEST_F(RestoreTest, D42_a_folder_that_was_merged_into_another_comes_back_apart) {
  auto store = open();
  const Id a = must(store->create_chat({"a"})).id, b = must(store->create_chat({"b"})).id, c = must(store->create_chat({"c"})).id;
  must(store->move_chat(a, "Work/Reports"));
  must(store->move_chat(b, "Work"));
  must(store->move_chat(c, "Home"));
  const std::vector<Place> before = must(store->rename_folder("Work", "Home"));
  EXPECT_EQ(before.size(), 2u);
  EXPECT_EQ(must(store->chat(b)).folder, "Home");
  must(store->place_chats(before));
  EXPECT_EQ(must(store->chat(a)).folder, "Work/Reports");
  EXPECT_EQ(must(store->chat(b)).folder, "Work");
  EXPECT_EQ(must(store->chat(c)).folder, "Home");
}

TEST_F(RestoreTest, D42_a_title_that_a_person_takes_back_is_automatic_again) {
  auto store = open();
  const Id chat = must(store->create_chat({"first words"})).id;
  must(store->rename_chat(chat, "Mine"));
  must(store->rename_chat(chat, "first words", false));
  must(store->set_automatic_title(chat, "Better"));
  EXPECT_EQ(must(store->chat(chat)).title, "Better");
}

}  // namespace
}  // namespace foreword::storage
