// embed: rows of a table by number.

#include "gpu/vulkan/codebook_words.h"
#include "gpu/vulkan/lowering.h"

namespace foreword::gpu::vulkan {

// One dispatch for each window of the table; a row whose id lies in another window is left alone.
void lower(const EmbedRecord& r, Lowering& to) {
  struct Push {
    std::uint32_t table_at;
    View ids, out;
    std::uint32_t cols, row_bytes, first_row, n_rows;
  };
  constexpr std::int64_t kGroupCols = 256;
  const std::int64_t bytes = row_bytes(r.table.format, r.table.cols);
  const Range codebooks = to.constant_table("codebooks", codebook_words());
  for (const WeightWindow& window : to.windows(r.table)) {
    to.use(ShaderId::embed, {format_id(r.table)});
    const View table = to.bind(window.range, 1), ids = to.bind(r.ids), out = to.bind(r.out);
    to.bind(codebooks, 4);
    to.push(Push{table.offset, ids, out, u32(r.out.cols), u32(bytes), u32(window.first_row), u32(window.n_rows)});
    to.dispatch(divide_up(r.out.cols, kGroupCols), r.out.rows, 1, {"embed", info(r.table.format).name, r.out.rows * bytes + value_bytes(r.out)});
  }
}

}  // namespace foreword::gpu::vulkan
