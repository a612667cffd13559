#pragma once
// A file on its way: FILE.part, what it is the beginning of in FILE.part.json, and FILE only when every byte is there and right. A process may
// die at any moment, and the computer too: what was written is gone on with, or begun anew if it could be wrong.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "app/download/hub.h"
#include "app/download/web.h"
#include "engine/base/result.h"

namespace foreword::app {

/// What a part is the beginning of.
struct PartOf {
  std::string url, commit;
  std::string etag{};       // as the server says, of a file without a digest; empty: it does not
  std::int64_t bytes = -1;  // -1: unknown until it has come
  Digest digest{};
};

/// Asked before each change on the disk, "write", "rename": the errno that it fails with; 0: go on. Tests alone have one.
using DiskGate = std::function<int(const char* change)>;

class PartFile {
 public:
  /// Takes `target`.part, for this process alone, and makes its folders. `invalid_argument`: another process is loading the same. `io`.
  static Result<std::unique_ptr<PartFile>> open(const std::filesystem::path& target, Web& web, DiskGate gate);
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;
  /// Gives back the room that was kept for what did not come; an empty part leaves no trace.
  ~PartFile();

  /// What the bytes that are there are the beginning of; null: of nothing that is known.
  const PartOf* before() const { return known_ ? &of_ : nullptr; }
  std::int64_t size() const { return size_; }
  const PartOf& of() const { return of_; }

  /// Goes on with what is there, before() being as it should. Reads it once for the digest; `seen` gets the bytes read, and false from it ends that
  /// (`cancelled`). Room for the rest is taken.
  Result<void> go_on(const std::function<bool(std::int64_t bytes)>& seen);
  /// Nothing of what is there counts. Room for all of it is taken.
  Result<void> begin(const PartOf& of);
  /// After go_on() or begin(). The disk is made to hold it every kSyncBytes.
  Result<void> append(std::string_view bytes);
  /// Whether the digest and the number of bytes are as they should, then onto the disk and to its name. `corrupt`: they are not, and nothing of it
  /// is left.
  Result<void> finish();

 private:
  PartFile(int file, std::filesystem::path target, Web& web, DiskGate gate);
  void read_state();
  Result<void> save_state();
  Result<void> take_room();
  Result<void> sync();
  void remove();
  Error trouble(int why) const;
  bool fails(const char* change);

  int file_;
  std::filesystem::path target_, part_, state_;
  Web& web_;
  DiskGate gate_;
  PartOf of_;
  bool known_ = false;
  std::int64_t size_ = 0, synced_ = 0;
  std::unique_ptr<WebDigest> digest_;
};

/// A whole file's digest, `bytes` long. `seen` as above. `none` gives an empty text.
Result<std::string> digest_of_file(const std::filesystem::path& path, DigestKind kind, std::int64_t bytes, Web& web, const std::function<bool(std::int64_t)>& seen);

/// Bytes that `target` still needs on its disk when it shall have `bytes`: what its part holds, or has room for, is there already.
std::int64_t missing_bytes(const std::filesystem::path& target, std::int64_t bytes);
/// Bytes that whoever runs this may write into the folder, or the first folder above it that is there; most if nobody knows.
std::int64_t free_bytes(const std::filesystem::path& folder);
/// A full disk, in a sentence.
Error no_room(const std::string& what, const std::filesystem::path& folder, std::int64_t needed, std::int64_t free);

inline constexpr std::int64_t kSyncBytes = 64 << 20;

}  // namespace foreword::app
