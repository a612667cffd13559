#include "engine/model/config.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "gpu/backend.h"

namespace foreword::engine {
namespace {

Error corrupt(std::string sentence) { return {ErrorCode::corrupt, std::move(sentence)}; }
Error unsupported(std::string sentence) { return {ErrorCode::unsupported, std::move(sentence)}; }

/// Metadata look-ups under the architecture's prefix.
class Reader {
 public:
  Reader(const Metadata& metadata, std::string_view architecture) : metadata_(metadata), prefix_(architecture) {
    prefix_ += '.';
  }
  std::string key(std::string_view name) const { return prefix_ + std::string(name); }

  Result<std::int64_t> integer(std::string_view name, std::int64_t fallback, std::int64_t low, std::int64_t high) const {
    FW_ASSIGN(const auto found, metadata_.integer(key(name)));
    return in_range(name, found.value_or(fallback), low, high);
  }
  Result<std::int64_t> required(std::string_view name, std::int64_t low, std::int64_t high) const {
    FW_ASSIGN(const auto value, metadata_.require_integer(key(name)));
    return in_range(name, value, low, high);
  }
  /// A scalar, or one value a layer that must all be equal. nullopt if missing.
  Result<std::optional<std::int64_t>> uniform(std::string_view name, std::int64_t n_layers, std::int64_t low,
                                              std::int64_t high) const {
    FW_ASSIGN(const auto found, metadata_.integers(key(name)));
    if (!found) return std::optional<std::int64_t>();
    const bool scalar = metadata_.find(key(name))->kind() == MetaValue::Kind::integer;
    if (!scalar && std::ssize(*found) != n_layers) {
      return corrupt("The key " + key(name) + " has " + std::to_string(found->size()) + " values for " +
                     std::to_string(n_layers) + " layers; the file is damaged.");
    }
    for (const std::int64_t value : *found) {
      if (value != found->front()) {
        return unsupported("The key " + key(name) + " differs between layers, which this version cannot run.");
      }
    }
    if (found->empty()) return corrupt("The key " + key(name) + " is empty; the file is damaged.");
    FW_ASSIGN(const auto value, in_range(name, found->front(), low, high));
    return std::optional<std::int64_t>(value);
  }
  Result<double> real(std::string_view name, double fallback) const {
    FW_ASSIGN(const auto found, metadata_.real(key(name)));
    const double value = found.value_or(fallback);
    if (!std::isfinite(value)) return corrupt("The key " + key(name) + " is not a finite number; the file is damaged.");
    return value;
  }
  Result<double> required_real(std::string_view name) const {
    FW_TRY(metadata_.require_real(key(name)));
    return real(name, 0);
  }
  const Metadata& metadata() const { return metadata_; }

 private:
  Result<std::int64_t> in_range(std::string_view name, std::int64_t value, std::int64_t low, std::int64_t high) const {
    if (value >= low && value <= high) return value;
    return corrupt("The key " + key(name) + " is " + std::to_string(value) + ", outside " + std::to_string(low) +
                   " to " + std::to_string(high) + "; the file is damaged.");
  }

  const Metadata& metadata_;
  std::string prefix_;
};

constexpr std::int64_t kMaxWidth = 1 << 20;
constexpr std::int64_t kMaxContext = 1 << 28;

Result<void> read_sizes(const Reader& reader, Config& config) {
  const Architecture& arch = *config.arch;
  FW_ASSIGN(config.n_layers, reader.required("block_count", 1, 1024));
  FW_ASSIGN(config.hidden_size, reader.required("embedding_length", 1, kMaxWidth));
  FW_ASSIGN(config.trained_context, reader.required("context_length", 1, kMaxContext));
  FW_ASSIGN(const auto heads, reader.uniform("attention.head_count", config.n_layers, 1, 4096));
  if (!heads) return corrupt("The key " + reader.key("attention.head_count") + " is missing; the file is damaged.");
  config.n_heads = *heads;
  FW_ASSIGN(const auto kv_heads, reader.uniform("attention.head_count_kv", config.n_layers, 1, 4096));
  config.n_kv_heads = kv_heads.value_or(config.n_heads);
  if (config.n_heads % config.n_kv_heads != 0) {
    return corrupt(std::to_string(config.n_heads) + " heads cannot share " + std::to_string(config.n_kv_heads) +
                   " KV heads evenly; the file is damaged.");
  }
  if (const std::int64_t sharers = config.n_heads / config.n_kv_heads; sharers > gpu::Backend::kMostSharers) {
    return unsupported("A model of which " + std::to_string(sharers) + " heads share a KV head cannot be run by this version, which takes " +
                       std::to_string(gpu::Backend::kMostSharers) + " at most.");
  }
  FW_ASSIGN(const std::int64_t key_length,
            reader.integer("attention.key_length", config.hidden_size / config.n_heads, 1, 4096));
  FW_ASSIGN(const std::int64_t value_length,
            reader.integer("attention.value_length", config.hidden_size / config.n_heads, 1, 4096));
  if (key_length != value_length) {
    return unsupported("Keys and values of different widths (" + std::to_string(key_length) + " and " +
                       std::to_string(value_length) + ") cannot be run by this version.");
  }
  config.head_dim = key_length;
  FW_ASSIGN(const double eps, reader.required_real(arch.norm == NormKind::rms ? "attention.layer_norm_rms_epsilon"
                                                                              : "attention.layer_norm_epsilon"));
  if (eps < 0 || eps > 1) return corrupt("The norm's epsilon is outside 0 to 1; the file is damaged.");
  config.norm_eps = static_cast<float>(eps);
  FW_ASSIGN(const auto ffn, reader.uniform("feed_forward_length", config.n_layers, 0, kMaxWidth));
  if (!ffn && !arch.experts_required) {
    return corrupt("The key " + reader.key("feed_forward_length") + " is missing; the file is damaged.");
  }
  config.ffn_size = ffn.value_or(0);
  return {};
}

Result<void> read_experts(const Reader& reader, Config& config) {
  const Architecture& arch = *config.arch;
  FW_ASSIGN(config.n_experts, reader.integer("expert_count", 0, 0, 4096));
  if (config.n_experts == 0 && arch.experts_required) {
    return corrupt("The key " + reader.key("expert_count") + " is missing; the file is damaged.");
  }
  if (config.n_experts == 0) {
    if (config.ffn_size == 0) return corrupt("The feed-forward size is 0; the file is damaged.");
    return {};
  }
  if (!arch.experts) {
    return unsupported("A " + std::string(arch.name) + " model with experts cannot be run by this version.");
  }
  if (config.n_experts > gpu::Backend::kMostExperts) {
    return unsupported("A model of " + std::to_string(config.n_experts) + " experts cannot be run by this version, which takes " +
                       std::to_string(gpu::Backend::kMostExperts) + " at most.");
  }
  FW_ASSIGN(config.n_experts_used, reader.integer("expert_used_count", 0, 1, config.n_experts));
  config.expert_ffn_size = config.ffn_size;
  if (arch.reads_expert_ffn_size) {
    FW_ASSIGN(config.expert_ffn_size,
              reader.integer("expert_feed_forward_length", config.ffn_size / config.n_experts_used, 1, kMaxWidth));
  }
  if (config.expert_ffn_size == 0) return corrupt("The experts' feed-forward size is 0; the file is damaged.");
  if (arch.shared_expert != SharedExpert::none) {
    const std::int64_t fallback = arch.shared_expert == SharedExpert::gated ? config.ffn_size : 0;
    FW_ASSIGN(config.shared_ffn_size, reader.integer("expert_shared_feed_forward_length", fallback, 0, kMaxWidth));
  }
  return {};
}

Result<RopeScaling> read_rope_scaling(const Reader& reader, const Config& config) {
  const RopeScalingKinds& kinds = config.arch->scaling;
  RopeScaling scaling;
  FW_ASSIGN(const auto type, reader.metadata().string(reader.key("rope.scaling.type")));
  FW_ASSIGN(const double old_factor, reader.real("rope.scale_linear", 0));
  FW_ASSIGN(const double factor, reader.real("rope.scaling.factor", old_factor));
  if (factor < 0 || factor > 1e6) return corrupt("The rope scaling factor is out of range; the file is damaged.");
  scaling.factor = factor == 0 ? 1 : factor;
  FW_ASSIGN(scaling.original_context,
            reader.integer("rope.scaling.original_context_length", config.trained_context, 1, kMaxContext));

  const std::string name = type.value_or("linear");
  if (name == "none") {
    scaling.factor = 1;
  } else if (name == "linear" && kinds.linear) {
    scaling.kind = RopeScaling::Kind::linear;
  } else if (name == "yarn" && kinds.yarn) {
    scaling.kind = RopeScaling::Kind::yarn;
  } else if (name == "longrope" && kinds.longrope) {
    scaling.kind = RopeScaling::Kind::longrope;
  } else {
    return unsupported("The position scaling \"" + name + "\" in a " + std::string(config.arch->name) +
                       " model cannot be run by this version.");
  }
  FW_ASSIGN(scaling.attn_factor, reader.real("rope.scaling.attn_factor", 1));
  FW_ASSIGN(scaling.yarn_ext_factor, reader.real("rope.scaling.yarn_ext_factor", 1));
  FW_ASSIGN(scaling.yarn_beta_fast, reader.real("rope.scaling.yarn_beta_fast", 32));
  FW_ASSIGN(scaling.yarn_beta_slow, reader.real("rope.scaling.yarn_beta_slow", 1));
  FW_ASSIGN(scaling.yarn_log_multiplier, reader.real("rope.scaling.yarn_log_multiplier", 0));
  return scaling;
}

Result<void> read_positions(const Reader& reader, Config& config) {
  const Architecture& arch = *config.arch;
  config.has_rope.assign(static_cast<std::size_t>(config.n_layers), arch.rope);
  if (!arch.rope) return {};
  FW_ASSIGN(config.n_rot, reader.integer("rope.dimension_count", config.head_dim, 2, config.head_dim));
  if (config.n_rot % 2 != 0) return corrupt("The number of rotated columns is odd; the file is damaged.");
  if (arch.full_rotation && config.n_rot != config.head_dim) {
    return corrupt("The key " + reader.key("rope.dimension_count") + " is " + std::to_string(config.n_rot) +
                   ", but heads are " + std::to_string(config.head_dim) + " wide; the file is damaged.");
  }
  FW_ASSIGN(config.freq_base, reader.real("rope.freq_base", 10000));
  const double local_default = arch.local_freq_base > 0 ? static_cast<double>(arch.local_freq_base) : config.freq_base;
  FW_ASSIGN(config.local_freq_base, reader.real("rope.freq_base_swa", local_default));
  if (config.freq_base < 1 || config.local_freq_base < 1) return corrupt("The rope base is below 1; the file is damaged.");
  config.local_scaling = arch.scaling_on_local_layers;
  FW_ASSIGN(config.rope_scaling, read_rope_scaling(reader, config));
  if (arch.rope_needs_finetuned) {
    FW_ASSIGN(const auto finetuned, reader.metadata().boolean(reader.key("rope.scaling.finetuned")));
    if (!finetuned.value_or(true)) config.has_rope.assign(config.has_rope.size(), false);
  }
  if (arch.no_rope_period > 0) {
    for (std::int64_t il = 0; il < config.n_layers; ++il) {
      if ((il + 1) % arch.no_rope_period == 0) config.has_rope[static_cast<std::size_t>(il)] = false;
    }
  }
  return {};
}

Result<void> read_windows(const Reader& reader, Config& config) {
  const Architecture& arch = *config.arch;
  config.is_local.assign(static_cast<std::size_t>(config.n_layers), false);
  if (arch.window_period == 0) return {};
  if (arch.window_required) FW_TRY(reader.required("attention.sliding_window", 1, kMaxContext));
  FW_ASSIGN(config.window, reader.integer("attention.sliding_window", arch.default_window, 0, kMaxContext));
  if (config.window == 0) return {};

  const std::string pattern_key = reader.key("attention.sliding_window_pattern");
  FW_ASSIGN(const auto pattern, reader.metadata().integers(pattern_key));
  const bool is_array = pattern && reader.metadata().find(pattern_key)->kind() != MetaValue::Kind::integer &&
                        reader.metadata().find(pattern_key)->kind() != MetaValue::Kind::boolean;
  if (is_array && std::ssize(*pattern) != config.n_layers) {
    return corrupt("The key " + pattern_key + " has " + std::to_string(pattern->size()) + " values for " +
                   std::to_string(config.n_layers) + " layers; the file is damaged.");
  }
  const std::int64_t period = pattern && !is_array ? pattern->front() : arch.window_period;
  if (period < 0) return corrupt("The key " + pattern_key + " is negative; the file is damaged.");
  for (std::int64_t il = 0; il < config.n_layers; ++il) {
    const auto i = static_cast<std::size_t>(il);
    config.is_local[i] = is_array ? (*pattern)[i] != 0 : period == 0 || il % period < period - 1;
  }
  return {};
}

Result<void> read_scales(const Reader& reader, Config& config) {
  const Architecture& arch = *config.arch;
  FW_ASSIGN(config.pooling, reader.integer("pooling_type", 0, -1, 4));
  const double d = static_cast<double>(config.hidden_size);
  double scale = 1.0 / std::sqrt(static_cast<double>(config.head_dim));
  if (arch.big_layers > 0 && config.n_layers == arch.big_layers) {
    scale = 1.0 / std::sqrt(d / static_cast<double>(config.n_heads));
  }
  if (arch.scale_from_key) {
    FW_ASSIGN(const double from_key, reader.real("attention.scale", 0));
    if (from_key != 0) scale = from_key;
  }
  config.attention_scale = static_cast<float>(scale);
  if (arch.reads_attention_softcap) {
    FW_ASSIGN(const double cap, reader.real("attn_logit_softcapping", arch.attention_softcap));
    config.attention_softcap = static_cast<float>(cap);
  }
  if (arch.reads_final_softcap) {
    FW_ASSIGN(const double cap, reader.real("final_logit_softcapping", arch.final_softcap));
    config.final_softcap = static_cast<float>(cap);
  }
  if (config.attention_softcap < 0 || config.final_softcap < 0) {
    return corrupt("A logit soft cap is negative; the file is damaged.");
  }
  if (arch.embedding_sqrt) config.embedding_scale = std::sqrt(static_cast<float>(config.hidden_size));
  if (arch.granite_scales) {
    FW_ASSIGN(const double embedding, reader.real("embedding_scale", 0));
    FW_ASSIGN(const double residual, reader.real("residual_scale", 0));
    FW_ASSIGN(const double logit, reader.required_real("logit_scale"));
    if (embedding != 0) config.embedding_scale = static_cast<float>(embedding);
    if (residual != 0) config.residual_scale = static_cast<float>(residual);
    if (logit != 0) config.logit_divisor = static_cast<float>(logit);
  }
  return {};
}

/// Features that change the arithmetic and that no row of the table has.
Result<void> refuse_what_we_cannot(const Reader& reader) {
  FW_ASSIGN(const auto causal, reader.metadata().boolean(reader.key("attention.causal")));
  if (!causal.value_or(true)) return unsupported("This model does not read from left to right; it cannot write text here.");
  for (const char* name : {"attention.clamp_kqv", "attention.max_alibi_bias"}) {
    FW_ASSIGN(const double value, reader.real(name, 0));
    if (value != 0) return unsupported("The key " + reader.key(name) + " asks for something this version cannot run.");
  }
  return {};
}

}  // namespace

Result<Config> read_config(const Metadata& metadata) {
  FW_ASSIGN(const auto type, metadata.string("general.type"));
  if (type && *type != "model") {
    return unsupported("This file is of the kind \"" + *type + "\", not a model that can write; choose the model itself.");
  }
  FW_ASSIGN(const std::string name, metadata.require_string("general.architecture"));
  Config config;
  FW_ASSIGN(config.arch, find_architecture(name));
  const Reader reader(metadata, name);
  FW_TRY(refuse_what_we_cannot(reader));
  FW_TRY(read_sizes(reader, config));
  FW_TRY(read_experts(reader, config));
  FW_TRY(read_positions(reader, config));
  FW_TRY(read_windows(reader, config));
  FW_TRY(read_scales(reader, config));
  return config;
}

RopeTable make_rope_table(const Config& config, bool local, std::span<const float> divisors) {
  RopeTable table;
  const double base = local ? config.local_freq_base : config.freq_base;
  const RopeScaling& scaling = config.rope_scaling;
  const bool scaled = !local || config.local_scaling;
  const double s = scaled ? scaling.factor : 1.0;
  const bool yarn = scaled && scaling.kind == RopeScaling::Kind::yarn && s > 1.0;
  const double n_rot = static_cast<double>(config.n_rot);

  // YaRN (Peng et al. 2023, section 3.2): fast pairs keep their frequency, slow ones are stretched, a ramp between.
  const auto dimension_of = [&](double rotations) {
    return n_rot * std::log(static_cast<double>(scaling.original_context) / (2 * std::numbers::pi * rotations)) /
           (2 * std::log(base));
  };
  const double low = yarn ? std::max(0.0, std::floor(dimension_of(scaling.yarn_beta_fast))) : 0;
  const double high = yarn ? std::min(n_rot - 1, std::ceil(dimension_of(scaling.yarn_beta_slow))) : 0;

  for (std::int64_t i = 0; i < config.n_rot / 2; ++i) {
    const double plain = std::pow(base, -2.0 * static_cast<double>(i) / n_rot);
    const double divisor = scaled && !divisors.empty() ? static_cast<double>(divisors[static_cast<std::size_t>(i)]) : 1.0;
    const double e = plain / divisor;
    double frequency = e / s;
    if (yarn) {
      const double position = (static_cast<double>(i) - low) / std::max(0.001, high - low);
      const double ramp = scaling.yarn_ext_factor * (1.0 - std::clamp(position, 0.0, 1.0));
      frequency = e / s * (1.0 - ramp) + e * ramp;
    }
    table.frequency.push_back(frequency);
  }
  if (yarn) {
    table.magnitude = 1.0 + 0.1 * std::log(s);
    if (scaling.yarn_log_multiplier != 0) table.magnitude /= 1.0 + 0.1 * scaling.yarn_log_multiplier * std::log(s);
  }
  if (scaled) table.magnitude *= scaling.attn_factor;
  return table;
}

}  // namespace foreword::engine
