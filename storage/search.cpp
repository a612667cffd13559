// The part of ChatStore that searches. Three ways, because none finds everything (SQLite 3.40.1):
// - words: FTS5 unicode61, without accents; keeps a run of Chinese or Japanese as one word.
// - parts: FTS5 trigram; finds any part of three characters or more.
// - scan:  instr() over the texts; for shorter parts, which trigram, and even LIKE on its table, do not find.
#include <algorithm>
#include <array>
#include <functional>
#include <map>

#include "storage/chat_store.h"
#include "storage/rows.h"
#include "storage/search_query.h"

namespace foreword::storage {
namespace {

constexpr std::size_t kSnippetBytes = 200;
constexpr std::size_t kMaxShortParts = 4;  // as many as the statements have places for

// Rows: message (0: a title), chat, snippet. Parameters: ?1 limit, ?2 to ?5 short parts ('' is in every text),
// ?6 MATCH.
#define FW_CONTAINS(text)                                                                                           \
  "instr(lower(" text "), ?2) AND instr(lower(" text "), ?3) AND instr(lower(" text "), ?4) AND instr(lower(" text \
  "), ?5)"
#define FW_SNIPPET(table) "snippet(" table ", 0, char(2), char(3), '…', 24)"
#define FW_EXCERPT(text) "substr(" text ", max(1, instr(lower(" text "), ?2) - 30), 90)"

#define FW_HIT_STANDS(message) \
  FW_MESSAGE_STANDS(message) " AND " FW_CHAT_STANDS("(SELECT chat_id FROM messages WHERE id = " message ")")

struct Place {
  const char* words;
  const char* parts;
  const char* scan;
};

constexpr Place kPlaces[] = {
    {"SELECT 0, rowid, " FW_SNIPPET("title_words")
     " FROM title_words WHERE title_words MATCH ?6 AND " FW_CHAT_STANDS("title_words.rowid") " ORDER BY rowid DESC LIMIT ?1",
     "SELECT 0, rowid, " FW_SNIPPET("title_parts")
     " FROM title_parts WHERE title_parts MATCH ?6 AND " FW_CONTAINS("title") " AND " FW_CHAT_STANDS("title_parts.rowid") " ORDER BY rowid DESC LIMIT ?1",
     "SELECT 0, id, " FW_EXCERPT("title") " FROM chats WHERE " FW_CONTAINS("title") " AND " FW_CHAT_STANDS("chats.id") " ORDER BY id DESC LIMIT ?1"},
    {"SELECT rowid, (SELECT chat_id FROM messages WHERE id = f.rowid), " FW_SNIPPET("message_words")
     " FROM message_words f WHERE message_words MATCH ?6 AND " FW_HIT_STANDS("f.rowid") " ORDER BY rowid DESC LIMIT ?1",
     "SELECT rowid, (SELECT chat_id FROM messages WHERE id = f.rowid), " FW_SNIPPET("message_parts")
     " FROM message_parts f WHERE message_parts MATCH ?6 AND " FW_CONTAINS("content") " AND " FW_HIT_STANDS("f.rowid") " ORDER BY rowid DESC LIMIT ?1",
     "SELECT id, chat_id, " FW_EXCERPT("content") " FROM messages WHERE " FW_CONTAINS("content")
     " AND " FW_HIT_STANDS("messages.id") " ORDER BY id DESC LIMIT ?1"},
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

  std::vector<SearchHit> hits;
  for (const Place& place : kPlaces) {
    // Newest first; a text that was found in two ways counts once.
    std::map<std::pair<Id, Id>, std::string, std::greater<>> found;
    const auto look = [&](const char* sql, const std::string& match) -> Result<void> {
      FW_ASSIGN(Statement statement, database_->query(sql, limit));
      for (const std::string& part : shorts) statement.bind(part);
      if (!match.empty()) statement.bind(match);
      FW_ASSIGN(std::vector<Found> rows, read_all(Result<Statement>(std::move(statement)), read_found));
      for (Found& row : rows) {
        if (match.empty()) row.marked = mark_part(row.marked, shorts[0]);
        found.try_emplace({row.message_id, row.chat_id}, std::move(row.marked));
      }
      return {};
    };
    if (!query.words.empty()) FW_TRY(look(place.words, query.words));
    if (!query.parts.empty() && fits) FW_TRY(look(place.parts, query.parts));
    if (query.parts.empty() && query.needs_scan && fits) FW_TRY(look(place.scan, ""));

    for (auto& [where, marked] : found) {
      if (hits.size() >= static_cast<std::size_t>(std::max(limit, 0))) return hits;
      FW_ASSIGN(Chat chat, this->chat(where.second));
      Snippet snippet = read_snippet(marked, kSnippetBytes);
      hits.push_back(SearchHit{std::move(chat), where.first, std::move(snippet.text), std::move(snippet.marks)});
    }
  }
  return hits;
}

}  // namespace foreword::storage
