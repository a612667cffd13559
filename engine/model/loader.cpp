#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <set>
#include <string>

#include "engine/base/log.h"
#include "engine/model/model.h"

namespace foreword::engine {
namespace {

using Shape = std::vector<std::int64_t>;

enum class Need : std::uint8_t { required, optional };

std::string to_text(const Shape& shape) {
  std::string text = "[";
  for (const std::int64_t n : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(n);
  return text + "]";
}

/// Dimensions of 1 at the end do not count.
Shape trimmed(Shape shape) {
  while (shape.size() > 1 && shape.back() == 1) shape.pop_back();
  return shape;
}

/// Finds tensors by name and shape and turns them into views. The first failure sticks; after it every look-up gives
/// an empty view, so that the callers read as a list of what a layer holds.
class Loader {
 public:
  Loader(const GgufFile& file, gpu::Backend& backend, Model& model) : file_(file), backend_(backend), model_(model) {}

  Result<void> import_parts() {
    for (int part = 0; part < file_.n_parts(); ++part) {
      FW_ASSIGN(auto buffer, backend_.import_weights(file_.part(part)));
      parts_.push_back(buffer.get());
      model_.buffers.push_back(std::move(buffer));
    }
    return {};
  }

  bool has(const std::string& name) const { return file_.find(name) != nullptr; }

  gpu::WeightMatrix matrix(const std::string& stem, std::int64_t in, std::int64_t out, Need need,
                           std::int64_t n_experts = 1) {
    const Shape shape = n_experts > 1 ? Shape{in, out, n_experts} : Shape{in, out};
    const TensorInfo* tensor = find(stem + ".weight", shape, need);
    if (tensor == nullptr) return {};
    gpu::WeightMatrix view{parts_[static_cast<std::size_t>(tensor->part)], static_cast<std::int64_t>(tensor->offset), out, in,
                           n_experts, tensor->format, {}, model_.config.n_experts > 0};
    used_.insert(stem + ".scale");
    used_.insert(stem + ".input_scale");
    if (const TensorInfo* scale = file_.find(stem + ".scale"); scale != nullptr) {
      view.scale = vector(stem + ".scale", scale->n_values() == 1 ? 1 : n_experts, Need::required);
    }
    return view;
  }

  /// Values of a small tensor as f32 on the device, as one row (or `rows` rows).
  gpu::Tensor vector(const std::string& name, std::int64_t width, Need need, std::int64_t rows = 1) {
    const TensorInfo* tensor = find(name, rows > 1 ? Shape{width, rows} : Shape{width}, need);
    if (tensor == nullptr) return {};
    const std::vector<float> values = decode(*tensor);
    auto buffer = backend_.allocate(values.size() * sizeof(float));
    if (!buffer) return fail(buffer.error()), gpu::Tensor();
    const gpu::Tensor view{buffer->get(), 0, rows, width, width, gpu::DType::f32};
    backend_.write(view, std::as_bytes(std::span(values)));
    model_.buffers.push_back(std::move(*buffer));
    return view;
  }

  std::vector<float> values(const std::string& name, std::int64_t width, Need need) {
    const TensorInfo* tensor = find(name, {width}, need);
    return tensor != nullptr ? decode(*tensor) : std::vector<float>();
  }

  Norm norm(const std::string& stem, std::int64_t width, Need need) {
    Norm norm{vector(stem + ".weight", width, need), {}};
    if (norm) norm.bias = vector(stem + ".bias", width, Need::optional);
    return norm;
  }

  Linear linear(const std::string& stem, std::int64_t in, std::int64_t out, Need need, std::int64_t n_experts = 1,
                Need bias_need = Need::optional) {
    Linear linear{matrix(stem, in, out, need, n_experts), {}};
    if (linear) linear.bias = vector(stem + ".bias", out, bias_need, n_experts);
    return linear;
  }

  void fail(Error error) {
    if (!error_) error_ = std::move(error);
  }
  void fail_corrupt(std::string sentence) { fail({ErrorCode::corrupt, std::move(sentence)}); }
  const std::optional<Error>& error() const { return error_; }

  void log_unused() const {
    std::string names;
    int count = 0;
    for (const TensorInfo& tensor : file_.tensors()) {
      if (used_.contains(tensor.name)) continue;
      if (++count <= 8) names += (names.empty() ? "" : ", ") + tensor.name;
    }
    if (count > 0) log(LogLevel::info, file_.name() + ": " + std::to_string(count) + " unknown tensors ignored: " + names);
  }

 private:
  const TensorInfo* find(const std::string& name, const Shape& shape, Need need) {
    if (error_) return nullptr;
    used_.insert(name);
    const TensorInfo* tensor = file_.find(name);
    if (tensor == nullptr) {
      if (need == Need::required) fail_corrupt("The tensor " + name + " is missing; download the file again.");
      return nullptr;
    }
    if (trimmed(tensor->shape) != trimmed(shape)) {
      fail_corrupt("The tensor " + name + " has the shape " + to_text(tensor->shape) + " instead of " + to_text(shape) +
                   "; the file is damaged.");
      return nullptr;
    }
    if (gpu::info(tensor->format).decode == nullptr) {
      fail_corrupt("The tensor " + name + " holds " + std::string(gpu::info(tensor->format).name) +
                   " values, which weights cannot be; the file is damaged.");
      return nullptr;
    }
    return tensor;
  }

  std::vector<float> decode(const TensorInfo& tensor) const {
    const gpu::FormatInfo& format = gpu::info(tensor.format);
    std::vector<float> values(static_cast<std::size_t>(tensor.n_values()));
    format.decode(file_.data(tensor).data(), tensor.n_values() / format.block_length, values.data());
    return values;
  }

  const GgufFile& file_;
  gpu::Backend& backend_;
  Model& model_;
  std::vector<gpu::Buffer*> parts_;
  std::set<std::string> used_;
  std::optional<Error> error_;
};

void load_attention(Loader& loader, const Config& config, const std::string& block, Layer& layer) {
  const Architecture& arch = *config.arch;
  const std::int64_t d = config.hidden_size;
  const std::int64_t q_width = config.n_heads * config.head_dim;
  const std::int64_t kv_width = config.n_kv_heads * config.head_dim;
  const Need bias = arch.attention_bias ? Need::required : Need::optional;

  if (arch.fused_qkv_only || loader.has(block + "attn_qkv.weight")) {
    const Linear fused = loader.linear(block + "attn_qkv", d, q_width + 2 * kv_width, Need::required, 1, bias);
    const auto part = [&fused](std::int64_t first, std::int64_t count) {
      Linear view = fused;
      if (view) view.weight = fused.weight.row_range(first, count);
      if (view.bias) view.bias = fused.bias.col_range(first, count);
      return view;
    };
    layer.q = part(0, q_width);
    layer.k = part(q_width, kv_width);
    layer.v = part(q_width + kv_width, kv_width);
  } else {
    layer.q = loader.linear(block + "attn_q", d, q_width, Need::required, 1, bias);
    layer.k = loader.linear(block + "attn_k", d, kv_width, Need::required, 1, bias);
    layer.v = loader.linear(block + "attn_v", d, kv_width, Need::required, 1, bias);
  }
  layer.output = loader.linear(block + "attn_output", q_width, d, Need::required, 1, bias);
  if (arch.sinks) layer.sinks = loader.vector(block + "attn_sinks.weight", config.n_heads, Need::required);

  const std::string q_norm = block + "attn_q_norm.weight", k_norm = block + "attn_k_norm.weight";
  switch (arch.qk_norm) {
    case QkNorm::none: break;
    case QkNorm::per_head:
      layer.q_norm.weight = loader.vector(q_norm, config.head_dim, Need::required);
      layer.k_norm.weight = loader.vector(k_norm, config.head_dim, Need::required);
      break;
    case QkNorm::full_width:
      layer.q_norm.weight = loader.vector(q_norm, q_width, Need::required);
      layer.k_norm.weight = loader.vector(k_norm, kv_width, Need::required);
      break;
    case QkNorm::per_head_layer: {
      const auto flattened = [](gpu::Tensor weight) {  // [n_heads, head_dim] -> one row as wide as the heads together
        weight.cols *= weight.rows;
        weight.stride = weight.cols;
        weight.rows = 1;
        return weight;
      };
      layer.q_norm.weight = flattened(loader.vector(q_norm, config.head_dim, Need::optional, config.n_heads));
      layer.k_norm.weight = flattened(loader.vector(k_norm, config.head_dim, Need::optional, config.n_kv_heads));
      break;
    }
  }
}

void load_experts(Loader& loader, const Config& config, const std::string& block, Layer& layer) {
  const Architecture& arch = *config.arch;
  const std::int64_t d = config.hidden_size, n = config.n_experts, width = config.expert_ffn_size;
  const Need bias = arch.attention_bias ? Need::required : Need::optional;
  if (!loader.has(block + "ffn_down_exps.weight") && loader.has(block + "ffn_down.0.weight")) {
    loader.fail({ErrorCode::unsupported, "This file was written by an old converter; convert the model again."});
    return;
  }
  layer.router = loader.linear(block + "ffn_gate_inp", d, n, Need::required, 1, bias);
  if (loader.has(block + "ffn_gate_up_exps.weight")) {
    layer.gate_up_experts = loader.linear(block + "ffn_gate_up_exps", d, 2 * width, Need::required, n, bias);
  } else {
    layer.gate_experts = loader.linear(block + "ffn_gate_exps", d, width, Need::required, n, bias);
    layer.up_experts = loader.linear(block + "ffn_up_exps", d, width, Need::required, n, bias);
  }
  layer.down_experts = loader.linear(block + "ffn_down_exps", width, d, Need::required, n, bias);
  if (arch.shared_expert == SharedExpert::none || config.shared_ffn_size == 0) return;
  layer.shared_gate = loader.linear(block + "ffn_gate_shexp", d, config.shared_ffn_size, Need::required);
  layer.shared_up = loader.linear(block + "ffn_up_shexp", d, config.shared_ffn_size, Need::required);
  layer.shared_down = loader.linear(block + "ffn_down_shexp", config.shared_ffn_size, d, Need::required);
  if (arch.shared_expert == SharedExpert::gated) {
    layer.shared_router = loader.linear(block + "ffn_gate_inp_shexp", d, 1, Need::required);
  }
}

void load_feed_forward(Loader& loader, const Config& config, const std::string& block, Layer& layer) {
  const Architecture& arch = *config.arch;
  const std::int64_t d = config.hidden_size;
  if (config.n_experts > 0) {
    load_experts(loader, config, block, layer);
    return;
  }
  switch (arch.feed_forward) {
    case FeedForward::gated:
      layer.gate = loader.linear(block + "ffn_gate", d, config.ffn_size, Need::required);
      layer.up = loader.linear(block + "ffn_up", d, config.ffn_size, Need::required);
      break;
    case FeedForward::fused_gated: {
      const Linear fused = loader.linear(block + "ffn_up", d, 2 * config.ffn_size, Need::required);
      layer.gate = layer.up = fused;
      if (!fused) break;
      layer.gate.weight = fused.weight.row_range(0, config.ffn_size);
      layer.up.weight = fused.weight.row_range(config.ffn_size, config.ffn_size);
      if (!fused.bias) break;
      layer.gate.bias = fused.bias.col_range(0, config.ffn_size);
      layer.up.bias = fused.bias.col_range(config.ffn_size, config.ffn_size);
      break;
    }
    case FeedForward::plain:
      layer.up = loader.linear(block + "ffn_up", d, config.ffn_size, Need::required);
      break;
  }
  layer.down = loader.linear(block + "ffn_down", config.ffn_size, d, Need::required);
}

Layer load_layer(Loader& loader, const Config& config, std::int64_t index) {
  const Architecture& arch = *config.arch;
  const std::int64_t d = config.hidden_size;
  const std::string block = "blk." + std::to_string(index) + ".";
  Layer layer;
  if (arch.pre_norm) layer.norm1 = loader.norm(block + "attn_norm", d, Need::required);
  if (arch.parallel) layer.norm1_attention = loader.norm(block + "attn_norm_2", d, Need::optional);
  if (!arch.second_norm.empty()) {
    layer.norm2 = loader.norm(block + std::string(arch.second_norm), d,
                              arch.second_norm_optional ? Need::optional : Need::required);
  }
  if (arch.post_norm) {
    layer.post1 = loader.norm(block + "post_attention_norm", d, Need::required);
    layer.post2 = loader.norm(block + "post_ffw_norm", d, Need::required);
  }
  load_attention(loader, config, block, layer);
  load_feed_forward(loader, config, block, layer);
  return layer;
}

void load_head(Loader& loader, Model& model) {
  const Config& config = model.config;
  const Architecture& arch = *config.arch;
  const bool own = arch.output == OutputMatrix::required ||
                   (arch.output == OutputMatrix::tied_if_absent && loader.has("output.weight"));
  if (own) model.head.weight = loader.matrix("output", config.hidden_size, model.vocab_size, Need::required);
  else model.head.weight = model.token_embedding;
  model.head.bias = loader.vector("output.bias", model.vocab_size, arch.output_bias ? Need::required : Need::optional);
}

/// LongRoPE's factors by the session's context, or Llama 3's tensor; empty if the file has none.
std::vector<float> load_rope_divisors(Loader& loader, const Config& config, std::int64_t context) {
  const std::int64_t n = config.n_rot / 2;
  const RopeScalingKinds& kinds = config.arch->scaling;
  if (n == 0) return {};
  if (kinds.longrope) {
    const bool has_long = loader.has("rope_factors_long.weight"), has_short = loader.has("rope_factors_short.weight");
    if (has_long != has_short) loader.fail_corrupt("Only one of the two rope factor tensors is there; the file is damaged.");
    if (has_long && has_short) {
      const auto longer = loader.values("rope_factors_long.weight", n, Need::required);
      const auto shorter = loader.values("rope_factors_short.weight", n, Need::required);
      return context > config.rope_scaling.original_context ? longer : shorter;
    }
  }
  return kinds.factor_tensor ? loader.values("rope_freqs.weight", n, Need::optional) : std::vector<float>();
}

/// The weights of all products: visit(weight, how many of its experts a token reads).
template <class AnyModel, class Visit>
void each_product(AnyModel& model, Visit visit) {
  visit(model.head.weight, 1);
  for (auto& layer : model.layers) {
    for (auto* part : {&layer.q, &layer.k, &layer.v, &layer.output, &layer.gate, &layer.up, &layer.down, &layer.router,
                       &layer.gate_experts, &layer.up_experts, &layer.down_experts, &layer.gate_up_experts,
                       &layer.shared_gate, &layer.shared_up, &layer.shared_down}) {
      auto& weight = part->weight;
      if (weight) visit(weight, weight.n_experts > 1 ? model.config.n_experts_used : 1);
    }
  }
}

void count_bytes(Model& model) {
  each_product(model, [&](const gpu::WeightMatrix& w, std::int64_t n_experts_used) {
    model.weight_bytes_per_token += n_experts_used * w.rows * gpu::row_bytes(w.format, w.cols);
  });
}

/// Weights as the device multiplies them fastest. The mapped pages that were copied from are given back.
Result<void> arrange_weights(Model& model, const GgufFile& file, gpu::Backend& backend, const gpu::Progress& go_on) {
  std::vector<gpu::WeightMatrix*> weights;
  each_product(model, [&](gpu::WeightMatrix& w, std::int64_t) { weights.push_back(&w); });
  bool goes_on = true;
  const auto ask = [&](double share) { return goes_on = go_on(share); };
  if (auto buffer = backend.arrange(weights, go_on ? gpu::Progress(ask) : gpu::Progress())) {
    model.buffers.push_back(std::move(buffer));
    file.release_pages();
  }
  if (!goes_on) return Error{ErrorCode::cancelled, "The model was not loaded to its end."};
  return {};
}

Result<std::int64_t> choose_context(const Config& config, std::int64_t asked, std::int64_t default_context) {
  if (asked == 0) return std::min(config.trained_context, default_context);
  if (config.arch->position_table && asked > config.trained_context) {
    return Error{ErrorCode::invalid_argument, "This model cannot hold more than " +
                                                  std::to_string(config.trained_context) +
                                                  " tokens; choose a smaller --context."};
  }
  return asked;
}

}  // namespace

Result<Model> load_model(std::shared_ptr<const GgufFile> file, gpu::Backend& backend, std::int64_t context,
                         std::int64_t default_context, const gpu::Progress& go_on) {
  Model model;
  FW_ASSIGN(model.config, read_config(file->metadata()));
  const Config& config = model.config;
  FW_ASSIGN(model.context, choose_context(config, context, default_context));

  const TensorInfo* embedding = file->find("token_embd.weight");
  if (embedding == nullptr || embedding->shape.size() < 2) {
    return Error{ErrorCode::corrupt, "The tensor token_embd.weight is missing; the file holds no model that can run."};
  }
  model.vocab_size = embedding->shape[1];
  if (model.vocab_size > (1 << 24)) return Error{ErrorCode::corrupt, "The vocabulary is impossibly large; the file is damaged."};

  Loader loader(*file, backend, model);
  FW_TRY(loader.import_parts());
  model.token_embedding = loader.matrix("token_embd", config.hidden_size, model.vocab_size, Need::required);
  if (config.arch->position_table) {
    model.position_table = loader.matrix("position_embd", config.hidden_size, config.trained_context, Need::required);
  }
  model.output_norm = loader.norm("output_norm", config.hidden_size, Need::required);
  load_head(loader, model);
  for (std::int64_t il = 0; il < config.n_layers && !loader.error(); ++il) {
    model.layers.push_back(load_layer(loader, config, il));
  }
  const std::vector<float> divisors = load_rope_divisors(loader, config, model.context);
  if (loader.error()) return *loader.error();
  for (const float divisor : divisors) {
    if (!(divisor > 0)) return Error{ErrorCode::corrupt, "A rope factor is not positive; the file is damaged."};
  }
  model.rope_global = make_rope_table(config, false, divisors);
  model.rope_local = make_rope_table(config, true, divisors);
  FW_TRY(backend.submit());
  loader.log_unused();

  for (const TensorInfo& tensor : file->tensors()) model.n_parameters += tensor.n_values();
  count_bytes(model);
  backend.bring(model.token_embedding);
  if (model.position_table) backend.bring(model.position_table);
  FW_TRY(arrange_weights(model, *file, backend, go_on));
  FW_TRY(backend.submit());
  model.file = std::move(file);
  return model;
}

}  // namespace foreword::engine
