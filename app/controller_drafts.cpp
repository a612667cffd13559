// The controller and what is written but not sent: kept for each chat, across the end of the program; words that come back;
// and the end itself, before which all that was sent is saved.

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "app/controller.h"

namespace foreword::app {

namespace command = storage::command;

namespace {

constexpr std::string_view kDraftKey = "draft/";    // a setting's, before the chat's number; 0: a new chat
constexpr std::int64_t kInsistMilliseconds = 10'000;

std::string draft_setting(std::int64_t chat) { return std::string(kDraftKey) + std::to_string(chat); }

}  // namespace

std::string Controller::draft_of(std::int64_t chat) const {
  const auto draft = drafts_.find(chat);
  return draft == drafts_.end() ? std::string() : draft->second;
}

/// That of a private chat stays here.
void Controller::keep_draft(std::int64_t chat, std::string text) {
  if (draft_of(chat) == text) return;
  const bool gone = text.empty();
  if (chat != kPrivateChat && gone) out_.storage(command::EraseSetting{next_request_++, draft_setting(chat)});
  if (chat != kPrivateChat && !gone) out_.storage(command::SetSetting{next_request_++, draft_setting(chat), text});
  gone ? void(drafts_.erase(chat)) : void(drafts_[chat] = std::move(text));
}

void Controller::handle(ui::KeepDraft&& e) {
  if (e.chat >= 0) keep_draft(e.private_chat ? kPrivateChat : e.chat, std::move(e.text));
}

/// As they were stored; the window stands already, and has the new chat's from here.
void Controller::load_drafts(const std::vector<storage::Setting>& settings) {
  for (const storage::Setting& setting : settings) {
    if (!setting.key.starts_with(kDraftKey) || setting.value.empty()) continue;
    std::int64_t chat = -1;
    const char* end = setting.key.data() + setting.key.size();
    const auto read = std::from_chars(setting.key.data() + kDraftKey.size(), end, chat);
    if (read.ec != std::errc() || read.ptr != end || chat < 0 || !drafts_.emplace(chat, setting.value).second) continue;
    if (chat == 0 && current_ == 0 && !view_.private_chat) view_.offers.push_back({next_notice_++, {}, setting.value});
  }
}

/// Those of chats that are no more.
void Controller::forget_drafts(const std::vector<storage::Chat>& chats) {
  std::vector<std::int64_t> gone;
  for (const auto& [chat, text] : drafts_) {
    if (chat > 0 && std::ranges::find(chats, chat, &storage::Chat::id) == chats.end()) gone.push_back(chat);
  }
  for (const std::int64_t chat : gone) keep_draft(chat, {});
}

/// What was written is in the composer again, and why.
void Controller::give_back(std::string text, const char* why) {
  view_.offers.push_back({next_notice_++, {}, std::move(text)});
  notify(ui::NoticeKind::info, std::string(why) + " Your words are in the composer again.");
}

void Controller::handle(ui::OffersTaken&& e) {
  std::erase_if(view_.offers, [&](const ui::Offer& offer) { return offer.id <= e.newest; });
}

// ---- The end --------------------------------------------------------------------------------------------------------

bool Controller::all_saved() const {
  return std::ranges::all_of(turns_, [](const auto& turn) { return turn->unsaved || turn->begun; });
}

/// Waits for what is on its way to the disk; if that refuses, says so instead, and ends when it is asked once more.
void Controller::handle(ui::Quit&&) {
  leaves_unsaved_ = !refusal_.empty() && refusal_said_ms_ && out_.now_ms() - *refusal_said_ms_ < kInsistMilliseconds;
  quit_ = true;
  stay_if_refused();
}

void Controller::stay_if_refused() {
  if (!quit_ || quit() || refusal_.empty()) return;
  quit_ = false;
  refusal_said_ms_ = out_.now_ms();
  notify(ui::NoticeKind::error, "What you sent last is not saved yet: " + refusal_ + " Quit once more within ten seconds to end without it.");
}

}  // namespace foreword::app
