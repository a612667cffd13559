#pragma once
// What a chat keeps of its own in the JSON of its settings: how its answers are drawn, what to do when it outgrows the context, and the
// summary of what was forgotten. Keys of others stay as they are. Pure.

#include <string>

#include "app/chat_sampling.h"
#include "storage/types.h"
#include "ui/view_state.h"

namespace foreword::app {

struct ChatSettings {
  ui::Overflow overflow = ui::Overflow::ask;
  std::string summary{};             // of everything up to the message `summarised_until`
  storage::Id summarised_until = 0;  // 0: there is no summary
  ChatSampling sampling{};
  bool operator==(const ChatSettings&) const = default;
};

/// What is missing, damaged or nested beyond measure is as if it had never been chosen.
ChatSettings read_chat_settings(const std::string& json);
/// `json` with these settings in it; what was no JSON object is replaced.
std::string write_chat_settings(const std::string& json, const ChatSettings& settings);

}  // namespace foreword::app
