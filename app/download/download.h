#pragma once
// One download: the files of a model, gone on with where they were, kept only when they are right (specification: desktop, sections 3 and 7).
// Nothing is printed; who started it hears through callbacks.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "app/download/client.h"
#include "app/download/pace.h"
#include "app/download/part_file.h"
#include "app/download/speed.h"

namespace foreword::app {

struct DownloadFile {
  Url url;
  std::filesystem::path name;  // below the folder; safe (names.h)
  std::int64_t bytes = -1;     // -1: the server will say
  Digest digest{};
  std::string commit{};
};
struct DownloadPlan {
  std::filesystem::path folder;
  std::vector<DownloadFile> files;  // the first is the one to open
  std::string repo{}, page{};       // for sentences; empty: it is not the hub's

  /// -1: unknown.
  std::int64_t bytes() const;
};

enum class DownloadPhase : std::uint8_t {
  checking,  // what is there already is read once
  loading,
  waiting,  // to ask again, after a failure
};
struct DownloadProgress {
  DownloadPhase phase = DownloadPhase::loading;
  std::size_t file = 0, n_files = 1;
  std::int64_t done = 0;    // bytes of all files; while checking, of this file's
  std::int64_t total = -1;  // likewise; -1: unknown
  double bytes_per_second = 0;  // 0: unknown
};
/// Called on the thread of run().
struct DownloadEvents {
  std::function<void(const DownloadProgress&)> progress = [](const DownloadProgress&) {};  // often
  std::function<void(const std::string&)> note = [](const std::string&) {};                // a sentence: what went otherwise than was thought
  std::function<std::int64_t()> limit = [] { return std::int64_t{0}; };                    // asked often: bytes that may be taken in a second; 0: all that come
};

struct DownloadedFile {
  std::filesystem::path path;
  std::int64_t bytes = 0;
  DigestKind checked = DigestKind::none;  // none: the hub or the server gives no digest; the size alone is right, where one was given
  bool was_there = false;
};

class Download {
 public:
  /// `client` outlives it. Its Surroundings say when the user stops. `gate`: for tests.
  Download(Client& client, DownloadPlan plan, DownloadEvents events, DiskGate gate = {});

  /// Once; any thread; returns when all files are there, or with what a person should know. `cancelled`: what came stays, and the same plan goes on.
  Result<std::vector<DownloadedFile>> run();

 private:
  class Sink;
  Result<void> check_room() const;
  Result<DownloadedFile> load(const DownloadFile& file);
  Result<bool> is_there(const DownloadFile& file, const std::filesystem::path& target);
  Result<std::int64_t> announced_bytes(const DownloadFile& file);
  Result<void> prepare(PartFile& part, const DownloadFile& file);
  Result<void> fetch(PartFile& part, const DownloadFile& file);
  std::function<bool(std::int64_t)> checking(std::int64_t total);
  void tell(DownloadPhase phase, std::int64_t done);
  void keep_pace(std::int64_t bytes);
  WebSubject subject(const DownloadFile& file) const;

  Client& client_;
  DownloadPlan plan_;
  DownloadEvents events_;
  DiskGate gate_;
  SpeedMeter speed_;
  Pace pace_;
  std::size_t index_ = 0;
  std::int64_t done_before_ = 0;  // bytes of the files before this one
};

}  // namespace foreword::app
