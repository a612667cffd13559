#pragma once
// A result on its way to the disk: it gets its name when it is whole, so that nobody ever reads half of it, and what had the name
// before stays until then.

#include <signal.h>

#include <filesystem>
#include <iterator>
#include <memory>
#include <ostream>
#include <streambuf>
#include <string>

#include "engine/base/result.h"

namespace foreword {

/// One at a time in a program, whose SIGINT, SIGTERM and SIGHUP remove the unfinished file before they end it.
class FreshFile {
 public:
  /// Begins a file beside `path`, under a name that nobody else has. `invalid_argument`: what is there is a folder, a device or a pipe,
  /// which no file replaces. `io`.
  static Result<std::unique_ptr<FreshFile>> begin(const std::filesystem::path& path);
  FreshFile(const FreshFile&) = delete;
  FreshFile& operator=(const FreshFile&) = delete;
  /// Without finish(): nothing is left, and `path` is as it was.
  ~FreshFile();

  std::ostream& out() { return stream_; }
  /// Onto the disk, then to its name. `io` if any byte of it could not be written.
  Result<void> finish();

 private:
  /// Straight into the file.
  class Bytes : public std::streambuf {
   public:
    explicit Bytes(int file) : file_(file) {}
    int why() const { return why_; }  // errno of what failed first

   protected:
    std::streamsize xsputn(const char* from, std::streamsize n) override;
    int_type overflow(int_type byte) override;

   private:
    int file_;
    int why_ = 0;
  };

  FreshFile(int file, std::filesystem::path path, std::string name);

  static constexpr int kEnding[] = {SIGINT, SIGTERM, SIGHUP};

  int file_;
  std::filesystem::path path_;
  std::string name_;  // until it is finished
  Bytes bytes_;
  std::ostream stream_;
  struct sigaction before_[std::size(kEnding)];
};

}  // namespace foreword
