#pragma once
// Where measured costs of the KV cache's encodings are kept between runs of the program. The engine sees only this; whoever
// has a disk implements it.

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
};

}  // namespace foreword::engine
