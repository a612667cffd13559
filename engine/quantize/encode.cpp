#include "engine/quantize/encode.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <system_error>
#include <thread>
#include <vector>

#include "engine/base/check.h"
#include "engine/quantize/encode_block.h"
#include "engine/quantize/fit.h"

namespace foreword::engine {
namespace {

using gpu::Format;

struct EncoderRow {
  Format format;
  Format fallback;  // where the blocks do not divide a row; formats of single numbers never need one
  encode_block::Encoder* encoder;
};
constexpr EncoderRow kEncoders[] = {
    {Format::f32, Format::f32, encode_block::f32},    {Format::f16, Format::f16, encode_block::f16},
    {Format::bf16, Format::bf16, encode_block::bf16}, {Format::q4_0, Format::f16, encode_block::q4_0},
    {Format::q5_0, Format::f16, encode_block::q5_0},  {Format::q5_1, Format::f16, encode_block::q5_1},
    {Format::q8_0, Format::f16, encode_block::q8_0},  {Format::q4_k, Format::q5_0, encode_block::q4_k},
    {Format::q5_k, Format::q5_1, encode_block::q5_k}, {Format::q6_k, Format::q8_0, encode_block::q6_k},
};

const EncoderRow* find(Format format) {
  const auto* row = std::ranges::find(kEncoders, format, &EncoderRow::format);
  return row == std::end(kEncoders) ? nullptr : row;
}

constexpr std::int64_t kLongestBlock = 256;

float within_reach(float value) {
  return std::fabs(value) < fit::kSmallest ? 0.0F : std::clamp(value, -fit::kLargest, fit::kLargest);
}

/// One row. The importance is copied block by block so that its largest weight is 1; a block without any counts alike.
void encode_row(const EncoderRow& row, std::span<const float> values, std::span<const float> importance, std::byte* out) {
  const gpu::FormatInfo& format = gpu::info(row.format);
  const auto length = static_cast<std::size_t>(format.block_length);
  const bool single = length == 1;  // stored as they are
  std::array<float, kLongestBlock> x{}, w{};
  for (std::size_t first = 0; first < values.size(); first += length, out += format.block_bytes) {
    for (std::size_t i = 0; i < length; ++i) {
      x[i] = single ? values[first + i] : within_reach(values[first + i]);
    }
    float most = 0;
    for (std::size_t i = 0; i < length && !importance.empty(); ++i) most = std::max(most, importance[first + i]);
    for (std::size_t i = 0; i < length; ++i) w[i] = most > 0 ? importance[first + i] / most : 1.0F;
    std::memset(out, 0, static_cast<std::size_t>(format.block_bytes));
    row.encoder(x.data(), w.data(), reinterpret_cast<std::uint8_t*>(out));
  }
}

bool all_finite(std::span<const float> values) {
  return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

}  // namespace

bool can_encode(Format format) { return find(format) != nullptr; }

std::string encodable_names() {
  std::string names;
  for (const EncoderRow& row : kEncoders) names += (names.empty() ? "" : ", ") + std::string(gpu::info(row.format).name);
  return names;
}

Format format_for_row(Format wanted, std::int64_t row_length) {
  const EncoderRow* row = find(wanted);
  check(row != nullptr, "a format that can be encoded");
  return row_length % gpu::info(wanted).block_length == 0 ? wanted : format_for_row(row->fallback, row_length);
}

Result<void> encode(Format format, std::int64_t row_length, std::span<const float> values,
                    std::span<const float> importance, std::span<std::byte> out, int n_threads) {
  const EncoderRow* row = find(format);
  check(row != nullptr, "a format that can be encoded");
  check(row_length > 0 && std::ssize(values) % row_length == 0, "whole rows");
  const std::int64_t n_rows = std::ssize(values) / row_length, row_bytes = gpu::row_bytes(format, row_length);
  check(std::ssize(out) == n_rows * row_bytes, "room for exactly these rows");
  check(importance.empty() || std::ssize(importance) == row_length, "one weight a column");
  check(std::ranges::all_of(importance, [](float weight) { return std::isfinite(weight) && weight >= 0; }),
        "weights are finite and not negative");

  const auto row_of = [&](std::int64_t i) {
    return values.subspan(static_cast<std::size_t>(i * row_length), static_cast<std::size_t>(row_length));
  };
  const std::int64_t n_workers = std::clamp<std::int64_t>(n_threads, 1, std::max<std::int64_t>(n_rows, 1));
  std::vector<std::int64_t> bad_row(static_cast<std::size_t>(n_workers), n_rows);  // each worker's first
  const auto work = [&](std::int64_t worker) {
    for (std::int64_t i = n_rows * worker / n_workers; i < n_rows * (worker + 1) / n_workers; ++i) {
      if (!all_finite(row_of(i))) {
        bad_row[static_cast<std::size_t>(worker)] = i;
        return;
      }
      encode_row(*row, row_of(i), importance, out.data() + i * row_bytes);
    }
  };
  std::vector<std::thread> threads;
  std::int64_t n_started = 1;
  try {
    for (; n_started < n_workers; ++n_started) threads.emplace_back(work, n_started);
  } catch (const std::system_error&) {  // the system gives no more: theirs is done here
  }
  work(0);
  for (std::int64_t worker = n_started; worker < n_workers; ++worker) work(worker);
  for (std::thread& thread : threads) thread.join();
  const std::int64_t first_bad = std::ranges::min(bad_row);
  if (first_bad == n_rows) return {};
  return Error{ErrorCode::invalid_argument, "Row " + std::to_string(first_bad) +
                                                " holds an infinity or something that is no number; it cannot be encoded."};
}

}  // namespace foreword::engine
