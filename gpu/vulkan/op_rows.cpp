// Rows by number: embed and gather_rows.

#include "gpu/vulkan/codebook_words.h"
#include "gpu/vulkan/lowering.h"

namespace foreword::gpu::vulkan {

// One dispatch for each window of the table; a row whose id lies in another window is left alone.
void lower(const EmbedRecord& r, Lowering& to) {
  struct Push {
    View table, ids, out, codebooks;
    std::uint32_t n_cols, row_bytes, first_row, n_rows;
  } push;
  constexpr std::int64_t kGroup = 64;
  const Range codebooks = to.constant_table("codebooks", codebook_words());
  const std::vector<WeightWindow> windows = to.windows(r.table, kFileLayout);
  for (const WeightWindow& window : windows) {
    to.use(ShaderId::embed, {kGroup, static_cast<std::uint32_t>(r.table.format)});
    push.table = to.bind(window.range, 1);
    push.ids = to.bind(r.ids);
    push.out = to.bind(r.out);
    push.codebooks = to.bind(codebooks, 4);
    push.n_cols = u32(r.out.cols);
    push.row_bytes = u32(row_bytes(r.table.format, r.table.cols));
    push.first_row = u32(window.first_row);
    push.n_rows = u32(window.n_rows);
    to.push(push);
    to.dispatch(divide_up(r.out.cols, kGroup), r.out.rows, 1,
                {"embed", info(r.table.format).name, r.out.rows * row_bytes(r.table.format, r.table.cols) + value_bytes(r.out)});
  }
}

void lower(const GatherRowsRecord& r, Lowering& to) {
  struct Push {
    View x, rows, out;
    std::uint32_t n_cols, n_rows;
  } push;
  constexpr std::int64_t kGroup = 64;
  to.use(ShaderId::gather_rows, {kGroup});
  push.x = to.bind(r.x);
  push.rows = to.bind(r.rows);
  push.out = to.bind(r.out);
  push.n_cols = u32(r.out.cols);
  push.n_rows = u32(r.x.rows);
  to.push(push);
  to.dispatch(divide_up(r.out.cols, kGroup), r.out.rows, 1, {"gather_rows", {}, 2 * value_bytes(r.out)});
}

}  // namespace foreword::gpu::vulkan
