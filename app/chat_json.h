#pragma once
// A whole chat as JSON, our own form: every branch, every field, nothing lost. Reading and writing again gives the same
// bytes. {"format": "foreword-chat", "version": 1, "chat": {...}, "messages": [...]}; messages are numbered from 1, every
// parent before its children; 0 is no message. A text that is not UTF-8 stands as {"hex": "..."}.

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "storage/types.h"

namespace foreword::app {

std::string chat_to_json(const storage::ChatTree& tree);

/// Nothing in it is trusted. `unsupported`: not our form, or a newer version of it. `corrupt`, with the place: a field
/// that is missing or of another kind, a message before its parent.
Result<storage::ChatTree> chat_from_json(std::string_view text);

}  // namespace foreword::app
