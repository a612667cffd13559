// The part of ChatStore that searches. Two ways, because neither finds everything:
// - words: FTS5 unicode61, without accents; keeps a run of Chinese or Japanese as one word.
// - parts: trigrams and single signs (parts_tokenizer.h); any part of three characters or more, and shorter ones that are
//   no ASCII words.
#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>

#include "storage/chat_store.h"
#include "storage/rows.h"
#include "storage/search_query.h"

namespace foreword::storage {
namespace {

constexpr std::size_t kSnippetBytes = 200;
constexpr std::size_t kMaxShortParts = 4;  // as many as the statements have places for

/// Rows that are looked at for as many chats as are wanted: a word may stand in every message of one chat.
constexpr int kMostRows = 1000;

// Rows: message (0: a title), chat, snippet. Parameters: ?1 limit, ?2 to ?5 short parts ('' is in every text), ?6 MATCH,
// ?7 where an excerpt begins.
#define FW_CONTAINS(text)                                                                                           \
  "instr(lower(" text "), ?2) AND instr(lower(" text "), ?3) AND instr(lower(" text "), ?4) AND instr(lower(" text \
  "), ?5)"
#define FW_EXCERPT(table) "excerpt(" table ")"
#define FW_AROUND_SIGN(text) "substr(" text ", max(1, instr(lower(" text "), ?7) - 30), 90)"

#define FW_HIT_STANDS(message) \
  FW_MESSAGE_STANDS(message) " AND " FW_CHAT_STANDS("(SELECT chat_id FROM messages WHERE id = " message ")")
#define FW_TITLES(table, shown, condition) \
  "SELECT 0, rowid, " shown " FROM " table " WHERE " table " MATCH ?6 AND " condition FW_CHAT_STANDS(table ".rowid") " ORDER BY rowid DESC LIMIT ?1"
#define FW_MESSAGES(table, shown, condition)                                                                   \
  "SELECT rowid, (SELECT chat_id FROM messages WHERE id = f.rowid), " shown " FROM " table " f WHERE " table \
  " MATCH ?6 AND " condition FW_HIT_STANDS("f.rowid") " ORDER BY rowid DESC LIMIT ?1"

/// `signs`: what `parts` is for queries without a long part, whose trigrams would mark too much.
struct Field {
  const char* words;
  const char* parts;
  const char* signs;
};

constexpr Field kFields[] = {
    {FW_TITLES("title_words", FW_EXCERPT("title_words"), ""), FW_TITLES("title_parts", FW_EXCERPT("title_parts"), FW_CONTAINS("title") " AND "),
     FW_TITLES("title_parts", FW_AROUND_SIGN("title"), FW_CONTAINS("title") " AND ")},
    {FW_MESSAGES("message_words", FW_EXCERPT("message_words"), ""), FW_MESSAGES("message_parts", FW_EXCERPT("message_parts"), FW_CONTAINS("content") " AND "),
     FW_MESSAGES("message_parts", FW_AROUND_SIGN("content"), FW_CONTAINS("content") " AND ")},
};

struct Found {
  Id message_id;
  Id chat_id;
  std::string marked;
};

Found read_found(const Statement& row) { return Found{row.integer(0), row.integer(1), row.text(2)}; }

}  // namespace

Result<std::vector<SearchHit>> ChatStore::search(std::string_view text, int limit) {
  const SearchQuery query = parse_search(text);
  std::array<std::string, kMaxShortParts> shorts;
  const bool fits = query.short_parts.size() <= kMaxShortParts;  // more of them is a sentence: words will do
  if (fits) std::copy(query.short_parts.begin(), query.short_parts.end(), shorts.begin());
  const auto n_wanted = static_cast<std::size_t>(std::max(limit, 0));

  std::vector<SearchHit> hits;
  std::set<Id> listed;  // chats
  for (const Field& field : kFields) {
    std::map<Id, Found> newest;  // by chat
    const auto look = [&](const char* sql, const std::string& match, bool mark) -> Result<void> {
      FW_ASSIGN(Statement statement, database_->query(sql, kMostRows));
      for (const std::string& part : shorts) statement.bind(part);
      statement.bind(match);
      if (mark) statement.bind(query.first_sign);
      for (std::size_t n_new = 0; n_new < n_wanted;) {
        FW_ASSIGN(const bool row, statement.step());
        if (!row) break;
        Found found = read_found(statement);
        if (listed.contains(found.chat_id)) continue;
        if (mark) found.marked = mark_part(found.marked, query.first_sign);
        const auto [known, is_new] = newest.try_emplace(found.chat_id, found);
        n_new += is_new;
        if (known->second.message_id < found.message_id) known->second = std::move(found);
      }
      return {};
    };
    if (!query.words.empty()) FW_TRY(look(field.words, query.words, false));
    // Whole words are enough if there are enough of them.
    if (!query.parts.empty() && fits && newest.size() < n_wanted) {
      FW_TRY(look(query.long_parts ? field.parts : field.signs, query.parts, !query.long_parts));
    }
    std::vector<Found> sorted;
    for (auto& [chat, found] : newest) sorted.push_back(std::move(found));
    std::ranges::sort(sorted, std::greater<>{}, [](const Found& found) { return std::pair(found.message_id, found.chat_id); });
    for (Found& found : sorted) {
      if (hits.size() >= n_wanted) return hits;
      FW_ASSIGN(Chat chat, this->chat(found.chat_id));
      listed.insert(found.chat_id);
      Snippet snippet = read_snippet(found.marked, kSnippetBytes);
      hits.push_back(SearchHit{std::move(chat), found.message_id, std::move(snippet.text), std::move(snippet.marks)});
    }
  }
  return hits;
}

}  // namespace foreword::storage
