// Every reference vector of every vocabulary that lies beside the checkout.

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/gguf/gguf.h"
#include "engine/tokenizer/tokenizer.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

namespace fs = std::filesystem;

struct Reference {
  std::string name;
  fs::path gguf;

  static Tokenizer open(const fs::path& path) {
    auto file = GgufFile::open(path);
    EXPECT_TRUE(file.has_value()) << file.error().message;
    auto tokenizer = Tokenizer::from_gguf(file->metadata());
    EXPECT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
    return *std::move(tokenizer);
  }
};

std::vector<Reference> references() {
  const fs::path folder = test::fixtures_dir();
  std::vector<Reference> all;
  if (folder.empty()) return all;
  for (const auto& entry : fs::directory_iterator(folder / "tokenizers")) {
    const std::string file = entry.path().filename().string();
    const std::string suffix = ".extra.json";
    if (file.size() <= suffix.size() || file.substr(file.size() - suffix.size()) != suffix) continue;
    const std::string name = file.substr(0, file.size() - suffix.size());
    const fs::path vocabulary = folder / "tokenizers" / ("ggml-vocab-" + name + ".gguf");
    all.push_back({name, fs::exists(vocabulary) ? vocabulary : folder / "models" / (name + "-F32.gguf")});
  }
  std::sort(all.begin(), all.end(), [](const Reference& a, const Reference& b) { return a.name < b.name; });
  return all;
}

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

TEST(TokenizerVectors, ExtraStrings) {
  FW_NEED_FIXTURES();
  const std::vector<Reference> all = references();
  ASSERT_GE(all.size(), 6u);
  for (const Reference& reference : all) {
    SCOPED_TRACE(reference.name);
    const Tokenizer tokenizer = Reference::open(reference.gguf);
    const auto cases = nlohmann::json::parse(
        test::read_text(test::fixtures_dir() / "tokenizers" / (reference.name + ".extra.json")));
    EXPECT_GE(cases.size(), 100u);
    for (const auto& one : cases) {
      const auto text = one["text"].get<std::string>();
      SCOPED_TRACE(one["text"].dump());
      const auto ids = one["ids"].get<std::vector<TokenId>>();
      const auto ids_special = one["ids_special"].get<std::vector<TokenId>>();
      EXPECT_EQ(tokenizer.encode(text, {}), ids);
      EXPECT_EQ(tokenizer.encode(text, {.add_special = true, .parse_special = true}), ids_special);
      EXPECT_EQ(tokenizer.decode(ids, {}), from_hex(one["detok_hex"].get<std::string>()));
      EXPECT_EQ(tokenizer.decode(ids_special, {.show_special = true}),
                from_hex(one["detok_special_hex"].get<std::string>()));
    }
  }
}

TEST(TokenizerVectors, WholeWordStrings) {
  FW_NEED_FIXTURES();
  int vocabularies = 0;
  for (const Reference& reference : references()) {
    SCOPED_TRACE(reference.name);
    const fs::path inputs = reference.gguf.string() + ".inp", outputs = reference.gguf.string() + ".out";
    if (!fs::exists(inputs)) continue;
    ++vocabularies;
    const Tokenizer tokenizer = Reference::open(reference.gguf);
    std::string rest = test::read_text(inputs);
    const std::string separator = "\n__ggml_vocab_test__\n";
    std::istringstream lines(test::read_text(outputs));
    std::string line;
    int n = 0;
    for (bool more = true; more; ++n) {
      const std::size_t end = rest.find(separator);
      more = end != rest.npos;
      const std::string text = rest.substr(0, end);
      if (more) rest.erase(0, end + separator.size());
      if (!more && text.empty()) break;
      ASSERT_TRUE(std::getline(lines, line)) << "vector " << n;
      std::istringstream numbers(line);
      std::vector<TokenId> ids;
      for (TokenId id; numbers >> id;) ids.push_back(id);
      EXPECT_EQ(tokenizer.encode(text, {}), ids) << "vector " << n << ": " << text;
    }
    EXPECT_GE(n, 46);
  }
  EXPECT_GE(vocabularies, 5);
}

}  // namespace
}  // namespace foreword::engine
