#pragma once
// What keys and values depend on besides the tokens, as the root of all page ids (kv/prefix_key.h): the file with its
// vocabulary, template and hyper-parameters, rotary positions for this context, and how the cache stores pages.

#include "engine/kv/kv_cache.h"
#include "engine/kv/prefix_key.h"
#include "engine/model/model.h"

namespace foreword::engine {

/// Reads all metadata, and of each tensor its place and up to 64 KiB of values.
PrefixId fingerprint(const Model& model, const KvShape& shape);

}  // namespace foreword::engine
