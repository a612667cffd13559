#pragma once
// The key of the local server: drawn once, kept where only the user can read it, so that clients need to be told once.

#include <filesystem>
#include <string>

#include "engine/base/result.h"

namespace foreword::app {

/// What stands in the file; made there if there is none. `corrupt`: what is there is no key; `io`: it can neither be read nor kept.
Result<std::string> stored_key(const std::filesystem::path& file);
std::string fresh_key();

/// Whether requests can bear it: 8 to 256 letters, digits and signs, no spaces.
bool can_be_key(const std::string& key);

}  // namespace foreword::app
