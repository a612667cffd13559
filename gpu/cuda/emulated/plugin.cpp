// The plugin's table of functions with the kernels on the emulator and host memory as the device's. For tests; it can be told to fail.

#include "gpu/cuda/emulated/plugin.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <utility>

#include "gpu/codebooks.h"
#include "gpu/cuda/lowering.h"
#include "gpu/cuda/pack.h"

namespace foreword::gpu::cuda {

struct Context {
  Lowering lowering{};
  Counts counts{};
  std::unique_ptr<std::byte[]> rounded, scratch;
  int64_t rounded_size = 0, scratch_size = 0;
  std::map<void*, int64_t> memory;  // the device's, and its size
  int64_t used = 0;
};

namespace {

EmulatedFaults faults;  // what is left of them
bool by_environment = false;

void read_environment() {
  const char* words = std::getenv("FOREWORD_CUDA_EMULATED");
  if (by_environment) faults = faults_from_words(words == nullptr ? "" : words);
}
// The device stays lost once it is.
bool is_lost() { return faults.lose_at_submit == 0 || (faults.lose_at_submit > 0 && faults.lose_at_submit-- == 0); }
bool refuse_memory() { return faults.fail_allocation >= 0 && faults.fail_allocation-- == 0; }

int32_t count(int32_t* n_devices, int32_t* driver_version) {
  read_environment();
  *n_devices = faults.status_of_count == kOk ? 1 : 0;
  *driver_version = faults.status_of_count == kNoDriver ? 0 : 12000;
  return faults.status_of_count;
}

int32_t describe(int32_t, DeviceRow* row) {
  *row = {};
  std::strcpy(row->name, "emulated");
  row->memory_bytes = faults.memory;
  row->major = 8;
  row->n_processors = row->usable = row->software = 1;
  row->widest_head = widest_head(static_cast<std::int32_t>(faults.shared_memory));
  return kOk;
}

int32_t allocate_pinned(Context*, int64_t bytes, void** host) {
  *host = refuse_memory() ? nullptr : ::operator new(static_cast<std::size_t>(bytes), std::align_val_t{256}, std::nothrow);
  return *host == nullptr ? kOutOfMemory : kOk;
}
void free_pinned(Context*, void* host) { ::operator delete(host, std::align_val_t{256}); }

int32_t allocate(Context* context, int64_t bytes, void** device) {
  *device = nullptr;
  if (bytes > faults.memory - context->used) return kOutOfMemory;
  const int32_t status = allocate_pinned(context, bytes, device);
  if (status != kOk) return status;
  context->memory[*device] = bytes;
  context->used += bytes;
  return kOk;
}
void release(Context* context, void* device) {
  context->used -= context->memory[device];
  context->memory.erase(device);
  free_pinned(context, device);
}

int32_t open(int32_t, const void* tables, int64_t, Context** context) {
  read_environment();
  if (refuse_memory()) return kOutOfMemory;
  *context = new Context;
  (*context)->lowering.books = books_at(tables);
  (*context)->lowering.n_processors = 3;
  (*context)->lowering.ahead_bytes = 20000;  // less than some weights have
  return kOk;
}
void close(Context* context) { delete context; }
int64_t free_memory(Context* context) { return faults.memory - context->used; }
const char* message(Context* context) { return context == nullptr || faults.lose_at_submit == 0 ? "an injected fault" : ""; }

int32_t upload(Context*, void* to, const void* from, int64_t bytes) {
  if (bytes > 0) std::memcpy(to, from, static_cast<std::size_t>(bytes));
  return kOk;
}

int32_t pack(Context* context, const PackJob* job) { return launch_pack(context->lowering.stream, *job), kOk; }

enum class Way { up, down };
void copy_rows(const Copy& copy, Way way) {
  for (int64_t r = 0; r < copy.rows; ++r) {
    auto* device = static_cast<std::byte*>(copy.device) + r * copy.stride;
    auto* host = static_cast<std::byte*>(copy.host) + r * copy.row_bytes;
    std::memcpy(way == Way::up ? device : host, way == Way::up ? host : device, static_cast<std::size_t>(copy.row_bytes));
  }
}
int32_t download(Context*, const Copy* copy) { return copy_rows(*copy, Way::down), kOk; }

int32_t grow(std::unique_ptr<std::byte[]>& memory, int64_t& size, Arena& arena) {
  if (arena.most > size) {
    if (refuse_memory()) return kOutOfMemory;
    memory = std::make_unique_for_overwrite<std::byte[]>(static_cast<std::size_t>(arena.most));
    size = arena.most;
  }
  arena.base = memory.get();
  return kOk;
}

int32_t run(Context* context, const Op* ops, int64_t n_ops, float* seconds) {
  if (is_lost()) return kDeviceLost;
  Lowering& lowering = context->lowering;
  lowering.shares_rounding = faults.shares_rounding;
  measure(lowering, ops, n_ops);
  if (const int32_t status = grow(context->rounded, context->rounded_size, lowering.rounded); status != kOk) return status;
  if (const int32_t status = grow(context->scratch, context->scratch_size, lowering.scratch); status != kOk) return status;
  if (seconds != nullptr) std::fill_n(seconds, n_ops, 0.0F);
  for (int64_t i = 0; i < n_ops; ++i) {
    const auto before = std::chrono::steady_clock::now();
    if (ops[i].kind == kOpWrite) copy_rows(ops[i].write, Way::up);
    context->counts.copies += ops[i].kind == kOpWrite;
    lower(lowering, ops[i], i + 1 < n_ops ? ops + i + 1 : nullptr);
    if (seconds != nullptr) seconds[i] = std::chrono::duration<float>(std::chrono::steady_clock::now() - before).count();
  }
  ++context->counts.runs;
  context->counts.launches += lowering.n_launches;
  return kOk;
}

void take_counts(Context* context, Counts* counts) { *counts = std::exchange(context->counts, Counts{}); }

double read_through(Context*, const void*, int64_t) { return 0; }
double peak_operations(Context*) { return 0; }

constexpr Api kApi = {kAbiVersion, sizeof(Op), 1,        count,   describe, open,     close, message,     free_memory,
                      allocate,    release,    allocate_pinned, free_pinned, upload,   pack,    download, run,   take_counts, read_through, peak_operations};

}  // namespace

const Api& emulated_plugin(const EmulatedFaults& inject) {
  faults = inject;
  by_environment = false;
  return kApi;
}

std::int64_t scratch_of(const Op* ops, std::int64_t n_ops) {
  Lowering lowering{};
  measure(lowering, ops, n_ops);
  return lowering.scratch.most;
}

const Api& emulated_plugin_by_environment() {
  by_environment = true;
  return kApi;
}

}  // namespace foreword::gpu::cuda
