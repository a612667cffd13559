#include "storage/prefix_store.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <map>
#include <system_error>

#include "engine/base/log.h"
#include "storage/rows.h"

namespace foreword::storage {
namespace {

constexpr std::int64_t kMostByItself = 8LL << 30;
constexpr std::int64_t kShareOfDisk = 10;

/// Another shape of the tables is another version; there is no way from one to the next but to begin anew.
constexpr Migration kSchema[] = {{1, R"sql(
CREATE TABLE pages (
  hash BLOB PRIMARY KEY,
  parent BLOB NOT NULL,
  tokens BLOB NOT NULL,
  segment INTEGER NOT NULL,
  place INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  last_used INTEGER NOT NULL  -- counts uses
) STRICT, WITHOUT ROWID;
CREATE INDEX pages_by_parent ON pages (parent);
CREATE INDEX pages_by_place ON pages (segment, place);
CREATE INDEX pages_by_use ON pages (last_used);
CREATE TABLE uses (
  chat INTEGER NOT NULL,
  hash BLOB NOT NULL REFERENCES pages (hash) ON DELETE CASCADE,
  PRIMARY KEY (chat, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX uses_by_hash ON uses (hash);
)sql"}};

struct Row {
  std::string hash, parent, tokens;
  SegmentPlace place;
  std::int64_t bytes = 0;
};

#define FW_PAGE_COLUMNS "hash, parent, tokens, segment, place, bytes"
Row read_row(const Statement& row) {
  return {row.blob(0), row.blob(1), row.blob(2), {row.integer(3), row.integer(4)}, row.integer(5)};
}
std::string read_blob(const Statement& row) { return row.blob(0); }
std::int64_t read_integer(const Statement& row) { return row.integer(0); }

constexpr const char* kFind = "SELECT " FW_PAGE_COLUMNS " FROM pages WHERE hash = ?";
constexpr const char* kChildren = "SELECT " FW_PAGE_COLUMNS " FROM pages WHERE parent = ?";
constexpr const char* kEnds = "SELECT '', '', '', segment, max(place), bytes FROM pages GROUP BY segment";
constexpr const char* kEnd = "SELECT '', '', '', segment, place, bytes FROM pages ORDER BY segment DESC, place DESC LIMIT 1";
constexpr const char* kTaken = "SELECT coalesce(sum((bytes + 4095) / 4096 * 4096), 0) FROM pages";
constexpr const char* kOldestLeaf =
    "SELECT hash FROM pages p WHERE NOT EXISTS (SELECT 1 FROM pages c WHERE c.parent = p.hash) AND hash <> ? ORDER BY last_used LIMIT 1";
constexpr const char* kAdd = "INSERT INTO pages (" FW_PAGE_COLUMNS ", last_used) VALUES (?, ?, ?, ?, ?, ?, ?)";
constexpr const char* kReplace = "UPDATE pages SET segment = ?2, place = ?3, bytes = ?4, last_used = ?5 WHERE hash = ?1";
constexpr const char* kUse = "INSERT OR IGNORE INTO uses (chat, hash) SELECT ?1, hash FROM pages WHERE hash = ?2";
constexpr const char* kNextUse = "SELECT coalesce(max(last_used), 0) + 1 FROM pages";
constexpr const char* kTouch = "UPDATE pages SET last_used = ?2 WHERE hash = ?1";
constexpr const char* kEndsOfTexts = "SELECT u.hash FROM uses u JOIN pages p ON p.hash = u.hash WHERE u.chat = ? AND length(p.tokens) < ?";
constexpr const char* kDropUse = "DELETE FROM uses WHERE chat = ? AND hash = ?";
constexpr const char* kDropUses = "DELETE FROM uses WHERE chat = ?";
constexpr const char* kDropDeadUses = "DELETE FROM uses WHERE chat NOT IN (SELECT chat FROM temp.living)";
constexpr const char* kUnused = "SELECT hash FROM pages p WHERE NOT EXISTS (SELECT 1 FROM uses u WHERE u.hash = p.hash)";
constexpr const char* kUsedBy = "SELECT hash FROM uses WHERE chat = ?";
constexpr const char* kIsUsed = "SELECT 1 FROM uses WHERE hash = ?";
constexpr const char* kDelete = "DELETE FROM pages WHERE hash = ?";
constexpr const char* kInSegment = "SELECT count(*) FROM pages WHERE segment = ?";

void delete_all(const std::filesystem::path& folder) {
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(folder, code)) std::filesystem::remove(entry.path(), code);
}

}  // namespace

std::int64_t PrefixStore::standard_budget(const std::filesystem::path& folder) {
  std::filesystem::path existing = folder;
  std::error_code code;
  while (existing.has_relative_path() && !std::filesystem::exists(existing, code)) existing = existing.parent_path();
  struct statvfs disk{};
  if (statvfs(existing.c_str(), &disk) != 0) return kMostByItself;
  return std::min(kMostByItself, static_cast<std::int64_t>(disk.f_bavail * disk.f_frsize) / kShareOfDisk);
}

PrefixStore::PrefixStore(std::unique_ptr<Database> index, const std::filesystem::path& folder, std::int64_t budget)
    : index_(std::move(index)), segments_(folder), budget_(budget) {}

Result<std::unique_ptr<PrefixStore>> PrefixStore::open(const std::filesystem::path& folder, std::int64_t budget) {
  auto store = open_once(folder, budget);
  if (store || store.error().code == ErrorCode::io) return store;
  log(LogLevel::info, "The stored prefixes in " + folder.string() + " cannot be used and are begun anew: " + store.error().message);
  delete_all(folder);
  return open_once(folder, budget);
}

Result<std::unique_ptr<PrefixStore>> PrefixStore::open_once(const std::filesystem::path& folder, std::int64_t budget) {
  FW_ASSIGN(auto index, Database::open(folder / "index.db", kSchema));
  // A lost transaction costs speed only; WAL keeps the file whole. Deleted rows are overwritten.
  FW_ASSIGN(Statement erasing, index->prepare("PRAGMA secure_delete = ON"));
  FW_TRY(erasing.run());
  FW_TRY(index->execute("PRAGMA synchronous = NORMAL"));
  FW_TRY(index->execute("CREATE TEMP TABLE IF NOT EXISTS living (chat INTEGER PRIMARY KEY) STRICT"));
  std::unique_ptr<PrefixStore> store(new PrefixStore(std::move(index), folder, budget));
  FW_TRY(store->trim());
  return store;
}

/// What a program wrote and could not enter before it died. Nobody is between these two while the transaction runs.
Result<void> PrefixStore::trim() {
  FW_ASSIGN(Transaction transaction, index_->begin());
  FW_ASSIGN(const std::vector<Row> rows, read_all(index_->query(kEnds), read_row));
  std::map<std::int64_t, std::int64_t> ends;
  for (const Row& row : rows) ends[row.place.segment] = row.place.offset + place_bytes(row.bytes);
  FW_TRY(segments_.trim(ends));
  FW_ASSIGN(taken_, bytes());
  FW_TRY(make_room(0, {}));
  return transaction.commit();
}

Result<std::optional<PrefixPage>> PrefixStore::find(const std::string& hash, std::string_view tokens) {
  FW_ASSIGN(std::optional<Row> row, read_one(index_->query(kFind, Blob{hash}), read_row));
  if (!row || row->tokens != tokens) return std::optional<PrefixPage>{};
  return std::optional<PrefixPage>({std::move(row->hash), std::move(row->parent), std::move(row->tokens), segments_.read(row->place, row->bytes)});
}

Result<std::optional<PrefixPage>> PrefixStore::longest_child(const std::string& parent, std::string_view text) {
  FW_ASSIGN(const std::vector<Row> rows, read_all(index_->query(kChildren, Blob{parent}), read_row));
  const Row* best = nullptr;
  for (const Row& row : rows) {
    if (text.starts_with(row.tokens) && (best == nullptr || row.tokens.size() > best->tokens.size())) best = &row;
  }
  if (best == nullptr) return std::optional<PrefixPage>{};
  return std::optional<PrefixPage>({best->hash, best->parent, best->tokens, segments_.read(best->place, best->bytes)});
}

Result<void> PrefixStore::save(const PrefixPage& page, Id chat) {
  if (place_bytes(std::ssize(page.bytes)) > std::min(budget_, kSegmentBytes)) {
    return Error{ErrorCode::invalid_argument, "A page of a text is larger than all that may be kept on the disk."};
  }
  FW_ASSIGN(Transaction transaction, index_->begin());
  // What follows a page that found no room must not take that of the pages before it.
  bool fits = page.parent != refused_;
  if (fits) {
    FW_ASSIGN(fits, make_room(place_bytes(std::ssize(page.bytes)), page.parent));
  }
  refused_ = fits ? std::string() : page.hash;
  if (!fits) {
    FW_TRY(transaction.commit());  // what made room is erased already
    return Error{ErrorCode::invalid_argument, "A text is larger than all that may be kept on the disk."};
  }
  FW_ASSIGN(const std::optional<Row> old, read_one(index_->query(kFind, Blob{page.hash}), read_row));
  FW_ASSIGN(const std::optional<Row> last, read_one(index_->query(kEnd), read_row));
  taken_ += place_bytes(std::ssize(page.bytes));
  const SegmentPlace end = last ? SegmentPlace{last->place.segment, last->place.offset + place_bytes(last->bytes)} : SegmentPlace{};
  FW_ASSIGN(const SegmentPlace place, segments_.append(end, page.bytes));
  FW_ASSIGN(const auto now, read_one(index_->query(kNextUse), read_integer));
  if (old) {
    FW_TRY(segments_.erase(old->place, old->bytes));
    taken_ -= place_bytes(old->bytes);
    FW_TRY(index_->execute(kReplace, Blob{page.hash}, place.segment, place.offset, std::ssize(page.bytes), *now));
  } else {
    FW_TRY(index_->execute(kAdd, Blob{page.hash}, Blob{page.parent}, Blob{page.tokens}, place.segment, place.offset, std::ssize(page.bytes),
                           *now));
  }
  FW_TRY(index_->execute(kUse, chat, Blob{page.hash}));
  return transaction.commit();
}

Result<void> PrefixStore::use(Id chat, std::span<const std::string> hashes, std::size_t whole) {
  FW_ASSIGN(Transaction transaction, index_->begin());
  FW_ASSIGN(const auto now, read_one(index_->query(kNextUse), read_integer));
  for (const std::string& hash : hashes) {
    FW_TRY(index_->execute(kUse, chat, Blob{hash}));
    FW_TRY(index_->execute(kTouch, Blob{hash}, *now));
  }
  FW_ASSIGN(const std::vector<std::string> ends, read_all(index_->query(kEndsOfTexts, chat, static_cast<std::int64_t>(whole)), read_blob));
  for (const std::string& end : ends) {
    if (std::ranges::find(hashes, end) != hashes.end()) continue;
    FW_TRY(index_->execute(kDropUse, chat, Blob{end}));
    FW_TRY(erase_unless_used(end));
  }
  return transaction.commit();
}

Result<void> PrefixStore::forget(Id chat) {
  FW_ASSIGN(Transaction transaction, index_->begin());
  FW_ASSIGN(const std::vector<std::string> used, read_all(index_->query(kUsedBy, chat), read_blob));
  FW_TRY(index_->execute(kDropUses, chat));
  for (const std::string& hash : used) FW_TRY(erase_unless_used(hash));
  FW_TRY(transaction.commit());
  return forget_in_journal();
}

Result<void> PrefixStore::forget_all_but(std::span<const Id> chats) {
  FW_ASSIGN(Transaction transaction, index_->begin());
  FW_TRY(index_->execute("DELETE FROM temp.living"));
  for (const Id chat : chats) FW_TRY(index_->execute("INSERT OR IGNORE INTO temp.living (chat) VALUES (?)", chat));
  FW_TRY(index_->execute(kDropDeadUses));
  FW_ASSIGN(const std::vector<std::string> unused, read_all(index_->query(kUnused), read_blob));
  for (const std::string& hash : unused) FW_TRY(erase(hash));
  FW_TRY(transaction.commit());
  return forget_in_journal();
}

Result<std::int64_t> PrefixStore::bytes() {
  FW_ASSIGN(const auto taken, read_one(index_->query(kTaken), read_integer));
  return taken.value_or(0);
}

/// Programs that share the folder count for themselves, and look when their own count says that there is no room. `kept` stays: a
/// text that is larger than the budget must not push out its own beginning, without which the rest is worth nothing. False: then
/// there is no room.
Result<bool> PrefixStore::make_room(std::int64_t more, const std::string& kept) {
  if (taken_ + more <= budget_) return true;
  FW_ASSIGN(taken_, bytes());
  while (taken_ > 0 && taken_ + more > budget_) {
    FW_ASSIGN(const auto oldest, read_one(index_->query(kOldestLeaf, Blob{kept}), read_blob));
    if (!oldest) break;
    FW_TRY(erase(*oldest));
  }
  return taken_ + more <= budget_;
}

/// The bytes first: should the row outlive them, what it leads to is no page.
Result<void> PrefixStore::erase(const std::string& hash) {
  FW_ASSIGN(const std::optional<Row> row, read_one(index_->query(kFind, Blob{hash}), read_row));
  if (!row) return {};
  FW_TRY(segments_.erase(row->place, row->bytes));
  taken_ -= place_bytes(row->bytes);
  FW_TRY(index_->execute(kDelete, Blob{hash}));
  FW_ASSIGN(const auto left, read_one(index_->query(kInSegment, row->place.segment), read_integer));
  if (left.value_or(0) == 0) FW_TRY(segments_.remove(row->place.segment));
  return {};
}

Result<void> PrefixStore::erase_unless_used(const std::string& hash) {
  FW_ASSIGN(const auto used, read_one(index_->query(kIsUsed, Blob{hash}), read_integer));
  if (used) return {};
  return erase(hash);
}

/// The write-ahead log still has the rows as they were.
Result<void> PrefixStore::forget_in_journal() {
  FW_ASSIGN(Statement checkpoint, index_->prepare("PRAGMA wal_checkpoint(TRUNCATE)"));
  return checkpoint.run();
}

}  // namespace foreword::storage
