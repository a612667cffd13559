#pragma once
// A parsed template and a history to text.

#include <span>

#include "engine/template/ast.h"
#include "engine/template/chat_template.h"
#include "engine/template/value.h"

namespace foreword::engine::jinja {

/// How a template sees the content of messages: as text, or as a list of parts, one of the type text.
enum class Contents { text, parts };

/// Throws a Failure with its line. Bytes of messages are untrusted in the result, all others trusted.
Text render(const Template& source, std::span<const ChatMessage> messages, const ChatTemplateOptions& options,
            const Limits& limits, Contents contents = Contents::text);

}  // namespace foreword::engine::jinja
