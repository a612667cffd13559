// The plugin's table of functions on CUDA's runtime. A step that comes a second time is recorded as a graph, and replayed from then on.

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "gpu/cuda/lowering.h"

namespace foreword::gpu::cuda {

// A step that was seen: its ops byte by byte, and once it has come again, its launches.
struct SeenStep {
  std::uint64_t hash = 0;
  std::vector<Op> ops;
  cudaGraphExec_t graph = nullptr;
  int n_launches = 0;
  std::int64_t last_use = 0;
};

struct Context {
  int device = 0;
  Lowering lowering{};
  void* codebooks = nullptr;
  unsigned* sink = nullptr;  // behind them: what a kernel that only reads writes to
  std::byte* memory[2] = {};  // of the lowering's arenas
  std::int64_t sizes[2] = {};
  std::vector<SeenStep> steps;
  std::int64_t clock = 0;
  std::vector<cudaEvent_t> events;
  std::string message;
  Counts counts{};
};

namespace {

constexpr std::size_t kSteps = 64;

int32_t status_of(Context* context, cudaError_t error) {
  if (error == cudaSuccess) return kOk;
  if (context != nullptr) context->message = cudaGetErrorString(error);
  cudaGetLastError();  // so that the next call does not report it again
  return error == cudaErrorMemoryAllocation ? kOutOfMemory : kDeviceLost;
}

int32_t count(int32_t* n_devices, int32_t* driver_version) {
  int devices = 0, driver = 0;
  cudaDriverGetVersion(&driver);
  const cudaError_t error = cudaGetDeviceCount(&devices);
  cudaGetLastError();
  *n_devices = error == cudaSuccess ? devices : 0;
  *driver_version = driver;
  if (error == cudaErrorInsufficientDriver) return driver == 0 ? kNoDriver : kDriverTooOld;
  return error == cudaSuccess && devices > 0 ? kOk : kNoDevice;
}

int32_t describe(int32_t device, DeviceRow* row) {
  *row = {};
  cudaDeviceProp properties;
  if (const cudaError_t error = cudaGetDeviceProperties(&properties, device); error != cudaSuccess) return status_of(nullptr, error);
  for (std::size_t i = 0; i + 1 < sizeof row->name && properties.name[i] != '\0'; ++i) row->name[i] = properties.name[i];
  row->major = properties.major;
  row->minor = properties.minor;
  row->n_processors = properties.multiProcessorCount;
  row->usable = properties.major * 10 + properties.minor >= 75;
  row->memory_bytes = static_cast<std::int64_t>(properties.totalGlobalMem);
  return kOk;
}

void forget_steps(Context* context) {
  for (const SeenStep& step : context->steps) {
    if (step.graph != nullptr) cudaGraphExecDestroy(step.graph);
  }
  context->steps.clear();
}

void close(Context* context) {
  cudaSetDevice(context->device);
  forget_steps(context);
  for (const cudaEvent_t event : context->events) cudaEventDestroy(event);
  for (std::byte* memory : context->memory) cudaFree(memory);
  cudaFree(context->codebooks);
  if (context->lowering.stream != nullptr) cudaStreamDestroy(context->lowering.stream);
  cudaGetLastError();
  delete context;
}

int32_t open(int32_t device, const void* codebooks, int64_t codebooks_bytes, Context** opened) {
  auto context = std::unique_ptr<Context, void (*)(Context*)>(new Context, close);
  context->device = device;
  cudaError_t error = cudaSetDevice(device);
  if (error == cudaSuccess) error = cudaStreamCreateWithFlags(&context->lowering.stream, cudaStreamNonBlocking);
  if (error == cudaSuccess) error = cudaMalloc(&context->codebooks, static_cast<std::size_t>(codebooks_bytes) + sizeof(unsigned));
  if (error == cudaSuccess) error = cudaMemcpy(context->codebooks, codebooks, static_cast<std::size_t>(codebooks_bytes), cudaMemcpyHostToDevice);
  if (error != cudaSuccess) return status_of(nullptr, error);
  context->lowering.books = books_at(context->codebooks);
  context->sink = reinterpret_cast<unsigned*>(static_cast<std::byte*>(context->codebooks) + codebooks_bytes);
  *opened = context.release();
  return kOk;
}

const char* message(Context* context) { return context->message.c_str(); }

int64_t free_memory(Context* context) {
  std::size_t free_bytes = 0, all = 0;
  cudaSetDevice(context->device);
  const bool known = cudaMemGetInfo(&free_bytes, &all) == cudaSuccess;
  cudaGetLastError();
  return known ? static_cast<std::int64_t>(free_bytes) : 0;
}

int32_t allocate(Context* context, int64_t bytes, void** device) {
  cudaSetDevice(context->device);
  return status_of(context, cudaMalloc(device, static_cast<std::size_t>(bytes)));
}
void release(Context* context, void* device) {
  cudaSetDevice(context->device);
  cudaFree(device);
  cudaGetLastError();
}
int32_t allocate_pinned(Context* context, int64_t bytes, void** host) {
  cudaSetDevice(context->device);
  return status_of(context, cudaMallocHost(host, static_cast<std::size_t>(bytes)));
}
void free_pinned(Context* context, void* host) {
  cudaSetDevice(context->device);
  cudaFreeHost(host);
  cudaGetLastError();
}

int32_t upload(Context* context, void* to, const void* from, int64_t bytes) {
  cudaSetDevice(context->device);
  return status_of(context, cudaMemcpy(to, from, static_cast<std::size_t>(bytes), cudaMemcpyHostToDevice));
}

int32_t download(Context* context, const Copy* copy) {
  cudaSetDevice(context->device);
  const auto row = static_cast<std::size_t>(copy->row_bytes);
  return status_of(context, cudaMemcpy2D(copy->host, row, copy->device, copy->rows > 1 ? static_cast<std::size_t>(copy->stride) : row, row,
                                         static_cast<std::size_t>(copy->rows), cudaMemcpyDeviceToHost));
}

// ---- steps

cudaError_t copy_up(const Copy& copy, Stream stream) {
  const auto row = static_cast<std::size_t>(copy.row_bytes), rows = static_cast<std::size_t>(copy.rows);
  if (rows == 1 || copy.stride == copy.row_bytes) return cudaMemcpyAsync(copy.device, copy.host, rows * row, cudaMemcpyHostToDevice, stream);
  return cudaMemcpy2DAsync(copy.device, static_cast<std::size_t>(copy.stride), copy.host, row, row, rows, cudaMemcpyHostToDevice, stream);
}

cudaError_t emit(Lowering& lowering, const Op* ops, int64_t n_ops, int64_t i) {
  lower(lowering, ops[i], i + 1 < n_ops ? ops + i + 1 : nullptr);
  return ops[i].kind == kOpWrite ? copy_up(ops[i].write, lowering.stream) : cudaSuccess;
}

cudaError_t emit_all(Lowering& lowering, const Op* ops, int64_t n_ops) {
  for (int64_t i = 0; i < n_ops; ++i) {
    if (const cudaError_t error = emit(lowering, ops, n_ops, i); error != cudaSuccess) return error;
  }
  return cudaGetLastError();
}

std::uint64_t hash_of(const Op* ops, int64_t n_ops) {
  std::uint64_t hash = 0x9e3779b97f4a7c15u;
  const auto* bytes = reinterpret_cast<const char*>(ops);
  for (std::size_t at = 0; at < static_cast<std::size_t>(n_ops) * sizeof(Op); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes + at, sizeof word);
    hash = (hash ^ word) * 0xff51afd7ed558ccdu;
    hash ^= hash >> 32;
  }
  return hash;
}
static_assert(sizeof(Op) % 8 == 0);

// An arena as large as the step needs; what was recorded with the old one is void.
cudaError_t grow(Context* context, Arena& arena, std::byte*& memory, std::int64_t& size) {
  if (arena.most > size) {
    forget_steps(context);
    cudaFree(memory);
    memory = nullptr;
    size = 0;
    if (const cudaError_t error = cudaMalloc(&memory, static_cast<std::size_t>(arena.most)); error != cudaSuccess) return error;
    size = arena.most;
  }
  arena.base = memory;
  return cudaSuccess;
}

SeenStep* find(Context* context, std::uint64_t hash, const Op* ops, int64_t n_ops) {
  for (SeenStep& step : context->steps) {
    if (step.hash == hash && step.ops.size() == static_cast<std::size_t>(n_ops) && std::memcmp(step.ops.data(), ops, step.ops.size() * sizeof(Op)) == 0) {
      return &step;
    }
  }
  return nullptr;
}

void remember(Context* context, std::uint64_t hash, const Op* ops, int64_t n_ops) {
  if (context->steps.size() == kSteps) {
    std::size_t oldest = 0;
    for (std::size_t i = 1; i < kSteps; ++i) {
      if (context->steps[i].last_use < context->steps[oldest].last_use) oldest = i;
    }
    if (context->steps[oldest].graph != nullptr) cudaGraphExecDestroy(context->steps[oldest].graph);
    context->steps.erase(context->steps.begin() + static_cast<std::ptrdiff_t>(oldest));
  }
  SeenStep& step = context->steps.emplace_back();
  step.hash = hash;
  step.ops.assign(ops, ops + n_ops);
  step.last_use = context->clock;
}

// A graph that cannot be made is no fault: the step is launched as before.
void record_graph(Context* context, SeenStep& step) {
  Lowering& lowering = context->lowering;
  if (cudaStreamBeginCapture(lowering.stream, cudaStreamCaptureModeThreadLocal) != cudaSuccess) {
    cudaGetLastError();
    return;
  }
  lowering.n_launches = 0;
  const cudaError_t error = emit_all(lowering, step.ops.data(), static_cast<int64_t>(step.ops.size()));
  cudaGraph_t graph = nullptr;
  const cudaError_t ended = cudaStreamEndCapture(lowering.stream, &graph);
  if (error == cudaSuccess && ended == cudaSuccess && cudaGraphInstantiate(&step.graph, graph, 0) != cudaSuccess) step.graph = nullptr;
  step.n_launches = lowering.n_launches;
  if (graph != nullptr) cudaGraphDestroy(graph);
  cudaGetLastError();
}

cudaError_t run_timed(Context* context, const Op* ops, int64_t n_ops, float* seconds) {
  while (context->events.size() < static_cast<std::size_t>(n_ops) + 1) {
    cudaEvent_t event;
    if (const cudaError_t error = cudaEventCreate(&event); error != cudaSuccess) return error;
    context->events.push_back(event);
  }
  Lowering& lowering = context->lowering;
  cudaEventRecord(context->events[0], lowering.stream);
  for (int64_t i = 0; i < n_ops; ++i) {
    if (const cudaError_t error = emit(lowering, ops, n_ops, i); error != cudaSuccess) return error;
    cudaEventRecord(context->events[static_cast<std::size_t>(i) + 1], lowering.stream);
  }
  if (const cudaError_t error = cudaStreamSynchronize(lowering.stream); error != cudaSuccess) return error;
  for (int64_t i = 0; i < n_ops; ++i) {
    float milliseconds = 0;
    cudaEventElapsedTime(&milliseconds, context->events[static_cast<std::size_t>(i)], context->events[static_cast<std::size_t>(i) + 1]);
    seconds[i] = milliseconds / 1000;
  }
  return cudaGetLastError();
}

cudaError_t run_step(Context* context, const Op* ops, int64_t n_ops) {
  Lowering& lowering = context->lowering;
  const std::uint64_t hash = hash_of(ops, n_ops);
  SeenStep* step = find(context, hash, ops, n_ops);
  ++context->clock;
  if (step == nullptr) {
    remember(context, hash, ops, n_ops);
  } else {
    step->last_use = context->clock;
    if (step->graph == nullptr) record_graph(context, *step);
    if (step->graph != nullptr) {
      ++context->counts.replayed;
      lowering.n_launches = step->n_launches;
      const cudaError_t error = cudaGraphLaunch(step->graph, lowering.stream);
      return error == cudaSuccess ? cudaStreamSynchronize(lowering.stream) : error;
    }
    lowering.n_launches = 0;
    lowering.input = {};
  }
  const cudaError_t error = emit_all(lowering, ops, n_ops);
  return error == cudaSuccess ? cudaStreamSynchronize(lowering.stream) : error;
}

int32_t run(Context* context, const Op* ops, int64_t n_ops, float* seconds) {
  cudaSetDevice(context->device);
  Lowering& lowering = context->lowering;
  measure(lowering, ops, n_ops);
  cudaError_t error = grow(context, lowering.rounded, context->memory[0], context->sizes[0]);
  if (error == cudaSuccess) error = grow(context, lowering.scratch, context->memory[1], context->sizes[1]);
  if (error == cudaSuccess) error = seconds == nullptr ? run_step(context, ops, n_ops) : run_timed(context, ops, n_ops, seconds);
  ++context->counts.runs;
  context->counts.launches += lowering.n_launches;
  for (int64_t i = 0; i < n_ops; ++i) context->counts.copies += ops[i].kind == kOpWrite;
  return status_of(context, error);
}

void take_counts(Context* context, Counts* counts) {
  *counts = context->counts;
  context->counts = {};
}

// ---- what the device can do at best

__global__ void read_all(const uint4* from, std::int64_t n, unsigned* sink) {
  unsigned sum = 0;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n; i += std::int64_t{gridDim.x} * blockDim.x) {
    const uint4 v = from[i];
    sum ^= v.x ^ v.y ^ v.z ^ v.w;
  }
  if (sum == 0x12345678u) *sink = sum;  // so that nothing is left out
}

constexpr int kPeakRounds = 4096, kPeakChains = 8;
__global__ void multiply_only(unsigned* sink) {
  int a = static_cast<int>(threadIdx.x), sum = 0;
  for (int round = 0; round < kPeakRounds; ++round) {
#pragma unroll
    for (int chain = 0; chain < kPeakChains; ++chain) {
      int c[4];
      matrix_product(c, a + chain, a ^ chain, round + chain);
      sum ^= c[0] ^ c[1] ^ c[2] ^ c[3];
    }
    a += round;
  }
  if (sum == 0x12345678) *sink = 1;
}

// Seconds that `launch` takes on the device; 0: it cannot be told.
template <class Launch>
double seconds_of(Context* context, Launch launch) {
  cudaSetDevice(context->device);
  cudaEvent_t begin, end;
  if (cudaEventCreate(&begin) != cudaSuccess) return 0;
  float milliseconds = 0;
  if (cudaEventCreate(&end) == cudaSuccess) {
    cudaEventRecord(begin, context->lowering.stream);
    launch();
    cudaEventRecord(end, context->lowering.stream);
    if (cudaStreamSynchronize(context->lowering.stream) != cudaSuccess || cudaEventElapsedTime(&milliseconds, begin, end) != cudaSuccess) milliseconds = 0;
    cudaEventDestroy(end);
  }
  cudaEventDestroy(begin);
  cudaGetLastError();
  return milliseconds / 1000.0;
}

unsigned processors_of(const Context* context) {
  int n = 0;
  cudaDeviceGetAttribute(&n, cudaDevAttrMultiProcessorCount, context->device);
  return static_cast<unsigned>(n);
}

double read_through(Context* context, const void* bytes, int64_t n_bytes) {
  return seconds_of(context, [&] {
    read_all<<<processors_of(context) * 8, 256, 0, context->lowering.stream>>>(static_cast<const uint4*>(bytes), n_bytes / 16, context->sink);
  });
}

double peak_operations(Context* context) {
  const unsigned blocks = processors_of(context) * 4;
  constexpr unsigned kThreads = 256;
  const auto run_once = [&] { multiply_only<<<blocks, kThreads, 0, context->lowering.stream>>>(context->sink); };
  seconds_of(context, run_once);
  const double seconds = seconds_of(context, run_once);
  constexpr double kOperations = 2.0 * 16 * 8 * 16;  // of one instruction
  return seconds > 0 ? blocks * (kThreads / 32.0) * kPeakRounds * kPeakChains * kOperations / seconds : 0;
}

constexpr Api kApi = {kAbiVersion, sizeof(Op),      0,           count,  describe, open, close,       message,      free_memory,
                      allocate,    release,         allocate_pinned, free_pinned, upload, download, run,  take_counts, read_through, peak_operations};

}  // namespace

extern "C" __attribute__((visibility("default"))) const Api* foreword_cuda_plugin() { return &kApi; }

}  // namespace foreword::gpu::cuda
