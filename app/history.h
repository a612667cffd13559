#pragma once
// Chats of the command line in the program's database. A build without storage has an empty one (history_none.cpp).

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/session.h"

namespace foreword::app {

/// One chat, open for more turns. One thread.
class History {
 public:
  virtual ~History() = default;
  /// nullopt until the first message of a new chat is saved.
  virtual std::optional<std::int64_t> chat_id() const = 0;
  /// The messages so far, oldest first, system prompt included.
  virtual const std::vector<engine::ChatMessage>& messages() const = 0;
  /// The chat's own, as they are stored: how its answers are drawn is in them (chat_sampling.h). Empty: none.
  virtual const std::string& settings() const = 0;
  /// Saves a user's message.
  virtual Result<void> add_user(const std::string& text) = 0;
  /// The answer as it grows (saved at least once a second), and its end. settings: how it is drawn (message_settings.h).
  virtual Result<void> begin_answer(const std::string& model_name, const std::string& settings) = 0;
  virtual Result<void> grow_answer(const std::string& whole_text) = 0;
  virtual Result<void> finish_answer(const std::string& whole_text, const engine::GenerationStats& stats) = 0;
  /// The answer ended by an error. What there is of it is kept, but the next turn follows the turn before this one.
  virtual Result<void> fail_answer(const std::string& whole_text) = 0;
};

/// A stored chat, or a new one with this system prompt (which an existing chat keeps unless it is given).
Result<std::unique_ptr<History>> open_history(const std::filesystem::path& database, std::optional<std::int64_t> chat,
                                              const std::optional<std::string>& system_prompt,
                                              const std::filesystem::path& model);

/// A stored chat as a file's text; `format` is "json", "markdown", "html" or "text". `not_found`: no such chat or database.
Result<std::string> export_stored_chat(const std::filesystem::path& database, std::int64_t chat, const std::string& format);

}  // namespace foreword::app
