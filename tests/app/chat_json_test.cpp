// Exports, and the way back: random trees must survive unharmed, broken files must be refused.

#include "app/chat_json.h"

#include <gtest/gtest.h>

#include <random>

#include "app/chat_export.h"
#include "app/files.h"
#include "storage/chat_store.h"
#include "tests/support/fixtures.h"

namespace foreword::app {
namespace {

using storage::ChatTree;

/// Any shape, any bytes, any numbers.
ChatTree random_tree(std::mt19937& random) {
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  static const std::string kPieces[] = {"word ", "\n", "\"quote\"", "漢字", "👩‍👩‍👧", "\\", std::string(1, '\0'), "e\u0301", "<b>&amp;", "\xff\xfe", "\xe6\xbc"};
  const auto text = [&] {
    std::string result;
    for (int n = below(6); n > 0; --n) result += kPieces[below(10) == 0 ? 9 + below(2) : below(9)];
    return result;
  };
  ChatTree tree;
  tree.chat = {0, text(), below(2) == 0, below(2) == 0, below(1000), 1000 + below(1000), text(), text(), text(), text(), "s" + std::to_string(below(1'000'000))};
  const int n = below(30);
  for (int i = 1; i <= n; ++i) {
    storage::TreeMessage entry;
    entry.message.id = 10 + 3 * i;
    entry.message.parent_id = i == 1 || below(6) == 0 ? 0 : 10 + 3 * (1 + below(i - 1));
    entry.message.role = static_cast<storage::Role>(below(4));
    entry.message.status = static_cast<storage::Status>(below(2) == 0 ? 0 : 2 + below(3));
    entry.message.created_at = below(1'000'000'000) * 1000LL;
    entry.message.content = text();
    entry.message.reasoning = text();
    entry.message.model = text();
    entry.message.settings = text();
    entry.message.stats = {below(100), below(100), below(100), below(1000) / 7.0, below(1000) / 3.0, text(), below(1000) / 9.0};
    tree.messages.push_back(std::move(entry));
  }
  for (auto& entry : tree.messages) {  // a child of its own, or none
    for (const auto& child : tree.messages) {
      if (child.message.parent_id == entry.message.id && below(2) == 0) entry.shown_child = child.message.id;
    }
    if (entry.message.parent_id == 0 && below(2) == 0) tree.shown_root = entry.message.id;
  }
  return tree;
}

TEST(ChatJson, D15RandomTreesGoOutIntoADatabaseAndOutAgainByteByByte) {
  test::TempDir folder;
  auto store = storage::ChatStore::open(folder.path() / "foreword.db");
  ASSERT_TRUE(store);
  std::mt19937 random(1);
  for (int round = 0; round < 100; ++round) {
    const std::string json = chat_to_json(random_tree(random));
    const auto tree = chat_from_json(json);
    ASSERT_TRUE(tree) << tree.error().message;
    EXPECT_EQ(chat_to_json(*tree), json);
    const auto chat = (*store)->add_tree(*tree);
    ASSERT_TRUE(chat) << chat.error().message;
    const auto stored = (*store)->tree(chat->id);
    ASSERT_TRUE(stored);
    EXPECT_EQ(chat_to_json(*stored), json);
  }
}

TEST(ChatJson, D45BrokenFilesAreRefusedWithThePlaceAndNeverCrash) {
  std::mt19937 random(2);
  ChatTree tree;
  while (tree.messages.size() < 3) tree = random_tree(random);
  const std::string json = chat_to_json(tree);
  for (int round = 0; round < 3000; ++round) {
    std::string broken = json;
    for (unsigned n = 1 + random() % 3; n > 0; --n) {
      const std::size_t at = random() % broken.size();
      switch (random() % 3) {
        case 0: broken[at] = static_cast<char>(random()); break;
        case 1: broken.erase(at, 1 + random() % 20); break;
        default: broken.insert(at, broken.substr(random() % broken.size(), random() % 20)); break;
      }
      if (broken.empty()) broken = "x";
    }
    const auto read = chat_from_json(broken);
    EXPECT_TRUE(read || !read.error().message.empty());
  }
  const auto message_of = [](const std::string& text) { return chat_from_json(text).error().message; };
  EXPECT_NE(message_of("{\"format\": ").find("byte 12"), std::string::npos) << message_of("{\"format\": ");
  EXPECT_EQ(chat_from_json("{\"format\": \"other\"}").error().code, ErrorCode::unsupported);
  EXPECT_EQ(chat_from_json("{\"format\": \"foreword-chat\", \"version\": 2}").error().code, ErrorCode::unsupported);
  EXPECT_NE(message_of("{\"format\": \"foreword-chat\", \"version\": 1, \"chat\": {\"title\": 5}}").find("chat.title"), std::string::npos);
  EXPECT_FALSE(chat_from_json(std::string(1'000'000, '[')));
  EXPECT_FALSE(chat_from_json(""));
}

ChatTree small_tree() {
  ChatTree tree;
  tree.chat.title = "Sky <&> \"sea\"";
  storage::TreeMessage question, first, second;
  question.message.id = 1;
  question.message.content = "Why <b>blue</b>?";
  question.shown_child = 2;
  first.message.id = 2;
  first.message.parent_id = 1;
  first.message.role = storage::Role::assistant;
  first.message.model = "tiny";
  first.message.content = "<think>\nhm\n</think>\n\n**Air.**";
  second = first;
  second.message.id = 3;
  second.message.content = "Other";
  tree.messages = {question, first, second};
  return tree;
}

TEST(ChatExport, D15TheShownBranchIsWrittenWithoutThoughts) {
  const ChatTree tree = small_tree();
  EXPECT_EQ(export_chat(tree, ExportFormat::markdown), "# Sky <&> \"sea\"\n\n## You\n\nWhy <b>blue</b>?\n\n## tiny\n\n**Air.**\n");
  EXPECT_EQ(export_chat(tree, ExportFormat::text), "Sky <&> \"sea\"\n\nYou:\nWhy <b>blue</b>?\n\ntiny:\n**Air.**\n");
  const std::string html = export_chat(tree, ExportFormat::html);
  EXPECT_NE(html.find("<title>Sky &lt;&amp;&gt; &quot;sea&quot;</title>"), std::string::npos);
  EXPECT_NE(html.find("Why &lt;b&gt;blue&lt;/b&gt;?"), std::string::npos);
  EXPECT_EQ(html.find("Other"), std::string::npos);
  EXPECT_NE(export_chat(tree, ExportFormat::json).find("Other"), std::string::npos) << "every branch";
}

TEST(ChatExport, FileNamesAreSafeAndNothingIsOverwritten) {
  storage::Chat chat;
  chat.title = "../a/b: \"c\"?\n";
  EXPECT_EQ(export_name(chat, ExportFormat::markdown), "a b   c.md");
  chat.title = "...";
  EXPECT_EQ(export_name(chat, ExportFormat::json), "Chat.json");
  chat.title.clear();
  for (int i = 0; i < 100; ++i) chat.title += "漢";
  EXPECT_EQ(export_name(chat, ExportFormat::text).size(), 78u + 4u);
  test::TempDir folder;
  EXPECT_EQ(save_new(folder.path(), "a.md", "one")->filename(), "a.md");
  EXPECT_EQ(save_new(folder.path(), "a.md", "two")->filename(), "a (2).md");
  EXPECT_EQ(*read_file(folder.path() / "a.md", 3), "one");
  EXPECT_EQ(read_file(folder.path() / "a.md", 2).error().code, ErrorCode::unsupported);
  EXPECT_EQ(save_new(folder.path() / "none", "a.md", "x").error().code, ErrorCode::io);
}

}  // namespace
}  // namespace foreword::app
