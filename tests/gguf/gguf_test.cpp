// Good files: what the reader finds in them, split models, and the look-ups in metadata.

#include "engine/gguf/gguf.h"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "engine/gguf/gguf_writer.h"
#include "tests/gguf/raw_gguf.h"
#include "tests/gguf/touch_all.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

namespace fs = std::filesystem;
using test::RawGguf;

TEST(Gguf, EveryReferenceFileOpens) {
  FW_NEED_FIXTURES();
  int n_files = 0;
  for (const char* folder : {"models", "tokenizers"}) {
    for (const fs::directory_entry& entry : fs::directory_iterator(test::fixtures_dir() / folder)) {
      if (entry.path().extension() != ".gguf") continue;
      const Result<GgufFile> file = GgufFile::open(entry.path());
      ASSERT_TRUE(file) << file.error().message;
      EXPECT_EQ(file->version(), 3u);
      EXPECT_TRUE(file->metadata().require_string("general.architecture")) << entry.path();
      EXPECT_EQ(file->total_bytes(), entry.file_size());
      EXPECT_NE(test::touch_all(*file), 0u);
      ++n_files;
    }
  }
  EXPECT_GE(n_files, 40);
}

TEST(Gguf, KnownModelInDetail) {
  FW_NEED_FIXTURES();
  const Result<GgufFile> file = GgufFile::open(test::fixtures_dir() / "models" / "stories260K-Q4_0.gguf");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->name(), "stories260K-Q4_0.gguf");
  EXPECT_EQ(file->n_parts(), 1);
  EXPECT_EQ(*file->metadata().require_integer("llama.block_count"), 5);
  EXPECT_EQ(*file->metadata().require_string("general.architecture"), "llama");
  const std::vector<std::string>* tokens = *file->metadata().strings("tokenizer.ggml.tokens");
  ASSERT_NE(tokens, nullptr);
  EXPECT_EQ(tokens->size(), 512u);
  const TensorInfo* down = file->find("blk.0.ffn_down.weight");
  ASSERT_NE(down, nullptr);
  EXPECT_EQ(down->format, gpu::Format::f16);  // rows of 172 values have no blocks of 32
  EXPECT_EQ(down->shape, (std::vector<std::int64_t>{172, 64}));
  EXPECT_EQ(down->bytes, 172u * 64 * 2);
  EXPECT_EQ(down->n_values(), 172 * 64);
  EXPECT_EQ(file->find("blk.0.ffn_down"), nullptr);
}

TEST(Gguf, ACopyKeepsTheFileMapped) {
  const test::TempDir dir;
  const std::string bytes = RawGguf().head(1, 0).tensor("t", {8}, 0, 0).data(32).str();
  std::ofstream(dir.path() / "m.gguf", std::ios::binary) << bytes;
  std::optional<GgufFile> copy;
  {
    const Result<GgufFile> file = GgufFile::open(dir.path() / "m.gguf");
    ASSERT_TRUE(file) << file.error().message;
    copy = *file;
  }
  fs::remove(dir.path() / "m.gguf");
  EXPECT_EQ(copy->data(copy->tensors()[0]).back(), std::byte{0x11});
}

TEST(Gguf, VersionTwoAndGapsAndTrailingBytesAreFine) {
  const std::string bytes =
      RawGguf().head(2, 0, 2).tensor("b", {8}, 0, 64).tensor("a", {4, 2}, 1, 0).data(64 + 32 + 5).str();
  const Result<GgufFile> file = GgufFile::parse(test::as_bytes(bytes), "v2.gguf");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->version(), 2u);
  EXPECT_EQ(file->tensors()[0].name, "b");
  EXPECT_EQ(file->find("a")->bytes, 16u);
  EXPECT_EQ(file->find("b")->offset - file->find("a")->offset, 64u);
}

TEST(Gguf, AlignmentIsObeyed) {
  const std::string bytes = RawGguf()
                                .head(1, 1)
                                .entry("general.alignment", RawGguf::u32, std::uint32_t{4096})
                                .tensor("t", {8}, 0, 4096)
                                .data(4096 + 32, 4096)
                                .str();
  const Result<GgufFile> file = GgufFile::parse(test::as_bytes(bytes), "a.gguf");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->tensors()[0].offset, 8192u);
}

TEST(Metadata, ValuesOfEveryWidthAreWidened) {
  const std::string bytes = RawGguf()
                                .head(0, 14)
                                .entry("u8", RawGguf::u8, std::uint8_t{255})
                                .entry("i8", RawGguf::i8, std::int8_t{-128})
                                .entry("u16", RawGguf::u16, std::uint16_t{65535})
                                .entry("i16", RawGguf::i16, std::int16_t{-32768})
                                .entry("u32", RawGguf::u32, std::uint32_t{4294967295})
                                .entry("i32", RawGguf::i32, std::int32_t{-2147483647})
                                .entry("f32", RawGguf::f32, 0.1f)
                                .entry("yes", RawGguf::boolean, std::uint8_t{1})
                                .key("text", RawGguf::string)
                                .text(std::string_view("a\0b\xff", 4))
                                .entry("u64", RawGguf::u64, std::uint64_t{1} << 62)
                                .entry("huge", RawGguf::u64, std::numeric_limits<std::uint64_t>::max())
                                .entry("i64", RawGguf::i64, std::int64_t{-5})
                                .entry("f64", RawGguf::f64, 0.1)
                                .entry("one", RawGguf::u8, std::uint8_t{1})
                                .str();
  const Result<GgufFile> file = GgufFile::parse(test::as_bytes(bytes), "m.gguf");
  ASSERT_TRUE(file) << file.error().message;
  const Metadata& metadata = file->metadata();
  EXPECT_EQ(*metadata.require_integer("u8"), 255);
  EXPECT_EQ(*metadata.require_integer("i8"), -128);
  EXPECT_EQ(*metadata.require_integer("u16"), 65535);
  EXPECT_EQ(*metadata.require_integer("i16"), -32768);
  EXPECT_EQ(*metadata.require_integer("u32"), 4294967295);
  EXPECT_EQ(*metadata.require_integer("i32"), -2147483647);
  EXPECT_EQ(*metadata.require_real("f32"), static_cast<double>(0.1f));
  EXPECT_EQ(*metadata.require_real("f64"), 0.1);
  EXPECT_EQ(*metadata.require_real("i64"), -5.0);
  EXPECT_EQ(*metadata.require_integer("u64"), std::int64_t{1} << 62);
  EXPECT_EQ(*metadata.require_string("text"), std::string("a\0b\xff", 4));
  EXPECT_EQ(*metadata.boolean("yes"), std::optional(true));
  EXPECT_EQ(*metadata.boolean("one"), std::optional(true));
  EXPECT_EQ(*metadata.integers("yes"), std::optional(std::vector<std::int64_t>{1}));
  EXPECT_EQ(*metadata.integers("i8"), std::optional(std::vector<std::int64_t>{-128}));
  EXPECT_FALSE(metadata.integer("huge"));  // no i64 holds it
  EXPECT_NEAR(*metadata.require_real("huge"), 1.8446744073709552e19, 1e4);
}

TEST(Metadata, ListsKeepTheirKind) {
  RawGguf raw;
  raw.head(0, 6);
  raw.list("small", RawGguf::i8, 3).number(std::int8_t{-1}).number(std::int8_t{0}).number(std::int8_t{1});
  raw.list("reals", RawGguf::f32, 2).number(1.5f).number(-2.0f);
  raw.list("flags", RawGguf::boolean, 2).number(std::uint8_t{1}).number(std::uint8_t{0});
  raw.list("texts", RawGguf::string, 2).text("x").text("");
  raw.list("none", RawGguf::u32, 0);
  raw.list("nested", RawGguf::array, 2);
  raw.number(std::uint32_t{RawGguf::string}).number(std::uint64_t{1}).text("deep");
  raw.number(std::uint32_t{RawGguf::array}).number(std::uint64_t{1});
  raw.number(std::uint32_t{RawGguf::u16}).number(std::uint64_t{2}).number(std::uint32_t{0});
  const Result<GgufFile> file = GgufFile::parse(test::as_bytes(raw.str()), "m.gguf");
  ASSERT_TRUE(file) << file.error().message;
  const Metadata& metadata = file->metadata();
  EXPECT_EQ(**metadata.integer_array("small"), (std::vector<std::int64_t>{-1, 0, 1}));
  EXPECT_EQ(**metadata.reals("reals"), (std::vector<double>{1.5, -2}));
  EXPECT_EQ(**metadata.reals("small"), (std::vector<double>{-1, 0, 1})) << "as some files write scores";
  EXPECT_EQ(*metadata.integers("flags"), std::optional(std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(**metadata.strings("texts"), (std::vector<std::string>{"x", ""}));
  EXPECT_TRUE((*metadata.integer_array("none"))->empty());
  ASSERT_EQ(metadata.find("nested")->kind(), MetaValue::Kind::nested);
  EXPECT_EQ(std::get<std::uint64_t>(metadata.find("nested")->value), 2u);
}

TEST(Metadata, WrongTypesAndMissingKeysNameTheKeyAndTheFile) {
  Metadata metadata("m.gguf");
  metadata.set("n", {std::int64_t{2}});
  metadata.set("x", {1.0});
  metadata.set("b", {true});
  metadata.set("s", {std::string("7")});
  metadata.set("strings", {std::vector<std::string>{"a"}});
  EXPECT_EQ(*metadata.integer("gone"), std::nullopt);
  EXPECT_EQ(*metadata.string("gone"), std::nullopt);
  EXPECT_EQ(*metadata.strings("gone"), nullptr);
  const Error errors[] = {metadata.integer("x").error(),      metadata.integer("b").error(),
                          metadata.integer("s").error(),      metadata.real("b").error(),
                          metadata.boolean("n").error(),      metadata.string("n").error(),
                          metadata.strings("s").error(),      metadata.reals("strings").error(),
                          metadata.integers("x").error(),     metadata.integer_array("n").error(),
                          metadata.require_real("gone").error(), metadata.require_integer("gone").error(),
                          metadata.require_string("gone").error()};
  for (const Error& error : errors) {
    EXPECT_EQ(error.code, ErrorCode::corrupt);
    EXPECT_EQ(error.message.find("m.gguf "), 0u) << error.message;
  }
  EXPECT_NE(errors[12].message.find("gone"), std::string::npos);
}

constexpr const char* kSplitTensors[] = {"t0", "t1", "t2"};

/// A model of three tensors in three files; the metadata is in the first.
void write_split_model(const fs::path& dir, const std::string& prefix) {
  static const std::vector<float> kValues = {1, 2, 3, 4, 5, 6, 7, 8};
  for (int i = 0; i < 3; ++i) {
    GgufWriter writer;
    if (i == 0) writer.set("general.architecture", std::string("llama"));
    writer.set("split.no", static_cast<std::uint16_t>(i));
    writer.set("split.count", std::uint16_t{3});
    writer.set("split.tensors.count", std::int32_t{3});
    writer.add_tensor(kSplitTensors[i], gpu::Format::f32, {8 - i},
                      std::as_bytes(std::span(kValues).subspan(static_cast<std::size_t>(i))));
    const Result<void> written = writer.write(dir / (prefix + "-0000" + std::to_string(i + 1) + "-of-00003.gguf"));
    ASSERT_TRUE(written) << written.error().message;
  }
}

TEST(GgufSplit, AnyPartOpensTheWholeModel) {
  const test::TempDir dir;
  write_split_model(dir.path(), "big");
  for (const char* chosen : {"big-00001-of-00003.gguf", "big-00002-of-00003.gguf", "big-00003-of-00003.gguf"}) {
    const Result<GgufFile> file = GgufFile::open(dir.path() / chosen);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->n_parts(), 3);
    EXPECT_EQ(file->name(), "big-00001-of-00003.gguf");
    EXPECT_EQ(*file->metadata().require_string("general.architecture"), "llama");
    ASSERT_EQ(file->tensors().size(), 3u);
    for (int i = 0; i < 3; ++i) {
      const TensorInfo* tensor = file->find(kSplitTensors[i]);
      ASSERT_NE(tensor, nullptr);
      EXPECT_EQ(tensor->part, i);
      float first = 0;
      gpu::info(tensor->format).decode(file->data(*tensor).data(), 1, &first);
      EXPECT_EQ(first, static_cast<float>(i + 1));
    }
  }
}

TEST(GgufSplit, BrokenSetsAreRefusedWithTheFileThatIsWrong) {
  const auto fail = [](const fs::path& path, ErrorCode code, const char* words) {
    const Result<GgufFile> file = GgufFile::open(path);
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, code);
    EXPECT_NE(file.error().message.find(words), std::string::npos) << file.error().message;
  };
  {
    const test::TempDir dir;
    write_split_model(dir.path(), "m");
    fs::remove(dir.path() / "m-00002-of-00003.gguf");
    fail(dir.path() / "m-00001-of-00003.gguf", ErrorCode::not_found, "m-00002-of-00003.gguf is missing; put all 3 ");
    fail(dir.path() / "m-00003-of-00003.gguf", ErrorCode::not_found, "m-00002-of-00003.gguf is missing");
  }
  {
    const test::TempDir dir;
    write_split_model(dir.path(), "m");
    fs::copy_file(dir.path() / "m-00001-of-00003.gguf", dir.path() / "m-00002-of-00003.gguf",
                  fs::copy_options::overwrite_existing);
    fail(dir.path() / "m-00001-of-00003.gguf", ErrorCode::corrupt, "m-00002-of-00003.gguf is damaged: by its content");
    fs::rename(dir.path() / "m-00001-of-00003.gguf", dir.path() / "renamed.gguf");
    fail(dir.path() / "renamed.gguf", ErrorCode::not_found, "-00001-of-00003.gguf");
  }
  {
    const test::TempDir dir;
    write_split_model(dir.path(), "m");
    fs::resize_file(dir.path() / "m-00003-of-00003.gguf", 40);
    fail(dir.path() / "m-00001-of-00003.gguf", ErrorCode::corrupt, "m-00003-of-00003.gguf ends early");
  }
}

TEST(GgufSplit, PartsMustNotRepeatOrLoseTensors) {
  const test::TempDir dir;
  const float value = 1;
  const auto write = [&](int part, const char* tensor, int total) {
    GgufWriter writer;
    writer.set("split.no", static_cast<std::uint16_t>(part));
    writer.set("split.count", std::uint16_t{2});
    writer.set("split.tensors.count", std::int32_t{total});
    writer.add_tensor(tensor, gpu::Format::f32, {1}, std::as_bytes(std::span(&value, 1)));
    ASSERT_TRUE(writer.write(dir.path() / ("m-0000" + std::to_string(part + 1) + "-of-00002.gguf")));
  };
  write(0, "a", 2);
  write(1, "a", 2);
  Result<GgufFile> file = GgufFile::open(dir.path() / "m-00001-of-00002.gguf");
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().message.find("two of its parts"), std::string::npos) << file.error().message;
  write(0, "b", 3);
  file = GgufFile::open(dir.path() / "m-00001-of-00002.gguf");
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().message.find("2 tensors instead of 3"), std::string::npos) << file.error().message;
}

}  // namespace
}  // namespace foreword::engine
