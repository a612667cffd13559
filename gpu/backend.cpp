#include "gpu/backend.h"

namespace foreword::gpu {

std::unique_ptr<Buffer> Backend::arrange(std::span<WeightMatrix* const>, const Progress&) { return nullptr; }

}  // namespace foreword::gpu
