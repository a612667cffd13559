// The ops of CpuBackend that multiply with weights.

#include "gpu/cpu/activations.h"
#include "gpu/cpu/cpu_backend_impl.h"
#include "gpu/cpu/routing.h"

namespace foreword::gpu {
namespace {

// Weight bytes of a unit of a product with few rows: some microseconds of reading.
constexpr std::int64_t kUnitBytes = 96 << 10;
// Activation bytes that a unit with many rows goes through for each tile of weights: half of a usual second cache.
constexpr std::int64_t kActivationBytes = 512 << 10;

// n tiles in units of about so many, the same number of them for each thread, or one.
std::int64_t tiles_in_unit(std::int64_t n_tiles, std::int64_t about, int n_threads) {
  const std::int64_t n_units = (n_tiles + about - 1) / about;
  if (n_units <= 1) return std::max<std::int64_t>(n_tiles, 1);
  const std::int64_t even = (n_units + n_threads - 1) / n_threads * n_threads;
  return (n_tiles + even - 1) / even;
}

}  // namespace

std::optional<LinearTask> CpuBackend::product_of(const WeightMatrix& w, const Tensor& x, const Tensor& out,
                                                 Extent* input) {
  LinearTask task;
  task.kernels = &kernels_;
  task.format = w.format;
  task.interleaved = w.tile_rows > 1;
  task.fetch_ahead = fetch_ahead_;
  task.w_rows = w.rows;
  task.cols = w.cols;
  task.out = row_of<float>(out, 0);
  task.out_stride = out.stride;
  if (!quantises_activations(w.format)) {
    task.x = row_of<float>(x, 0);
    task.x_stride = x.stride;
    *input = Extent(x);
    return task;
  }
  const Result<QuantisedInput> room = quantiser_.room_for(x, w.precise);
  if (!room) {
    failure_ = room.error();
    return std::nullopt;
  }
  task.quant = room->blocks;
  task.quant_stride = room->stride;
  task.second_term = room->second_term;
  *input = Extent(room->blocks, room->bytes);
  if (room->fresh) {
    const Cut cut = cut_rows(x, kExponential);
    record({"quantise"}, cut.count(), {Extent(x)}, {*input},
           [=, quantise = kernels_.quantise, room = *room](std::int64_t unit, const Worker&) {
             for (std::int64_t r = cut.first(unit); r < cut.last(unit); ++r) {
               quantise(row_of<float>(x, r), x.cols, room.blocks + r, room.stride, room.second_term);
             }
           });
  }
  return task;
}

void CpuBackend::linear(const WeightMatrix& w, const Tensor& x, const Tensor& bias, const Tensor& out) {
  shapes::linear(w, x, bias, out);
  if (out.rows == 0) return;
  Extent input;
  std::optional<LinearTask> task = product_of(w, x, out, &input);
  if (!task) return;
  task->weights = expert_of(w, 0);
  task->bias = optional_row(bias);
  schedule_.need_scratch(task->scratch_bytes());

  const std::int64_t row_size = task->quant != nullptr ? w.cols * 3 / 2 : w.cols * 4;
  const Cut rows{out.rows, std::clamp(kActivationBytes / row_size / 8 * 8, std::int64_t{8}, kMaxLinearRows)};
  const std::int64_t tile = task->tile_rows(), tile_bytes = tile * row_bytes(w.format, w.cols);
  const std::int64_t few = std::min(rows.size, out.rows);
  const std::int64_t about = std::max<std::int64_t>(1, kUnitBytes / tile_bytes / ((few + 7) / 8));
  const Cut weights{w.rows, tile * tiles_in_unit((w.rows + tile - 1) / tile, about, pool_.size())};
  const OpCost cost{"linear", info(w.format).name, w.rows * row_bytes(w.format, w.cols), 2 * w.rows * w.cols * out.rows};
  record(cost, rows.count() * weights.count(), {input, Extent(bias), Extent(w.scale)}, {Extent(out)},
         [=, task = *task, scale = w.scale](std::int64_t unit, const Worker& worker) {
           const std::int64_t first = rows.first(unit / weights.count()), last = rows.last(unit / weights.count());
           LinearTask part = task;
           if (part.quant != nullptr) part.quant += first;
           else part.x += first * part.x_stride;
           part.out += first * part.out_stride;
           if (scale) part.scale = *row_of<float>(scale, 0);
           const std::int64_t at = unit % weights.count();
           multiply_rows(part, weights.first(at), weights.last(at), {}, {}, last - first, worker.scratch);
         });
  if (rows.count() == 1) schedule_.will_read({task->weights, static_cast<std::size_t>(cost.bytes)});
}

void CpuBackend::linear_experts(const WeightMatrix& w, const Tensor& x, const Tensor& experts, const Tensor& bias,
                                const Tensor& out) {
  shapes::linear_experts(w, x, experts, bias, out);
  if (out.rows == 0) return;
  Extent input;
  std::optional<LinearTask> task = product_of(w, x, out, &input);
  if (!task) return;
  task->listed = true;
  schedule_.need_scratch(task->scratch_bytes());

  const auto groups = std::make_shared<ExpertGroups>(w.n_experts, out.rows);
  const bool one_input = x.rows == experts.rows;
  record({"collect"}, 1, {Extent(experts)}, {groups->extent()},
         [=](std::int64_t, const Worker&) { groups->collect(experts, one_input); });

  const std::int64_t tile_bytes = task->tile_rows() * row_bytes(w.format, w.cols);
  const Cut weights{w.rows, task->tile_rows() * std::max<std::int64_t>(1, kUnitBytes / tile_bytes)};
  const std::int64_t n_read = std::min(w.n_experts, out.rows);  // at most: the choice is not known yet
  const OpCost cost{"linear_experts", info(w.format).name, n_read * w.rows * row_bytes(w.format, w.cols),
                    2 * w.rows * w.cols * out.rows};
  record(cost, w.n_experts * weights.count(), {input, groups->extent(), Extent(bias), Extent(w.scale)}, {Extent(out)},
         [=, task = *task](std::int64_t unit, const Worker& worker) {
           const std::int64_t expert = unit / weights.count(), at = unit % weights.count();
           const ExpertGroups::Rows rows = groups->of(expert);
           if (rows.n == 0) return;
           LinearTask part = task;
           part.weights = expert_of(w, expert);
           if (bias) part.bias = row_of<float>(bias, expert);
           if (w.scale) part.scale = row_of<float>(w.scale, 0)[w.scale.cols == 1 ? 0 : expert];
           multiply_rows(part, weights.first(at), weights.last(at), {rows.in}, {rows.out}, rows.n, worker.scratch);
         });
}

}  // namespace foreword::gpu
