#pragma once
// Where the program keeps what was read for chats (engine/kv/prefix_store.h). A build without storage has no such place
// (history_none.cpp).

#include <memory>

#include "app/command.h"
#include "engine/kv/prefix_store.h"

namespace foreword::app {

/// Null: it is off, and what is on the disk stays there. Opens on a thread of its own.
std::unique_ptr<engine::PrefixStore> open_prefix_cache(const CommonOptions& options);

}  // namespace foreword::app
