#include "gpu/format.h"

#include <algorithm>
#include <array>
#include <string>

#include "engine/base/check.h"
#include "gpu/decode.h"

namespace foreword::gpu {
namespace {

constexpr FormatInfo kFormats[] = {
    {Format::f32, "F32", 1, 4, decode::f32},
    {Format::f16, "F16", 1, 2, decode::f16},
    {Format::q4_0, "Q4_0", 32, 18, decode::q4_0},
    {Format::q4_1, "Q4_1", 32, 20, decode::q4_1},
    {Format::q5_0, "Q5_0", 32, 22, decode::q5_0},
    {Format::q5_1, "Q5_1", 32, 24, decode::q5_1},
    {Format::q8_0, "Q8_0", 32, 34, decode::q8_0},
    {Format::q2_k, "Q2_K", 256, 84, decode::q2_k},
    {Format::q3_k, "Q3_K", 256, 110, decode::q3_k},
    {Format::q4_k, "Q4_K", 256, 144, decode::q4_k},
    {Format::q5_k, "Q5_K", 256, 176, decode::q5_k},
    {Format::q6_k, "Q6_K", 256, 210, decode::q6_k},
    {Format::iq2_xxs, "IQ2_XXS", 256, 66, decode::iq2_xxs},
    {Format::iq2_xs, "IQ2_XS", 256, 74, decode::iq2_xs},
    {Format::iq3_xxs, "IQ3_XXS", 256, 98, decode::iq3_xxs},
    {Format::iq1_s, "IQ1_S", 256, 50, decode::iq1_s},
    {Format::iq4_nl, "IQ4_NL", 32, 18, decode::iq4_nl},
    {Format::iq3_s, "IQ3_S", 256, 110, decode::iq3_s},
    {Format::iq2_s, "IQ2_S", 256, 82, decode::iq2_s},
    {Format::iq4_xs, "IQ4_XS", 256, 136, decode::iq4_xs},
    {Format::i8, "I8", 1, 1, nullptr},
    {Format::i16, "I16", 1, 2, nullptr},
    {Format::i32, "I32", 1, 4, nullptr},
    {Format::i64, "I64", 1, 8, nullptr},
    {Format::f64, "F64", 1, 8, nullptr},
    {Format::iq1_m, "IQ1_M", 256, 56, decode::iq1_m},
    {Format::bf16, "BF16", 1, 2, decode::bf16},
    {Format::tq1_0, "TQ1_0", 256, 54, decode::tq1_0},
    {Format::tq2_0, "TQ2_0", 256, 66, decode::tq2_0},
    {Format::mxfp4, "MXFP4", 32, 17, decode::mxfp4},
    {Format::nvfp4, "NVFP4", 64, 36, decode::nvfp4},
    {Format::q1_0, "Q1_0", 128, 18, decode::q1_0},
};

/// Ids that the field has used but that no file may hold today.
struct RefusedId {
  std::uint32_t id;
  const char* name;
  const char* why;
};
constexpr const char* kRemoved = "which was removed from GGUF; use a newer file of the same model";
constexpr const char* kActivations = "which is for intermediate results and holds no weights; use another file";
constexpr RefusedId kRefusedIds[] = {
    {4, "Q4_2", kRemoved},      {5, "Q4_3", kRemoved},       {9, "Q8_1", kActivations},
    {15, "Q8_K", kActivations}, {31, "Q4_0_4_4", kRemoved},  {32, "Q4_0_4_8", kRemoved},
    {33, "Q4_0_8_8", kRemoved}, {36, "IQ4_NL_4_4", kRemoved}, {37, "IQ4_NL_4_8", kRemoved},
    {38, "IQ4_NL_8_8", kRemoved},
};

constexpr std::size_t kMaxId = 63;

/// Id -> row of kFormats, -1 where there is none.
constexpr auto kRowOfId = [] {
  std::array<std::int8_t, kMaxId + 1> rows{};
  rows.fill(-1);
  for (std::size_t row = 0; row < std::size(kFormats); ++row) {
    rows[static_cast<std::size_t>(kFormats[row].format)] = static_cast<std::int8_t>(row);
  }
  return rows;
}();

bool same_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::span<const FormatInfo> formats() { return kFormats; }

const FormatInfo& info(Format format) {
  const auto id = static_cast<std::size_t>(format);
  check(id <= kMaxId && kRowOfId[id] >= 0, "a format that is in the table");
  return kFormats[static_cast<std::size_t>(kRowOfId[id])];
}

Result<Format> format_from_id(std::uint32_t id) {
  if (id <= kMaxId && kRowOfId[id] >= 0) return kFormats[static_cast<std::size_t>(kRowOfId[id])].format;
  for (const RefusedId& refused : kRefusedIds) {
    if (refused.id != id) continue;
    return Error{ErrorCode::unsupported,
                 std::string("weights are stored as ") + refused.name + ", " + refused.why + "."};
  }
  return Error{ErrorCode::unsupported, "weights are stored in a format with the number " + std::to_string(id) +
                                           ", which this program does not know; it may need a newer version."};
}

std::optional<Format> format_from_name(std::string_view name) {
  for (const FormatInfo& row : kFormats) {
    if (same_ignoring_case(row.name, name)) return row.format;
  }
  return std::nullopt;
}

std::int64_t row_bytes(Format format, std::int64_t cols) {
  const FormatInfo& row = info(format);
  check(cols >= 0 && cols % row.block_length == 0, "a row is a whole number of blocks");
  return cols / row.block_length * row.block_bytes;
}

}  // namespace foreword::gpu
