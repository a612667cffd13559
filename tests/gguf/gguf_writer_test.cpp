// What the writer writes, the reader reads.

#include "engine/gguf/gguf_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "engine/gguf/gguf.h"
#include "tests/gguf/raw_gguf.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

namespace fs = std::filesystem;
using test::RawGguf;

std::string written(const GgufWriter& writer) {
  std::ostringstream out;
  const Result<void> result = writer.write(out);
  EXPECT_TRUE(result) << result.error().message;
  return out.str();
}

TEST(GgufWriter, EveryKindOfValueComesBack) {
  GgufWriter writer;
  writer.set("u8", std::uint8_t{200});
  writer.set("i8", std::int8_t{-100});
  writer.set("u16", std::uint16_t{60000});
  writer.set("i16", std::int16_t{-30000});
  writer.set("u32", std::uint32_t{4000000000});
  writer.set("i32", std::int32_t{-2000000000});
  writer.set("f32", 0.5f);
  writer.set("bool", true);
  writer.set("string", "h\xc3\xa9");
  writer.set("u64", std::uint64_t{1} << 40);
  writer.set("i64", -(std::int64_t{1} << 40));
  writer.set("f64", 0.1);
  writer.set("u8s", std::vector<std::uint8_t>{1, 255});
  writer.set("i32s", std::vector<std::int32_t>{-1, 1});
  writer.set("u64s", std::vector<std::uint64_t>{1, 2});
  writer.set("f32s", std::vector<float>{0.25f});
  writer.set("f64s", std::vector<double>{});
  writer.set("bools", std::vector<bool>{true, false, true});
  writer.set("strings", std::vector<std::string>{"a", "", "c"});
  writer.set("u8", std::uint8_t{201});  // replaces
  const std::string bytes = written(writer);
  EXPECT_EQ(bytes.size(), writer.file_bytes());

  const Result<GgufFile> file = GgufFile::parse(test::as_bytes(bytes), "w.gguf");
  ASSERT_TRUE(file) << file.error().message;
  const Metadata& metadata = file->metadata();
  EXPECT_EQ(metadata.all().size(), 19u);
  EXPECT_EQ(*metadata.require_integer("u8"), 201);
  EXPECT_EQ(*metadata.require_integer("i8"), -100);
  EXPECT_EQ(*metadata.require_integer("u16"), 60000);
  EXPECT_EQ(*metadata.require_integer("i16"), -30000);
  EXPECT_EQ(*metadata.require_integer("u32"), 4000000000);
  EXPECT_EQ(*metadata.require_integer("i32"), -2000000000);
  EXPECT_EQ(*metadata.require_real("f32"), 0.5);
  EXPECT_EQ(*metadata.boolean("bool"), std::optional(true));
  EXPECT_EQ(*metadata.require_string("string"), "h\xc3\xa9");
  EXPECT_EQ(*metadata.require_integer("u64"), std::int64_t{1} << 40);
  EXPECT_EQ(*metadata.require_integer("i64"), -(std::int64_t{1} << 40));
  EXPECT_EQ(*metadata.require_real("f64"), 0.1);
  EXPECT_EQ(**metadata.integer_array("u8s"), (std::vector<std::int64_t>{1, 255}));
  EXPECT_EQ(**metadata.integer_array("i32s"), (std::vector<std::int64_t>{-1, 1}));
  EXPECT_EQ(**metadata.integer_array("u64s"), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(**metadata.reals("f32s"), (std::vector<double>{0.25}));
  EXPECT_TRUE((*metadata.reals("f64s"))->empty());
  EXPECT_EQ(*metadata.integers("bools"), std::optional(std::vector<std::int64_t>{1, 0, 1}));
  EXPECT_EQ(**metadata.strings("strings"), (std::vector<std::string>{"a", "", "c"}));
}

TEST(GgufWriter, TheBytesAreThoseOfTheFormat) {
  const float values[] = {1, 2, 3, 4, 5, 6, 7, 8};
  GgufWriter writer;
  writer.set("n", std::uint32_t{5});
  writer.set("l", std::vector<std::string>{"a"});
  writer.add_tensor("t", gpu::Format::f32, {4, 2}, std::as_bytes(std::span(values)));
  RawGguf raw;
  raw.head(1, 2).entry("n", RawGguf::u32, std::uint32_t{5}).list("l", RawGguf::string, 1).text("a");
  raw.tensor("t", {4, 2}, 0, 0).data(0);
  for (const float value : values) raw.number(value);
  EXPECT_EQ(written(writer), raw.str());
}

TEST(GgufWriter, EntriesOfAFileAreCopiedByteForByte) {
  RawGguf file;
  file.head(0, 5).entry("z u16", RawGguf::u16, std::uint16_t{7}).entry("a huge", RawGguf::u64, ~std::uint64_t{0});
  file.list("nested", RawGguf::array, 1).number(std::uint32_t{RawGguf::i8}).number(std::uint64_t{2}).number('x').number('y');
  file.entry("nan", RawGguf::f32, std::uint32_t{0x7fa00001}).list("s", RawGguf::string, 1).text("abc").data(0);
  const Result<GgufFile> read = GgufFile::parse(test::as_bytes(file.str()), "r.gguf");
  ASSERT_TRUE(read) << read.error().message;
  GgufWriter writer;
  for (const RawEntry& entry : read->raw_metadata()) writer.set_raw(std::string(entry.key), entry.typed_value);
  EXPECT_EQ(written(writer), file.str());
}

TEST(GgufWriter, TensorsOfEveryFormatComeBackInOrder) {
  std::vector<std::vector<std::byte>> data;
  GgufWriter writer;
  writer.set("general.alignment", std::uint32_t{64});
  for (const gpu::FormatInfo& row : gpu::formats()) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(row.block_bytes) * 6);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 31 + data.size());
    data.push_back(std::move(bytes));
  }
  for (std::size_t i = 0; i < data.size(); ++i) {
    const gpu::FormatInfo& row = gpu::formats()[i];
    writer.add_tensor(std::string(row.name), row.format, {2 * row.block_length, 1, 3}, data[i]);
  }
  const std::string bytes = written(writer);
  EXPECT_EQ(bytes.size(), writer.file_bytes());
  const Result<GgufFile> file = GgufFile::parse(test::as_bytes(bytes), "w.gguf");
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->tensors().size(), data.size());
  for (std::size_t i = 0; i < data.size(); ++i) {
    const TensorInfo& tensor = file->tensors()[i];
    EXPECT_EQ(tensor.name, gpu::formats()[i].name);
    EXPECT_EQ(tensor.offset % 64, 0u);
    EXPECT_EQ(tensor.shape, (std::vector<std::int64_t>{2 * gpu::formats()[i].block_length, 1, 3}));
    const std::span<const std::byte> got = file->data(tensor);
    EXPECT_TRUE(std::equal(got.begin(), got.end(), data[i].begin(), data[i].end())) << tensor.name;
  }
}

TEST(GgufWriter, ProducersAreAskedForWholeRowsInOrder) {
  // 3 MiB a row: one row a call. 4 bytes a row: many rows a call, the last call is short.
  for (const std::int64_t row_length : {std::int64_t{3} << 18, std::int64_t{1}}) {
    const std::int64_t n_rows = row_length == 1 ? (1 << 20) + 5 : 3;
    std::int64_t next = 0;
    GgufWriter writer;
    const auto produce = [&](std::int64_t first_row, std::span<std::byte> rows) {
      EXPECT_EQ(first_row, next);
      const auto row_bytes = static_cast<std::size_t>(row_length) * 4;
      EXPECT_EQ(rows.size() % row_bytes, 0u);
      std::fill(rows.begin(), rows.end(), static_cast<std::byte>(first_row & 127));
      next += static_cast<std::int64_t>(rows.size() / row_bytes);
      return Result<void>();
    };
    writer.add_tensor("t", gpu::Format::f32, {row_length, n_rows}, produce);
    const std::string bytes = written(writer);
    EXPECT_EQ(next, n_rows);
    EXPECT_EQ(bytes.size(), writer.file_bytes());
    EXPECT_TRUE(GgufFile::parse(test::as_bytes(bytes), "w.gguf"));
  }
}

TEST(GgufWriter, AFileAppearsWholeOrNotAtAll) {
  const test::TempDir dir;
  const fs::path path = dir.path() / "m.gguf";
  std::ofstream(path) << "what was there before";
  GgufWriter writer;
  bool fails = true;
  writer.add_tensor("t", gpu::Format::f32, {8}, [&](std::int64_t, std::span<std::byte> rows) -> Result<void> {
    if (fails) return Error{ErrorCode::cancelled, "stopped"};
    std::fill(rows.begin(), rows.end(), std::byte{1});
    return {};
  });
  const Result<void> stopped = writer.write(path);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
  EXPECT_EQ(test::read_text(path), "what was there before");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()), 1);

  fails = false;
  ASSERT_TRUE(writer.write(path));
  EXPECT_EQ(fs::file_size(path), writer.file_bytes());
  EXPECT_TRUE(GgufFile::open(path));
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()), 1);
}

TEST(GgufWriter, AFullDiskAndAMissingFolderAreSaid) {
  GgufWriter writer;
  const float value = 1;
  writer.add_tensor("t", gpu::Format::f32, {1}, std::as_bytes(std::span(&value, 1)));
  const test::TempDir dir;
  const Result<void> nowhere = writer.write(dir.path() / "gone" / "m.gguf");
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, ErrorCode::io);
  EXPECT_EQ(nowhere.error().message, "m.gguf cannot be written: No such file or directory.");
  std::ofstream full("/dev/full", std::ios::binary);
  const Result<void> no_space = writer.write(full);
  ASSERT_FALSE(no_space);
  EXPECT_EQ(no_space.error().code, ErrorCode::io);
}

TEST(GgufWriter, AReferenceModelSurvivesTheRoundTrip) {
  FW_NEED_FIXTURES();
  const Result<GgufFile> original = GgufFile::open(test::fixtures_dir() / "models" / "arch-gptoss-MXFP4_MOE.gguf");
  ASSERT_TRUE(original) << original.error().message;
  GgufWriter writer;
  for (const TensorInfo& tensor : original->tensors()) {
    writer.add_tensor(tensor.name, tensor.format, tensor.shape, original->data(tensor));
  }
  const std::string bytes = written(writer);
  const Result<GgufFile> copy = GgufFile::parse(test::as_bytes(bytes), "copy.gguf");
  ASSERT_TRUE(copy) << copy.error().message;
  for (const TensorInfo& tensor : original->tensors()) {
    const TensorInfo* other = copy->find(tensor.name);
    ASSERT_NE(other, nullptr);
    EXPECT_EQ(other->shape, tensor.shape);
    const auto a = original->data(tensor), b = copy->data(*other);
    EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end()));
  }
}

}  // namespace
}  // namespace foreword::engine
