#include "app/controller.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "ui/status_line.h"

namespace foreword::app {
namespace {

namespace command = storage::command;
namespace event = storage::event;

constexpr const char* kThemeKey = "theme";
constexpr const char* kScaleKey = "scale";

ui::Author author_of(storage::Role role) {
  switch (role) {
    case storage::Role::user: return ui::Author::user;
    case storage::Role::system: return ui::Author::system;
    default: return ui::Author::assistant;
  }
}

engine::Role engine_role(ui::Author author) {
  switch (author) {
    case ui::Author::user: return engine::Role::user;
    case ui::Author::system: return engine::Role::system;
    default: return engine::Role::assistant;
  }
}

ui::MessageState state_of(storage::Status status) {
  switch (status) {
    case storage::Status::complete: return ui::MessageState::complete;
    case storage::Status::streaming: return ui::MessageState::streaming;
    case storage::Status::stopped: return ui::MessageState::stopped;
    case storage::Status::interrupted: return ui::MessageState::interrupted;
    case storage::Status::failed: break;
  }
  return ui::MessageState::failed;
}

std::string speed_words(std::int64_t n_tokens, double tokens_per_second) {
  std::string line = ui::grouped(n_tokens) + (n_tokens == 1 ? " token" : " tokens");
  if (tokens_per_second > 0) line.append(" \u00b7 ").append(ui::speed(tokens_per_second));
  return line;
}

/// The answer's own speed: the tokens after the first over the time after the first.
double answer_speed(const engine::GenerationStats& stats) {
  return stats.n_tokens > 1 && stats.decode_seconds > 0 ? static_cast<double>(stats.n_tokens - 1) / stats.decode_seconds : 0;
}

std::string one_line(std::string text) {
  std::replace_if(text.begin(), text.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return text;
}

}  // namespace

std::string title_from(const std::string& text) {
  constexpr std::size_t kMaxBytes = 60;
  std::string line = text.substr(std::min(text.find_first_not_of(" \n\t"), text.size()));
  line = line.substr(0, line.find('\n'));
  if (line.size() <= kMaxBytes) return line;
  std::size_t cut = line.rfind(' ', kMaxBytes);
  if (cut == line.npos || cut < kMaxBytes / 2) {
    cut = kMaxBytes;
    while (cut > 0 && (static_cast<unsigned char>(line[cut]) & 0xC0) == 0x80) --cut;  // whole characters
  }
  return line.substr(0, cut) + "\u2026";
}

std::string stats_line(const engine::GenerationStats& stats) {
  std::string line = speed_words(stats.n_tokens, answer_speed(stats));
  if (stats.stop_reason == engine::StopReason::context) line += " \u00b7 the context is full";
  if (stats.stop_reason == engine::StopReason::length) line += " \u00b7 length limit";
  return line;
}

Controller::Controller(Outboxes outboxes, Options options) : out_(std::move(outboxes)), options_(std::move(options)) {}

void Controller::start(const std::string& model) {
  out_.storage(command::ListSettings{next_request_++});
  out_.storage(command::ListChats{next_request_++});
  out_.storage(command::ListModels{next_request_++});
  if (!model.empty()) on(ui::UiEvent(ui::OpenModel{model}));
}

void Controller::on(engine::Event event) {
  std::visit([this](auto&& e) { handle(std::forward<decltype(e)>(e)); }, std::move(event));
}
void Controller::on(storage::Event event) {
  std::visit([this](auto&& e) { handle(std::forward<decltype(e)>(e)); }, std::move(event));
}
void Controller::on(ui::UiEvent event) {
  std::visit([this](auto&& e) { handle(std::forward<decltype(e)>(e)); }, std::move(event));
}

bool Controller::settled() const {
  return running_ == 0 && turns_.empty() && opening_ == 0 && settings_known_ && view_.model.state != ui::ModelState::loading;
}

// ---- Rows and turns -------------------------------------------------------------------------------------------------

void Controller::add_row(ui::Author author, storage::Id id, std::string text, ui::MessageState state) {
  ui::MessageRow row;
  row.id = next_row_++;
  row.author = author;
  row.state = state;
  row.text = std::move(text);
  view_.messages.push_back(std::move(row));
  rows_.push_back({id, engine_role(author)});
}

ui::MessageRow* Controller::find_row(std::int64_t row_id) {
  for (auto row = view_.messages.rbegin(); row != view_.messages.rend(); ++row) {
    if (row->id == row_id) return &*row;
  }
  return nullptr;
}

Controller::Row* Controller::find_stored(std::int64_t row_id) {
  const ui::MessageRow* row = find_row(row_id);
  return row == nullptr ? nullptr : &rows_[static_cast<std::size_t>(row - view_.messages.data())];
}

Controller::Turn* Controller::find_turn(storage::Request request) {
  for (auto& turn : turns_) {
    if (request != 0 && (turn->create == request || turn->user == request || turn->answer == request)) return turn.get();
  }
  return nullptr;
}

Controller::Turn* Controller::running() {
  for (auto& turn : turns_) {
    if (running_ != 0 && turn->id == running_) return turn.get();
  }
  return nullptr;
}

void Controller::start_answer(std::unique_ptr<Turn> turn) {
  turn->id = next_turn_++;
  turn->model = view_.model.name;
  engine::Generate generate;
  generate.id = turn->id;
  generate.sampling = options_.sampling;
  generate.max_tokens = options_.max_tokens;
  if (!options_.same_seed) generate.sampling.seed += turn->id;
  std::vector<engine::ChatMessage> messages;
  if (const auto prompt = system_prompts_.find(current_); prompt != system_prompts_.end() && !prompt->second.empty()) {
    messages.push_back({engine::Role::system, prompt->second, {}});
  }
  for (std::size_t i = 0; i < view_.messages.size(); ++i) {
    const std::string& text = view_.messages[i].text;
    if (text.empty()) continue;
    // A question whose answer never came stands with the next one: templates want roles in turn, and nothing is dropped.
    if (!messages.empty() && messages.back().role == rows_[i].role) {
      messages.back().content.append("\n\n").append(text);
    } else {
      messages.push_back({rows_[i].role, text, {}});
    }
  }
  generate.prompt = std::move(messages);
  add_row(ui::Author::assistant, 0, {}, ui::MessageState::waiting);
  view_.messages.back().name = turn->model;
  turn->answer_row = view_.messages.back().id;
  running_ = turn->id;
  view_.generating = true;
  view_.status.activity = "Reading what was said";
  turns_.push_back(std::move(turn));
  if (turns_.back()->user_id != 0) begin_storing(*turns_.back());
  out_.engine(std::move(generate));
}

/// The user's message is stored, so the answer can be: what there is of it, and then its growth.
void Controller::begin_storing(Turn& turn) {
  turn.begun = true;
  turn.answer = next_request_++;
  storage::NewMessage message;
  message.chat_id = turn.chat;
  message.parent_id = turn.user_id;
  message.role = storage::Role::assistant;
  message.status = storage::Status::streaming;
  message.content = turn.text;
  message.model = turn.model;
  turn.stored = turn.text.size();
  out_.storage(command::BeginAnswer{turn.answer, std::move(message)});
  if (turn.end) out_.storage(command::FinishAnswer{turn.answer, *turn.end});
}

void Controller::store_growth(Turn& turn) {
  if (!turn.begun || turn.stored == turn.text.size()) return;
  out_.storage(command::AppendText{turn.answer, turn.text.substr(turn.stored), {}});
  turn.stored = turn.text.size();
}

void Controller::forget_turn(Turn& turn) {
  std::erase_if(turns_, [&](const auto& t) { return t.get() == &turn; });
}

void Controller::end_turn(ui::MessageState state, storage::Status status, const engine::GenerationStats& stats) {
  Turn* turn = running();
  running_ = 0;
  view_.generating = false;
  view_.status.activity.clear();
  if (turn == nullptr) return;
  if (ui::MessageRow* row = find_row(turn->answer_row)) {
    row->state = state;
    row->stats = state == ui::MessageState::failed ? std::string() : stats_line(stats);
  }
  storage::MessageEnd end;
  end.status = status;
  end.stats = {stats.prompt_tokens, stats.reused_tokens, stats.n_tokens, stats.first_token_seconds, stats.seconds,
               std::string(name_of(stats.stop_reason))};
  turn->end = end;
  store_growth(*turn);
  if (turn->begun) out_.storage(command::FinishAnswer{turn->answer, end});
  if (!storage_works_) forget_turn(*turn);
}

void Controller::notify(ui::NoticeKind kind, std::string text) {
  constexpr std::size_t kMost = 20;
  if (!view_.notices.empty() && view_.notices.back().text == text) return;
  view_.notices.push_back({next_notice_++, kind, std::move(text)});
  if (view_.notices.size() > kMost) view_.notices.erase(view_.notices.begin());
}

void Controller::refresh_chats() {
  if (view_.search.empty()) {
    out_.storage(command::ListChats{next_request_++});
  } else {
    out_.storage(command::Search{next_request_++, view_.search});
  }
}

void Controller::set_setting(const char* key, std::string value) {
  out_.storage(command::SetSetting{next_request_++, key, std::move(value)});
}

void Controller::show_new_chat() {
  opening_ = 0;
  current_ = view_.current_chat = 0;
  view_.messages.clear();
  rows_.clear();
  view_.draft = drafts_[0];
}

// ---- The engine's events --------------------------------------------------------------------------------------------

void Controller::handle(engine::ModelLoading&& e) {
  view_.model = {ui::ModelState::loading, e.path.filename().string(), -1, {}};
  view_.status = {};
}

void Controller::handle(engine::ModelReady&& e) {
  view_.model = {ui::ModelState::ready, e.model.name, -1, {}};
  view_.status = {};
  view_.status.device = e.model.device;
  view_.status.context_size = e.model.context;
  if (e.model.vocabulary_only) {
    view_.model = {ui::ModelState::failed, e.model.name, -1, e.model.name + " holds only a vocabulary and cannot answer; open a whole model."};
    return notify(ui::NoticeKind::error, view_.model.failure);
  }
  out_.storage(command::RememberModel{next_request_++, {e.model.path.string(), e.model.name, out_.now_ms(), e.model.file_bytes}});
}

void Controller::handle(engine::ModelFailed&& e) {
  view_.model = {ui::ModelState::failed, e.path.filename().string(), -1, e.error.message};
  notify(ui::NoticeKind::error, e.error.message);
}

void Controller::handle(engine::ModelUnloaded&&) {
  view_.model = {};
  view_.status = {};
}

void Controller::handle(engine::GenerationStarted&& e) {
  if (e.id != running_) return;
  view_.status.prompt_tokens = e.prompt_tokens;
  view_.status.reused_tokens = e.reused_tokens;
  view_.status.tokens_per_second = view_.status.first_token_seconds = 0;
  view_.status.context_used = e.prompt_tokens;
  view_.status.activity = "Reading " + std::to_string(e.prompt_tokens - e.reused_tokens) + " tokens";
}

void Controller::handle(engine::PromptProgress&& e) {
  if (e.id != running_ || e.done >= e.total) return;
  view_.status.activity = "Reading: " + std::to_string(e.done) + " of " + std::to_string(e.total) + " tokens";
}

void Controller::handle(engine::TextPiece&& e) {
  Turn* turn = running();
  if (turn == nullptr || e.id != turn->id) return;
  turn->text += e.text;
  if (ui::MessageRow* row = find_row(turn->answer_row)) {
    row->text += e.text;
    if (!row->text.empty()) row->state = ui::MessageState::streaming;
  }
  view_.status.activity = "Answering";
  view_.status.tokens_per_second = e.tokens_per_second;
  view_.status.context_used = e.context_used;
  store_growth(*turn);
}

void Controller::handle(engine::GenerationDone&& e) {
  if (e.id != running_) return;
  view_.status.tokens_per_second = answer_speed(e.stats);
  view_.status.first_token_seconds = e.stats.first_token_seconds;
  view_.status.prompt_tokens = e.stats.prompt_tokens;
  view_.status.reused_tokens = e.stats.reused_tokens;
  const bool stopped = e.stats.stop_reason == engine::StopReason::cancelled;
  end_turn(stopped ? ui::MessageState::stopped : ui::MessageState::complete,
           stopped ? storage::Status::stopped : storage::Status::complete, e.stats);
}

void Controller::handle(engine::GenerationFailed&& e) {
  if (e.id != running_) return;
  const bool stopped = e.error.code == ErrorCode::cancelled;
  if (!stopped) notify(ui::NoticeKind::error, e.error.message);
  end_turn(stopped ? ui::MessageState::stopped : ui::MessageState::failed,
           stopped ? storage::Status::stopped : storage::Status::failed, {});
}

// ---- The storage desk's events --------------------------------------------------------------------------------------

void Controller::handle(event::Opened&&) {}

void Controller::handle(event::OpenFailed&& e) {
  storage_works_ = false;
  settings_known_ = true;
  opening_ = 0;
  std::erase_if(turns_, [&](const auto& turn) { return turn->id != running_; });
  notify(ui::NoticeKind::error, e.error.message + " Chats are not saved.");
}

void Controller::handle(event::ChatSaved&& e) {
  Turn* turn = find_turn(e.request);
  if (turn != nullptr && turn->create == e.request) {
    turn->create = 0;
    turn->chat = e.chat.id;
    if (current_ == 0 && find_row(turn->user_row) != nullptr) {
      current_ = view_.current_chat = e.chat.id;
      drafts_.erase(0);
      view_.draft.clear();
    }
    turn->user = next_request_++;
    storage::NewMessage message;
    message.chat_id = turn->chat;
    message.parent_id = turn->parent;
    message.content = turn->user_text;
    out_.storage(command::AppendMessage{turn->user, std::move(message)});
  }
  refresh_chats();
}

void Controller::handle(event::ChatDeleted&& e) {
  drafts_.erase(e.chat);
  system_prompts_.erase(e.chat);
  std::erase_if(turns_, [&](const auto& turn) { return turn->chat == e.chat; });
  if (e.chat == current_) show_new_chat();
  refresh_chats();
}

void Controller::handle(event::Chats&& e) {
  if (!view_.search.empty()) return;
  view_.chats.clear();
  for (storage::Chat& chat : e.chats) view_.chats.push_back({chat.id, std::move(chat.title), {}});
}

void Controller::handle(event::ChatOpened&& e) {
  if (e.request != opening_) return;
  opening_ = 0;
  current_ = view_.current_chat = e.chat.id;
  system_prompts_[e.chat.id] = e.chat.system_prompt;
  view_.draft = drafts_[e.chat.id];
  view_.messages.clear();
  rows_.clear();
  for (storage::PathEntry& entry : e.path) {
    storage::Message& message = entry.message;
    if (message.role == storage::Role::system || message.role == storage::Role::tool) continue;
    add_row(author_of(message.role), message.id, std::move(message.content), state_of(message.status));
    ui::MessageRow& row = view_.messages.back();
    row.name = std::move(message.model);
    const storage::MessageStats& stats = message.stats;
    const double after_first = stats.seconds - stats.first_token_seconds;
    if (stats.generated_tokens > 0) {
      const bool timed = stats.generated_tokens > 1 && after_first > 0;
      row.stats = speed_words(stats.generated_tokens, timed ? static_cast<double>(stats.generated_tokens - 1) / after_first : 0);
    }
    for (auto& turn : turns_) {  // an answer that is still growing is shown as it grows
      if (turn->user_id == message.id) turn->user_row = row.id;
      if (turn->answer_id != message.id) continue;
      turn->answer_row = row.id;
      row.text = turn->text;
      if (row.text.empty()) row.state = ui::MessageState::waiting;
    }
  }
}

void Controller::handle(event::MessageSaved&& e) {
  Turn* turn = find_turn(e.request);
  if (turn == nullptr) return;
  if (turn->user == e.request) {
    turn->user = 0;
    turn->user_id = e.message.id;
    if (Row* row = find_stored(turn->user_row)) row->id = e.message.id;
    begin_storing(*turn);
    refresh_chats();
    return;
  }
  turn->answer_id = e.message.id;
  if (Row* row = find_stored(turn->answer_row)) row->id = e.message.id;
  if (e.message.status != storage::Status::streaming) forget_turn(*turn);
}

void Controller::handle(event::Found&& e) {
  if (e.query != view_.search || e.query.empty()) return;
  view_.chats.clear();
  for (storage::SearchHit& hit : e.hits) {
    const bool known = std::any_of(view_.chats.begin(), view_.chats.end(), [&](const ui::ChatRow& row) { return row.id == hit.chat.id; });
    if (!known) view_.chats.push_back({hit.chat.id, std::move(hit.chat.title), hit.message_id == 0 ? std::string() : one_line(std::move(hit.snippet))});
  }
}

void Controller::handle(event::Settings&& e) {
  settings_known_ = true;
  for (const storage::Setting& setting : e.settings) {
    if (setting.key == kThemeKey) view_.theme = setting.value == "dark" ? ui::ThemeChoice::dark : ui::ThemeChoice::light;
    if (setting.key == kScaleKey) {
      float scale = 0;
      std::from_chars(setting.value.data(), setting.value.data() + setting.value.size(), scale);
      if (scale >= 0.5f && scale <= 4) view_.scale = scale;
    }
  }
}

void Controller::handle(event::Models&& e) {
  std::sort(e.models.begin(), e.models.end(), [](const auto& a, const auto& b) { return a.last_used > b.last_used; });
  view_.recent_models.clear();
  for (storage::ModelRecord& model : e.models) view_.recent_models.push_back({std::move(model.path), std::move(model.name)});
}

void Controller::handle(event::Failed&& e) {
  settings_known_ = true;
  if (e.request == opening_) opening_ = 0;
  Turn* turn = find_turn(e.request);
  if (turn != nullptr && !e.kept) {  // the conversation goes on, unsaved
    turn->begun = false;
    turn->create = turn->user = turn->answer = 0;
    if (turn->id != running_) forget_turn(*turn);
  }
  if (storage_works_) notify(ui::NoticeKind::error, e.error.message);
}

// ---- The window's events --------------------------------------------------------------------------------------------

void Controller::handle(ui::SendMessage&& e) {
  if (view_.model.state != ui::ModelState::ready || view_.generating || e.text.empty()) return;
  auto turn = std::make_unique<Turn>();
  turn->chat = current_;
  turn->parent = rows_.empty() ? 0 : rows_.back().id;
  turn->user_text = e.text;
  add_row(ui::Author::user, 0, e.text, ui::MessageState::complete);
  turn->user_row = view_.messages.back().id;
  drafts_.erase(current_);
  if (storage_works_ && current_ == 0) {
    turn->create = next_request_++;
    out_.storage(command::CreateChat{turn->create, storage::NewChat{.title = title_from(e.text)}});
  } else if (storage_works_) {
    turn->user = next_request_++;
    storage::NewMessage message;
    message.chat_id = turn->chat;
    message.parent_id = turn->parent;
    message.content = std::move(e.text);
    out_.storage(command::AppendMessage{turn->user, std::move(message)});
  }
  start_answer(std::move(turn));
}

void Controller::handle(ui::StopGenerating&&) {
  if (running_ != 0) out_.engine(engine::Stop{running_});
}

void Controller::handle(ui::Regenerate&& e) {
  if (view_.model.state != ui::ModelState::ready || view_.generating || view_.messages.size() < 2) return;
  if (view_.messages.back().id != e.message || view_.messages.back().author != ui::Author::assistant) return;
  view_.messages.pop_back();
  rows_.pop_back();
  auto turn = std::make_unique<Turn>();
  turn->chat = current_;
  turn->user_id = storage_works_ ? rows_.back().id : 0;
  turn->user_row = view_.messages.back().id;
  start_answer(std::move(turn));
}

void Controller::handle(ui::NewChat&&) { show_new_chat(); }

void Controller::handle(ui::SelectChat&& e) {
  opening_ = next_request_++;
  out_.storage(command::OpenChat{opening_, e.id});
}

void Controller::handle(ui::RenameChat&& e) { out_.storage(command::RenameChat{next_request_++, e.id, std::move(e.title)}); }

void Controller::handle(ui::DeleteChat&& e) {
  const Turn* turn = running();
  if (turn != nullptr && turn->chat == e.id) out_.engine(engine::Stop{running_});
  out_.storage(command::DeleteChat{next_request_++, e.id});
}

void Controller::handle(ui::SearchChanged&& e) {
  view_.search = std::move(e.query);
  refresh_chats();
}

void Controller::handle(ui::DraftLeft&& e) { drafts_[e.chat] = std::move(e.text); }

void Controller::handle(ui::OpenModel&& e) {
  if (running_ != 0) out_.engine(engine::Stop{running_});
  view_.model = {ui::ModelState::loading, std::filesystem::path(e.path).filename().string(), -1, {}};
  out_.engine(engine::LoadModel{e.path, options_.model});
}

void Controller::handle(ui::DismissNotice&& e) {
  std::erase_if(view_.notices, [&](const ui::Notice& notice) { return notice.id == e.id; });
}

void Controller::handle(ui::SetTheme&& e) {
  view_.theme = e.theme;
  set_setting(kThemeKey, e.theme == ui::ThemeChoice::dark ? "dark" : "light");
}

void Controller::handle(ui::SetScale&& e) {
  view_.scale = e.scale;
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.2f", static_cast<double>(e.scale));
  set_setting(kScaleKey, buffer.data());
}

void Controller::handle(ui::Quit&&) { quit_ = true; }

}  // namespace foreword::app
