#include "engine/kv/kv_choice.h"

#include <algorithm>
#include <cctype>

namespace foreword::engine {
namespace {

constexpr std::string_view kAutomatic = "auto";

KvModeOffer offer(const KvModeRow& row, const KvQuality& quality) {
  if (!row.policy.closes_pages()) return {.mode = row.mode, .measured = true, .allowed = true};
  // A mode is as good as the coarsest encoding that it takes without need.
  const bool by_age = row.policy.coarse && row.policy.coarse_after > 0;
  const KvCost* cost = quality.find(by_age ? *row.policy.coarse : row.policy.old);
  if (cost == nullptr) return {.mode = row.mode, .top1_agree = 0};
  return {row.mode, true, cost->mean_kl <= quality.most_kl, cost->mean_kl, cost->top1_agree, 0};
}

std::string bits_a_number(gpu::KvEncoding encoding) {
  constexpr std::int64_t kDim = 64;  // any with groups of 32
  std::string bits = std::to_string(static_cast<double>(encoding.page_bytes(kDim) * 8) / static_cast<double>(2 * gpu::kPageSlots * kDim));
  return bits.substr(0, bits.find('.') + 2);
}

std::string quoted(KvMode mode) { return "\"" + std::string(row_of(mode).name) + "\""; }

}  // namespace

std::optional<KvWish> kv_wish_from_name(std::string_view name) {
  const auto same = [name](std::string_view other) {
    return std::ranges::equal(name, other, [](unsigned char a, unsigned char b) { return std::tolower(a) == b; });
  };
  if (same(kAutomatic)) return KvMode::automatic;
  for (const KvModeRow& row : kv_modes()) {
    if (same(row.name)) return row.mode;
  }
  for (const gpu::KvEncodingName& row : gpu::kv_encoding_names()) {
    if (same(row.name)) return row.encoding;
  }
  return std::nullopt;
}

std::vector<std::string> kv_wish_names() {
  std::vector<std::string> names{std::string(kAutomatic)};
  for (const KvModeRow& row : kv_modes()) names.emplace_back(row.name);
  for (const gpu::KvEncodingName& row : gpu::kv_encoding_names()) names.emplace_back(row.name);
  return names;
}

std::string_view name_of(gpu::KvEncoding encoding) {
  const auto row = std::ranges::find(gpu::kv_encoding_names(), encoding, &gpu::KvEncodingName::encoding);
  return row != gpu::kv_encoding_names().end() ? row->name : "";
}

const KvCost* KvQuality::find(gpu::KvEncoding encoding) const {
  const auto cost = std::ranges::find(costs, encoding, &KvCost::encoding);
  return cost != costs.end() ? &*cost : nullptr;
}

std::vector<KvModeOffer> kv_offers(const KvQuality& quality) {
  std::vector<KvModeOffer> offers;
  for (const KvModeRow& row : kv_modes()) offers.push_back(offer(row, quality));
  return offers;
}

KvChoice choose_kv(const KvWish& wish, const KvQuality& quality) {
  if (const auto* encoding = std::get_if<gpu::KvEncoding>(&wish)) {
    KvChoice choice{std::nullopt, {.old = *encoding}, ""};
    if (choice.policy.closes_pages()) {
      choice.warning = "The KV cache keeps old tokens in " + bits_a_number(*encoding) +
                       " bits a number instead of 16; answers can differ from those of f16.";
    }
    return choice;
  }
  const bool automatic = std::get<KvMode>(wish) == KvMode::automatic;
  const KvMode wanted = automatic ? KvMode::balanced : std::get<KvMode>(wish);
  KvMode best = KvMode::exact;
  for (const KvModeOffer& one : kv_offers(quality)) {
    if (one.mode <= wanted && (one.allowed || (!automatic && one.mode == wanted && !one.measured))) best = one.mode;
  }
  KvChoice choice{best, row_of(best).policy, ""};
  const KvModeOffer offered = offer(row_of(best), quality);
  if (!automatic && best != wanted) {
    choice.warning = "The KV cache is in mode " + quoted(best) + ", for " + quoted(wanted) + " costs this model too much quality.";
  } else if (!offered.measured) {
    choice.warning = "What the KV cache's mode " + quoted(best) + " costs was not measured on this model yet; answers can differ from those of mode \"exact\".";
  }
  return choice;
}

}  // namespace foreword::engine
