#pragma once
// Chat formats for files without a usable template: one row of a table each.

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/template/chat_template.h"

namespace foreword::engine {

/// What stands around a message's text. "ROLE" in `before` becomes the message's role.
struct BuiltInTurn {
  std::string_view before, after;
  bool trims = false;  // the text loses the white space at its ends
};

struct BuiltInFormat {
  std::string_view name;
  std::string_view found_by[2] = {};  // texts of a template, or tokens, that suggest it; both empty: by name only
  std::string_view tokenizer_model = {};  // only with this tokenizer ("" = any)
  BuiltInTurn system = {}, user = {}, assistant = {};  // tool messages are written as the user's
  bool system_in_user = false;          // the system's turn stands inside the next user turn
  std::string_view generation = {};     // what begins the answer
  bool begins_answers = false;          // `generation` has to stand there: the model's answers do not begin with it
  std::string_view stop = {};           // text that ends an answer besides tokens, or ""
};

std::span<const BuiltInFormat> built_in_formats();
/// The first row whose texts `has` knows, else the last row (plain).
const BuiltInFormat& find_built_in_format(const std::function<bool(std::string_view)>& has,
                                          std::string_view tokenizer_model);
std::vector<TextSpan> render_built_in(const BuiltInFormat& format, std::span<const ChatMessage> messages,
                                      bool add_generation_prompt);

}  // namespace foreword::engine
