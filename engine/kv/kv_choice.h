#pragma once
// From what a user asks for and what is known of the model to the page policy. Pure functions; docs/kv.md says why.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/kv/page_policy.h"

namespace foreword::engine {

/// A mode, limited by what the model bears, or the encoding of old pages (f16, f32: of all), obeyed.
using KvWish = std::variant<KvMode, gpu::KvEncoding>;

/// By the name of a mode ("auto", "balanced") or of an encoding ("k8v4").
std::optional<KvWish> kv_wish_from_name(std::string_view name);
/// All such names: auto, the modes, the encodings.
std::vector<std::string> kv_wish_names();
/// The name of an encoding in gpu::kv_encoding_names(), or "".
std::string_view name_of(gpu::KvEncoding encoding);

/// What old pages in this encoding cost on a model, measured against f16 (self_test.h).
struct KvCost {
  gpu::KvEncoding encoding;
  double mean_kl = 0;     // nats a token
  double top1_agree = 0;  // share of positions with the same first choice
};

/// What is known of a model: measured costs in any order, and how much may be lost.
struct KvQuality {
  std::vector<KvCost> costs;
  double most_kl = 0;

  const KvCost* find(gpu::KvEncoding encoding) const;
};

/// What a settings page can say of a mode.
struct KvModeOffer {
  KvMode mode = KvMode::exact;
  bool measured = false;  // exact needs no measuring
  bool allowed = false;   // measured, and good enough
  double mean_kl = 0, top1_agree = 1;
  std::int64_t bytes = 0;  // of device memory for the whole context; 0: not known (LoadedModel::kv_offers)
};
/// One for each row of kv_modes().
std::vector<KvModeOffer> kv_offers(const KvQuality& quality);

struct KvChoice {
  std::optional<KvMode> mode;  // none: an encoding was named
  PagePolicy policy;
  std::string warning;  // a sentence without the model's name, or ""
};
/// Automatic: the coarsest of exact, fast, balanced that is allowed. A mode that was measured and is not allowed gives way to
/// the next finer one that is; one that was not measured is obeyed.
KvChoice choose_kv(const KvWish& wish, const KvQuality& quality);

}  // namespace foreword::engine
