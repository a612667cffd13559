// The controller and how a chat is answered: its instructions and numbers, and those that new chats begin with.

#include <utility>

#include "app/answers_page.h"
#include "app/controller.h"
#include "app/settings_page.h"

namespace foreword::app {

namespace command = storage::command;

/// Of the chat that is shown.
const std::string& Controller::instructions() const {
  static const std::string kNone;
  const auto own = system_prompts_.find(draft_key());
  return own != system_prompts_.end() ? own->second : draft_key() > 0 ? kNone : new_chats_.instructions;
}

void Controller::show_answers() {
  ui::AnswersView& view = view_.answers;
  const ChatSampling& chosen = context_.chosen.sampling;
  view.instructions = instructions();
  view.sampling = sampling_page(usual_drawing(), options_.sampling_named, chosen);
  view.own = !view.instructions.empty() || !chosen.empty();
  view.as_new_chats = view.instructions == new_chats_.instructions && chosen == read_chat_sampling(new_chats_.settings);
}

/// A private chat that is gone takes its instructions with it; blanks are none.
void Controller::handle(ui::SetInstructions&& e) {
  if (e.private_chat && !view_.private_chat) return;
  if (e.text.find_first_not_of(" \t\n") == e.text.npos) e.text.clear();
  const std::int64_t chat = e.private_chat ? kPrivateChat : e.chat;
  if (chat == draft_key() && e.text == instructions()) return;
  system_prompts_[chat] = e.text;
  if (chat > 0 && storage_works_) out_.storage(command::SetSystemPrompt{next_request_++, chat, std::move(e.text)});
  if (chat != draft_key()) return;
  context_.recalled = 0;
  show_answers();
}

void Controller::handle(ui::SetSampling&& e) {
  const SamplingKind* kind = sampling_kind(e.key);
  if (kind == nullptr || (e.value && !kind->holds(*e.value))) return;
  ChatSampling& chosen = context_.chosen.sampling;
  if (e.value) chosen.insert_or_assign(e.key, *e.value);
  else chosen.erase(e.key);
  save_chat_settings();
  show_answers();
}

/// Also the one that was begun and is not shown.
void Controller::handle(ui::KeepForNewChats&&) {
  if (view_.private_chat) return;
  new_chats_ = {instructions(), context_.chosen.sampling.empty() ? std::string() : write_chat_settings({}, {.sampling = context_.chosen.sampling})};
  out_.storage(command::SetSetting{next_request_++, kInstructionsKey, new_chats_.instructions});
  out_.storage(command::SetSetting{next_request_++, kNewChatsKey, new_chats_.settings});
  if (current_ != 0) forget_new_answers(0);
  show_answers();
}

void Controller::forget_new_answers(std::int64_t key) {
  system_prompts_.erase(key);
  context_.settings.erase(key);
}

/// The new chat has got its number; what was changed since it was asked for goes after it.
void Controller::adopt_answers(const storage::Chat& chat) {
  const auto own = system_prompts_.find(0);
  const std::string now = own != system_prompts_.end() ? own->second : new_chats_.instructions;
  forget_new_answers(0);
  system_prompts_[chat.id] = now;
  if (now != chat.system_prompt) out_.storage(command::SetSystemPrompt{next_request_++, chat.id, now});
  if (context_.chosen != read_chat_settings(chat.settings)) save_chat_settings();
  show_answers();
}

}  // namespace foreword::app
