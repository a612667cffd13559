#include "storage/database.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <map>

#include "tests/storage/child.h"
#include "tests/storage/store_test.h"

namespace foreword::storage {
namespace {

class DatabaseTest : public StoreTest {
 protected:
  /// Every file of the folder with its bytes and its rights.
  static std::map<std::string, std::string> snapshot(const std::filesystem::path& folder) {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      std::ifstream in(entry.path(), std::ios::binary);
      files[entry.path().filename()] = std::string(std::istreambuf_iterator<char>(in), {}) + " mode " +
                                       std::to_string(static_cast<int>(entry.status().permissions()));
    }
    return files;
  }
  static unsigned mode(const std::filesystem::path& path) {
    struct stat status{};
    EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 0777;
  }
  /// A sentence: ends like one and names the file.
  static void expect_sentence(const Error& error, ErrorCode code, const std::string& part) {
    EXPECT_EQ(error.code, code) << error.message;
    EXPECT_NE(error.message.find(part), std::string::npos) << error.message;
    EXPECT_NE(error.message.find("foreword.db"), std::string::npos) << error.message;
    EXPECT_EQ(error.message.find('\n'), std::string::npos);
  }
  void write_file(const std::string& bytes) {
    std::ofstream(file(), std::ios::binary | std::ios::trunc) << bytes;
  }
};

TEST_F(DatabaseTest, makes_private_files_in_private_folders_whatever_the_umask) {
  const auto deep = folder_.path() / "数据 data" / "foreword";
  const mode_t before = umask(0);
  {
    auto store = must(ChatStore::open(deep / "foreword.db"));
    must(store->create_chat({"x"}));
    EXPECT_EQ(mode(deep), 0700u);
    EXPECT_EQ(mode(deep.parent_path()), 0700u);
    for (const char* ending : {"", "-wal", "-shm", "-writers"}) {
      EXPECT_EQ(mode(deep / (std::string("foreword.db") + ending)), 0600u) << ending;
    }
  }
  std::filesystem::permissions(deep / "foreword.db", std::filesystem::perms{0644});
  must(ChatStore::open(deep / "foreword.db"));
  EXPECT_EQ(mode(deep / "foreword.db"), 0600u);
  umask(before);
}

constexpr const char* kBadSql = "CREATE TABLE extra (a INTEGER); INSERT INTO nowhere VALUES (1);";
constexpr const char* kGoodSql = "ALTER TABLE chats ADD COLUMN flavour TEXT NOT NULL DEFAULT '';";
constexpr const char* kBrokenLinkSql =
    "PRAGMA defer_foreign_keys = ON; INSERT INTO messages (chat_id, role, status, created_at, content) "
    "VALUES (999, 'user', 'complete', 0, '');";

std::vector<Migration> rows_and(const char* sql) {
  std::vector<Migration> rows(kMigrations.begin(), kMigrations.end());
  rows.push_back(Migration{static_cast<int>(rows.size()) + 1, sql});
  return rows;
}

/// Every older version: the rows up to it make a database, which must come up to today's.
TEST_F(DatabaseTest, comes_up_from_every_older_version_after_a_backup) {
  const std::vector<Migration> all = rows_and(kGoodSql);
  for (std::size_t version = 1; version < all.size(); ++version) {
    const auto path = folder_.path() / ("from-" + std::to_string(version) + ".db");
    must(must(Database::open(path, std::span(all).first(version)))
             ->execute("INSERT INTO chats (created_at, updated_at, title) VALUES (1, 2, 'kept')"));
    auto database = must(Database::open(path, all));
    auto row = must(database->query("SELECT title, flavour FROM chats"));
    ASSERT_TRUE(must(row.step()));
    EXPECT_EQ(row.text(0), "kept");
    must(database->check_integrity());

    const auto backup = path.string() + ".backup-v" + std::to_string(version);
    EXPECT_EQ(mode(backup), 0600u);
    auto old = must(Database::open(backup, std::span(all).first(version)));
    auto old_row = must(old->query("SELECT title FROM chats"));
    ASSERT_TRUE(must(old_row.step()));
    EXPECT_EQ(old_row.text(0), "kept");
  }
}

TEST_F(DatabaseTest, a_migration_that_fails_leaves_the_old_schema) {
  must(open()->create_chat({"kept"}));
  expect_sentence(Database::open(file(), rows_and(kBadSql)).error(), ErrorCode::io, "nowhere");
  expect_sentence(Database::open(file(), rows_and(kBrokenLinkSql)).error(), ErrorCode::corrupt, "messages");
  auto store = open();
  EXPECT_EQ(must(store->chats()).at(0).title, "kept");
  EXPECT_FALSE(store->database().execute("SELECT a FROM extra"));
}

TEST_F(DatabaseTest, a_newer_database_is_refused_and_not_a_byte_changes) {
  must(must(Database::open(file()))->execute("PRAGMA user_version = 99"));
  const auto before = snapshot(folder_.path());
  for (int i = 0; i < 2; ++i) expect_sentence(ChatStore::open(file()).error(), ErrorCode::unsupported, "newer version");
  EXPECT_EQ(snapshot(folder_.path()), before);
}

TEST_F(DatabaseTest, a_newer_version_that_is_only_in_the_wal_is_refused_too) {
  const test::TempDir copies;
  {
    auto database = must(Database::open(file()));
    must(database->execute("PRAGMA wal_checkpoint(TRUNCATE)"));
    auto transaction = must(database->begin());  // of many pages
    must(database->execute("PRAGMA user_version = 99"));
    must(database->execute("INSERT INTO settings VALUES ('long', ?)", std::string(90'000, 'x')));
    must(transaction.commit());
    for (const char* name : {"foreword.db", "foreword.db-wal"}) {
      std::filesystem::copy_file(folder_.path() / name, copies.path() / name);
    }
  }
  const auto before = snapshot(copies.path());
  const auto copy = copies.path() / "foreword.db";
  expect_sentence(Database::open(copy).error(), ErrorCode::unsupported, "newer version");
  EXPECT_EQ(snapshot(copies.path()), before);

  // Without its last page the transaction never committed.
  const auto log = copy.string() + "-wal";
  std::filesystem::resize_file(log, std::filesystem::file_size(log) - 1);
  EXPECT_TRUE(Database::open(copy));
}

TEST_F(DatabaseTest, a_version_that_no_program_has_written_is_damage) {
  must(must(Database::open(file()))->execute("PRAGMA user_version = -16777210"));
  expect_sentence(Database::open(file()).error(), ErrorCode::corrupt, "is damaged");
  expect_sentence(Database::open_copy(file()).error(), ErrorCode::corrupt, "is damaged");
  const auto blank = folder_.path() / "blank-foreword.db";
  must(must(Database::open(blank, {}))->execute("PRAGMA user_version = -1"));
  expect_sentence(Database::open(blank).error(), ErrorCode::corrupt, "is damaged");
}

TEST_F(DatabaseTest, other_peoples_files_are_refused_and_not_touched) {
  constexpr const char* kTheirs = "CREATE TABLE theirs (x)";
  const Migration foreign[] = {{1, kTheirs}};
  must(must(Database::open(file(), foreign))->execute("PRAGMA application_id = 1234"));
  auto before = snapshot(folder_.path());
  expect_sentence(ChatStore::open(file()).error(), ErrorCode::unsupported, "another program");
  EXPECT_EQ(snapshot(folder_.path()), before);

  const std::string files[] = {"hello", std::string(5000, '\0'), std::string("SQLite format 3\0", 16)};
  for (const std::string& bytes : files) {
    write_file(bytes);
    before = snapshot(folder_.path());
    expect_sentence(ChatStore::open(file()).error(), ErrorCode::corrupt, "is not a chat database");
    EXPECT_EQ(snapshot(folder_.path()), before);
  }
}

TEST_F(DatabaseTest, damage_gives_a_sentence_and_never_a_crash) {
  {
    auto store = open();
    const Id chat = must(store->create_chat({"x"})).id;
    for (int i = 0; i < 50; ++i) must(store->append(said(chat, 0, std::string(500, static_cast<char>('a' + i % 26)))));
  }
  const std::string good = test::read_text(file());
  std::uint64_t random = 20240501;  // the seed
  int n_refused = 0;
  for (int round = 0; round < 60; ++round) {
    std::string bad = good;
    for (int i = 0; i < 30; ++i) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      bad[(random >> 33) % bad.size()] ^= static_cast<char>(random >> 25 | 1);
    }
    if (round % 3 == 0) bad.resize(bad.size() / 2);
    for (const char* ending : {"-wal", "-shm"}) std::filesystem::remove(file().string() + ending);
    write_file(bad);
    auto store = ChatStore::open(file());
    n_refused += !store;
    if (!store) continue;
    n_refused += !(*store)->database().check_integrity();
    for (Id id = 1; id <= 60; ++id) static_cast<void>((*store)->message(id).has_value());
    static_cast<void>((*store)->search("aaa", 10).has_value());
    static_cast<void>((*store)->delete_chat(1).has_value());
  }
  EXPECT_GT(n_refused, 30);
}

TEST_F(DatabaseTest, a_full_disk_gives_a_sentence_and_keeps_what_was_saved) {
  auto store = open();
  const Id chat = must(store->create_chat({"x"})).id;
  must(store->append(said(chat, 0, "first")));
  must(store->database().execute("PRAGMA max_page_count = 80"));
  const std::string big(100'000, 'y');
  Result<Message> added = store->append(said(chat, 0, big));
  for (int i = 0; i < 10 && added; ++i) added = store->append(said(chat, 0, big));
  expect_sentence(added.error(), ErrorCode::io, "is full");
  must(store->database().check_integrity());
  EXPECT_EQ(must(store->message(1)).content, "first");
  must(store->database().execute("PRAGMA max_page_count = 1000000"));
  must(store->append(said(chat, 0, big)));
}

TEST_F(DatabaseTest, a_write_that_the_system_refuses_gives_a_sentence) {
  auto store = open();
  const Id chat = must(store->create_chat({"x"})).id;
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{600'000, before.rlim_max};  // the schema itself takes half of it
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  Result<Message> added = store->append(said(chat, 0, "first"));
  for (int i = 0; i < 50 && added; ++i) added = store->append(said(chat, 0, std::string(20'000, 'y')));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, SIG_DFL);
  expect_sentence(added.error(), ErrorCode::io, "disk");
  must(store->append(said(chat, 0, "after")));
  EXPECT_EQ(must(store->message(1)).content, "first");
  must(store->database().check_integrity());
}

TEST_F(DatabaseTest, folders_that_cannot_be_made_give_a_sentence) {
  expect_sentence(ChatStore::open("/proc/foreword/foreword.db").error(), ErrorCode::io, "folder");
  write_file("a file, not a folder");
  EXPECT_EQ(ChatStore::open(file() / "foreword.db").error().code, ErrorCode::io);
  EXPECT_EQ(ChatStore::open(folder_.path()).error().code, ErrorCode::io);
}

// In a child without rights, because a test may run as root, whom no folder stops.
TEST(DatabaseChild, DISABLED_opens_without_rights) {
  ASSERT_TRUE(child_argument());
  if (geteuid() == 0) {
    ASSERT_EQ(setgid(65534), 0);
    ASSERT_EQ(setuid(65534), 0);
  }
  const auto store = ChatStore::open(*child_argument());
  ASSERT_FALSE(store);
  Child::report(std::string(name_of(store.error().code)) + " " + store.error().message);
}

TEST_F(DatabaseTest, a_read_only_folder_gives_a_sentence) {
  must(open()->create_chat({"x"}));
  const auto expect_refused = [&](const char* part) {
    Child child("DatabaseChild.DISABLED_opens_without_rights", file());
    const std::string line = child.next_line().value_or("no report");
    EXPECT_EQ(line.substr(0, 3), "io ") << line;
    EXPECT_NE(line.find(part), std::string::npos) << line;
    EXPECT_EQ(child.wait(), 0);
  };
  using std::filesystem::perms;
  std::filesystem::permissions(file(), perms{0444});
  std::filesystem::permissions(folder_.path(), perms{0555});
  expect_refused("ermission");
  std::filesystem::permissions(file(), perms{0400});
  if (geteuid() == 0) expect_refused("cannot be read");
  std::filesystem::remove(file());
  expect_refused("opening it for writing");
  Child child("DatabaseChild.DISABLED_opens_without_rights", folder_.path() / "deep" / "foreword.db");
  const std::string line = child.next_line().value_or("no report");
  EXPECT_NE(line.find("Permission denied"), std::string::npos) << line;
  EXPECT_EQ(child.wait(), 0);
  std::filesystem::permissions(folder_.path(), perms{0700});
}

TEST_F(DatabaseTest, a_backup_is_whole_private_and_replaces_an_older_one) {
  auto store = open();
  const Id chat = must(store->create_chat({"one"})).id;
  const auto target = folder_.path() / "copy.db";
  must(store->database().back_up(target));
  must(store->rename_chat(chat, "two"));
  must(store->database().back_up(target));
  EXPECT_EQ(mode(target), 0600u);
  EXPECT_EQ(must(must(ChatStore::open(target))->chats()).at(0).title, "two");
  EXPECT_EQ(store->database().back_up("/proc/foreword/copy.db").error().code, ErrorCode::io);
}

TEST_F(DatabaseTest, a_backup_of_a_version_that_another_program_has_left_stays_as_it_is) {
  auto store = open();
  const Id chat = must(store->create_chat({"one"})).id;
  const auto target = folder_.path() / "copy.db";
  const int version = static_cast<int>(kMigrations.size());
  must(store->database().back_up(target, version));
  must(store->rename_chat(chat, "two"));
  must(store->database().back_up(target, version - 1));
  EXPECT_EQ(must(must(ChatStore::open(target))->chats()).at(0).title, "one");
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    EXPECT_EQ(entry.path().string().find(".part-"), std::string::npos) << entry.path();
  }
}

TEST_F(DatabaseTest, D43_a_copy_can_be_searched_and_checked_as_its_original_can) {
  const auto copy = folder_.path() / "copy.db";
  {
    auto store = open();
    must(store->append(said(must(store->create_chat({"chat"})).id, 0, "somewhere in a sentence")));
    must(store->database().back_up(copy));
  }
  auto database = must(Database::open_copy(copy));
  must(database->check_integrity());
  // From SQLite 3.44 on the check itself asks the indexes.
  Statement found = must(database->query("SELECT count(*) FROM message_parts WHERE message_parts MATCH ?", std::string_view("\"omewher\"")));
  ASSERT_TRUE(must(found.step()));
  EXPECT_EQ(found.integer(0), 1);
}

}  // namespace
}  // namespace foreword::storage
