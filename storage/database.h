#pragma once
// Database: one SQLite connection, opened with every promise of ours kept. Statement and Transaction: the two ways to
// use it. One thread at a time; no exceptions; every failure is a Result with a sentence that names the file.

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/base/result.h"
#include "storage/migrations.h"

struct sqlite3;
struct sqlite3_stmt;

namespace foreword::storage {

class Database;

/// An id whose 0 is NULL in the database.
struct NullableId {
  std::int64_t id;
};

/// Bytes that are no text.
struct Blob {
  std::string_view bytes;
};

/// A prepared statement on loan from its database's cache; goes back, reset, at the end of the scope. Must not outlive
/// the database.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  /// Fills the next parameter, from the first. Texts are copied. A failure (too long a text) comes back from step().
  Statement& bind(std::int64_t value);
  Statement& bind(std::integral auto value) { return bind(static_cast<std::int64_t>(value)); }
  Statement& bind(double value);
  Statement& bind(std::string_view value);
  Statement& bind(NullableId value);
  Statement& bind(Blob value);

  /// True: there is a row to read. False: done.
  Result<bool> step();
  /// For statements without rows.
  Result<void> run();

  // Columns of the current row, from 0. NULL reads as 0 or as an empty text.
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  std::string blob(int column) const;

 private:
  friend class Database;
  Statement(Database& database, std::string_view sql, sqlite3_stmt* handle);
  Statement& bound(int code);

  Database* database_;
  std::string_view sql_;
  sqlite3_stmt* handle_;
  int next_parameter_ = 1;
  int bind_code_ = 0;
};

/// A write transaction (BEGIN IMMEDIATE). Rolls back at the end of the scope unless committed. Never nested.
class Transaction {
 public:
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  /// Durable when this returns without an error (synchronous=FULL).
  Result<void> commit();

 private:
  friend class Database;
  explicit Transaction(Database& database) : database_(&database) {}

  Database* database_;  // null: committed or moved away
};

class Database {
 public:
  /// Opens or creates the file (0600; missing folders 0700) in WAL mode with synchronous=FULL and foreign keys, and
  /// applies the migrations that it lacks, each in one transaction, after a copy `<file>.backup-v<version>` of what was
  /// there. Errors:
  ///   unsupported  made by a newer program, or by another one; nothing on the disk was touched
  ///   corrupt      not a database, or damaged
  ///   io           cannot be read, created, written or copied
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& path,
                                                std::span<const Migration> migrations = kMigrations);
  /// A copy that back_up() made, for reading: nothing beside it is created and nothing in it changes. Errors: io, corrupt;
  /// unsupported: of a newer program, or not of this one.
  static Result<std::unique_ptr<Database>> open_copy(const std::filesystem::path& path);
  /// For reading where nothing can be written (a full disk, a folder that may only be read), with what others have committed. Errors:
  /// io, corrupt; unsupported: of a newer program, of an older one, or not of this one.
  static Result<std::unique_ptr<Database>> open_reading(const std::filesystem::path& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  const std::filesystem::path& path() const { return path_; }

  /// `sql` must be a literal: the cache keeps it by reference.
  Result<Statement> prepare(std::string_view sql);

  /// prepare() and bind() in one; integers, doubles, texts and nullable ids.
  template <class... Values>
  Result<Statement> query(std::string_view sql, const Values&... values) {
    FW_ASSIGN(Statement statement, prepare(sql));
    (statement.bind(values), ...);
    return statement;
  }

  /// query() and run() in one; the count of rows that it changed (not those of triggers and cascades).
  template <class... Values>
  Result<std::int64_t> execute(std::string_view sql, const Values&... values) {
    FW_ASSIGN(Statement statement, query(sql, values...));
    FW_TRY(statement.run());
    return n_changed();
  }

  Result<Transaction> begin();
  std::int64_t last_insert_id() const;

  /// SQLite's check of all pages, indexes and foreign keys; `corrupt` with its first finding.
  Result<void> check_integrity();
  /// A consistent copy through SQLite's backup interface, synced and 0600; takes its name only when it is whole. version: of the
  /// schema that it is to have; what has another one by now was brought there by a program that made this copy before, which stays.
  Result<void> back_up(const std::filesystem::path& target, std::optional<int> version = {});
  /// Puts what `other` holds in the place of everything here, in one transaction, and applies the migrations that it lacks.
  Result<void> take_over(const Database& other);

 private:
  friend class Statement;
  friend class Transaction;
  explicit Database(std::filesystem::path path) : path_(std::move(path)) {}

  /// parameters: of the address (https://www.sqlite.org/uri.html). first: a script that runs before anything is read.
  static Result<std::unique_ptr<Database>> connect_reading(const std::filesystem::path& path, const char* parameters, const char* first);
  Result<void> connect();
  Result<void> switch_to_wal();
  Result<void> migrate(std::span<const Migration> migrations);
  Result<void> apply(const Migration& migration);
  Result<void> run_script(const std::string& sql);
  Result<std::int64_t> integer_of(std::string_view sql);
  std::int64_t n_changed() const;
  Error error(int code) const;

  std::filesystem::path path_;
  sqlite3* handle_ = nullptr;
  std::unordered_map<std::string_view, sqlite3_stmt*> idle_statements_;
};

}  // namespace foreword::storage
