#pragma once
// Which KV cache a model gets: what is known before its weights are loaded, so that who shares out a device's memory counts what the
// cache will really take.

#include <string>

#include "engine/gguf/gguf.h"
#include "engine/kv/kv_cache.h"
#include "engine/kv/kv_choice.h"
#include "engine/model/config.h"
#include "engine/session.h"

namespace foreword::engine {

struct KvPlan {
  std::string fingerprint;  // of the file, if options.kv_book is there
  KvQuality quality;        // what that book knows
  KvChoice choice;
  KvShape shape;
};

/// By options.kv, .kv_book and .kv_every_page.
KvPlan plan_kv(const GgufFile& file, const Config& config, const ModelOptions& options);

/// The shape of the cache, and its choice made fit for the model: heads without groups stay exact.
KvShape kv_shape_for(const Config& config, KvChoice& choice, bool every_page);

}  // namespace foreword::engine
