#include "app/history.h"

#include <chrono>
#include <map>
#include <system_error>

#include "app/chat_export.h"
#include "app/words.h"
#include "storage/chat_store.h"

namespace foreword::app {
namespace {

using Clock = std::chrono::steady_clock;

/// How often a growing answer is written.
constexpr auto kSavePeriod = std::chrono::milliseconds(500);

storage::Status status_of(engine::StopReason reason) {
  return ended_by_itself(reason) ? storage::Status::complete : storage::Status::stopped;
}

class SqliteHistory : public History {
 public:
  /// A new chat: its row is made with the first message, so that a chat without messages never appears.
  SqliteHistory(std::unique_ptr<storage::ChatStore> store, storage::NewChat fresh)
      : store_(std::move(store)), fresh_(std::move(fresh)) {
    add_system(fresh_.system_prompt);
  }
  /// A stored one.
  SqliteHistory(std::unique_ptr<storage::ChatStore> store, const storage::Chat& chat,
                const std::vector<storage::PathEntry>& path)
      : store_(std::move(store)), chat_id_(chat.id), settings_(chat.settings) {
    add_system(chat.system_prompt);
    for (const storage::PathEntry& entry : path) {
      const storage::Message& message = entry.message;
      if (message.status == storage::Status::failed) {
        if (!messages_.empty() && messages_.back().role == engine::Role::user) messages_.pop_back();
        last_ = before_turn_;
        continue;
      }
      if (message.role == storage::Role::user) before_turn_ = last_;
      messages_.push_back({static_cast<engine::Role>(message.role), message.content, message.reasoning});
      last_ = message.id;
    }
  }

  std::optional<std::int64_t> chat_id() const override {
    return chat_id_ != 0 ? std::optional<std::int64_t>(chat_id_) : std::nullopt;
  }
  const std::vector<engine::ChatMessage>& messages() const override { return messages_; }
  const std::string& settings() const override { return settings_; }

  Result<void> add_user(const std::string& text) override {
    if (chat_id_ == 0) {
      fresh_.title = title_from(text);
      FW_ASSIGN(const storage::Chat chat, store_->create_chat(fresh_));
      chat_id_ = chat.id;
    }
    storage::NewMessage message;
    message.chat_id = chat_id_;
    message.parent_id = last_;
    message.role = storage::Role::user;
    message.content = text;
    FW_ASSIGN(const storage::Message saved, store_->append(message));
    before_turn_ = last_;
    last_ = saved.id;
    messages_.push_back({engine::Role::user, text, {}});
    return {};
  }

  Result<void> begin_answer(const std::string& model_name, const std::string& settings) override {
    storage::NewMessage message;
    message.chat_id = chat_id_;
    message.parent_id = last_;
    message.role = storage::Role::assistant;
    message.status = storage::Status::streaming;
    message.model = model_name;
    message.settings = settings;
    FW_ASSIGN(const storage::Message saved, store_->append(message));
    last_ = saved.id;
    last_save_ = Clock::now();
    return {};
  }

  Result<void> grow_answer(const std::string& whole_text) override {
    if (Clock::now() - last_save_ < kSavePeriod) return {};
    last_save_ = Clock::now();
    return store_->update_text(last_, whole_text, {});
  }

  Result<void> finish_answer(const std::string& whole_text, const engine::GenerationStats& stats) override {
    storage::MessageEnd end;
    end.status = status_of(stats.stop_reason);
    end.stats = {stats.prompt_tokens, stats.reused_tokens, stats.n_tokens, stats.first_token_seconds, stats.seconds,
                 std::string(engine::name_of(stats.stop_reason)), 0};
    return close_answer(whole_text, end);
  }

  Result<void> fail_answer(const std::string& whole_text) override {
    storage::MessageEnd end;
    end.status = storage::Status::failed;
    FW_TRY(store_->finish(last_, whole_text, {}, end));
    messages_.pop_back();
    last_ = before_turn_;
    return {};
  }

 private:
  Result<void> close_answer(const std::string& whole_text, const storage::MessageEnd& end) {
    messages_.push_back({engine::Role::assistant, whole_text, {}});
    FW_TRY(store_->finish(last_, whole_text, {}, end));
    return {};
  }

  void add_system(const std::string& prompt) {
    if (!prompt.empty()) messages_.push_back({engine::Role::system, prompt, {}});
  }

  std::unique_ptr<storage::ChatStore> store_;
  storage::NewChat fresh_;
  storage::Id chat_id_ = 0;  // 0: not made yet
  std::string settings_;
  std::vector<engine::ChatMessage> messages_;
  storage::Id last_ = 0;         // the parent of the next message
  storage::Id before_turn_ = 0;  // a turn that fails becomes a branch, so that the chat goes on as if it had not been
  Clock::time_point last_save_{};
};

/// As ever, so that what a dead program left is set right; where nothing can be written, as it lies there.
Result<std::unique_ptr<storage::ChatStore>> open_to_read(const std::filesystem::path& database) {
  auto store = storage::ChatStore::open(database);
  if (store || store.error().code != ErrorCode::io) return store;
  auto reading = storage::ChatStore::open_reading(database);
  return reading ? std::move(reading) : std::move(store);
}

}  // namespace

Result<std::unique_ptr<History>> open_history(const std::filesystem::path& database, std::optional<std::int64_t> chat,
                                              const std::optional<std::string>& system_prompt,
                                              const std::filesystem::path& model) {
  FW_ASSIGN(auto store, storage::ChatStore::open(database));
  if (!chat) {
    storage::NewChat fresh;
    fresh.model_path = model.string();
    fresh.system_prompt = system_prompt.value_or("");
    return std::unique_ptr<History>(new SqliteHistory(std::move(store), std::move(fresh)));
  }
  if (system_prompt) FW_TRY(store->set_system_prompt(*chat, *system_prompt));
  FW_ASSIGN(const storage::Chat row, store->chat(*chat));
  FW_ASSIGN(const auto path, store->shown_path(*chat));
  return std::unique_ptr<History>(new SqliteHistory(std::move(store), row, path));
}

Result<std::string> export_stored_chat(const std::filesystem::path& database, std::int64_t chat, const std::string& format) {
  static const std::map<std::string, ExportFormat> kFormats{
      {"json", ExportFormat::json}, {"markdown", ExportFormat::markdown}, {"html", ExportFormat::html}, {"text", ExportFormat::text}};
  std::error_code code;
  const bool exists = std::filesystem::exists(database, code);
  if (code) return Error{ErrorCode::io, "The chat database " + database.string() + " cannot be reached: " + code.message() + "."};
  if (!exists) {
    return Error{ErrorCode::not_found, "There is no chat database " + database.string() + " yet; check --data-dir."};
  }
  const auto known = kFormats.find(format);
  if (known == kFormats.end()) return Error{ErrorCode::invalid_argument, "Chats cannot be exported as " + format + "."};
  FW_ASSIGN(auto store, open_to_read(database));
  FW_ASSIGN(const storage::ChatTree tree, store->tree(chat));
  return export_chat(tree, known->second);
}

}  // namespace foreword::app
