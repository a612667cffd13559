#pragma once
// Where what was measured of a model is kept between runs of the program: costs of the KV cache's encodings, and the layers that it
// drafts without. The engine sees only this; whoever has a disk implements it.

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/kv/kv_choice.h"

namespace foreword::engine {

class KvBook {
 public:
  virtual ~KvBook() = default;
  /// What is known of the model with this fingerprint (gguf/fingerprint.h). Called on the engine desk; must not wait.
  virtual std::vector<KvCost> find(std::string_view fingerprint) = 0;
  /// One more encoding was measured. Called on the engine desk while it is idle.
  virtual void keep(std::string_view fingerprint, const KvCost& cost) = 0;
  /// The layers that the model leaves out where it drafts for itself, rising; empty: nobody has chosen. As a file says it: unchecked.
  virtual std::vector<std::int32_t> find_skipped(std::string_view fingerprint) = 0;
  /// They were chosen, while the model is opened.
  virtual void keep_skipped(std::string_view fingerprint, const std::vector<std::int32_t>& layers) = 0;
};

}  // namespace foreword::engine
