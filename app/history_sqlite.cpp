#include "app/history.h"

#include <chrono>

#include "storage/chat_store.h"

namespace foreword::app {
namespace {

using Clock = std::chrono::steady_clock;

/// How often a growing answer is written.
constexpr auto kSavePeriod = std::chrono::milliseconds(500);

constexpr std::size_t kTitleBytes = 60;

/// The first line of a text, cut at a character's border.
std::string title_of(const std::string& text) {
  std::string title = text.substr(0, text.find('\n'));
  if (title.size() <= kTitleBytes) return title;
  std::size_t end = kTitleBytes;
  while (end > 0 && (static_cast<unsigned char>(title[end]) & 0xC0) == 0x80) --end;
  return title.substr(0, end) + "…";
}

storage::Status status_of(engine::StopReason reason) {
  return reason == engine::StopReason::cancelled ? storage::Status::stopped : storage::Status::complete;
}

class SqliteHistory : public History {
 public:
  SqliteHistory(std::unique_ptr<storage::ChatStore> store, storage::Chat chat, std::vector<storage::PathEntry> path)
      : store_(std::move(store)), chat_(std::move(chat)) {
    if (!chat_.system_prompt.empty()) messages_.push_back({engine::Role::system, chat_.system_prompt, {}});
    for (const storage::PathEntry& entry : path) {
      messages_.push_back({static_cast<engine::Role>(entry.message.role), entry.message.content, entry.message.reasoning});
      last_ = entry.message.id;
    }
  }

  std::int64_t chat_id() const override { return chat_.id; }
  const std::vector<engine::ChatMessage>& messages() const override { return messages_; }

  Result<void> add_user(const std::string& text) override {
    storage::NewMessage message;
    message.chat_id = chat_.id;
    message.parent_id = last_;
    message.role = storage::Role::user;
    message.content = text;
    FW_ASSIGN(const storage::Message saved, store_->append(message));
    if (last_ == 0) FW_TRY(store_->set_automatic_title(chat_.id, title_of(text)));
    last_ = saved.id;
    messages_.push_back({engine::Role::user, text, {}});
    return {};
  }

  Result<void> begin_answer(const std::string& model_name) override {
    storage::NewMessage message;
    message.chat_id = chat_.id;
    message.parent_id = last_;
    message.role = storage::Role::assistant;
    message.status = storage::Status::streaming;
    message.model = model_name;
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
                 std::string(engine::name_of(stats.stop_reason))};
    return close_answer(whole_text, end);
  }

  Result<void> fail_answer(const std::string& whole_text) override {
    storage::MessageEnd end;
    end.status = storage::Status::failed;
    return close_answer(whole_text, end);
  }

 private:
  Result<void> close_answer(const std::string& whole_text, const storage::MessageEnd& end) {
    messages_.push_back({engine::Role::assistant, whole_text, {}});
    FW_TRY(store_->finish(last_, whole_text, {}, end));
    return {};
  }

  std::unique_ptr<storage::ChatStore> store_;
  storage::Chat chat_;
  std::vector<engine::ChatMessage> messages_;
  storage::Id last_ = 0;
  Clock::time_point last_save_{};
};

}  // namespace

Result<std::unique_ptr<History>> open_history(const std::filesystem::path& database, std::optional<std::int64_t> chat,
                                              const std::optional<std::string>& system_prompt,
                                              const std::filesystem::path& model) {
  FW_ASSIGN(auto store, storage::ChatStore::open(database));
  storage::Chat row;
  if (chat) {
    FW_ASSIGN(row, store->chat(*chat));
    if (system_prompt) {
      FW_TRY(store->set_system_prompt(*chat, *system_prompt));
      row.system_prompt = *system_prompt;
    }
  } else {
    storage::NewChat fresh;
    fresh.model_path = model.string();
    fresh.system_prompt = system_prompt.value_or("");
    FW_ASSIGN(row, store->create_chat(fresh));
  }
  FW_ASSIGN(auto path, store->shown_path(row.id));
  return std::unique_ptr<History>(new SqliteHistory(std::move(store), std::move(row), std::move(path)));
}

}  // namespace foreword::app
