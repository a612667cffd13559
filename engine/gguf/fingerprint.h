#pragma once
// What tells one model from another, for whatever is stored about it.

#include <string>

#include "engine/gguf/gguf.h"

namespace foreword::engine {

/// 32 hexadecimal digits over all metadata, the table of tensors, and the beginning and end of each tensor's bytes (64 KiB
/// in all). Reads that much of the file. Not a protection against forgery.
std::string fingerprint(const GgufFile& file);

}  // namespace foreword::engine
