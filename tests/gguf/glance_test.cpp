// What the beginning of a GGUF file says of it, of good and of hostile ones.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "engine/gguf/glance.h"
#include "engine/gguf/gguf.h"
#include "tests/gguf/raw_gguf.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

using test::RawGguf;

RawGguf beginning() {
  RawGguf raw;
  raw.head(7, 9)
      .entry("a.byte", RawGguf::u8, std::uint8_t{1})
      .entry("a.real", RawGguf::f64, 1.5)
      .list("some.numbers", RawGguf::i32, 3).number(1).number(2).number(3)
      .list("some.texts", RawGguf::string, 2).text("x").text("")
      .key("general.type", RawGguf::string).text("model")
      .entry("general.architecture", RawGguf::u32, 5u)
      .key("general.architecture", RawGguf::string).text("llama")
      .list("tokenizer.ggml.tokens", RawGguf::string, 1'000'000).text("never ends");
  return raw;
}

TEST(Glance, TheGeneralKeysAreFoundBeforeTheVocabulary) {
  const std::string bytes = beginning().str();
  const auto glance = glance_at(test::as_bytes(bytes), "a.gguf");
  ASSERT_TRUE(glance) << glance.error().message;
  EXPECT_EQ(glance->architecture, "llama");
  EXPECT_EQ(glance->type, "model");
  EXPECT_EQ(glance->n_tensors, 7u);
}

TEST(Glance, AFileThatIsCutOffAnywhereIsNoTrouble) {
  const std::string bytes = beginning().str();
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    const std::string cut = bytes.substr(0, n);
    const auto glance = glance_at(test::as_bytes(cut), "a.gguf");
    EXPECT_EQ(static_cast<bool>(glance), n >= 24) << n;
    if (!glance) {
      EXPECT_EQ(glance.error().code, ErrorCode::corrupt);
    }
  }
}

TEST(Glance, HostileLengthsEndIt) {
  constexpr std::uint64_t kHuge = ~std::uint64_t{0};
  const std::string texts[] = {
      RawGguf().head(kHuge, kHuge).str(),
      RawGguf().head(1, kHuge).number(kHuge).str(),
      RawGguf().head(1, 2).list("a", RawGguf::u64, kHuge / 8 + 1).str(),
      RawGguf().head(1, 2).list("a", RawGguf::string, kHuge).str(),
      RawGguf().head(1, 2).list("a", RawGguf::array, 1).str(),
      RawGguf().head(1, 2).key("a", static_cast<RawGguf::Type>(99)).str(),
      RawGguf().head(1, 2).key("general.architecture", RawGguf::string).number(kHuge).str(),
  };
  for (const std::string& text : texts) {
    const auto glance = glance_at(test::as_bytes(text), "a.gguf");
    ASSERT_TRUE(glance) << glance.error().message;
    EXPECT_EQ(glance->architecture, "");
  }
}

TEST(Glance, OfFilesThatAreNoneOfOurs) {
  const test::TempDir folder;
  const auto path = folder.path() / "x.gguf";
  EXPECT_EQ(glance_at(path).error().code, ErrorCode::not_found);
  EXPECT_EQ(glance_at(folder.path()).error().code, ErrorCode::unsupported);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(glance_at(path).error().code, ErrorCode::unsupported) << "nobody waits for a pipe";
  std::ofstream(folder.path() / "old.gguf") << RawGguf().head(1, 0, 1).str();
  EXPECT_EQ(glance_at(folder.path() / "old.gguf").error().code, ErrorCode::unsupported);
}

TEST(Glance, SaysOfARealModelWhatTheReaderSays) {
  FW_NEED_FIXTURES();
  const auto path = test::fixtures_dir() / "models" / "stories260K-F32.gguf";
  const auto file = GgufFile::open(path);
  const auto glance = glance_at(path);
  ASSERT_TRUE(file && glance);
  EXPECT_EQ(glance->architecture, *file->metadata().require_string("general.architecture"));
  EXPECT_EQ(glance->n_tensors, file->tensors().size());
}

}  // namespace
}  // namespace foreword::engine
