// The controller and the context: what would be sent now, counted by the engine after every change, and what becomes of a
// chat that outgrows it. Nothing is left out without a line that says so.

#include <algorithm>
#include <numeric>
#include <utility>

#include "app/context_plan.h"
#include "app/controller.h"
#include "app/words.h"
#include "engine/base/reasoning.h"
#include "engine/template/turns.h"

namespace foreword::app {

namespace command = storage::command;

namespace {

constexpr std::size_t kNoRow = static_cast<std::size_t>(-1);
constexpr std::int64_t kBytesPerToken = 3;  // a careful guess, for parts of a text that were never counted

bool forgets(ui::Overflow choice) { return choice == ui::Overflow::drop_oldest || choice == ui::Overflow::summarise; }

}  // namespace

Controller::Prompt Controller::prompt_of(std::size_t n_rows, std::size_t from) const {
  Prompt prompt;
  const auto add = [&](engine::Role role, const std::string& text, std::size_t row) {
    if (add_in_turn(prompt.messages, {role, text, {}})) prompt.rows.push_back(row);
  };
  if (!instructions().empty()) add(engine::Role::system, instructions(), kNoRow);
  const std::size_t first = std::min(std::max(context_.first_kept, from), n_rows);
  if (first > 0 && context_.n_summarised == first && !context_.chosen.summary.empty()) {
    add(engine::Role::user, "Summary of our conversation so far:\n" + context_.chosen.summary, first);
  }
  for (std::size_t i = first; i < n_rows; ++i) add(rows_[i].role, view_.messages[i].text, i);
  return prompt;
}

void Controller::handle(ui::DraftChanged&& e) {
  context_.draft = std::move(e.text);
  ++context_.draft_revision;
}

/// Has the engine count again if anything of what would be sent has changed; one count at a time.
void Controller::keep_count() {
  view_.context.choice = context_.chosen.overflow;
  const bool ready = view_.model.state == ui::ModelState::ready;
  const Counted now{.chat = current_,
                    .first_row = view_.messages.empty() ? 0 : view_.messages.front().id,
                    .last_row = view_.messages.empty() ? 0 : view_.messages.back().id,
                    .n_rows = rows_.size(),
                    .first_kept = context_.first_kept,
                    .draft = context_.draft_revision,
                    .context = ready ? view_.status.context_size : 0,
                    .choice = context_.chosen.overflow,
                    .thinking = thinking_,
                    .idle = !view_.generating,
                    .model = view_.model.name,
                    .instructions = instructions()};
  if (context_.counting != 0 || now == context_.counted) return;
  context_.counted = now;
  if (!ready || view_.answers_here()) return;
  Prompt prompt = prompt_of(rows_.size());
  context_.n_counted_rows = rows_.size();
  add_in_turn(prompt.messages, {engine::Role::user, context_.draft, {}});
  if (prompt.messages.empty()) return use_count(0, {});
  context_.counting = next_turn_++;
  out_.engine(engine::CountTokens{context_.counting, std::move(prompt.messages), thinking_});
}

/// Once a line is being written to an old chat, the engine brings back what was read of it: the line then finds it in memory. A
/// chat that is only looked at costs nothing.
void Controller::recall_chat() {
  const bool writes = !context_.draft.empty() && current_ != 0 && !rows_.empty();
  if (!writes || context_.recalled == current_ || view_.generating || view_.model.state != ui::ModelState::ready) return;
  context_.recalled = current_;
  out_.engine(engine::RecallChat{current_, prompt_of(rows_.size()).messages, thinking_});
}

void Controller::handle(engine::TokensCounted&& e) {
  if (e.id != context_.counting) return;
  context_.counting = 0;
  const bool same_rows = context_.n_counted_rows == rows_.size() && context_.counted.chat == current_ && context_.counted.first_kept == context_.first_kept;
  if (same_rows && !view_.answers_here()) use_count(e.total, e.of_messages);
}

void Controller::use_count(std::int64_t total, const std::vector<std::int64_t>& of_messages) {
  const Prompt prompt = prompt_of(rows_.size());
  context_.row_tokens.resize(rows_.size(), 0);
  std::int64_t system = 0, earlier = 0, written = 0;
  const std::int64_t all = std::accumulate(of_messages.begin(), of_messages.end(), std::int64_t{0}), format = std::max<std::int64_t>(total - all, 0);
  // What the format takes up to here: its tokens go with the messages that they stand around.
  const auto format_before = [&](std::size_t i) { return format * static_cast<std::int64_t>(i) / std::ssize(of_messages); };
  for (std::size_t i = 0; i < of_messages.size(); ++i) {
    const bool draft = i >= prompt.rows.size();
    const std::size_t row = draft ? kNoRow : prompt.rows[i];
    const bool instructions = !draft && row == kNoRow;
    (draft ? written : instructions ? system : earlier) += of_messages[i];
    if (!draft && !instructions && row < rows_.size()) context_.row_tokens[row] = of_messages[i] + format_before(i + 1) - format_before(i);
  }
  ui::ContextView& view = view_.context;
  view.total = total;
  view.shares.clear();
  const std::pair<const char*, std::int64_t> parts[] = {
      {"Instructions", system}, {"Earlier messages", earlier}, {"What you write", written}, {"The model's own format", format}};
  for (const auto& [label, tokens] : parts) {
    if (total > 0 && tokens > 0) view.shares.push_back({label, tokens});
  }
  const std::int64_t size = view_.status.context_size;
  view.larger = size > 0 && size < context_.trained ? std::min(2 * size, context_.trained) : 0;
  view.larger_bytes = view.larger == 0 ? 0 : context_.kv_bytes / size * view.larger - context_.kv_bytes;
  view.alone_too_long = false;
  if (size == 0 || total <= size - answer_room(size)) {
    view.blocked = false;
    return show_cut(context_.first_kept);
  }
  make_room(total);
}

/// What is counted does not fit: leaves out more, or asks.
void Controller::make_room(std::int64_t total) {
  const std::int64_t size = view_.status.context_size, room = size - answer_room(size);
  std::vector<CountedRow> rows;
  for (std::size_t i = 0; i < rows_.size(); ++i) rows.push_back({context_.row_tokens[i], rows_[i].role == engine::Role::user});
  view_.context.alone_too_long = context_.first_kept >= rows_.size() && !rows_.empty();
  if (rows_.empty()) view_.context.alone_too_long = true;
  if (context_.chosen.overflow == ui::Overflow::larger_context && enlarge_context()) return;
  if (!forgets(context_.chosen.overflow) || view_.context.alone_too_long) {
    view_.context.blocked = true;
    return show_cut(first_row_to_keep(rows, context_.first_kept, total - room));
  }
  // Some more than needed, so that the next turns begin with the same words and need not be read anew.
  std::size_t first = first_row_to_keep(rows, context_.first_kept, total - room * 3 / 4);
  if (first == rows_.size()) first = first_row_to_keep(rows, context_.first_kept, total - room);
  context_.first_kept = first;
  view_.context.blocked = false;
  show_cut(first);  // the next count tells whether it is enough
}

void Controller::show_cut(std::size_t first_kept) {
  first_kept = std::min(first_kept, rows_.size());
  view_.context.n_forgotten = first_kept;
  view_.context.first_kept = first_kept == 0 || first_kept == rows_.size() ? 0 : view_.messages[first_kept].id;
}

void Controller::forget_cut() {
  context_.first_kept = context_.n_summarised = 0;
  context_.row_tokens.clear();
  context_.counted = {};
  const ui::Overflow choice = context_.chosen.overflow;
  view_.context = {};
  view_.context.choice = choice;
}

/// Of the chat that is shown from now on.
void Controller::show_chat_settings() {
  const auto own = context_.settings.find(draft_key());
  context_.chosen = read_chat_settings(own != context_.settings.end() ? own->second : draft_key() > 0 ? std::string() : new_chats_.settings);
  show_answers();
  forget_cut();
  if (context_.chosen.overflow != ui::Overflow::summarise || context_.chosen.summarised_until == 0) return;
  const auto last = std::find_if(rows_.begin(), rows_.end(), [&](const Row& row) { return row.id == context_.chosen.summarised_until; });
  if (last != rows_.end()) context_.first_kept = context_.n_summarised = static_cast<std::size_t>(last - rows_.begin()) + 1;
}

/// Of a chat without a number, for as long as it is new or private.
void Controller::save_chat_settings() {
  std::string& stored = context_.settings[draft_key()];
  stored = write_chat_settings(stored, context_.chosen);
  if (!saves() || current_ == 0) return;
  out_.storage(command::SetChatSettings{next_request_++, current_, stored});
}

void Controller::handle(ui::ChooseOverflow&& e) {
  const ui::Overflow before = std::exchange(context_.chosen.overflow, e.choice);
  if (before != e.choice) forget_cut();
  save_chat_settings();
  if (e.choice == ui::Overflow::larger_context) enlarge_context();
}

/// Opens the model anew with twice the context; false: it cannot.
bool Controller::enlarge_context() {
  const std::int64_t size = view_.status.context_size;
  const std::int64_t larger = size > 0 && size < context_.trained ? std::min(2 * size, context_.trained) : 0;
  if (larger == 0 || view_.generating || view_.model.state != ui::ModelState::ready) return false;
  context_.size_before = options_.model.context;
  options_.model.context = larger;
  notify(ui::NoticeKind::info, "The context is being made larger: " + count_words(larger, "token") + ".");
  open_model(context_.model_path);
  return true;
}

// ---- Summaries ------------------------------------------------------------------------------------------------------

/// Asks for the summary of what is left out, a part that fits at a time; false: there is nothing to summarise (any more).
bool Controller::summarise(std::size_t n_rows) {
  const std::size_t end = std::min(context_.first_kept, n_rows);
  if (context_.chosen.overflow != ui::Overflow::summarise || context_.n_summarised >= end) return false;
  const std::int64_t size = view_.status.context_size, room = size / 2;
  std::string text;
  std::size_t until = context_.n_summarised;
  std::int64_t tokens = 0;
  while (until < end) {
    const bool asked = rows_[until].role == engine::Role::user;
    const std::string& text_of_row = view_.messages[until].text;
    std::string part(asked ? text_of_row : said_in(text_of_row));
    const std::int64_t counted = until < context_.row_tokens.size() ? context_.row_tokens[until] : 0;
    tokens += counted > 0 ? counted : std::ssize(part) / kBytesPerToken;
    if (tokens > room && !text.empty()) break;
    if (std::ssize(part) > room * kBytesPerToken) part = start_of(part, static_cast<std::size_t>(room * kBytesPerToken));
    text += (asked ? "Question: " : "Answer: ") + part + "\n\n";
    ++until;
  }
  std::string request = "Summarise this conversation in a few sentences for somebody who goes on with it. Keep names, numbers, decisions and open questions.\n\n";
  if (context_.n_summarised > 0) request += "What came before: " + context_.chosen.summary + "\n\n";
  engine::Generate generate;
  generate.id = next_turn_++;
  generate.sampling = sampling_;
  generate.max_tokens = answer_room(size);
  generate.thinking = false;
  generate.chat = view_.private_chat ? kPrivateChat : current_;
  generate.prompt = std::vector<engine::ChatMessage>{{engine::Role::user, request + text, {}}};
  summarising_ = {generate.id, n_rows, context_.first_kept, until, {}};
  suggestions_.job_lost();
  view_.status.activity = "Summarising " + count_words(static_cast<std::int64_t>(end), "earlier message");
  out_.engine(std::move(generate));
  return true;
}

/// Its prompt is made of the rows that are shown: they have to be those, cut in the same place, that it was asked for.
bool Controller::still_waits(const Turn& turn, const Summarising& summary) const {
  return summary.n_rows < view_.messages.size() && view_.messages[summary.n_rows].id == turn.answer_row && context_.first_kept == summary.first_kept;
}

/// The next part, or the turn that waits.
void Controller::summary_done() {
  Summarising done = std::exchange(summarising_, {});
  Turn* turn = running();
  if (turn == nullptr) return;
  if (!still_waits(*turn, done)) {
    notify(ui::NoticeKind::info, "The last question was not asked: its chat was left or changed while earlier messages were being summarised. \u201cGo on from here\u201d below it asks it.");
    return end_turn(ui::MessageState::stopped, storage::Status::stopped, {});
  }
  context_.n_summarised = done.until;
  context_.chosen.summary = said_in(done.text);
  context_.chosen.summarised_until = done.until > 0 && done.until <= rows_.size() ? rows_[done.until - 1].id : 0;
  if (summarise(done.n_rows)) return;
  save_chat_settings();
  view_.status.activity = "Reading what was said";
  send_prompt(*turn, done.n_rows);
}

}  // namespace foreword::app
