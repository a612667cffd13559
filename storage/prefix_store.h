#pragma once
// PrefixStore: what a model computed of texts, kept beside the chats so that they go on at once after a restart. A folder of
// its own that may be deleted at any time: an index in SQLite, which knows every page and whose it is, and segments with the
// bytes (why not BLOBs: docs/kv.md). It does not know what a page means. A page's bytes may come back damaged, or not at
// all: whoever saved them checks. Several programs may share the folder. One thread at a time.
//
// Errors: io (the disk is full or fails; what was there stays usable), corrupt (begin() again makes a new one).

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "storage/database.h"
#include "storage/segments.h"
#include "storage/types.h"

namespace foreword::storage {

/// Hashes and tokens are bytes to the store. Pages form trees by `parent`.
struct PrefixPage {
  std::string hash, parent;
  std::string tokens;
  std::vector<std::byte> bytes;
};

class PrefixStore {
 public:
  /// Of a new store: 8 GiB, or a tenth of what is free on the disk of `folder` if that is less.
  static std::int64_t standard_budget(const std::filesystem::path& folder);
  /// Opens or creates (0700, files 0600). What cannot be read is deleted and begun anew. `budget` in bytes on the disk: the
  /// pages used least lately go first, children before their parents.
  static Result<std::unique_ptr<PrefixStore>> open(const std::filesystem::path& folder, std::int64_t budget);
  PrefixStore(const PrefixStore&) = delete;
  PrefixStore& operator=(const PrefixStore&) = delete;

  /// The page of this hash if its tokens are these.
  Result<std::optional<PrefixPage>> find(const std::string& hash, std::string_view tokens);
  /// Of the children of `parent` the one with the most tokens, if `text` begins with them.
  Result<std::optional<PrefixPage>> longest_child(const std::string& parent, std::string_view text);
  /// Takes the place of a page of the same hash. invalid_argument: larger than the budget, or so with the pages before it.
  Result<void> save(const PrefixPage& page, Id chat);
  /// The chat uses these pages, and none of fewer tokens than `whole` bytes but those among them.
  Result<void> use(Id chat, std::span<const std::string> hashes, std::size_t whole);
  /// Erases the pages that only this chat used.
  Result<void> forget(Id chat);
  /// Erases the pages that none of these chats uses.
  Result<void> forget_all_but(std::span<const Id> chats);
  /// On the disk, without the index.
  Result<std::int64_t> bytes();

 private:
  PrefixStore(std::unique_ptr<Database> index, const std::filesystem::path& folder, std::int64_t budget);
  static Result<std::unique_ptr<PrefixStore>> open_once(const std::filesystem::path& folder, std::int64_t budget);
  Result<void> trim();
  Result<bool> make_room(std::int64_t bytes, const std::string& kept);
  Result<void> erase(const std::string& hash);
  Result<void> erase_unless_used(const std::string& hash);
  Result<void> forget_in_journal();

  std::unique_ptr<Database> index_;
  Segments segments_;
  std::int64_t budget_;
  std::string refused_;     // the hash of the last page, if there was no room for it
  std::int64_t taken_ = 0;  // bytes on the disk, as far as this program knows
};

}  // namespace foreword::storage
