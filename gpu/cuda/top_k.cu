// The k best of each row: of every run of it, then of those.

#include "gpu/backend.h"
#include "gpu/cuda/lowering.h"

namespace foreword::gpu::cuda {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kLeastRun = 8192;     // values that a block looks at; more where a row would have too many runs
constexpr std::int64_t kMostRuns = 64;
static_assert(Backend::kMostTopK <= kThreads);

/// As unsigned numbers in the order of the values; 0: not a number.
__device__ __forceinline__ unsigned key_of(float value) {
  const unsigned bits = __float_as_uint(value), size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) return 0;
  if (size == 0) return 0x80000000u;  // both zeros
  return bits >> 31 != 0 ? ~bits : bits | 0x80000000u;
}

struct TopK {
  const float* x;
  const int* from_ids;  // of the values; nullptr: their columns
  std::int64_t x_stride, n, run;
  int* ids;
  float* values;
  std::int64_t ids_stride, values_stride;
  int k;
  bool last;  // the whole row is one run, and the result is to fall
};

// The k-th largest key is found eight bits at a time, from the top; then the larger ones are put together in the order of their columns,
// and as many of its equals as are missing.
__global__ void top_k(TopK p) {
  __shared__ int counts[kThreads], equals[kThreads], chosen_ids[kThreads];
  __shared__ float chosen[kThreads];
  __shared__ int found_digit, found_above;
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t row = blockIdx.y, first = blockIdx.x * p.run, end = min(p.n, first + p.run);
  const float* x = p.x + row * p.x_stride;
  unsigned least = 0;  // the upper bits of that key
  int above = 0;       // keys that are larger
  for (int shift = 24; shift >= 0; shift -= 8) {
    counts[thread] = 0;
    __syncthreads();
    for (std::int64_t c = first + thread; c < end; c += kThreads) {
      const unsigned key = key_of(x[c]);
      if (shift == 24 || key >> (shift + 8) == least) atomicAdd(&counts[key >> shift & 255u], 1);
    }
    // How many have this digit or a larger one.
    for (int step = 1; step < kThreads; step *= 2) {
      __syncthreads();
      const int more = thread + step < kThreads ? counts[thread + step] : 0;
      __syncthreads();
      counts[thread] += more;
    }
    __syncthreads();
    const int larger = above + (thread + 1 < kThreads ? counts[thread + 1] : 0);
    if (larger < p.k && (thread == 0 || above + counts[thread] >= p.k)) {
      found_digit = thread;
      found_above = larger;
    }
    __syncthreads();
    least = least << 8 | static_cast<unsigned>(found_digit);
    above = found_above;
    __syncthreads();
  }

  const int n_equal = least == 0 ? 0 : p.k - above;  // to be taken, the first ones
  const std::int64_t part = (end - first + kThreads - 1) / kThreads, from = min(end, first + thread * part), to = min(end, from + part);
  int n_larger = 0, n_same = 0;
  for (std::int64_t c = from; c < to; ++c) {
    const unsigned key = key_of(x[c]);
    n_larger += key > least;
    n_same += key == least;
  }
  counts[thread] = n_larger;
  equals[thread] = n_same;
  for (int step = 1; step < kThreads; step *= 2) {
    __syncthreads();
    const int larger = thread >= step ? counts[thread - step] : 0, same = thread >= step ? equals[thread - step] : 0;
    __syncthreads();
    counts[thread] += larger;
    equals[thread] += same;
  }
  int larger_before = counts[thread] - n_larger, same_before = equals[thread] - n_same;
  for (std::int64_t c = from; c < to; ++c) {
    const unsigned key = key_of(x[c]);
    if (key < least || (key == least && same_before >= n_equal)) continue;
    const int place = larger_before + min(same_before, n_equal);
    chosen[place] = x[c];
    chosen_ids[place] = p.from_ids == nullptr ? static_cast<int>(c) : p.from_ids[row * p.x_stride + c];
    ++(key == least ? same_before : larger_before);
  }
  __syncthreads();

  if (thread >= p.k) return;
  const int n_chosen = above + n_equal;
  const bool there = thread < n_chosen;
  int place = thread;
  if (p.last && there) {
    place = 0;
    const unsigned mine = key_of(chosen[thread]);
    for (int i = 0; i < n_chosen; ++i) {
      const unsigned other = key_of(chosen[i]);
      place += other > mine || (other == mine && i < thread);
    }
  }
  const std::int64_t at = std::int64_t{blockIdx.x} * p.k + place;
  p.ids[row * p.ids_stride + at] = there ? chosen_ids[thread] : -1;
  p.values[row * p.values_stride + at] = there ? chosen[thread] : __uint_as_float(p.last ? 0xff800000u : 0x7fc00000u);
}

}  // namespace

void lower(Lowering& to, const TopKOp& op) {
  const std::int64_t k = op.values.cols, run = max(kLeastRun, (op.x.cols + kMostRuns - 1) / kMostRuns), n_runs = (op.x.cols + run - 1) / run;
  const auto rows = static_cast<unsigned>(op.x.rows);
  TopK p{static_cast<const float*>(op.x.data),
         nullptr,
         op.x.stride,
         op.x.cols,
         run,
         static_cast<int*>(op.ids.data),
         static_cast<float*>(op.values.data),
         op.ids.stride,
         op.values.stride,
         static_cast<int>(k),
         true};
  if (n_runs > 1) {
    TopK runs = p;
    runs.last = false;
    runs.ids_stride = runs.values_stride = n_runs * k;
    runs.ids = reinterpret_cast<int*>(to.scratch.take(4 * op.x.rows * n_runs * k));
    runs.values = reinterpret_cast<float*>(to.scratch.take(4 * op.x.rows * n_runs * k));
    to.launch({static_cast<unsigned>(n_runs), rows}, kThreads, 0, top_k, runs);
    p.x = runs.values;
    p.from_ids = runs.ids;
    p.x_stride = p.n = p.run = n_runs * k;
  }
  to.launch({1, rows}, kThreads, 0, top_k, p);
}

}  // namespace foreword::gpu::cuda
