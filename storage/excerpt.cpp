#include "storage/excerpt.h"

#include <sqlite3.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/search_query.h"

namespace foreword::storage {
namespace {

constexpr int kTokens = 24;
constexpr std::string_view kLeftOut = "…";

/// A phrase at tokens [begin, end).
struct Hit {
  int phrase, begin, end;
};

/// In order of where they begin.
int read_hits(const Fts5ExtensionApi& api, Fts5Context* row, std::vector<Hit>& hits) {
  int n = 0;
  int code = api.xInstCount(row, &n);
  for (int i = 0; code == SQLITE_OK && i < n; ++i) {
    int phrase = 0, column = 0, token = 0;
    code = api.xInst(row, i, &phrase, &column, &token);
    if (column == 0) hits.push_back({phrase, token, token + api.xPhraseSize(row, phrase)});
  }
  return code;
}

/// Those that begin within kTokens and are of the most phrases; the first such run.
std::span<const Hit> closest(std::span<const Hit> hits, int n_phrases) {
  std::vector<int> counts(static_cast<std::size_t>(n_phrases));
  std::span<const Hit> best;
  int n_kinds = 0, most_kinds = 0;
  std::size_t end = 0;
  for (std::size_t begin = 0; begin < hits.size() && most_kinds < n_phrases; ++begin) {
    for (; end < hits.size() && hits[end].begin < hits[begin].begin + kTokens; ++end) {
      if (counts[static_cast<std::size_t>(hits[end].phrase)]++ == 0) ++n_kinds;
    }
    if (n_kinds > most_kinds) {
      most_kinds = n_kinds;
      best = hits.subspan(begin, end - begin);
    }
    if (--counts[static_cast<std::size_t>(hits[begin].phrase)] == 0) --n_kinds;
  }
  return best;
}

/// Through the tokens of a text, up to the last that is wanted.
struct Walk {
  int from, to;  // tokens
  int token = -1;
  std::vector<std::pair<int, int>> bytes = {};  // of each that is wanted

  static int take(void* self, int flags, const char*, int, int begin, int end) {
    Walk& walk = *static_cast<Walk*>(self);
    if ((flags & FTS5_TOKEN_COLOCATED) != 0) return SQLITE_OK;
    if (++walk.token >= walk.to) return SQLITE_DONE;
    if (walk.token >= walk.from) walk.bytes.emplace_back(begin, end);
    return SQLITE_OK;
  }
};

/// Bytes of the hits that lie in these tokens; those that overlap are one.
std::vector<std::pair<int, int>> marks_of(std::span<const Hit> hits, const Walk& walk) {
  std::vector<std::pair<int, int>> marks;
  for (const Hit& hit : hits) {
    if (hit.begin < walk.from || hit.end > walk.from + std::ssize(walk.bytes)) continue;
    const int begin = walk.bytes[static_cast<std::size_t>(hit.begin - walk.from)].first;
    const int end = walk.bytes[static_cast<std::size_t>(hit.end - 1 - walk.from)].second;
    if (!marks.empty() && begin < marks.back().second) marks.back().second = std::max(marks.back().second, end);
    else marks.emplace_back(begin, end);
  }
  return marks;
}

std::string marked(std::string_view text, std::span<const std::pair<int, int>> marks, int begin, int end) {
  const auto part = [&](int from, int to) { return text.substr(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from)); };
  std::string result(begin > 0 ? kLeftOut : "");
  for (const auto& [from, to] : marks) {
    result += part(begin, from);
    result += kMarkBegin;
    result += part(from, to);
    result += kMarkEnd;
    begin = to;
  }
  result += part(begin, end);
  if (static_cast<std::size_t>(end) < text.size()) result += kLeftOut;
  return result;
}

void excerpt(const Fts5ExtensionApi* api, Fts5Context* row, sqlite3_context* result, int, sqlite3_value**) {
  std::vector<Hit> hits;
  const char* text = nullptr;
  int n_bytes = 0;
  int code = read_hits(*api, row, hits);
  if (code == SQLITE_OK) code = api->xColumnText(row, 0, &text, &n_bytes);
  const std::span<const Hit> shown = closest(hits, api->xPhraseCount(row));
  Walk walk{0, kTokens};
  if (!shown.empty()) {
    const int spare = kTokens - (shown.back().end - shown.front().begin);
    walk.from = std::max(0, shown.front().begin - std::max(0, spare / 2));
    walk.to = std::max(walk.from + kTokens, shown.front().end);
  }
  if (code == SQLITE_OK) code = api->xTokenize(row, text, n_bytes, &walk, Walk::take);
  if (code != SQLITE_OK && code != SQLITE_DONE) return sqlite3_result_error_code(result, code);
  const bool whole = walk.token < walk.to;
  const int begin = walk.from == 0 || walk.bytes.empty() ? 0 : walk.bytes.front().first;
  const int end = whole || walk.bytes.empty() ? n_bytes : walk.bytes.back().second;
  const std::string found = marked({text, static_cast<std::size_t>(n_bytes)}, marks_of(hits, walk), begin, end);
  sqlite3_result_text(result, found.data(), static_cast<int>(found.size()), SQLITE_TRANSIENT);
}

}  // namespace

int register_excerpt(fts5_api* api) { return api->xCreateFunction(api, "excerpt", nullptr, excerpt, nullptr); }

}  // namespace foreword::storage
