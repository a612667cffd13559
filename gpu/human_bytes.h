#pragma once

#include <string>

namespace foreword::gpu {

/// "2.5 GiB", "340 MiB": for sentences.
std::string human_bytes(double bytes);

}  // namespace foreword::gpu
