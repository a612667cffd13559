#pragma once
// What the rooms of this folder say to a person. Private to engine/gguf.

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace foreword::engine {

/// A name from a file, fit for a sentence: control characters and broken UTF-8 become '?', long ones are cut.
std::string printable(std::string_view name);

/// "3.1 of 4.7 GB", in decimal units; exact bytes where the rounded numbers would look the same.
std::string part_of_bytes(std::uint64_t have, std::uint64_t need);

/// "NAME is damaged: WHAT. Download it again."
Error damaged(std::string_view name, std::string_view what);

}  // namespace foreword::engine
