// Files that are not what they should be: each gets one clear sentence, none a crash.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <random>
#include <sstream>

#include "engine/gguf/gguf.h"
#include "engine/gguf/gguf_writer.h"
#include "engine/gguf/text.h"
#include "tests/gguf/raw_gguf.h"
#include "tests/gguf/touch_all.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

namespace fs = std::filesystem;
using test::RawGguf;

struct HostileCase {
  const char* name;
  std::function<RawGguf()> file;
  ErrorCode code;
  const char* words;  // that the sentence must hold
};

constexpr auto kMax64 = ~std::uint64_t{0};
constexpr std::int64_t kMaxI64 = 0x7fffffffffffffff;

RawGguf nested_lists(int depth) {
  RawGguf raw;
  raw.head(0, 1).key("deep", RawGguf::array);
  for (int i = 1; i < depth; ++i) raw.number(std::uint32_t{RawGguf::array}).number(std::uint64_t{1});
  return raw.number(std::uint32_t{RawGguf::u8}).number(std::uint64_t{1}).number(std::uint8_t{0});
}

const HostileCase kCases[] = {
    // The head.
    {"no magic", [] { return RawGguf().text("a picture of a cat"); }, ErrorCode::corrupt, "not a GGUF file"},
    {"version 0", [] { return RawGguf().head(0, 0, 0); }, ErrorCode::unsupported, "version 0, which is too old"},
    {"version 1", [] { return RawGguf().head(0, 0, 1); }, ErrorCode::unsupported, "version 1, which is too old"},
    {"version 4", [] { return RawGguf().head(0, 0, 4); }, ErrorCode::unsupported, "newer version of this program"},
    {"big endian 2", [] { return RawGguf().head(0, 0, 0x02000000); }, ErrorCode::unsupported, "big-endian"},
    {"big endian 3", [] { return RawGguf().head(0, 0, 0x03000000); }, ErrorCode::unsupported, "big-endian"},
    {"all tensors", [] { return RawGguf().head(kMax64, 0); }, ErrorCode::corrupt, "18446744073709551615 tensors"},
    {"all keys", [] { return RawGguf().head(0, kMax64); }, ErrorCode::corrupt, "18446744073709551615 metadata entries"},
    {"more tensors than bytes", [] { return RawGguf().head(1 << 20, 0); }, ErrorCode::corrupt, "ends early"},
    {"more keys than bytes", [] { return RawGguf().head(0, 60000); }, ErrorCode::corrupt, "ends early"},

    // Metadata.
    {"key of 2^64 bytes", [] { return RawGguf().head(0, 1).number(kMax64).number(kMax64); }, ErrorCode::corrupt,
     "bytes of text"},
    {"key of 2^63 bytes", [] { return RawGguf().head(0, 1).number(kMax64 / 2 + 1).number(kMax64); }, ErrorCode::corrupt,
     "bytes of text"},
    {"key beyond the end", [] { return RawGguf().head(0, 1).number(std::uint64_t{60000}).number(kMax64); },
     ErrorCode::corrupt, "ends early"},
    {"empty key", [] { return RawGguf().head(0, 1).entry("", RawGguf::u64, kMax64); }, ErrorCode::corrupt,
     "without a name"},
    {"the same key twice",
     [] { return RawGguf().head(0, 2).entry("k", RawGguf::u8, 'a').entry("k", RawGguf::u8, 'b'); }, ErrorCode::corrupt,
     "two entries named k"},
    {"type 13", [] { return RawGguf().head(0, 1).entry("k", static_cast<RawGguf::Type>(13), kMax64); },
     ErrorCode::corrupt, "unknown type 13"},
    {"type 2^32-1", [] { return RawGguf().head(0, 1).entry("k", static_cast<RawGguf::Type>(~0u), kMax64); },
     ErrorCode::corrupt, "unknown type 4294967295"},
    {"a boolean of 2", [] { return RawGguf().head(0, 1).entry("k", RawGguf::boolean, 'a'); }, ErrorCode::corrupt,
     "neither"},
    {"text of 2^40 bytes", [] { return RawGguf().head(0, 1).entry("k", RawGguf::string, std::uint64_t{1} << 40); },
     ErrorCode::corrupt, "bytes of text"},
    {"list of 2^64 numbers", [] { return RawGguf().head(0, 1).list("k", RawGguf::f64, kMax64); }, ErrorCode::corrupt,
     "values in lists"},
    {"list of 2^61 numbers", [] { return RawGguf().head(0, 1).list("k", RawGguf::u64, kMax64 / 8 + 1); },
     ErrorCode::corrupt, "values in lists"},
    {"list beyond the end", [] { return RawGguf().head(0, 1).list("k", RawGguf::string, 1 << 24); }, ErrorCode::corrupt,
     "ends early"},
    {"list of unknown type", [] { return RawGguf().head(0, 1).list("k", static_cast<RawGguf::Type>(77), 0); },
     ErrorCode::corrupt, "unknown type 77"},
    {"list with a bad boolean", [] { return RawGguf().head(0, 1).list("k", RawGguf::boolean, 1).number('\3'); },
     ErrorCode::corrupt, "neither"},
    {"lists in lists", [] { return nested_lists(9); }, ErrorCode::corrupt, "without end"},
    {"lists in lists, many", [] { return nested_lists(100000); }, ErrorCode::corrupt, "without end"},
    {"inner list too long",
     [] {
       return RawGguf().head(0, 1).list("k", RawGguf::array, 1).number(std::uint32_t{RawGguf::u8}).number(kMax64);
     },
     ErrorCode::corrupt, "values in one list"},
    {"alignment 0", [] { return RawGguf().head(0, 1).entry("general.alignment", RawGguf::u32, 0u); },
     ErrorCode::corrupt, "alignment is 0"},
    {"alignment 48", [] { return RawGguf().head(0, 1).entry("general.alignment", RawGguf::u32, 48u); },
     ErrorCode::corrupt, "alignment is 48"},
    {"alignment 2^31", [] { return RawGguf().head(0, 1).entry("general.alignment", RawGguf::u32, 1u << 31); },
     ErrorCode::corrupt, "alignment is 2147483648"},
    {"alignment -32", [] { return RawGguf().head(0, 1).entry("general.alignment", RawGguf::i32, -32); },
     ErrorCode::corrupt, "alignment is -32"},
    {"alignment 2^63", [] { return RawGguf().head(0, 1).entry("general.alignment", RawGguf::u64, kMax64 / 2 + 1); },
     ErrorCode::corrupt, "general.alignment in a wrong form"},
    {"alignment as text", [] { return RawGguf().head(0, 1).key("general.alignment", RawGguf::string).text("32"); },
     ErrorCode::corrupt, "general.alignment in a wrong form"},

    // Tensors.
    {"no dimensions", [] { return RawGguf().head(1, 0).tensor("t", {}, 0, 0).data(64); }, ErrorCode::corrupt,
     "t has 0 dimensions"},
    {"five dimensions", [] { return RawGguf().head(1, 0).tensor("t", {1, 1, 1, 1, 1}, 0, 0).data(64); },
     ErrorCode::corrupt, "t has 5 dimensions"},
    {"2^32-1 dimensions", [] { return RawGguf().head(1, 0).text("t").number(~0u).data(64); }, ErrorCode::corrupt,
     "4294967295 dimensions"},
    {"a dimension of 0", [] { return RawGguf().head(1, 0).tensor("t", {32, 0}, 0, 0).data(64); }, ErrorCode::corrupt,
     "not positive"},
    {"a negative dimension", [] { return RawGguf().head(1, 0).tensor("t", {-32}, 0, 0).data(64); }, ErrorCode::corrupt,
     "not positive"},
    {"2^66 values", [] { return RawGguf().head(1, 0).tensor("t", {1 << 22, 1 << 22, 1 << 22}, 0, 0).data(64); },
     ErrorCode::corrupt, "larger than any memory"},
    {"2^63-1 values of 4 bytes", [] { return RawGguf().head(1, 0).tensor("t", {kMaxI64}, 0, 0).data(64); },
     ErrorCode::corrupt, "larger than any memory"},
    {"half a block", [] { return RawGguf().head(1, 0).tensor("t", {48, 2}, 2, 0).data(64); }, ErrorCode::corrupt,
     "rows of 48 values, which Q4_0 cannot store"},
    {"a removed format", [] { return RawGguf().head(1, 0).tensor("t", {32}, 31, 0).data(64); },
     ErrorCode::unsupported, "bad.gguf some weights are stored as Q4_0_4_4, which was removed"},
    {"a format of activations", [] { return RawGguf().head(1, 0).tensor("t", {256}, 15, 0).data(292); },
     ErrorCode::unsupported, "Q8_K"},
    {"an unknown format", [] { return RawGguf().head(1, 0).tensor("t", {32}, 1000, 0).data(64); },
     ErrorCode::unsupported, "number 1000"},
    {"no name", [] { return RawGguf().head(1, 0).tensor("", {8}, 0, 0).data(64); }, ErrorCode::corrupt,
     "tensor without a name"},
    {"the same name twice",
     [] { return RawGguf().head(2, 0).tensor("t", {8}, 0, 0).tensor("t", {8}, 0, 32).data(64); }, ErrorCode::corrupt,
     "t appears twice"},
    {"a crooked offset", [] { return RawGguf().head(1, 0).tensor("t", {8}, 0, 16).data(64); }, ErrorCode::corrupt,
     "not a multiple of 32"},
    {"an overlap by one byte",
     [] { return RawGguf().head(2, 0).tensor("a", {33}, 24, 0).tensor("b", {8}, 0, 32).data(64); }, ErrorCode::corrupt,
     "b overlaps a"},
    {"one place for two",
     [] { return RawGguf().head(2, 0).tensor("a", {8}, 0, 32).tensor("b", {8}, 0, 32).data(64); }, ErrorCode::corrupt,
     "b overlaps a"},
    {"data cut by one byte", [] { return RawGguf().head(1, 0).tensor("t", {8}, 0, 0).data(31); }, ErrorCode::corrupt,
     "ends early: 95 of 96 bytes"},
    {"no data", [] { return RawGguf().head(1, 0).tensor("t", {1000, 1000, 1000}, 0, 0); }, ErrorCode::corrupt,
     "ends early: 0.0 of 4.0 GB"},
    {"outside of the file", [] { return RawGguf().head(1, 0).tensor("t", {8}, 0, 1 << 20).data(64); },
     ErrorCode::corrupt, "lies outside of the file"},
    {"an offset at the end of all numbers",
     [] { return RawGguf().head(1, 0).tensor("t", {8}, 0, kMax64 - 31).data(64); }, ErrorCode::corrupt,
     "lies outside of the file"},
    {"an offset that wraps with the data's start",
     [] { return RawGguf().head(1, 0).tensor("t", {8}, 0, kMax64 - 95).data(64); }, ErrorCode::corrupt,
     "lies outside of the file"},

    // Splitting.
    {"part 0 of 2 alone",
     [] {
       return RawGguf().head(0, 2).entry("split.count", RawGguf::u16, std::uint16_t{2}).entry(
           "split.no", RawGguf::u16, std::uint16_t{0});
     },
     ErrorCode::unsupported, "one part of a model in 2 files"},
    {"a part without a number", [] { return RawGguf().head(0, 1).entry("split.count", RawGguf::u8, '\2'); },
     ErrorCode::corrupt, "split.no"},
    {"part 2 of 2",
     [] { return RawGguf().head(0, 2).entry("split.count", RawGguf::u8, '\2').entry("split.no", RawGguf::u8, '\2'); },
     ErrorCode::corrupt, "claims to be part"},
    {"2^40 parts",
     [] {
       return RawGguf().head(0, 2).entry("split.no", RawGguf::u8, '\0').entry("split.count", RawGguf::u64,
                                                                             std::uint64_t{1} << 40);
     },
     ErrorCode::corrupt, "claims to be part"},
    {"parts as text", [] { return RawGguf().head(0, 1).key("split.count", RawGguf::string).text("2"); },
     ErrorCode::corrupt, "split.count in a wrong form"},
};

/// One sentence (or two: what is wrong, what to do) that begins with the file's name and is fit for a screen.
void expect_readable(const std::string& message) {
  EXPECT_TRUE(message.starts_with("bad.gguf ") || message.starts_with("In bad.gguf ")) << message;
  EXPECT_EQ(message.back(), '.') << message;
  EXPECT_LT(message.size(), 400u);
  for (const char c : message) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << message;
}

TEST(Hostile, EachKindOfDamageHasItsSentence) {
  for (const HostileCase& hostile : kCases) {
    SCOPED_TRACE(hostile.name);
    // Exactly sized on the heap, so that a sanitizer sees the first byte beyond.
    const std::string text = hostile.file().str();
    const std::vector<char> bytes(text.begin(), text.end());
    const Result<GgufFile> file = GgufFile::parse(std::as_bytes(std::span(bytes)), "bad.gguf");
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, hostile.code) << file.error().message;
    EXPECT_NE(file.error().message.find(hostile.words), std::string::npos) << file.error().message;
    expect_readable(file.error().message);
  }
}

TEST(Hostile, DeepestAllowedListsPass) {
  const std::string bytes = nested_lists(8).str();
  EXPECT_TRUE(GgufFile::parse(test::as_bytes(bytes), "deep.gguf"));
}

TEST(Hostile, NamesFromTheFileAreCleanedForTheScreen) {
  const std::string name = "t\n\x1b[31m\xc3\xa9\xff" + std::string(1000, 'x');
  const std::string bytes = RawGguf().head(1, 0).tensor(name, {0}, 0, 0).str();
  const Result<GgufFile> file = GgufFile::parse(test::as_bytes(bytes), "bad.gguf");
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().message.find("t??[31m\xc3\xa9?xxx"), std::string::npos) << file.error().message;
  expect_readable(file.error().message);
}

/// A small file with every kind of value, three tensors and no slack at its end.
std::string small_file() {
  static const std::vector<std::byte> kData(4096, std::byte{0x3c});
  GgufWriter writer;
  writer.set("general.architecture", std::string("llama"));
  writer.set("a.count", std::uint32_t{7});
  writer.set("a.flag", true);
  writer.set("a.real", 1.25f);
  writer.set("a.list", std::vector<std::int32_t>{1, 2, 3});
  writer.set("a.flags", std::vector<bool>{true, false});
  writer.set("tokenizer.ggml.tokens", std::vector<std::string>{"<unk>", "a", "b"});
  writer.add_tensor("token_embd.weight", gpu::Format::q4_k, {256, 3}, std::span(kData).first(432));
  writer.add_tensor("blk.0.norm", gpu::Format::f32, {8}, std::span(kData).first(32));
  writer.add_tensor("output.weight", gpu::Format::iq2_s, {256, 2}, std::span(kData).first(164));
  std::ostringstream out;
  EXPECT_TRUE(writer.write(out));
  std::string bytes = out.str();
  while (bytes.back() == '\0') bytes.pop_back();  // the padding of the last tensor
  return bytes;
}

TEST(Hostile, TruncatedAtEveryByteItEndsEarly) {
  const std::string whole = small_file();
  ASSERT_TRUE(GgufFile::parse(test::as_bytes(whole), "bad.gguf"));
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const std::vector<char> bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
    const Result<GgufFile> file = GgufFile::parse(std::as_bytes(std::span(bytes)), "bad.gguf");
    ASSERT_FALSE(file) << n;
    EXPECT_EQ(file.error().code, ErrorCode::corrupt);
    const char* words = n == 0 ? "is empty" : "ends early";
    EXPECT_NE(file.error().message.find(words), std::string::npos) << n << ": " << file.error().message;
    expect_readable(file.error().message);
  }
}

TEST(Hostile, EveryFlippedBitGivesAReaderOrASentence) {
  const std::string whole = small_file();
  int n_refused = 0;
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::vector<char> bytes(whole.begin(), whole.end());
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    const Result<GgufFile> file = GgufFile::parse(std::as_bytes(std::span(bytes)), "bad.gguf");
    if (file) {
      EXPECT_NE(test::touch_all(*file), 0u);
    } else {
      expect_readable(file.error().message);
      ++n_refused;
    }
  }
  EXPECT_GT(n_refused, 1000);
}

TEST(Hostile, RandomDamageGivesAReaderOrASentence) {
  constexpr std::uint64_t kSeed = 12;
  std::mt19937_64 random(kSeed);
  const std::string whole = small_file();
  for (int round = 0; round < 5000; ++round) {
    SCOPED_TRACE("seed " + std::to_string(kSeed) + ", round " + std::to_string(round));
    std::vector<char> bytes(whole.begin(), whole.end());
    for (std::uint64_t n = 1 + random() % 8; n > 0; --n) bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    const Result<GgufFile> file = GgufFile::parse(std::as_bytes(std::span(bytes)), "bad.gguf");
    if (file) {
      EXPECT_NE(test::touch_all(*file), 0u);
    } else {
      expect_readable(file.error().message);
    }
  }
}

TEST(HostilePath, EachKindOfWrongPathHasItsSentence) {
  const test::TempDir dir;
  const auto fail = [&](const fs::path& path, ErrorCode code, const char* words) {
    const Result<GgufFile> file = GgufFile::open(path);
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, code) << file.error().message;
    EXPECT_EQ(file.error().message.find(words), 0u) << file.error().message;
  };
  fail(dir.path() / "gone.gguf", ErrorCode::not_found, "gone.gguf was not found");
  fail(dir.path() / "gone" / "m.gguf", ErrorCode::not_found, "m.gguf was not found");
  fs::create_directory(dir.path() / "folder.gguf");
  fail(dir.path() / "folder.gguf", ErrorCode::io, "folder.gguf is a folder");
  std::ofstream(dir.path() / "empty.gguf").close();
  fail(dir.path() / "empty.gguf", ErrorCode::corrupt, "empty.gguf is empty. Download it again.");
  ASSERT_EQ(::mkfifo((dir.path() / "pipe.gguf").c_str(), 0600), 0);
  fail(dir.path() / "pipe.gguf", ErrorCode::io, "pipe.gguf is not an ordinary file");  // and does not hang
  fail("/dev/null", ErrorCode::io, "null is not an ordinary file");
  fs::create_symlink("loop.gguf", dir.path() / "loop.gguf");
  fail(dir.path() / "loop.gguf", ErrorCode::io, "loop.gguf cannot be read: ");
  fail(dir.path() / std::string(300, 'n'), ErrorCode::io, "nnn");
  fail("", ErrorCode::not_found, " was not found");
  if (::geteuid() != 0) {  // the administrator may read everything
    std::ofstream(dir.path() / "secret.gguf") << "GGUF";
    fs::permissions(dir.path() / "secret.gguf", fs::perms::none);
    fail(dir.path() / "secret.gguf", ErrorCode::io, "secret.gguf may not be read");
  }
}

TEST(HostilePath, ATruncatedDownloadTellsBothSizes) {
  FW_NEED_FIXTURES();
  const test::TempDir dir;
  const fs::path copy = dir.path() / "story.gguf";
  std::ofstream(copy, std::ios::binary)
      << test::read_text(test::fixtures_dir() / "models" / "stories260K-F32.gguf").substr(0, 700000);
  const Result<GgufFile> file = GgufFile::open(copy);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().message, "story.gguf ends early: 0.7 of 1.2 MB. Download it again.");
}

TEST(Text, SizesAreRoundedUnlessThatHidesTheDifference) {
  EXPECT_EQ(part_of_bytes(3'100'000'000, 4'700'000'000), "3.1 of 4.7 GB");
  EXPECT_EQ(part_of_bytes(500, 4'700'000'000), "0.0 of 4.7 GB");
  EXPECT_EQ(part_of_bytes(4'699'999'999, 4'700'000'000), "4699999999 of 4700000000 bytes");
  EXPECT_EQ(part_of_bytes(12, 999), "12 of 999 bytes");
}

TEST(Text, OnlyWellFormedUtf8IsPrinted) {
  EXPECT_EQ(printable("na\xc3\xafve \xe4\xb8\xad \xf0\x9f\x98\x80"), "na\xc3\xafve \xe4\xb8\xad \xf0\x9f\x98\x80");
  EXPECT_EQ(printable("\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe4\xb8"), "?? ??? ???? ??");
  EXPECT_EQ(printable("a\x7f\xc2\x85\tb"), "a???b");
}

}  // namespace
}  // namespace foreword::engine
