#pragma once
// Remembers which activations are already rounded to 8 bits, so that q, k, v or gate and up share the work. A few
// slots of memory are used in turn; the schedule sees them as memory like any other and keeps users apart.

#include <array>
#include <memory>
#include <vector>

#include "engine/base/result.h"
#include "gpu/cpu/kernels.h"
#include "gpu/cpu/dependencies.h"

namespace foreword::gpu {

struct QuantisedInput {
  QuantBlock* blocks = nullptr;  // block b of row r at blocks[b * stride + r], its second term second_term behind
  std::int64_t stride = 0;
  std::int64_t second_term = 0;  // 0: one term
  std::int64_t bytes = 0;
  bool fresh = false;  // the caller has to record the rounding
};

class InputQuantiser {
 public:
  /// Room for x in one term or two, filled already if it was rounded so before and not written since. `out_of_memory`.
  Result<QuantisedInput> room_for(const Tensor& x, bool two_terms);
  /// These bytes are about to change: what was made from them is void.
  void forget(const Extent& written);
  /// Nothing recorded uses the slots any more.
  void forget_all();

 private:
  struct Slot {
    std::unique_ptr<Buffer> buffer;
    Extent source;  // no rows: free
    bool two_terms = false;
  };

  std::array<Slot, 4> slots_;
  std::size_t next_ = 0;
  std::vector<std::unique_ptr<Buffer>> outgrown_;  // still named by recorded work
};

}  // namespace foreword::gpu
