#include "storage/fts5.h"

#include <sqlite3.h>

#include "storage/excerpt.h"
#include "storage/parts_tokenizer.h"

namespace foreword::storage {

int extend_fts5(sqlite3* database) {
  sqlite3_stmt* statement = nullptr;
  fts5_api* api = nullptr;
  int code = sqlite3_prepare_v2(database, "SELECT fts5(?1)", -1, &statement, nullptr);
  if (code == SQLITE_OK) {
    sqlite3_bind_pointer(statement, 1, &api, "fts5_api_ptr", nullptr);
    sqlite3_step(statement);
    code = sqlite3_finalize(statement);
  }
  if (code != SQLITE_OK) return code;
  if (api == nullptr) return SQLITE_ERROR;
  code = register_parts_tokenizer(api);
  return code == SQLITE_OK ? register_excerpt(api) : code;
}

}  // namespace foreword::storage
