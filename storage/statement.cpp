#include <sqlite3.h>

#include <utility>

#include "engine/base/log.h"
#include "storage/database.h"

namespace foreword::storage {

Statement::Statement(Database& database, std::string_view sql, sqlite3_stmt* handle)
    : database_(&database), sql_(sql), handle_(handle) {}

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      sql_(other.sql_),
      handle_(std::exchange(other.handle_, nullptr)),
      next_parameter_(other.next_parameter_),
      bind_code_(other.bind_code_) {}

Statement::~Statement() {
  if (!handle_) return;
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
  const bool kept = database_->idle_statements_.emplace(sql_, handle_).second;
  if (!kept) sqlite3_finalize(handle_);  // the same statement was on loan twice
}

Statement& Statement::bound(int code) {
  if (bind_code_ == SQLITE_OK) bind_code_ = code;
  return *this;
}

Statement& Statement::bind(std::int64_t value) {
  return bound(sqlite3_bind_int64(handle_, next_parameter_++, value));
}

Statement& Statement::bind(double value) {
  return bound(sqlite3_bind_double(handle_, next_parameter_++, value));
}

Statement& Statement::bind(std::string_view value) {
  // An empty view may point nowhere, which SQLite would take for NULL.
  const char* text = value.empty() ? "" : value.data();
  return bound(
      sqlite3_bind_text64(handle_, next_parameter_++, text, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

Statement& Statement::bind(NullableId value) {
  if (value.id != 0) return bind(value.id);
  ++next_parameter_;  // parameters start as NULL
  return *this;
}

Statement& Statement::bind(Blob value) {
  const char* bytes = value.bytes.empty() ? "" : value.bytes.data();
  return bound(sqlite3_bind_blob64(handle_, next_parameter_++, bytes, value.bytes.size(), SQLITE_TRANSIENT));
}

Result<bool> Statement::step() {
  if (bind_code_ != SQLITE_OK) return database_->error(bind_code_);
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return database_->error(code);
}

Result<void> Statement::run() {
  while (true) {
    FW_ASSIGN(const bool row, step());
    if (!row) return {};
  }
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }

double Statement::real(int column) const { return sqlite3_column_double(handle_, column); }

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  return bytes ? std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))) : std::string();
}

std::string Statement::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(handle_, column));
  return bytes ? std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))) : std::string();
}

Transaction::Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
  // A full disk makes SQLite roll back by itself: then there is nothing left to do.
  if (database_ && !sqlite3_get_autocommit(database_->handle_)) {
    if (auto done = database_->execute("ROLLBACK"); !done) log(LogLevel::error, done.error().message);
  }
}

Result<void> Transaction::commit() {
  FW_TRY(database_->execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace foreword::storage
