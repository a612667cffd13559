#include "engine/self_test.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "engine/log_sum_exp.h"

namespace foreword::engine {
namespace {

using gpu::Format, gpu::KvEncoding, gpu::KvFormat;

constexpr std::size_t kTop = 512;  // tokens of a position that are kept apart; the others count as one
constexpr double kLeastFormatCost = 0.002;

/// Mean KL to F16 that a weight format costs (Llama-3-8B, llama.cpp's table of perplexities; where a format has no figure of
/// its own, that of the next finer one that has). What is not here costs nothing.
constexpr struct {
  Format format;
  double kl;
} kFormatCosts[] = {
    {Format::q6_k, 0.0055}, {Format::q5_k, 0.011},  {Format::q5_0, 0.011},    {Format::q5_1, 0.011},   {Format::q4_k, 0.028},
    {Format::iq4_nl, 0.036}, {Format::iq4_xs, 0.036}, {Format::mxfp4, 0.036}, {Format::nvfp4, 0.036},  {Format::q4_0, 0.072},
    {Format::q4_1, 0.036},  {Format::q3_k, 0.084},  {Format::iq3_s, 0.103},   {Format::iq3_xxs, 0.184}, {Format::q2_k, 0.332},
    {Format::iq2_s, 0.326}, {Format::iq2_xs, 0.546}, {Format::iq2_xxs, 0.812}, {Format::iq1_m, 1.39},   {Format::iq1_s, 2.2},
};

constexpr KvEncoding kF16{KvFormat::f16, KvFormat::f16};
constexpr KvEncoding kMeasured[] = {{KvFormat::q8, KvFormat::q8}, {KvFormat::q8, KvFormat::q4h}, {KvFormat::q4h, KvFormat::q4h},
                                    {KvFormat::q2h, KvFormat::q2h}};

double rest_of(double sum) { return std::max(1 - sum, 1e-9); }

}  // namespace

double most_kv_cost(const GgufFile& file) {
  std::map<Format, std::uint64_t> bytes;
  for (const TensorInfo& tensor : file.tensors()) bytes[tensor.format] += tensor.bytes;
  const auto most = std::ranges::max_element(bytes, {}, [](const auto& entry) { return entry.second; });
  double cost = kLeastFormatCost;
  for (const auto& row : kFormatCosts) {
    if (most != bytes.end() && row.format == most->first) cost = std::max(cost, row.kl);
  }
  return cost / 2;
}

// The likeliest tokens of a position.
struct SelfTest::Reference {
  std::vector<std::int32_t> tokens;
  std::vector<float> log_p;
  std::size_t first_choice = 0;
};

struct SelfTest::Pass {
  KvCache cache;
  std::optional<Forward> forward;
  SequenceId sequence = 0;
  std::int64_t read = 0, n_compared = 0, n_agree = 0;
  double kl = 0;
};

SelfTest::SelfTest(LoadedModel& model, std::span<const KvCost> known) : model_(model) {
  check(model.tokenizer() != nullptr, "a self-test reads text");
  if (gpu::kv_group(model.model().config.head_dim) == 0) return;
  for (const KvEncoding encoding : kMeasured) {
    if (std::ranges::find(known, encoding, &KvCost::encoding) == known.end()) passes_.insert(passes_.begin(), encoding);
  }
  if (!passes_.empty()) passes_.push_back(kF16);
}

SelfTest::~SelfTest() = default;

Result<void> SelfTest::begin() {
  if (tokens_.empty()) {
    const Tokenizer& tokenizer = *model_.tokenizer();
    tokens_ = tokenizer.encode(self_test_text(), {});
    if (tokenizer.adds_bos() && tokenizer.bos() != kNoToken) tokens_.insert(tokens_.begin(), tokenizer.bos());
    tokens_.resize(static_cast<std::size_t>(std::min({std::ssize(tokens_), kTokens, model_.model().context})));
    first_scored_ = std::ssize(tokens_) / 2;
  }
  const Config& config = model_.model().config;
  KvShape shape{config.n_layers, config.n_kv_heads, config.head_dim, gpu::DType::f16, {.old = passes_.back()}};
  shape.window = std::ranges::find(config.is_local, true) != config.is_local.end() ? config.window : 0;
  shape.windowed = config.is_local;
  FW_ASSIGN(KvCache cache, KvCache::create(model_.backend(), shape, std::ssize(tokens_)));
  pass_ = std::make_unique<Pass>(Pass{std::move(cache), std::nullopt});
  FW_ASSIGN(pass_->forward, Forward::create(model_.backend(), model_.model(), pass_->cache, kRows));
  pass_->sequence = pass_->cache.add_sequence();
  return {};
}

Result<std::optional<KvCost>> SelfTest::step() {
  check(!done(), "a self-test that is not done");
  const auto read = [&]() -> Result<void> {
    if (!pass_) FW_TRY(begin());
    return read_rows();
  };
  if (auto result = read(); !result) {
    pass_.reset();
    passes_.clear();
    return result.error();
  }
  if (pass_->read < std::ssize(tokens_)) return std::optional<KvCost>();
  const double n = static_cast<double>(std::max<std::int64_t>(1, pass_->n_compared));
  const KvCost cost{passes_.back(), pass_->kl / n, static_cast<double>(pass_->n_agree) / n};
  pass_.reset();
  passes_.pop_back();
  return cost.encoding == kF16 ? std::optional<KvCost>() : cost;
}

Result<void> SelfTest::read_rows() {
  const std::int64_t first = pass_->read, n = std::min(kRows, std::ssize(tokens_) - first);
  Batch batch;
  for (std::int64_t i = 0; i < n; ++i) {
    batch.add(tokens_[static_cast<std::size_t>(first + i)], pass_->sequence, static_cast<std::int32_t>(i - 1), first + i >= first_scored_);
  }
  FW_TRY(pass_->forward->run(batch, [&](std::int64_t row, std::span<const float> logits) { compare(first + row, logits); }));
  pass_->read += n;
  return pass_->cache.commit(pass_->sequence, n);
}

void SelfTest::compare(std::int64_t position, std::span<const float> logits) {
  const LogSumExp all = log_sum_exp(logits);
  if (passes_.back() == kF16) {
    Reference reference;
    reference.tokens.resize(logits.size());
    std::iota(reference.tokens.begin(), reference.tokens.end(), 0);
    const auto likelier = [&](std::int32_t a, std::int32_t b) { return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)]; };
    if (logits.size() > kTop) {
      std::ranges::nth_element(reference.tokens, reference.tokens.begin() + kTop, likelier);
      reference.tokens.resize(kTop);
      reference.tokens.shrink_to_fit();
    }
    for (const std::int32_t token : reference.tokens) {
      reference.log_p.push_back(static_cast<float>(logits[static_cast<std::size_t>(token)] - all.log_sum));
    }
    reference.first_choice = all.argmax;
    references_.push_back(std::move(reference));
    return;
  }
  // Tokens that are lumped together can only hide some of the distance, never add to it.
  const Reference& reference = references_[static_cast<std::size_t>(position - first_scored_)];
  double kl = 0, p_sum = 0, q_sum = 0;
  for (std::size_t i = 0; i < reference.tokens.size(); ++i) {
    const double log_p = reference.log_p[i], log_q = logits[static_cast<std::size_t>(reference.tokens[i])] - all.log_sum;
    kl += std::exp(log_p) * (log_p - log_q);
    p_sum += std::exp(log_p);
    q_sum += std::exp(log_q);
  }
  if (reference.tokens.size() < logits.size()) kl += rest_of(p_sum) * std::log(rest_of(p_sum) / rest_of(q_sum));
  pass_->kl += kl;
  ++pass_->n_compared;
  if (reference.first_choice == all.argmax) ++pass_->n_agree;
}

}  // namespace foreword::engine
