// The controller and suggestions while the user types: what they stand on, what is set, and the way of the letters.

#include <algorithm>
#include <charconv>
#include <functional>
#include <utility>

#include "app/controller.h"
#include "ui/commands.h"

namespace foreword::app {
namespace {

// More of a chat than this is not told to the engine with every letter. It takes all that it has read already, else the last 512
// tokens.
constexpr std::size_t kMostContextBytes = 32768;

constexpr std::string_view kTierKey = "suggestions.tier ";  // and what it was measured for
constexpr const char* kCountersKey = "suggestions.counters";

std::uint64_t mixed(std::uint64_t seed, std::uint64_t value) { return (seed ^ value) * 0x9E37'79B9'7F4A'7C15u + (seed >> 29); }

}  // namespace

/// What a suggestion would stand on, after every event.
void Controller::keep_suggestions() {
  ui::SuggestionsView& view = view_.suggestions;
  view.model = view_.model.state == ui::ModelState::ready;
  view.busy = view_.generating || titler_.busy() || summarising_.id != 0;
  const auto system = system_prompts_.find(current_);
  // Rows have numbers of their own in all chats; a chat without any has the chat's.
  std::uint64_t context = mixed(view_.private_chat ? 2 : 1, static_cast<std::uint64_t>(view_.messages.empty() ? -current_ : view_.messages.back().id));
  context = mixed(context, context_.first_kept);
  context = mixed(context, std::hash<std::string>()(view.device));
  if (system != system_prompts_.end()) context = mixed(context, std::hash<std::string>()(system->second));
  view.context = context;
}

/// Whole turns from the end of what the model would be asked, as many as may matter; none: there is no such message.
std::optional<SuggestionDesk::Chat> Controller::chat_to_suggest_in(std::int64_t rewrites) const {
  std::size_t n_rows = rows_.size();
  if (rewrites != 0) {
    const auto index = index_of(rewrites);
    if (!index) return std::nullopt;
    n_rows = *index;
  }
  std::size_t from = n_rows;
  for (std::size_t bytes = 0; from > 0 && bytes <= kMostContextBytes; --from) bytes += view_.messages[from - 1].text.size();
  while (from < n_rows && rows_[from].role != engine::Role::user) ++from;
  return SuggestionDesk::Chat{prompt_of(n_rows, from).messages, view_.private_chat ? kPrivateChat : current_};
}

void Controller::handle(ui::Suggesting&& e) {
  const auto chat = [&] { return chat_to_suggest_in(e.rewrites).value_or(SuggestionDesk::Chat{}); };
  if (auto command = suggestions_.command_of(e.letter, chat)) out_.engine(*std::move(command));
}

void Controller::handle(engine::Drafts&& e) { suggestions_.on(e, view_.suggestions); }

/// After the switch was used.
void Controller::say_suggestions() {
  const std::string keys = ui::words_of(ui::command(ui::CommandId::suggestions).keys[0]);
  notify(ui::NoticeKind::info, view_.suggestions.settings.enabled ? "Suggestions are on: they come while you write." : "Suggestions are off; " + keys + " turns them on again.");
}

void Controller::handle(ui::SuggestionsCounted&& e) {
  out_.storage(storage::command::SetSetting{next_request_++, kCountersKey, std::move(e.counters)});
  if (e.tier <= 0 || e.device.empty() || tiers_[e.device] == e.tier) return;
  tiers_[e.device] = e.tier;
  out_.storage(storage::command::SetSetting{next_request_++, std::string(kTierKey) + e.device, std::to_string(e.tier)});
}

/// False: it is another's.
bool Controller::take_suggestion_count(const std::string& key, const std::string& value) {
  if (key == kCountersKey) return view_.suggestions.counters = value, true;
  if (!key.starts_with(kTierKey)) return false;
  double tier = 0;
  std::from_chars(value.data(), value.data() + value.size(), tier);
  const std::string device = key.substr(kTierKey.size());
  tiers_[device] = tier;
  if (device == view_.suggestions.device) view_.suggestions.tier = tier;
  return true;
}

}  // namespace foreword::app
