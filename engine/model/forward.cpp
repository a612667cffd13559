#include "engine/model/forward.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "engine/model/layer_inputs.h"
#include "engine/model/stages.h"

namespace foreword::engine {

using gpu::Tensor;

struct Forward::Impl {
  Impl(gpu::Backend& b, const Model& m, KvCache& c, std::int64_t rows) : backend(b), model(m), cache(c), max_rows(rows), stages(b, m, c, rows) {}

  gpu::Backend& backend;
  const Model& model;
  KvCache& cache;
  std::int64_t max_rows;
  Stages stages;
  LayerInputsMemory inputs;
  // A passenger's rows begin in the middle and stay there from pass to pass; those of the batch end there.
  Scratch stream;

  Result<void> allocate() {
    FW_TRY(stages.allocate());
    FW_TRY(inputs.allocate(backend, model, cache, max_rows));
    return stream.make(backend, 2 * max_rows, model.config.hidden_size);
  }
  Result<void> check_rows(const Batch& batch) const;
  Result<void> run_layers(std::int64_t n_own, const LayerInputs& inputs_of_all, const BatchLayout& layout, const Tensor& rows, const PassOptions& options);
  void tell_attention(const BatchLayout& layout, const Tensor& given, std::int64_t n_own, Passenger* passenger);
};

Result<Forward> Forward::create(gpu::Backend& backend, const Model& model, KvCache& cache, std::int64_t max_rows) {
  auto impl = std::unique_ptr<Impl>(new Impl(backend, model, cache, max_rows));
  FW_TRY(impl->allocate());
  return Forward(std::move(impl));
}

Forward::Forward(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Forward::Forward(Forward&&) noexcept = default;
Forward& Forward::operator=(Forward&&) noexcept = default;
Forward::~Forward() = default;

std::int64_t Forward::max_rows() const { return impl_->max_rows; }
std::int64_t Forward::n_layers() const { return impl_->model.config.n_layers; }

Passenger Forward::passenger(Batch rows) const {
  check(rows.size() > 0 && rows.mixes.empty(), "a passenger has rows, and each its token");
  const std::int64_t revision = impl_->cache.revision(rows.sequence.front());
  return {.batch = std::move(rows), .revision = revision};
}

bool Forward::can_go_on(const Passenger& passenger) const {
  return passenger.revision == impl_->cache.revision(passenger.batch.sequence.front());
}

Result<void> Forward::Impl::check_rows(const Batch& batch) const {
  const std::int64_t n = batch.size();
  check(n > 0 && n <= max_rows, "a pass has between 1 and max_rows rows");
  std::vector<std::int32_t> tokens = batch.token;
  for (const Batch::Mix& mix : batch.mixes) {
    check(mix.row >= 0 && mix.row < n && std::ssize(mix.tokens) <= max_rows && mix.tokens.size() == mix.weights.size() && !mix.tokens.empty() &&
              mix.tokens.front() == batch.token[static_cast<std::size_t>(mix.row)],
          "a mixture is of a row of the batch and begins with its token");
    tokens.insert(tokens.end(), mix.tokens.begin(), mix.tokens.end());
  }
  for (const std::int32_t id : tokens) {
    if (id >= 0 && id < model.vocab_size) continue;
    return Error{ErrorCode::invalid_argument,
                 "The token " + std::to_string(id) + " is not in the vocabulary of " + std::to_string(model.vocab_size) + " tokens."};
  }
  return {};
}

/// rows: of the stream, those of the batch first.
Result<void> Forward::Impl::run_layers(std::int64_t n_own, const LayerInputs& inputs_of_all, const BatchLayout& layout, const Tensor& rows, const PassOptions& options) {
  const LayerInputs own_inputs = inputs_of_all.first(n_own, layout.max_slots(n_own));
  const Tensor own = rows.row_range(0, n_own);
  Passenger* const passenger = options.passenger;
  bool on_board = passenger != nullptr;
  for (std::int64_t il = n_own > 0 ? 0 : passenger->next_layer; il < model.config.n_layers; ++il) {
    if (!options.skipped.empty() && options.skipped[static_cast<std::size_t>(il)] != 0) continue;
    bool rides = on_board && passenger->next_layer == il;
    if (rides && options.rides) {
      FW_TRY(backend.submit());
      rides = on_board = options.rides(il);
    }
    if (!rides && n_own == 0) break;
    stages.layer(il, rides ? inputs_of_all : own_inputs, rides ? rows : own);
    if (rides) ++passenger->next_layer;
    if (!options.go_on) continue;
    FW_TRY(backend.submit());
    if (!options.go_on()) return Error{ErrorCode::cancelled, "Stopped."};
  }
  return {};
}

void Forward::Impl::tell_attention(const BatchLayout& layout, const Tensor& given, std::int64_t n_own, Passenger* passenger) {
  const auto n_blocks = static_cast<std::size_t>(layout.max_blocks), n_heads = static_cast<std::size_t>(model.config.n_kv_heads);
  std::vector<float> values(static_cast<std::size_t>(given.rows) * n_blocks);
  backend.read(given, std::as_writable_bytes(std::span(values)));
  const auto n_own_sequences = static_cast<std::size_t>(n_own == 0 ? 0 : *std::ranges::max_element(layout.sequence.begin(), layout.sequence.begin() + n_own) + 1);
  for (std::size_t s = 0; s < layout.sequences.size(); ++s) {
    std::vector<float> of_batch;
    std::vector<float>& most = s < n_own_sequences ? of_batch : passenger->attention;
    most.resize(n_blocks);
    for (std::size_t i = 0; i < n_heads * n_blocks; ++i) most[i % n_blocks] = std::max(most[i % n_blocks], values[s * n_heads * n_blocks + i]);
    if (s < n_own_sequences || passenger->next_layer == model.config.n_layers) cache.attend(layout.sequences[s], most);
  }
}

Result<void> Forward::run(const Batch& batch, const LogitSink& sink, const PassOptions& options) {
  Impl& f = *impl_;
  Passenger* const passenger = options.passenger;
  const std::int64_t n_own = batch.size();
  check(passenger == nullptr || options.skipped.empty(), "a passenger goes through all layers");
  Batch with_passenger;
  if (passenger != nullptr) {
    with_passenger = batch;
    with_passenger.append(passenger->batch);
  }
  const Batch& all = passenger != nullptr ? with_passenger : batch;
  FW_TRY(f.check_rows(all));
  std::map<SequenceId, std::int64_t> rows_of;
  for (const SequenceId id : all.sequence) ++rows_of[id];
  FW_TRY(f.cache.reserve_together(rows_of));

  check(passenger == nullptr || can_go_on(*passenger), "the sequence of a passenger stays as it is");
  const BatchLayout layout = lay_out(all, f.cache);
  const LayerInputs inputs = f.inputs.upload(f.backend, f.model, all, layout);
  const Tensor rows = f.stream.all.row_range(f.max_rows - n_own, all.size());
  const std::int64_t n_fresh = passenger == nullptr || passenger->next_layer == 0 ? all.size() : n_own;
  if (n_fresh > 0) f.stages.embed(inputs.first(n_fresh, 0), all.mixes, rows.row_range(0, n_fresh));
  FW_TRY(f.run_layers(n_own, inputs, layout, rows, options));

  std::vector<Stages::Wanted> wanted;
  const bool arrived = passenger != nullptr && passenger->next_layer == f.model.config.n_layers;
  for (std::int64_t r = 0; r < (arrived ? all.size() : n_own); ++r) {
    const LogitWish wish = all.logits[static_cast<std::size_t>(r)];
    if (wish.any()) wanted.push_back({static_cast<std::int32_t>(r), wish});
  }
  FW_TRY(f.stages.head(rows, wanted, sink));
  if (options.skipped.empty() && inputs.global.rows.shares) f.tell_attention(layout, inputs.global.rows.shares, n_own, passenger);
  return {};
}

}  // namespace foreword::engine
