#pragma once
// Hands an address to the desktop's own program for it.

#include <string>

#include "engine/base/result.h"

namespace foreword::app {

/// Starts `xdg-open` and does not wait for it. invalid_argument: no address of the web or of mail; not_found: there is no
/// xdg-open.
Result<void> open_link(const std::string& target);

}  // namespace foreword::app
