#include "storage/parts_tokenizer.h"

#include <sqlite3.h>

#include <algorithm>
#include <memory>
#include <new>
#include <string>
#include <string_view>

#include "storage/search_query.h"

namespace foreword::storage {
namespace {

constexpr const char* kName = "foreword_parts";
using TakeToken = int (*)(void* context, int flags, const char* token, int n_bytes, int begin, int end);

/// SQLite's trigrams, which this tokenizer is built on.
struct Parts {
  fts5_tokenizer trigrams{};
  Fts5Tokenizer* instance = nullptr;

  ~Parts() {
    if (instance != nullptr) trigrams.xDelete(instance);
  }
};

/// A text on its way through the trigrams: each of them is one position, and so is each of the two characters after the
/// last one.
struct Walk {
  void* context;
  TakeToken take;
  std::string_view text;
  std::string tail{};  // what the last trigram holds behind its first character
  int tail_begin = 0;  // its byte of the text
  bool empty = true;

  int take_single(int flags, std::string_view character, int begin) const {
    const int end = std::min(begin + static_cast<int>(character_bytes(text.substr(static_cast<std::size_t>(begin)))), static_cast<int>(text.size()));
    return take(context, flags, character.data(), static_cast<int>(character.size()), begin, end);
  }
  /// Every character a position of its own.
  int take_all(std::string_view characters, int begin) const {
    while (!characters.empty()) {
      const std::string_view character = characters.substr(0, character_bytes(characters));
      if (const int code = take_single(0, character, std::min(begin, static_cast<int>(text.size()) - 1)); code != SQLITE_OK) return code;
      characters.remove_prefix(character.size());
      begin += static_cast<int>(character.size());
    }
    return SQLITE_OK;
  }
};

int take_trigram(void* context, int flags, const char* token, int n_bytes, int begin, int end) {
  Walk& walk = *static_cast<Walk*>(context);
  if (const int code = walk.take(walk.context, flags, token, n_bytes, begin, end); code != SQLITE_OK) return code;
  const std::string_view trigram(token, static_cast<std::size_t>(n_bytes));
  const std::string_view first = trigram.substr(0, character_bytes(trigram));
  walk.empty = false;
  walk.tail = trigram.substr(first.size());
  walk.tail_begin = begin + static_cast<int>(character_bytes(walk.text.substr(static_cast<std::size_t>(begin))));
  return is_sign(first) ? walk.take_single(FTS5_TOKEN_COLOCATED, first, begin) : SQLITE_OK;
}

int create(void* context, const char**, int, Fts5Tokenizer** made) {
  fts5_api* api = static_cast<fts5_api*>(context);
  std::unique_ptr<Parts> parts(new (std::nothrow) Parts);
  if (!parts) return SQLITE_NOMEM;
  void* trigram_context = nullptr;
  int code = api->xFindTokenizer(api, "trigram", &trigram_context, &parts->trigrams);
  if (code == SQLITE_OK) code = parts->trigrams.xCreate(trigram_context, nullptr, 0, &parts->instance);
  if (code == SQLITE_OK) *made = reinterpret_cast<Fts5Tokenizer*>(parts.release());
  return code;
}

void destroy(Fts5Tokenizer* tokenizer) { delete reinterpret_cast<Parts*>(tokenizer); }

int tokenize(Fts5Tokenizer* tokenizer, void* context, int flags, const char* text, int n_bytes, TakeToken take) {
  const Parts& parts = *reinterpret_cast<Parts*>(tokenizer);
  Walk walk{context, take, {text, static_cast<std::size_t>(n_bytes)}};
  const bool is_query = (flags & FTS5_TOKENIZE_QUERY) != 0;
  if (is_query && count_characters(walk.text) >= kTrigram) return parts.trigrams.xTokenize(parts.instance, context, flags, text, n_bytes, take);
  if (!is_query) {
    const int code = parts.trigrams.xTokenize(parts.instance, &walk, flags, text, n_bytes, take_trigram);
    if (code != SQLITE_OK) return code;
  }
  // Trigrams end at a zero byte.
  return walk.empty ? walk.take_all(walk.text.substr(0, walk.text.find('\0')), 0) : walk.take_all(walk.tail, walk.tail_begin);
}

}  // namespace

int register_parts_tokenizer(fts5_api* api) {
  fts5_tokenizer functions{create, destroy, tokenize};
  return api->xCreateTokenizer(api, kName, api, &functions, nullptr);
}

}  // namespace foreword::storage
