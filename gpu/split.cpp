#include "gpu/split.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "engine/base/check.h"
#include "gpu/split_buffer.h"

namespace foreword::gpu {
namespace {

constexpr std::size_t kLargest = std::size_t{1} << 46;

class SplitBackend final : public Backend {
 public:
  SplitBackend(std::unique_ptr<Backend> device, std::unique_ptr<Backend> processor, std::int64_t weight_bytes)
      : backends_{std::move(device), std::move(processor)}, weight_bytes_(weight_bytes) {}

  DeviceInfo device() const override {
    DeviceInfo info = backends_[0]->device();
    const DeviceInfo processor = backends_[1]->device();
    info.name += " and " + processor.name;
    info.memory_bytes += processor.memory_bytes;
    info.memory_free_bytes += processor.memory_free_bytes;
    info.prompt_rows = std::min(info.prompt_rows, processor.prompt_rows);
    return info;
  }
  Result<std::unique_ptr<Buffer>> allocate(std::size_t bytes) override {
    // What nobody could ever give is refused now, in the processor's words.
    if (bytes > kLargest) return backends_[1]->allocate(bytes);
    return std::unique_ptr<Buffer>(std::make_unique<SplitBuffer>(bytes));
  }
  Result<std::unique_ptr<Buffer>> import_weights(std::span<const std::byte> bytes) override {
    FW_ASSIGN(auto on_device, backends_[0]->import_weights(bytes));
    FW_ASSIGN(auto on_processor, backends_[1]->import_weights(bytes));
    return std::unique_ptr<Buffer>(std::make_unique<SplitWeights>(std::move(on_device), std::move(on_processor), bytes.size()));
  }
  void bring(const WeightMatrix& table) override;
  std::unique_ptr<Buffer> arrange(std::span<WeightMatrix* const> weights, const Progress& go_on) override;

  void write(const Tensor& to, std::span<const std::byte> bytes) override;
  void read(const Tensor& from, std::span<std::byte> bytes) override;
  Result<void> submit() override;

  void embed(const WeightMatrix& table, const Tensor& ids, const Tensor& out) override {
    const auto* file = dynamic_cast<const SplitWeights*>(table.buffer);
    check(file != nullptr, "a table in a buffer of import_weights()");
    here_ = file->tables_on_device.contains(table.offset) ? Side::device : Side::processor;
    WeightMatrix there = table;
    there.buffer = file->sides[index(here_)].get();
    if (!ready({ids, out}, true)) return;
    const Tensor ids_here = in(ids);
    on().embed(there, ids_here, made(out));
  }
  void rms_norm(const Tensor& x, const Tensor& weight, float eps, std::int64_t group, const Tensor& out) override {
    if (!ready({x, weight, out})) return;
    const Tensor x_here = in(x), weight_here = in(weight);
    on().rms_norm(x_here, weight_here, eps, group, made(out));
  }
  void layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, float eps, std::int64_t group, const Tensor& out) override {
    if (!ready({x, weight, bias, out})) return;
    const Tensor x_here = in(x), weight_here = in(weight), bias_here = in(bias);
    on().layer_norm(x_here, weight_here, bias_here, eps, group, made(out));
  }
  void linear(const WeightMatrix& w, const Tensor& x, const Tensor& bias, const Tensor& out) override {
    go_to(w);
    if (!ready({x, w.scale, bias, out}, true)) return;
    const Tensor x_here = in(x), bias_here = in(bias);
    on().linear(there(w), x_here, bias_here, made(out));
  }
  void linear_experts(const WeightMatrix& w, const Tensor& x, const Tensor& experts, const Tensor& bias, const Tensor& out) override {
    go_to(w);
    if (!ready({x, w.scale, experts, bias, out}, true)) return;
    const Tensor x_here = in(x), experts_here = in(experts), bias_here = in(bias);
    on().linear_experts(there(w), x_here, experts_here, bias_here, made(out));
  }
  void rope(const Tensor& x, std::int64_t head_dim, std::int64_t n_rot, RopePairs pairs, const Tensor& cos_sin) override {
    if (ready({x, cos_sin})) on().rope(changed(x), head_dim, n_rot, pairs, in(cos_sin));
  }
  void store_kv(const Tensor& k, const Tensor& v, const KvLayer& layer, const Tensor& slots) override {
    if (ready({k, v, slots}) && ready(layer)) on().store_kv(in(k), in(v), pages(layer, true), in(slots));
  }
  void encode_pages(const KvLayer& layer, const Tensor& from, const Tensor& to) override {
    if (ready({from, to}) && ready(layer)) on().encode_pages(pages(layer, true), in(from), in(to));
  }
  void copy_slots(const KvLayer& layer, const Tensor& from, const Tensor& to) override {
    if (ready({from, to}) && ready(layer)) on().copy_slots(pages(layer, true), in(from), in(to));
  }
  void attention(const Tensor& q, const KvLayer& layer, const AttentionRows& rows, const AttentionParams& params, const Tensor& out) override {
    AttentionRows at = rows;
    const bool room = ready({q, out, at.table, at.sequence, at.position, at.prefix_slots, at.extra_begin, at.extra_slots, at.watch, at.shares, params.sinks});
    if (!room || !ready(layer) || !ready({q, out, at.shares})) return;
    for (Tensor* t : {&at.table, &at.sequence, &at.position, &at.prefix_slots, &at.extra_begin, &at.extra_slots, &at.watch}) *t = in(*t);
    if (at.shares) at.shares = changed(at.shares);
    AttentionParams with = params;
    with.sinks = in(with.sinks);
    const Tensor q_here = in(q);
    on().attention(q_here, pages(layer, false), at, with, made(out));
  }
  void glu(Activation act, const Tensor& gate, const Tensor& up, const Tensor& out) override {
    if (!ready({gate, up, out})) return;
    const Tensor gate_here = in(gate), up_here = in(up);
    on().glu(act, gate_here, up_here, made(out));
  }
  void activate(Activation act, const Tensor& x, const Tensor& out) override {
    if (!ready({x, out})) return;
    const Tensor x_here = in(x);
    on().activate(act, x_here, made(out));
  }
  void add(const Tensor& x, const Tensor& y, float scale, const Tensor& out) override {
    if (!ready({x, y, out})) return;
    const Tensor x_here = in(x), y_here = in(y);
    on().add(x_here, y_here, scale, made(out));
  }
  void scale(const Tensor& x, float factor) override {
    if (ready({x})) on().scale(changed(x), factor);
  }
  void softcap(const Tensor& x, float cap) override {
    if (ready({x})) on().softcap(changed(x), cap);
  }
  void sigmoid_gate(const Tensor& x, const Tensor& gate) override {
    if (ready({x, gate})) on().sigmoid_gate(changed(x), in(gate));
  }
  void route(Routing routing, const Tensor& logits, const Tensor& experts, const Tensor& weights) override {
    if (!ready({logits, experts, weights})) return;
    const Tensor logits_here = in(logits);
    on().route(routing, logits_here, made(experts), made(weights));
  }
  void combine_experts(const Tensor& y, const Tensor& weights, const Tensor& out) override {
    if (!ready({y, weights, out})) return;
    const Tensor y_here = in(y), weights_here = in(weights);
    on().combine_experts(y_here, weights_here, made(out));
  }
  void top_k(const Tensor& x, const Tensor& ids, const Tensor& values) override {
    if (!ready({x, ids, values})) return;
    const Tensor x_here = in(x);
    on().top_k(x_here, made(ids), made(values));
  }
  void gather_rows(const Tensor& x, const Tensor& rows, const Tensor& out) override {
    if (!ready({x, rows, out})) return;
    const Tensor x_here = in(x), rows_here = in(rows);
    on().gather_rows(x_here, rows_here, made(out));
  }

  double read_through(const Buffer&) override { return 0; }  // of two memories there is no one speed
  void set_profiling(bool on) override {
    for (auto& backend : backends_) backend->set_profiling(on);
  }
  std::vector<OpProfile> take_profile() override {
    std::vector<OpProfile> all = backends_[0]->take_profile();
    for (OpProfile& row : backends_[1]->take_profile()) all.push_back(std::move(row));
    return all;
  }
  DeviceCounts take_counts() override { return backends_[0]->take_counts(); }

 private:
  Backend& at(Side side) { return *backends_[index(side)]; }
  Backend& on() { return at(here_); }
  void go_to(const WeightMatrix& w) { here_ = on_device_.contains(w.buffer) ? Side::device : Side::processor; }
  /// Of a weight that arrange() was not asked about, the processor's view of the file.
  WeightMatrix there(const WeightMatrix& w) {
    WeightMatrix view = w;
    if (const auto* file = dynamic_cast<const SplitWeights*>(w.buffer)) view.buffer = file->sides[index(Side::processor)].get();
    if (view.scale) view.scale = in(view.scale);
    return view;
  }

  static SplitBuffer& memory_of(Buffer* buffer) {
    auto* memory = dynamic_cast<SplitBuffer*>(buffer);
    check(memory != nullptr, "a buffer of this backend");
    return *memory;
  }
  static std::int64_t end_of(const Tensor& t) { return t.rows == 0 ? t.offset : t.offset + ((t.rows - 1) * t.stride + t.cols) * bytes_of(t.dtype); }
  /// The side's own memory, made at its first use. Null where there is no room.
  Buffer* buffer_at(SplitBuffer& memory, Side side);
  /// Whether the op can run here: on the processor where the device has no room for one of its views, unless a weight holds it
  /// on the device. False: nowhere, and submit() tells.
  bool ready(std::initializer_list<Tensor> views, bool has_weight = false);
  bool ready(const KvLayer& layer);
  bool room_for(Buffer* buffer, bool has_weight);
  bool room_at(SplitBuffer& memory, Side side) { return buffer_at(memory, side) != nullptr || (keep_failure(*no_room_), false); }
  /// Brings over what the side lacks of [begin, end).
  void fetch(SplitBuffer& memory, std::int64_t begin, std::int64_t end, Side side);

  Tensor view_at(const Tensor& t, Side side) {
    Tensor view = t;
    view.buffer = buffer_at(memory_of(t.buffer), side);
    return view;
  }
  Tensor in(const Tensor& t) {
    if (!t) return t;
    check(buffer_at(memory_of(t.buffer), here_) != nullptr, "room, which ready() looked for");
    fetch(memory_of(t.buffer), t.offset, end_of(t), here_);
    return view_at(t, here_);
  }
  Tensor made(const Tensor& t) {
    memory_of(t.buffer).mark(t.offset, end_of(t), here_ == Side::device, here_ == Side::processor);
    return view_at(t, here_);
  }
  Tensor changed(const Tensor& t) { return in(t), made(t); }
  KvLayer pages(const KvLayer& layer, bool written);

  void keep_failure(const Result<void>& result) {
    if (!result && !failure_) failure_ = result.error();
  }

  std::unique_ptr<Backend> backends_[2];
  std::int64_t weight_bytes_;
  std::set<const Buffer*> on_device_;  // views of files through which weights on the device are named
  Side here_ = Side::device;
  std::optional<Error> failure_;
  std::optional<Error> no_room_;  // the last time that there was none
};

Buffer* SplitBackend::buffer_at(SplitBuffer& memory, Side side) {
  std::unique_ptr<Buffer>& buffer = memory.sides[index(side)];
  if (buffer != nullptr) return buffer.get();
  auto fresh = at(side).allocate(memory.bytes());
  if (fresh) buffer = std::move(*fresh);
  else no_room_ = fresh.error();
  return buffer.get();
}

bool SplitBackend::room_for(Buffer* buffer, bool has_weight) {
  if (buffer == nullptr || buffer_at(memory_of(buffer), here_) != nullptr) return true;
  if (has_weight || here_ == Side::processor) return keep_failure(*no_room_), false;
  here_ = Side::processor;
  return buffer_at(memory_of(buffer), here_) != nullptr || (keep_failure(*no_room_), false);
}

// Twice, since what had room on the device needs some on the processor when another has not.
bool SplitBackend::ready(std::initializer_list<Tensor> views, bool has_weight) {
  const auto has_room = [&](const Tensor& view) { return room_for(view.buffer, has_weight); };
  return std::ranges::all_of(views, has_room) && std::ranges::all_of(views, has_room);
}

bool SplitBackend::ready(const KvLayer& layer) {
  const Side before = here_;
  for (std::int32_t i = 0; i < KvLayer::kPools; ++i) {
    if (!room_for(layer.pool(i).buffer, false)) return false;
  }
  return here_ == before || ready(layer);
}

void SplitBackend::fetch(SplitBuffer& memory, std::int64_t begin, std::int64_t end, Side side) {
  for (const auto& [from, to] : memory.missing(begin, end, side)) {
    Backend& source = at(other(side));
    keep_failure(source.submit());
    // As halves, the smallest elements that there are.
    const std::int64_t n = (to - from) / 2;
    std::vector<std::byte> bytes(static_cast<std::size_t>(2 * n));
    source.read({buffer_at(memory, other(side)), from, 1, n, n, DType::f16}, bytes);
    at(side).write({buffer_at(memory, side), from, 1, n, n, DType::f16}, bytes);
    memory.mark(from, to, true, true);
  }
}

KvLayer SplitBackend::pages(const KvLayer& layer, bool written) {
  KvLayer view = layer;
  for (std::int32_t i = 0; i < KvLayer::kPools; ++i) {
    const KvPool pool = layer.pool(i);
    if (pool.buffer == nullptr) continue;
    SplitBuffer& memory = memory_of(pool.buffer);
    const std::int64_t end = pool.offset + pool.n_blocks * layer.n_kv_heads * layer.page_bytes(i);
    fetch(memory, pool.offset, end, here_);
    if (written) memory.mark(pool.offset, end, here_ == Side::device, here_ == Side::processor);
    Buffer* there = buffer_at(memory, here_);
    if (i == 0) view.buffer = there;
    else view.closed[static_cast<std::size_t>(i - 1)].buffer = there;
  }
  return view;
}

void SplitBackend::bring(const WeightMatrix& table) {
  auto* file = const_cast<SplitWeights*>(dynamic_cast<const SplitWeights*>(table.buffer));
  check(file != nullptr, "a table in a buffer of import_weights()");
  WeightMatrix there = table;
  there.buffer = file->sides[index(Side::device)].get();
  at(Side::device).bring(there);
  if (at(Side::device).submit()) file->tables_on_device.insert(table.offset);
}

std::unique_ptr<Buffer> SplitBackend::arrange(std::span<WeightMatrix* const> weights, const Progress& go_on) {
  std::vector<WeightMatrix> views;  // what the weights become, if nobody gives up before
  std::int64_t all = 0;
  for (const WeightMatrix* w : weights) {
    views.push_back(*w);
    all += w->n_experts * w->expert_bytes();
  }
  bool given_up = false;
  std::int64_t done = 0;  // bytes
  /// Of the whole, what a share of the next `bytes` is.
  const auto part = [&](std::int64_t bytes) -> Progress {
    if (!go_on) return {};
    return [&, bytes](double share) {
      given_up = given_up || !go_on((static_cast<double>(done) + share * static_cast<double>(bytes)) / static_cast<double>(all));
      return !given_up;
    };
  };
  const auto side_of = [](const WeightMatrix& w, Side side) {
    const auto* file = dynamic_cast<const SplitWeights*>(w.buffer);
    check(file != nullptr, "weights in a buffer of import_weights()");
    return file->sides[index(side)].get();
  };
  // From the first one that the device does not take, all are the processor's: the border lies between two layers or in one.
  std::size_t n_device = 0;
  for (; n_device < views.size(); ++n_device) {
    const std::int64_t bytes = views[n_device].n_experts * views[n_device].expert_bytes();
    if (done + bytes > weight_bytes_) break;
    WeightMatrix there = views[n_device];
    there.buffer = side_of(there, Side::device);
    WeightMatrix* const one[] = {&there};
    const Progress of_this = part(bytes);
    if (of_this && !of_this(0)) return nullptr;
    at(Side::device).arrange(one, of_this);
    const bool taken = at(Side::device).submit().has_value();
    if (given_up) return nullptr;
    if (!taken) break;
    views[n_device] = there;
    done += bytes;
  }
  std::vector<WeightMatrix*> rest;
  for (std::size_t i = n_device; i < views.size(); ++i) {
    views[i].buffer = side_of(views[i], Side::processor);
    rest.push_back(&views[i]);
  }
  auto arranged = rest.empty() ? nullptr : at(Side::processor).arrange(rest, part(all - done));
  if (given_up) return nullptr;
  for (std::size_t i = 0; i < views.size(); ++i) {
    if (i < n_device) on_device_.insert(views[i].buffer);
    *weights[i] = views[i];
  }
  return arranged;
}

void SplitBackend::write(const Tensor& to, std::span<const std::byte> bytes) {
  SplitBuffer& memory = memory_of(to.buffer);
  bool valid[2] = {false, false};
  for (const Side side : {Side::device, Side::processor}) {
    const bool first_use = side == Side::processor && memory.sides[0] == nullptr;
    if (memory.sides[index(side)] == nullptr && !(first_use && room_at(memory, side))) continue;
    at(side).write(view_at(to, side), bytes);
    valid[index(side)] = true;
  }
  memory.mark(to.offset, end_of(to), valid[0], valid[1]);
}

void SplitBackend::read(const Tensor& from, std::span<std::byte> bytes) {
  SplitBuffer& memory = memory_of(from.buffer);
  const bool whole = memory.missing(from.offset, end_of(from), Side::device).empty() && memory.sides[0] != nullptr;
  const Side side = whole ? Side::device : Side::processor;
  if (!whole && !room_at(memory, side)) {
    std::ranges::fill(bytes, std::byte{0});
    return;
  }
  if (!whole) {
    fetch(memory, from.offset, end_of(from), side);
    keep_failure(at(side).submit());
  }
  at(side).read(view_at(from, side), bytes);
}

Result<void> SplitBackend::submit() {
  for (auto& backend : backends_) keep_failure(backend->submit());
  if (failure_) return *std::exchange(failure_, std::nullopt);
  return {};
}

}  // namespace

std::unique_ptr<Backend> make_split_backend(std::unique_ptr<Backend> device, std::unique_ptr<Backend> processor, std::int64_t weight_bytes) {
  return std::make_unique<SplitBackend>(std::move(device), std::move(processor), weight_bytes);
}

}  // namespace foreword::gpu
