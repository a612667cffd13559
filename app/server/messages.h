#pragma once
// The messages of a chat out of a request's JSON. Pure.

#include <vector>

#include "app/server/fields.h"
#include "engine/template/chat_template.h"

namespace foreword::app {

/// list: the value of "messages". Calls of tools, and whose result a message is, come with them; a result that does not name its tool gets the
/// name by its call's id. Errors are sentences about the request; `unsupported` for what is no text.
Result<std::vector<engine::ChatMessage>> read_messages(const Json& list);

}  // namespace foreword::app
