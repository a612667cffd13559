#pragma once
// Chats as files for other programs and for people: the shown branch as Markdown, as one HTML page, or as plain text.
// Everything as JSON: chat_json.h.

#include <string>

#include "storage/types.h"

namespace foreword::app {

enum class ExportFormat { json, markdown, html, text };

/// The file's text. Reasoning is left out, but for JSON.
std::string export_chat(const storage::ChatTree& tree, ExportFormat format);
/// A file name made of the title: no path, no control characters, at most some 80 bytes, with the format's ending.
std::string export_name(const storage::Chat& chat, ExportFormat format);

}  // namespace foreword::app
