#include "storage/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "storage/file_header.h"
#include "storage/fts5.h"

namespace foreword::storage {
namespace {

constexpr int kBusyMilliseconds = 10'000;  // how long a write waits for another program's
constexpr mode_t kPrivateFolder = 0700;
constexpr mode_t kPrivateFile = 0600;

/// What SQLite's primary codes mean for a person. The file's name goes between the two halves, SQLite's own words behind them.
struct Trouble {
  int sqlite_code;
  ErrorCode code;
  const char* before;
  const char* after;
};

constexpr Trouble kTroubles[] = {
    {SQLITE_FULL, ErrorCode::io, "The disk of ", " is full: free some space"},
    {SQLITE_IOERR, ErrorCode::io, "The disk failed while reading or writing ", ": check the disk and its free space"},
    {SQLITE_READONLY, ErrorCode::io, "", " cannot be written: check the permissions of the file and its folder"},
    {SQLITE_CANTOPEN, ErrorCode::io, "", " cannot be opened: check the permissions of the file and its folder"},
    {SQLITE_PERM, ErrorCode::io, "", " cannot be opened: check the permissions of the file and its folder"},
    {SQLITE_BUSY, ErrorCode::io, "", " is held by another program: close that program, or try again"},
    {SQLITE_LOCKED, ErrorCode::io, "", " is held by another program: close that program, or try again"},
    {SQLITE_CORRUPT, ErrorCode::corrupt, "", " is damaged: put a backup in its place, or move it away to start anew"},
    {SQLITE_NOTADB, ErrorCode::corrupt, "", " is not a chat database: move it away, or choose another data folder"},
    {SQLITE_NOMEM, ErrorCode::out_of_memory, "There is not enough memory to use ", ": close other programs"},
    {SQLITE_TOOBIG, ErrorCode::invalid_argument, "A text is too long for ", ": it can hold up to 1,000,000,000 bytes"},
    {SQLITE_CONSTRAINT, ErrorCode::invalid_argument, "", " refuses a change that would break its order"},
};
constexpr Trouble kAnyOther = {0, ErrorCode::io, "", " cannot be used"};

Error trouble(int sqlite_code, const std::filesystem::path& path, const std::string& detail) {
  const Trouble* found = &kAnyOther;
  for (const Trouble& row : kTroubles) {
    if (row.sqlite_code == (sqlite_code & 0xff)) found = &row;
  }
  const std::string name = (*found->before ? "the chat database " : "The chat database ") + path.string();
  return Error{found->code, found->before + name + found->after + " (" + detail + ")."};
}

Error file_trouble(const std::filesystem::path& path, const std::string& what) {
  return Error{ErrorCode::io, "The chat database " + path.string() + " cannot be used: " + what + " failed (" +
                                  std::generic_category().message(errno) + ")."};
}

/// Creates the missing folders with 0700 and, if there is none, an empty file with 0600, before SQLite would create it
/// with the rights of the umask. The files beside it get the rights of the database.
Result<void> make_private_file(const std::filesystem::path& path) {
  std::filesystem::path folder;
  for (const auto& part : path.parent_path()) {
    folder /= part;
    if (mkdir(folder.c_str(), kPrivateFolder) == 0 || errno == EEXIST) continue;
    const Error error = file_trouble(path, "making the folder " + folder.string());
    std::error_code unknown;
    if (!std::filesystem::is_directory(folder, unknown)) return error;
  }
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kPrivateFile);
  if (file < 0) return file_trouble(path, "opening it for writing");
  struct stat status{};
  const bool is_private = fstat(file, &status) == 0 && (status.st_mode & 077) == 0;
  if (!is_private && fchmod(file, kPrivateFile) != 0) {
    const Error error = file_trouble(path, "taking other people's access away");
    ::close(file);
    return error;
  }
  ::close(file);
  return {};
}

Result<void> sync_folder(const std::filesystem::path& path) {
  const int folder = ::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = folder >= 0 && fsync(folder) == 0;
  const Error error = file_trouble(path, "syncing its folder");
  if (folder >= 0) ::close(folder);
  if (!synced) return error;
  return {};
}

/// The whole of one database into another, in one transaction of the other's. SQLite's code.
int copy_all(sqlite3* from, sqlite3* to) {
  sqlite3_backup* backup = sqlite3_backup_init(to, "main", from, "main");
  if (backup == nullptr) return sqlite3_errcode(to);
  sqlite3_backup_step(backup, -1);
  return sqlite3_backup_finish(backup);
}

/// For SQLite: a file, and how it is opened.
std::string address_of(const std::filesystem::path& path, const char* parameters) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string address = "file:";
  for (const char c : path.string()) {
    if (std::string_view("?#%").find(c) == std::string_view::npos) {
      address += c;
    } else {
      address.append({'%', kDigits[static_cast<unsigned char>(c) >> 4], kDigits[c & 15]});
    }
  }
  return address + parameters;
}

/// A way of reading where nothing can be written.
struct ReadingWay {
  const char* parameters;
  const char* first;  // before anything is read
};
/// Nobody changes the file, and there is nothing beside it.
constexpr ReadingWay kStill = {"?immutable=1", ""};
/// With the locks and the shared memory of those that have it open.
constexpr ReadingWay kShared = {"?mode=ro", ""};
/// With the log of a program that is gone, whose table of contents is made in memory where no file for it can be.
constexpr ReadingWay kAlone = {"?mode=ro&vfs=unix-none", "PRAGMA locking_mode = EXCLUSIVE"};

/// The sentence about a schema that no program can have written.
Error damaged_version(const std::filesystem::path& path, std::int64_t version) {
  return trouble(SQLITE_CORRUPT, path, "its schema has the number " + std::to_string(version));
}

/// Refuses, before anything is touched, what this program must not open.
Result<void> check_header(const std::filesystem::path& path, int newest_version) {
  FW_ASSIGN(const std::optional<FileHeader> header, read_file_header(path));
  if (!header || (header->is_blank && header->application_id == 0)) return {};
  if (header->application_id != kApplicationId) {
    return Error{ErrorCode::unsupported, "The file " + path.string() +
                                             " is a database of another program. Choose another data folder."};
  }
  if (header->user_version < 0) return damaged_version(path, header->user_version);
  if (header->user_version > newest_version) {
    return Error{ErrorCode::unsupported,
                 "The chat database " + path.string() + " was made by a newer version of this program (schema " +
                     std::to_string(header->user_version) + ", this one knows up to " +
                     std::to_string(newest_version) + "). It was left untouched; update the program to open it."};
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& path,
                                                 std::span<const Migration> migrations) {
  for (std::size_t i = 0; i < migrations.size(); ++i) {
    check(migrations[i].version == static_cast<int>(i) + 1, "migrations are numbered 1, 2, 3, ...");
  }
  std::error_code failure;
  std::filesystem::path absolute = std::filesystem::weakly_canonical(path, failure);
  if (failure) absolute = std::filesystem::absolute(path, failure);
  FW_TRY(check_header(absolute, static_cast<int>(migrations.size())));
  FW_TRY(make_private_file(absolute));
  std::unique_ptr<Database> database(new Database(std::move(absolute)));
  FW_TRY(database->connect());
  FW_TRY(database->migrate(migrations));
  return database;
}

Result<std::unique_ptr<Database>> Database::open_copy(const std::filesystem::path& path) {
  FW_TRY(check_header(path, static_cast<int>(kMigrations.size())));
  return connect_reading(path, kStill.parameters, kStill.first);
}

Result<std::unique_ptr<Database>> Database::open_reading(const std::filesystem::path& path) {
  const auto newest = static_cast<std::int64_t>(kMigrations.size());
  FW_TRY(check_header(path, static_cast<int>(newest)));
  std::error_code code;
  const auto log_bytes = std::filesystem::file_size(path.string() + "-wal", code);
  const ReadingWay& otherwise = !code && log_bytes > 0 ? kAlone : kStill;
  Result<std::unique_ptr<Database>> database = connect_reading(path, kShared.parameters, kShared.first);
  if (!database) database = connect_reading(path, otherwise.parameters, otherwise.first);
  if (!database) return database;
  FW_ASSIGN(const std::int64_t version, (*database)->integer_of("PRAGMA user_version"));
  if (version == newest) return database;
  return Error{ErrorCode::unsupported, "The chat database " + path.string() + " is of an older version of this program and cannot be brought up to date where nothing can be written."};
}

Result<std::unique_ptr<Database>> Database::connect_reading(const std::filesystem::path& path, const char* parameters, const char* first) {
  std::unique_ptr<Database> database(new Database(path));
  const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(address_of(path, parameters).c_str(), &database->handle_, flags, nullptr);
  if (code != SQLITE_OK) return database->error(code);
  sqlite3_busy_timeout(database->handle_, kBusyMilliseconds);
  sqlite3_db_config(database->handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  if (const int added = extend_fts5(database->handle_); added != SQLITE_OK) return database->error(added);
  FW_TRY(database->run_script(first));
  FW_TRY(database->integer_of("PRAGMA schema_version"));  // opens the log, if there is one
  return database;
}

Result<void> Database::take_over(const Database& other) {
  if (const int code = copy_all(other.handle_, handle_); code != SQLITE_OK) return error(code);
  FW_TRY(run_script("PRAGMA foreign_keys = OFF"));
  return migrate(kMigrations);
}

Database::~Database() {
  for (const auto& [sql, statement] : idle_statements_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

Result<void> Database::connect() {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path_.c_str(), &handle_, flags, nullptr);
  if (code != SQLITE_OK) return error(code);
  sqlite3_busy_timeout(handle_, kBusyMilliseconds);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  if (const int added = extend_fts5(handle_); added != SQLITE_OK) return error(added);
  FW_TRY(switch_to_wal());
  return run_script(
      "PRAGMA cell_size_check = ON;"
      "PRAGMA synchronous = FULL;"
      "PRAGMA journal_size_limit = 16777216;");
}

/// Two programs that do this to the same new file: SQLite refuses one of them at once, whatever the busy time-out.
Result<void> Database::switch_to_wal() {
  constexpr int kPause = 20;
  for (int waited = 0;; waited += kPause) {
    const int code = sqlite3_exec(handle_, "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
    if (code == SQLITE_OK) return {};
    if ((code & 0xff) != SQLITE_BUSY || waited >= kBusyMilliseconds) return error(code);
    sqlite3_sleep(kPause);
  }
}

Result<void> Database::migrate(std::span<const Migration> migrations) {
  const auto newest = static_cast<std::int64_t>(migrations.size());
  FW_ASSIGN(std::int64_t version, integer_of("PRAGMA user_version"));
  if (version < 0) return damaged_version(path_, version);
  if (version > newest) {  // a newer program got here first, since check_header()
    return Error{ErrorCode::unsupported, "The chat database " + path_.string() +
                                             " was made by a newer version of this program. Update it to open it."};
  }
  if (version > 0 && version < newest) {
    FW_TRY(back_up(path_.string() + ".backup-v" + std::to_string(version), static_cast<int>(version)));
  }
  for (const Migration& migration : migrations.subspan(static_cast<std::size_t>(version))) FW_TRY(apply(migration));
  // Only now: a migration may rebuild tables that others refer to.
  return run_script("PRAGMA foreign_keys = ON");
}

Result<void> Database::apply(const Migration& migration) {
  FW_ASSIGN(Transaction transaction, begin());
  FW_ASSIGN(const std::int64_t version, integer_of("PRAGMA user_version"));
  if (version >= migration.version) return {};  // another program has just done it
  FW_TRY(run_script(migration.sql));
  FW_ASSIGN(Statement broken_links, prepare("PRAGMA foreign_key_check"));
  FW_ASSIGN(const bool has_broken_links, broken_links.step());
  if (has_broken_links) {
    return Error{ErrorCode::corrupt, "The chat database " + path_.string() + " could not be brought to schema " +
                                         std::to_string(migration.version) + " and was left as it was: rows of " +
                                         broken_links.text(0) + " refer to rows that do not exist."};
  }
  FW_TRY(run_script("PRAGMA application_id = " + std::to_string(kApplicationId) +
                    "; PRAGMA user_version = " + std::to_string(migration.version)));
  return transaction.commit();
}

Result<void> Database::run_script(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code);
  return {};
}

Result<std::int64_t> Database::integer_of(std::string_view sql) {
  FW_ASSIGN(Statement statement, prepare(sql));
  FW_TRY(statement.step());
  return statement.integer(0);
}

Result<Statement> Database::prepare(std::string_view sql) {
  if (auto idle = idle_statements_.extract(sql)) return Statement(*this, sql, idle.mapped());
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                      &handle, nullptr);
  if (code != SQLITE_OK) return error(code);
  return Statement(*this, sql, handle);
}

Result<Transaction> Database::begin() {
  FW_TRY(execute("BEGIN IMMEDIATE"));
  return Transaction(*this);
}

std::int64_t Database::last_insert_id() const { return sqlite3_last_insert_rowid(handle_); }

std::int64_t Database::n_changed() const { return sqlite3_changes64(handle_); }

Error Database::error(int code) const {
  std::string detail = handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
  if (const int os_code = handle_ ? sqlite3_system_errno(handle_) : 0; os_code != 0 && (code & 0xff) != SQLITE_FULL) {
    detail += ", " + std::generic_category().message(os_code);
  }
  return trouble(code, path_, detail);
}

Result<void> Database::check_integrity() {
  FW_ASSIGN(Statement pages, prepare("PRAGMA integrity_check(1)"));
  FW_TRY(pages.step());
  if (std::string finding = pages.text(0); finding != "ok") return trouble(SQLITE_CORRUPT, path_, finding);
  FW_ASSIGN(Statement links, prepare("PRAGMA foreign_key_check"));
  FW_ASSIGN(const bool broken, links.step());
  if (broken) return trouble(SQLITE_CORRUPT, path_, "a row of " + links.text(0) + " refers to a row that is gone");
  return {};
}

Result<void> Database::back_up(const std::filesystem::path& target, std::optional<int> version) {
  std::string part = target.string() + ".part-XXXXXX";
  const int file = mkostemp(part.data(), O_CLOEXEC);  // 0600
  if (file < 0) return file_trouble(target, "making its backup");
  ::close(file);
  sqlite3* copy = nullptr;
  int code = sqlite3_open_v2(part.c_str(), &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code == SQLITE_OK) code = copy_all(handle_, copy);
  const std::string detail = copy ? sqlite3_errmsg(copy) : sqlite3_errstr(code);
  sqlite3_close(copy);
  if (code == SQLITE_OK && version) {
    const auto header = read_file_header(part);
    if (header && *header && (*header)->user_version != *version) {
      ::unlink(part.c_str());
      return {};
    }
  }
  if (code == SQLITE_OK && std::rename(part.c_str(), target.c_str()) == 0) return sync_folder(target);
  const Error error = code == SQLITE_OK ? file_trouble(target, "naming its backup") : trouble(code, target, detail);
  ::unlink(part.c_str());
  return error;
}

}  // namespace foreword::storage
