// D36: whatever is done to chats, a finished message stays as it is.
#include <map>
#include <random>

#include "storage/rows.h"
#include "tests/storage/store_test.h"

namespace foreword::storage {
namespace {

class FinishedTest : public StoreTest {
 protected:
  /// Text and place of every finished message that is still there.
  std::map<Id, std::string> finished() {
    std::map<Id, std::string> found;
    const auto read = [](const Statement& row) { return std::pair(row.integer(0), row.text(1)); };
    for (auto& [id, text] : must(read_all<std::pair<Id, std::string>>(
             store_->database().query("SELECT id, chat_id || '/' || coalesce(parent_id, 0) || '/' || role || '/' || content || '/' || reasoning "
                                      "FROM messages WHERE status = 'complete'"), read))) {
      found[id] = std::move(text);
    }
    return found;
  }
  std::unique_ptr<ChatStore> store_;
};

TEST_F(FinishedTest, D36_no_operation_changes_a_finished_message) {
  store_ = open();
  constexpr unsigned kSeed = 7;
  std::mt19937 random(kSeed);
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  const auto below = [&](std::size_t n) { return static_cast<Id>(random() % std::max<std::size_t>(n, 1)); };
  std::vector<Id> chats{must(store_->create_chat({"first"})).id}, messages, entries;
  std::map<Id, std::string> before;
  for (int step = 0; step < 600; ++step) {
    const Id chat = chats[static_cast<std::size_t>(below(chats.size()))];
    const Id message = messages.empty() ? 0 : messages[static_cast<std::size_t>(below(messages.size()))];
    const std::string text = "text " + std::to_string(step);
    bool deletes = false;
    switch (random() % 14) {
      case 0: case 1: case 2:
        if (const auto added = store_->append(said(chat, random() % 3 == 0 ? 0 : message, text))) messages.push_back(added->id);
        break;
      case 3: case 4:
        if (const auto begun = store_->append(answer(chat, 0))) {
          messages.push_back(begun->id);
          must(store_->update_text(begun->id, text, "hm"));
          if (random() % 3 != 0) must(store_->finish(begun->id, text + ".", "hm", {random() % 2 == 0 ? Status::complete : Status::stopped, {}}));
        }
        break;
      case 5: (void)store_->update_text(message, "overwritten", "overwritten"); break;
      case 6: (void)store_->finish(message, "overwritten", "overwritten", {}); break;
      case 7: (void)store_->resume(message); break;
      case 8: (void)store_->show(message); break;
      case 9:
        if (const auto entry = random() % 2 == 0 ? store_->bin_branch(message) : store_->bin_chat(chat)) entries.push_back(*entry);
        break;
      case 10: if (!entries.empty()) (void)store_->restore(entries[static_cast<std::size_t>(below(entries.size()))]); break;
      case 11: if (const auto fork = store_->fork(message)) chats.push_back(fork->id); break;
      case 12: chats.push_back(must(store_->create_chat({text})).id); break;
      default:
        deletes = true;
        (void)store_->delete_branch(message);
    }
    const std::map<Id, std::string> after = finished();
    for (const auto& [id, was] : before) {
      const auto is = after.find(id);
      if (is == after.end()) {
        EXPECT_TRUE(deletes) << "message " << id << " is gone after step " << step;
      } else {
        ASSERT_EQ(is->second, was) << "message " << id << " after step " << step;
      }
    }
    before = after;
  }
  EXPECT_GT(before.size(), 20u);
  must(store_->database().check_integrity());
}

TEST_F(FinishedTest, D36_the_database_itself_refuses) {
  store_ = open();
  const Id chat = must(store_->create_chat({})).id, other = must(store_->create_chat({})).id;
  must(store_->append(said(chat, 0, "final")));
  const auto before = finished();
  for (const char* sql : {"UPDATE messages SET content = 'x'", "UPDATE messages SET reasoning = 'x'", "UPDATE messages SET role = 'system'",
                          "UPDATE messages SET parent_id = 1", "UPDATE OR REPLACE messages SET content = 'x'"}) {
    EXPECT_FALSE(store_->database().execute(sql)) << sql;
  }
  EXPECT_FALSE(store_->database().execute("UPDATE messages SET chat_id = ?", other));
  EXPECT_EQ(finished(), before);
}

}  // namespace
}  // namespace foreword::storage
