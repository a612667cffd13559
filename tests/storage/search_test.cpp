#include "storage/search_query.h"
#include "tests/storage/store_test.h"

namespace foreword::storage {
namespace {

class SearchTest : public StoreTest {
 protected:
  void SetUp() override {
    store_ = open();
    chat_ = must(store_->create_chat({"Reise nach Kyōto"})).id;
  }
  /// In a chat of its own: a search finds one message a chat.
  Id add(const std::string& text) { return must(store_->append(said(must(store_->create_chat({})).id, 0, text))).id; }
  /// The messages found, newest first; 0 for a title.
  std::vector<Id> find(std::string_view query) {
    std::vector<Id> ids;
    for (const SearchHit& hit : must(store_->search(query, 20))) ids.push_back(hit.message_id);
    return ids;
  }

  std::unique_ptr<ChatStore> store_;
  Id chat_ = 0;
};
using Ids = std::vector<Id>;

TEST_F(SearchTest, D40_D41_words_parts_prefixes_and_accents) {
  const Id cafe = add("Das Café am Fluß, naïve Überlegungen");
  const Id compiler = add("The compiler says: std::vector<int> is fine");
  EXPECT_EQ(find("cafe"), Ids{cafe});
  EXPECT_EQ(find("CAFÉ"), Ids{cafe});
  EXPECT_EQ(find("uberleg"), Ids{cafe});
  EXPECT_EQ(find("comp"), Ids{compiler});
  EXPECT_EQ(find("mpile"), Ids{compiler}) << "a part of a word";
  EXPECT_EQ(find("vector<int>"), Ids{compiler});
  EXPECT_EQ(find("fine compiler"), Ids{compiler}) << "every word, in any order";
  EXPECT_EQ(find("fine cafe"), Ids{});
  EXPECT_EQ(find("kyoto"), Ids{0}) << "a title";
}

TEST_F(SearchTest, D41_chinese_japanese_thai_and_short_queries) {
  const Id chinese = add("我们明天去北京大学看展览。");
  const Id japanese = add("東京都の天気は晴れです");
  const Id thai = add("สวัสดีครับ ยินดีต้อนรับ");
  const Id latin = add("Go is a language; C is older {x}");
  EXPECT_EQ(find("北京大学"), Ids{chinese});
  EXPECT_EQ(find("北京"), Ids{chinese});
  EXPECT_EQ(find("京"), (Ids{japanese, chinese}));
  EXPECT_EQ(find("天気"), Ids{japanese});
  EXPECT_EQ(find("北京 展览"), Ids{chinese});
  EXPECT_EQ(find("北京 天気"), Ids{});
  EXPECT_EQ(find("ดีครับ"), Ids{thai});
  EXPECT_EQ(find("go"), Ids{latin});
  EXPECT_EQ(find("c"), Ids{latin});
  EXPECT_EQ(find("{"), Ids{latin});
  EXPECT_EQ(find("};"), Ids{});
  EXPECT_EQ(find("language {"), Ids{latin});
}

TEST_F(SearchTest, D40_any_text_is_a_valid_query) {
  add("He said \"AND OR NOT\" (NEAR) ^ * : - + title:x it's 100%_sure");
  const std::string odd[] = {
      "\"", "\"\"\"", "*", "AND", "a AND", "NOT", "NEAR(", "title:x", "-x", "^he", "it's", "100%", "(", ")", "a\"b",
      "content :", "{a b}", "\\", "+ + +", ";--", "\xff", "\xe4", "—", "…", "🙂", "x*y", "' OR 1", " ", "\x01\x02",
      "?1", "", "a b c d e f g", "— — — — — —", "é"};
  for (const std::string& query : odd) EXPECT_TRUE(store_->search(query, 5)) << query;
  EXPECT_TRUE(store_->search(std::string("a\0b", 3), 5));
  EXPECT_TRUE(store_->search(std::string(100'000, 'x'), 5));
  EXPECT_EQ(find("\"AND").size(), 1u);
  EXPECT_EQ(find("it's").size(), 1u);
  EXPECT_EQ(find("100%_").size(), 1u);
  EXPECT_EQ(find("title:x").size(), 1u);
  EXPECT_EQ(find("— said").size(), 1u) << "a dash is no word";
}

TEST_F(SearchTest, D41_follows_renames_and_deletions) {
  const Id id = must(store_->append(said(chat_, 0, "ephemeral"))).id;
  must(store_->rename_chat(chat_, "Umzug"));
  EXPECT_EQ(find("kyoto"), Ids{});
  EXPECT_EQ(find("umzug"), Ids{0});
  must(store_->delete_branch(id));
  EXPECT_EQ(find("ephemeral"), Ids{});
  must(store_->append(said(chat_, 0, "second 北")));
  must(store_->delete_chat(chat_));
  EXPECT_EQ(find("北"), Ids{});
  EXPECT_EQ(find("second"), Ids{});
  EXPECT_EQ(find("umzug"), Ids{});
  for (const char* check : {"INSERT INTO message_words (message_words, rank) VALUES ('integrity-check', 1)",
                            "INSERT INTO message_parts (message_parts, rank) VALUES ('integrity-check', 1)",
                            "INSERT INTO title_words (title_words, rank) VALUES ('integrity-check', 1)",
                            "INSERT INTO title_parts (title_parts, rank) VALUES ('integrity-check', 1)"}) {
    must(store_->database().execute(check));
  }
}

TEST_F(SearchTest, D40_obeys_the_limit_newest_first) {
  Ids ids;
  for (int i = 0; i < 10; ++i) ids.push_back(add("same text"));
  const auto hits = must(store_->search("same", 3));
  ASSERT_EQ(hits.size(), 3u);
  EXPECT_EQ(hits[0].message_id, ids[9]);
  EXPECT_EQ(hits[2].message_id, ids[7]);
}

TEST_F(SearchTest, D41_one_and_two_characters_of_any_script_and_signs) {
  const Id end = add("今天在北京"), start = add("京都の天気"), folded = add("straße ΑΘΗΝΑ"), emoji = add("fine 🙂"), code = add("if (a == b) { c++; }");
  EXPECT_EQ(find("北京"), Ids{end}) << "at the very end of a text";
  EXPECT_EQ(find("京都"), Ids{start}) << "and at its very beginning";
  EXPECT_EQ(find("京"), (Ids{start, end}));
  EXPECT_EQ(find("京北"), Ids{});
  EXPECT_EQ(find("θη"), Ids{folded});
  EXPECT_EQ(find("ß"), Ids{folded});
  EXPECT_EQ(find("🙂"), Ids{emoji});
  EXPECT_EQ(find("=="), Ids{code});
  EXPECT_EQ(find("c+"), Ids{code});
  EXPECT_EQ(find("z+"), Ids{});
  EXPECT_EQ(find("{ c++"), Ids{code});
  EXPECT_EQ(find("a ("), Ids{code});
  const Id one = add("京"), two = add("東京"), nothing = add("");
  EXPECT_EQ(find("京"), (Ids{two, one, start, end}));
  for (const Id id : {one, two, nothing, end}) must(store_->delete_branch(id));
  EXPECT_EQ(find("京"), Ids{start});
  must(store_->database().execute("INSERT INTO message_parts (message_parts, rank) VALUES ('integrity-check', 1)"));
}

TEST_F(SearchTest, D40_one_hit_a_chat_however_many_messages_have_it) {
  const Id other = add("same text");
  Id last = 0;
  for (int i = 0; i < 600; ++i) last = must(store_->append(said(chat_, last, "same text"))).id;
  EXPECT_EQ(find("same"), (Ids{last, other}));
}

TEST_F(SearchTest, D40_snippets_mark_what_was_found) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "füllen ";
  add(text + "the NEEDLE here " + text);
  add("一二三四五六七八九十北京一二三四五六七八九十");
  for (const auto& [query, found] : {std::pair{"needle", "NEEDLE"}, {"eedl", "EEDL"}, {"北京", "北京"}}) {
    const auto hits = must(store_->search(query, 5));
    ASSERT_EQ(hits.size(), 1u) << query;
    ASSERT_FALSE(hits[0].marks.empty()) << query;
    EXPECT_LE(hits[0].snippet.size(), 210u);
    EXPECT_EQ(hits[0].snippet.substr(hits[0].marks[0].first, hits[0].marks[0].second), found);
  }
}

TEST_F(SearchTest, D40_a_letter_in_a_long_paste_is_found_at_once) {
  // So many hits that looking at each pair of them would take hours.
  std::string paste = "first ";
  for (int i = 0; i < 500'000; ++i) paste += "t ";
  const Id id = add(paste);
  for (const std::string query : {"t", "t t t", "first t"}) {
    const auto hits = must(store_->search(query, 5));
    ASSERT_EQ(hits.size(), 1u) << query;
    EXPECT_EQ(hits[0].message_id, id);
    EXPECT_EQ(hits[0].snippet.starts_with("first t t t"), query == "first t") << hits[0].snippet;
    EXPECT_GE(hits[0].marks.size(), 20u);
  }
}

TEST_F(SearchTest, D40_snippets_show_where_most_of_the_words_stand_together) {
  std::string filler;
  for (int i = 0; i < 100; ++i) filler += " filler";
  add("apples" + filler + " pears with apples" + filler + " pears");
  const auto hits = must(store_->search("apples pears", 5));
  ASSERT_EQ(hits.size(), 1u);
  ASSERT_EQ(hits[0].marks.size(), 2u) << hits[0].snippet;
  EXPECT_NE(hits[0].snippet.find("pears with apples"), std::string::npos) << hits[0].snippet;
  add("Haaaaah");
  const auto overlapping = must(store_->search("aaaa", 5));
  ASSERT_EQ(overlapping.size(), 1u);
  EXPECT_EQ(overlapping[0].snippet, "Haaaaah");
  EXPECT_EQ(overlapping[0].marks, (std::vector<std::pair<std::uint32_t, std::uint32_t>>{{1, 5}})) << "hits that overlap are one";
}

TEST(Snippet, is_cut_between_characters) {
  std::string marked;
  for (int i = 0; i < 100; ++i) marked += "界";
  marked += "\x02北京\x03";
  for (int i = 0; i < 100; ++i) marked += "界";
  for (std::size_t max_bytes = 20; max_bytes < 60; ++max_bytes) {
    const Snippet snippet = read_snippet(marked, max_bytes);
    EXPECT_EQ(snippet.text.size() % 3, 0u);
    EXPECT_LE(snippet.text.size(), max_bytes + 3);
    ASSERT_EQ(snippet.marks.size(), 1u);
    EXPECT_EQ(snippet.text.substr(snippet.marks[0].first, snippet.marks[0].second), "北京");
  }
}

}  // namespace
}  // namespace foreword::storage
