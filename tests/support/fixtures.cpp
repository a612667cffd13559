#include "tests/support/fixtures.h"

#include <stdlib.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace foreword::test {
namespace fs = std::filesystem;

fs::path data_dir() { return fs::path(FOREWORD_SOURCE_DIR) / "tests" / "data"; }

fs::path fixtures_dir() {
  const char* from_environment = std::getenv("FOREWORD_SHARED");
  const fs::path shared = from_environment ? fs::path(from_environment) : fs::path(FOREWORD_SOURCE_DIR) / ".." / "shared";
  const fs::path dir = shared / "fixtures";
  std::error_code error;
  return fs::is_directory(dir, error) ? dir : fs::path();
}

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << "cannot read " << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::byte> read_bytes(const fs::path& path) {
  const std::string text = read_text(path);
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

std::size_t n_entries(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

std::string device() {
  const char* wanted = std::getenv("FOREWORD_TEST_DEVICE");
  return wanted != nullptr ? wanted : "cpu";
}

TempDir::TempDir() {
  std::string pattern = (fs::temp_directory_path() / "foreword-test-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "cannot make a temporary folder";
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace foreword::test
