// top_k: the best of each run of a row, then the best of those.

#include <algorithm>

#include "gpu/vulkan/lowering.h"

namespace foreword::gpu::vulkan {
namespace {

constexpr std::int64_t kLeastRun = 8192;     // values that a workgroup looks at; more where a row would have too many runs
constexpr std::int64_t kMostRuns = 64;

struct Push {
  View x, list_ids, ids, values;
  std::uint32_t n, run, k;
};

}  // namespace

void lower(const TopKRecord& r, Lowering& to) {
  const std::int64_t k = r.values.cols, rows = r.x.rows, run = std::max(kLeastRun, divide_up(r.x.cols, kMostRuns)), n_runs = divide_up(r.x.cols, run);
  if (n_runs == 1) {
    to.use(ShaderId::top_k, {0, 1});
    const View x = to.bind(r.x);
    to.bind_absent();
    const View ids = to.bind(r.ids), values = to.bind(r.values);
    to.push(Push{x, {}, ids, values, u32(r.x.cols), u32(run), u32(k)});
    to.dispatch(1, rows, 1, {"top_k", {}, value_bytes(r.x)});
    return;
  }
  const std::int64_t width = n_runs * k;
  const Range list_ids = to.scratch(static_cast<std::uint64_t>(4 * rows * width)), list_values = to.scratch(static_cast<std::uint64_t>(4 * rows * width));
  const auto bind_list = [&](const Range& range) {
    View view = to.bind(range, 4);
    view.stride = u32(width);
    return view;
  };
  to.use(ShaderId::top_k, {0, 0});
  View x = to.bind(r.x);
  to.bind_absent();
  View ids = bind_list(list_ids), values = bind_list(list_values);
  to.push(Push{x, {}, ids, values, u32(r.x.cols), u32(run), u32(k)});
  to.dispatch(n_runs, rows, 1, {"top_k", {}, value_bytes(r.x)});

  to.use(ShaderId::top_k, {1, 1});
  x = bind_list(list_values);
  const View from_ids = bind_list(list_ids);
  ids = to.bind(r.ids);
  values = to.bind(r.values);
  to.push(Push{x, from_ids, ids, values, u32(width), u32(width), u32(k)});
  to.dispatch(1, rows, 1, {"top_k", {}, 8 * rows * width});
}

}  // namespace foreword::gpu::vulkan
