#pragma once
// Where tests find reference files. Files of ours lie in tests/data; the larger reference set lies in a folder
// `shared/fixtures` beside the checkout (or where FOREWORD_SHARED points). Without it those tests skip.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace foreword::test {

/// tests/data in the source tree.
std::filesystem::path data_dir();
/// The reference fixtures, or an empty path.
std::filesystem::path fixtures_dir();
/// The whole file. Fails the test (and returns nothing) if it cannot be read.
std::vector<std::byte> read_bytes(const std::filesystem::path& path);
std::string read_text(const std::filesystem::path& path);
/// What lies in a folder, itself and nothing below.
std::size_t n_entries(const std::filesystem::path& folder);
/// What models run on: the processor, or FOREWORD_TEST_DEVICE.
std::string device();
/// A fresh folder that is removed at the end of the scope.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace foreword::test

#define FW_NEED_FIXTURES()                            \
  if (foreword::test::fixtures_dir().empty())         \
  GTEST_SKIP() << "no reference fixtures beside this checkout (set FOREWORD_SHARED)"
