#include "gpu/vulkan/products.h"

#include <iterator>

namespace foreword::gpu::vulkan {
namespace {

// Larger ones read less for a product. 128 by 64 rows, 64 by 64, 128 by 32, 64 by 32, 32 by 32.
constexpr Tile kTiles[] = {{8, 4, 16, 256}, {4, 4, 16, 256}, {8, 2, 16, 256}, {4, 2, 16, 256}, {2, 2, 16, 256}};
// Workgroups for a device to be busy.
constexpr std::int64_t kFewGroups = 16, kManyGroups = 128;

}  // namespace

Tile tile_for(std::int64_t w_rows, std::int64_t x_rows, std::int64_t n, const Features& features) {
  const std::int64_t enough = features.unified ? kFewGroups : kManyGroups;
  for (const Tile& tile : kTiles) {
    if (2 * x_rows > tile.x_rows() && n * divide_up(w_rows, tile.w_rows()) * divide_up(x_rows, tile.x_rows()) >= enough) return tile;
  }
  return *std::rbegin(kTiles);
}

void use_tiles(ShaderId shader, const Tensor& x, const WeightMatrix& w, const Tile& tile, Lowering& to) {
  to.use(shader, {in_fours(x, w), format_id(w), tile.w_values, tile.x_values, tile.x_threads, tile.threads, weights_in_fours(w)});
}

Range round_input(const Tensor& x, Lowering& to) {
  struct Push {
    std::uint32_t cols;
    View x;
    std::uint32_t n_rows;
  };
  constexpr std::int64_t kChunk = 32, kChunkBytes = 48;
  const std::int64_t chunks = divide_up(x.cols, kChunk);
  const Range rounded = to.scratch(static_cast<std::uint64_t>(x.rows * chunks * kChunkBytes));
  to.use(ShaderId::round_input, {x.offset % 16 == 0 && x.stride % 4 == 0 && x.cols % 4 == 0 ? 1U : 0U});
  const View input = to.bind(x);
  to.bind(rounded, 16);
  to.push(Push{u32(x.cols), input, u32(x.rows)});
  to.dispatch(divide_up(x.rows, kColumnGroup), chunks, 1, {"round_input", {}, x.rows * (4 * x.cols + chunks * kChunkBytes)});
  return rounded;
}

}  // namespace foreword::gpu::vulkan
