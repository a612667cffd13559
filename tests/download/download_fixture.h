#pragma once
// What tests of downloads share: a file on a scripted web, a folder, and processes that die.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "app/download/download.h"
#include "tests/download/scripted_web.h"
#include "tests/support/fixtures.h"

namespace foreword::app::test {

namespace fs = std::filesystem;

inline constexpr int kDied = 9;

inline std::string some_bytes(std::size_t n) {
  std::string bytes;
  for (std::uint32_t x = 1; bytes.size() < n; x = x * 1664525 + 1013904223) bytes += static_cast<char>(x >> 24);
  return bytes;
}

class DownloadFixture : public ::testing::Test {
 protected:
  static constexpr std::size_t kBytes = 211;

  DownloadFixture() { web.usual = file(bytes, 7); }

  DownloadFile wanted() const {
    return {.url = *parse_url("https://hub.example/o/r/resolve/c/m.gguf"),
            .name = "m.gguf",
            .bytes = static_cast<std::int64_t>(bytes.size()),
            .digest = {DigestKind::sha256, FakeDigest::sha256(bytes)}};
  }
  DownloadFile of_another_host() const { return {.url = *parse_url("https://other.example/m.gguf"), .name = "m.gguf"}; }
  Result<std::vector<DownloadedFile>> load(DownloadFile file, DiskGate gate = {}) {
    notes.clear();
    Client client(web, {.endpoint = *parse_url("https://hub.example")}, time.surroundings());
    Download download(client, {.folder = folder.path() / "o/r", .files = {std::move(file)}, .repo = "o/r", .page = "https://hub.example/o/r"},
                      {.progress = [this](const DownloadProgress& p) { progress.push_back(p); },
                       .note = [this](const std::string& note) { notes.push_back(note); },
                       .limit = limit},
                      std::move(gate));
    return download.run();
  }
  /// What the first `n` bytes leave behind when the process dies.
  void die_after(std::size_t n, const DownloadFile& file, std::size_t piece = 7) {
    const pid_t child = fork();
    if (child == 0) {
      web.usual = [&, sent = std::size_t{0}](const WebRequest& request, WebSink& sink) mutable {
        struct Dying : WebSink {
          WebSink& to;
          std::size_t left;
          Dying(WebSink& sink, std::size_t most) : to(sink), left(most) {}
          bool head(int status, const WebHeaders& headers) override {
            const bool more = to.head(status, headers);
            if (left == 0) _exit(kDied);
            return more;
          }
          bool body(std::string_view piece) override {
            const bool dies = piece.size() >= left;
            const bool more = to.body(piece.substr(0, left));
            if (dies) _exit(kDied);
            left -= piece.size();
            return more;
          }
          bool wanted() override { return true; }
        } dying(sink, n);
        return test::file(bytes, piece)(request, dying);
      };
      (void)load(file);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_EQ(WEXITSTATUS(status), n <= bytes.size() ? kDied : 0);
  }
  void expect_right(const Result<std::vector<DownloadedFile>>& files) {
    ASSERT_TRUE(files) << files.error().message;
    EXPECT_EQ(foreword::test::read_text(target()), bytes);
    EXPECT_EQ(foreword::test::n_entries(target().parent_path()), 1u) << "nothing is left beside it";
  }
  fs::path target() const { return folder.path() / "o/r/m.gguf"; }
  fs::path part() const { return folder.path() / "o/r/m.gguf.part"; }
  static std::string range(const WebRequest& request) { return FakeWeb::header(request, "Range"); }

  foreword::test::TempDir folder;
  std::string bytes = some_bytes(kBytes);
  FakeWeb web;
  FakeTime time;
  std::vector<std::string> notes;
  std::function<std::int64_t()> limit = [] { return std::int64_t{0}; };
  std::vector<DownloadProgress> progress;
};

}  // namespace foreword::app::test
