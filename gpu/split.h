#pragma once
// Two backends as one, for a model that is too large for the first one's memory: the first weights live on the device, the rest
// on the processor. An op runs where its weight lives; one without a weight runs where the last one ran. What it reads and the
// other side made comes over, through the host, when it is needed: at the border of the layers that is one row of
// activations for each token.
//
// Whose bytes are newer is remembered for each buffer in runs. A view whose rows lie apart counts as all from its first to its
// last byte, so the columns of one matrix have to be made on one side: products that share an output share a side too, as long
// as the weights come in the order of arrange().

#include <memory>

#include "gpu/backend.h"

namespace foreword::gpu {

/// Weights of products are the device's until weight_bytes of them, in the order of arrange(), or until its memory is full;
/// bring()ed tables too. Both backends share nothing.
std::unique_ptr<Backend> make_split_backend(std::unique_ptr<Backend> device, std::unique_ptr<Backend> processor, std::int64_t weight_bytes);

}  // namespace foreword::gpu
