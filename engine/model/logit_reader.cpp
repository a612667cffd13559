#include "engine/model/logit_reader.h"

#include <algorithm>
#include <bit>

namespace foreword::engine {

using gpu::DType;
using gpu::Tensor;

Result<LogitReader> LogitReader::create(gpu::Backend& backend, std::int64_t max_rows, std::int64_t vocab_size) {
  LogitReader reader(backend);
  if (backend.device().backend == "cpu") return reader;
  reader.most_ = std::min(vocab_size, gpu::Backend::kMostTopK);
  FW_ASSIGN(reader.best_, backend.allocate(static_cast<std::size_t>(2 * 4 * max_rows * reader.most_)));
  return reader;
}

Result<void> LogitReader::hand_out(const Tensor& given, std::span<const LogitWish> wishes, const std::function<void(std::int64_t, const LogitRow&)>& sink) {
  if (most_ == 0) {
    FW_TRY(backend_->submit());
    for (std::int64_t row = 0; row < given.rows; ++row) {
      const auto* logits = reinterpret_cast<const float*>(given.buffer->host() + given.row_range(row, 1).offset);
      sink(row, std::span(logits, static_cast<std::size_t>(given.cols)));
    }
    return {};
  }

  const auto whole = [&](std::int64_t row) { return wishes[static_cast<std::size_t>(row)].n_best() > most_; };
  // The best, as many as the row wants that wants most of them, and all rows from the first to the last that are wanted whole.
  std::int64_t k = 0, begin = given.rows, end = 0;
  for (std::int64_t row = 0; row < given.rows; ++row) {
    if (whole(row)) begin = std::min(begin, row), end = row + 1;
    else k = std::max<std::int64_t>(k, wishes[static_cast<std::size_t>(row)].n_best());
  }
  const auto n = static_cast<std::size_t>(given.rows * k);
  if (k > 0) {
    backend_->top_k(given, {best_.get(), 0, given.rows, k, k, DType::i32}, {best_.get(), 4 * given.rows * k, given.rows, k, k, DType::f32});
  }
  FW_TRY(backend_->submit());

  const auto read = [&](std::int64_t first, std::int64_t n_rows, std::vector<float>& to) {
    const auto size = static_cast<std::size_t>(n_rows * given.cols);
    to.resize(std::max(to.size(), size));
    backend_->read(given.row_range(first, n_rows), std::as_writable_bytes(std::span(to).first(size)));
  };
  if (begin < end) read(begin, end - begin, whole_);
  std::vector<std::int32_t> packed(2 * n);
  if (k > 0) backend_->read({best_.get(), 0, 2 * given.rows, k, k, DType::i32}, std::as_writable_bytes(std::span(packed)));
  const auto cols = static_cast<std::size_t>(given.cols);
  std::vector<Candidate> best;
  for (std::int64_t row = 0; row < given.rows; ++row) {
    if (whole(row)) {
      sink(row, std::span<const float>(whole_).subspan(static_cast<std::size_t>(row - begin) * cols, cols));
      continue;
    }
    best.clear();
    for (std::size_t i = static_cast<std::size_t>(row * k); i < static_cast<std::size_t>((row + 1) * k) && packed[i] >= 0; ++i) {
      best.push_back({std::bit_cast<float>(packed[n + i]), packed[i]});
    }
    std::vector<float> all;
    const std::function<std::span<const float>()> fetch = [&]() -> std::span<const float> {
      if (all.empty()) read(row, 1, all);
      return all;
    };
    sink(row, LogitRow(best, cols, fetch));
  }
  // A reading that failed is told by the next submit(); then what was handed out counts for nothing.
  return backend_->submit();
}

}  // namespace foreword::engine
