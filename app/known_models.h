#pragma once
// Models for whoever has none: small enough for most computers, of a licence that asks for nothing, in files whose architecture is known here.

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/fit.h"

namespace foreword::app {

struct KnownModel {
  std::string_view name;
  std::string_view target;   // on the hub: ORG/REPO:QUANT
  std::string_view licence;
  std::int64_t bytes = 0;    // of its file, as the hub lists it
  std::int64_t cache_bytes = 0;  // keys and values of 8192 tokens in 16 bits: layers x KV heads x head size x 4 bytes x tokens, less in windows
};
/// By size.
std::span<const KnownModel> known_models();

/// As judge_fit() would say, to a tenth or so; for the device or the processor as a whole.
engine::Fit rough_fit(const KnownModel& model, const engine::MemoryThere& memory);

}  // namespace foreword::app
