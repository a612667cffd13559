// The plugin's table of functions on CUDA's runtime. A step that comes a second time is recorded as a graph, and replayed from then on.

#include <cstring>
#include <memory>

#include "gpu/cuda/plugin_context.h"

namespace foreword::gpu::cuda {

void forget_steps(Context* context) {
  for (const SeenStep& step : context->steps) {
    if (step.graph != nullptr) cudaGraphExecDestroy(step.graph);
  }
  context->steps.clear();
}

namespace {

constexpr std::size_t kSteps = 64;

// Keeps the device busy while the host gets ahead of it, so that what is timed behind it is not the host.
__global__ void wait_a_while(long long ticks) {
  const long long begin = clock64();
  while (clock64() - begin < ticks) {}
}
constexpr long long kTicksAnOp = 20000;  // some 10 us

cudaError_t counting = cudaSuccess;  // what came of the last count()

int32_t count(int32_t* n_devices, int32_t* driver_version) {
  int devices = 0, driver = 0;
  cudaDriverGetVersion(&driver);
  counting = cudaGetDeviceCount(&devices);
  cudaGetLastError();
  *n_devices = counting == cudaSuccess ? devices : 0;
  *driver_version = driver;
  switch (counting) {
    case cudaSuccess: return devices > 0 ? kOk : kNoDevice;
    case cudaErrorNoDevice: return kNoDevice;
    case cudaErrorInsufficientDriver: return driver == 0 ? kNoDriver : kDriverTooOld;
    default: return kDriverFails;
  }
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
  row->widest_head = widest_head(static_cast<std::int32_t>(properties.sharedMemPerBlockOptin));
  return kOk;
}

void close(Context* context) {
  cudaSetDevice(context->device);
  forget_steps(context);
  for (const cudaEvent_t event : context->events) cudaEventDestroy(event);
  for (const cudaEvent_t event : context->uploaded) {
    if (event != nullptr) cudaEventDestroy(event);
  }
  for (std::byte* memory : context->pinned) cudaFreeHost(memory);
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
  if (error == cudaSuccess) error = copy_in_order(context->lowering.stream, context->codebooks, codebooks, codebooks_bytes);
  cudaFuncAttributes attributes;
  if (error == cudaSuccess) error = cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(wait_a_while));  // is there code for this device?
  if (error != cudaSuccess) return status_of(nullptr, error);
  context->lowering.books = books_at(context->codebooks);
  int n_processors = 0, cache_bytes = 0;
  cudaDeviceGetAttribute(&n_processors, cudaDevAttrMultiProcessorCount, device);
  cudaDeviceGetAttribute(&cache_bytes, cudaDevAttrL2CacheSize, device);
  context->lowering.n_processors = static_cast<unsigned>(n_processors);
  context->lowering.ahead_bytes = cache_bytes / 3;
  context->sink = reinterpret_cast<unsigned*>(static_cast<std::byte*>(context->codebooks) + codebooks_bytes);
  *opened = context.release();
  return kOk;
}

const char* message(Context* context) { return context != nullptr ? context->message.c_str() : cudaGetErrorString(counting); }

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

// Four chains of multiplications, since every step of an answer is looked up.
std::uint64_t hash_of(const Op* ops, int64_t n_ops) {
  constexpr std::size_t kChains = 4;
  static_assert(sizeof(Op) % 8 == 0);
  std::uint64_t hash[kChains] = {0x9e3779b97f4a7c15u, 0xbf58476d1ce4e5b9u, 0x94d049bb133111ebu, 0xd6e8feb86659fd93u};
  const auto* bytes = reinterpret_cast<const char*>(ops);
  const std::size_t n_words = static_cast<std::size_t>(n_ops) * (sizeof(Op) / 8);
  for (std::size_t i = 0; i < n_words; ++i) {
    std::uint64_t word;
    std::memcpy(&word, bytes + 8 * i, sizeof word);
    std::uint64_t& mine = hash[i % kChains];
    mine = (mine ^ word) * 0xff51afd7ed558ccdu;
    mine ^= mine >> 32;
  }
  for (std::size_t i = 1; i < kChains; ++i) hash[0] = (hash[0] ^ hash[i]) * 0xff51afd7ed558ccdu;
  return hash[0];
}

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
  wait_a_while<<<1, 1, 0, lowering.stream>>>(kTicksAnOp * n_ops);
  cudaEventRecord(context->events[0], lowering.stream);
  for (int64_t i = 0; i < n_ops; ++i) {
    if (const cudaError_t error = emit(lowering, ops, n_ops, i); error != cudaSuccess) return cudaStreamSynchronize(lowering.stream), error;
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

// Makes a first pass over the step, so that its scratch memory is there.
cudaError_t prepare(Context* context, const Op* ops, int64_t n_ops) {
  Lowering& lowering = context->lowering;
  measure(lowering, ops, n_ops);
  const cudaError_t error = grow(context, lowering.rounded, context->memory[0], context->sizes[0]);
  return error == cudaSuccess ? grow(context, lowering.scratch, context->memory[1], context->sizes[1]) : error;
}

// At first a step is launched; when it comes again it is recorded as a graph, and from then on replayed without a look at its ops.
cudaError_t run_step(Context* context, const Op* ops, int64_t n_ops) {
  Lowering& lowering = context->lowering;
  const std::uint64_t hash = hash_of(ops, n_ops);
  SeenStep* step = find(context, hash, ops, n_ops);
  ++context->clock;
  if (step == nullptr || step->graph == nullptr) {
    // May forget all steps.
    if (const cudaError_t error = prepare(context, ops, n_ops); error != cudaSuccess) return error;
    step = find(context, hash, ops, n_ops);
    if (step == nullptr) remember(context, hash, ops, n_ops);
    else record_graph(context, *step);
  }
  cudaError_t error = cudaSuccess;
  if (step != nullptr && step->graph != nullptr) {
    step->last_use = context->clock;
    ++context->counts.replayed;
    lowering.n_launches = step->n_launches;
    error = cudaGraphLaunch(step->graph, lowering.stream);
  } else {
    lowering.n_launches = 0;
    lowering.input = {};
    error = emit_all(lowering, ops, n_ops);
  }
  // Also behind a failure: what was launched before it still reads the host's memory.
  const cudaError_t ended = cudaStreamSynchronize(lowering.stream);
  return error == cudaSuccess ? ended : error;
}

int32_t run(Context* context, const Op* ops, int64_t n_ops, float* seconds) {
  cudaSetDevice(context->device);
  cudaError_t error = cudaSuccess;
  if (seconds == nullptr) {
    error = run_step(context, ops, n_ops);
  } else {
    error = prepare(context, ops, n_ops);
    if (error == cudaSuccess) error = run_timed(context, ops, n_ops, seconds);
  }
  ++context->counts.runs;
  context->counts.launches += context->lowering.n_launches;
  for (int64_t i = 0; i < n_ops; ++i) context->counts.copies += ops[i].kind == kOpWrite;
  return status_of(context, error);
}

void take_counts(Context* context, Counts* counts) {
  *counts = context->counts;
  context->counts = {};
}

constexpr Api kApi = {kAbiVersion, sizeof(Op),      0,           count,  describe, open, close,       message,      free_memory,
                      allocate,    release,         allocate_pinned, free_pinned, upload, pack, download, run,  take_counts, read_through, peak_operations};

}  // namespace

extern "C" __attribute__((visibility("default"))) const Api* foreword_cuda_plugin() { return &kApi; }

}  // namespace foreword::gpu::cuda
