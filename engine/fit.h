#pragma once
// Whether a model fits into the memory that there is: told by its header, before anything of it is loaded, with the numbers by which the engine
// itself shares memory out (specification: desktop, D48).

#include <cstdint>
#include <string_view>

#include "engine/base/result.h"
#include "engine/gguf/gguf.h"
#include "engine/loaded_model.h"
#include "engine/session.h"

namespace foreword::engine {

enum class FitVerdict : std::uint8_t {
  fits,
  partly,     // the processor has to compute some of the layers
  too_large,  // for this memory with this context
};
std::string_view name_of(FitVerdict verdict);  // "fits", "partly", "too large"

struct Fit {
  FitVerdict verdict = FitVerdict::fits;
  std::int64_t needed = 0;  // bytes: weights, keys and values of the whole context, and what a pass works in
  std::int64_t free = 0;    // bytes of the memory that is meant: the device's; where it holds only a part of the model, the processor's with it
  std::int64_t context = 0;          // tokens, which were counted
  std::int64_t largest_context = 0;  // that would fit as the verdict says, up to the model's own length; 0: none
  std::int64_t layers = 0, n_layers = 0;  // on the device, of the model's; on the processor all
};

/// What is free where options.device (or what it stands for) computes, as things stand now and would without the model that is open, if one is (else null).
MemoryThere memory_there(const ModelOptions& options, const LoadedModel* open);

/// By options.context, .kv, .kv_book and .gpu_layers. Reads the file's header alone, and with a book its fingerprint. `file_bytes`: of a file of the same
/// model in another number of bits, which is judged instead (0: this one is). `unsupported`, `corrupt`: as read_config().
Result<Fit> judge_fit(const GgufFile& file, const ModelOptions& options, const MemoryThere& memory, std::int64_t file_bytes = 0);

}  // namespace foreword::engine
