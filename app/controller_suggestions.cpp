// The controller and suggestions while the user types: what they stand on, what is set, and the way of the letters.

#include <algorithm>
#include <charconv>
#include <functional>
#include <utility>

#include "app/controller.h"
#include "ui/autocomplete/text_filter.h"
#include "ui/autocomplete/tier_policy.h"
#include "ui/commands.h"

namespace foreword::app {
namespace {

// More of a chat than this is not told to the engine with every letter. It takes all that it has read already, else the last 512
// tokens.
constexpr std::size_t kMostContextBytes = 32768;

// And what they were measured for.
constexpr std::string_view kTierKey = "suggestions.tier ", kTauKey = "suggestions.tau ";
constexpr std::int64_t kHelperContext = 2048;  // tokens: more than suggestions look at
constexpr std::int64_t kPowerStays = 10'000;  // ms for which what feeds the computer is believed
constexpr const char* kCountersKey = "suggestions.counters";

std::uint64_t mixed(std::uint64_t seed, std::uint64_t value) { return (seed ^ value) * 0x9E37'79B9'7F4A'7C15u + (seed >> 29); }

}  // namespace

/// What a suggestion would stand on, after every event.
void Controller::keep_suggestions() {
  ui::SuggestionsView& view = view_.suggestions;
  choose_writer();
  view.busy = view_.generating || titler_.busy() || summarising_.id != 0;
  // Rows have numbers of their own in all chats; a chat without any has the chat's.
  std::uint64_t context = mixed(view_.private_chat ? 2 : 1, static_cast<std::uint64_t>(view_.messages.empty() ? -current_ : view_.messages.back().id));
  context = mixed(context, context_.first_kept);
  context = mixed(context, std::hash<std::string>()(view.device));
  if (!instructions().empty()) context = mixed(context, std::hash<std::string>()(instructions()));
  view.context = context;
  look_at_power();
}

WriterChoice Controller::writer_now() const {
  const auto measured = tiers_.find(suggesters_.chat_device);
  const ui::autocomplete::TierPolicy tiers(measured != tiers_.end() && measured->second > 0 ? std::optional(measured->second) : std::nullopt);
  return writer_for({.enabled = view_.suggestions.settings.enabled,
                     .chat_ready = view_.model.state == ui::ModelState::ready,
                     .chat_is_helper = context_.model_path == options_.builtin,
                     .chat_thinks = suggesters_.chat_thinks,
                     .chat_slow = tiers.tier() > ui::autocomplete::Tier::reduced,
                     .helper_there = out_.helper && !options_.builtin.empty() && suggesters_.helper != Suggesters::Helper::failed,
                     .helper_bytes = options_.builtin_bytes,
                     .memory_total = view_.status.memory_total,
                     .memory_used = view_.status.memory_used,
                     .wish = suggesters_.wish});
}

/// Loads or gives up the small model, and has the window stand on the one that writes.
void Controller::choose_writer() {
  using Helper = Suggesters::Helper;
  Suggesters& now = suggesters_;
  ui::SuggestionsView& view = view_.suggestions;
  const WriterChoice choice = writer_now();
  if (choice.writer == Writer::helper && now.helper == Helper::absent) {
    now.helper = Helper::loading;
    engine::ModelOptions options = options_.model;
    options.context = kHelperContext;
    options.kv_book.reset();
    options.draft = {"off"};
    options.draft_model.clear();
    out_.helper(engine::LoadModel{options_.builtin, std::move(options)});
  }
  if (choice.writer != Writer::helper && (now.helper == Helper::loading || now.helper == Helper::ready)) {
    now.helper = Helper::absent;
    out_.helper(engine::UnloadModel{});
  }
  view.model = choice.writer == Writer::chat || (choice.writer == Writer::helper && now.helper == Helper::ready);
  const std::string& device = choice.writer == Writer::helper ? now.helper_device : now.chat_device;
  if (choice.writer == now.writer && device == view.device && choice.why == view.writer) return;
  if (choice.writer != now.writer) suggestions_.job_lost();
  now.writer = choice.writer;
  view.writer = choice.why;
  view.device = device;
  view.tier = tiers_[device];
  view.tau = taus_[device];
  show_settings();
}

void Controller::on_helper(engine::Event event) {
  using Helper = Suggesters::Helper;
  if (const auto* ready = std::get_if<engine::ModelReady>(&event); ready != nullptr && suggesters_.helper == Helper::loading) {
    suggesters_.helper = Helper::ready;
    suggesters_.helper_device = ready->model.name + " on " + ready->model.device;
  }
  if (std::holds_alternative<engine::ModelFailed>(event)) suggesters_.helper = Helper::failed;
  if (auto* drafts = std::get_if<engine::Drafts>(&event); drafts != nullptr && suggesters_.writer == Writer::helper) suggestions_.on(*drafts, view_.suggestions);
  keep_suggestions();
}

void Controller::forget_text(engine::TextOwner chat, bool goes_on) {
  out_.engine(engine::ForgetChat{chat, goes_on});
  if (out_.helper) out_.helper(engine::ForgetChat{chat, goes_on});
  if (chat != kPrivateChat) learn_anew();  // also what was on its way to be learned
}

/// From what is stored (A35), or nothing any more.
void Controller::learn_anew() {
  const ui::autocomplete::Settings& settings = view_.suggestions.settings;
  if (settings.enabled && settings.own_words && storage_works_) return out_.storage(storage::command::ListSaid{.request = next_request_++});
  const engine::LearnTexts nothing{.texts = {}, .anew = true};
  out_.engine(nothing);
  if (out_.helper) out_.helper(nothing);
}

void Controller::handle(storage::event::Said&& e) { learn(std::move(e.texts), true); }

/// Nothing that looks like a secret, and nothing while it is not wanted.
void Controller::learn(std::vector<storage::SaidText> texts, bool anew) {
  const ui::autocomplete::Settings& settings = view_.suggestions.settings;
  if (!settings.enabled || !settings.own_words) return;
  aside([this, texts = std::move(texts), anew]() -> Afterwards {
    engine::LearnTexts learned{.texts = {}, .anew = anew};
    for (const storage::SaidText& each : texts) {
      if (ui::autocomplete::secret_like({.before = {}, .after = {}, .text = each.text}).keep > 0) learned.texts.push_back({each.chat, each.text});
    }
    return [this, learned = std::move(learned)] {
      const ui::autocomplete::Settings& now = view_.suggestions.settings;
      if (!now.enabled || !now.own_words) return;
      out_.engine(learned);
      if (out_.helper) out_.helper(learned);
    };
  });
}

/// Now and then, as long as somebody does something; never on this thread.
void Controller::look_at_power() {
  if (!out_.read_power || !view_.suggestions.settings.enabled) return;
  const std::int64_t now = out_.now_ms();
  if (power_asked_ms_ && now - *power_asked_ms_ < kPowerStays && now >= *power_asked_ms_) return;
  power_asked_ms_ = now;
  aside([this, read = out_.read_power]() -> Afterwards {
    return [this, power = read()] {
      view_.suggestions.on_battery = power.on_battery, view_.suggestions.power_saver = power.saver;
      show_settings();
    };
  });
}

/// How they behave now, and why (A55).
std::string Controller::explain_suggestions() const {
  const ui::SuggestionsView& view = view_.suggestions;
  ui::autocomplete::Situation situation;
  situation.model = view.model;
  situation.on_battery = view.on_battery, situation.power_saver = view.power_saver;
  const ui::autocomplete::TierPolicy measured(view.tier > 0 ? std::optional(view.tier) : std::nullopt);
  return explain(tier_in_force(measured.tier(), view.settings, situation), measured.value(), view.settings);
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
  return SuggestionDesk::Chat{prompt_of(n_rows, from).messages, view_.private_chat ? kPrivateChat : current_,
                              view_.suggestions.settings.own_words && !view_.private_chat, thinking_};
}

void Controller::handle(ui::Suggesting&& e) {
  const auto chat = [&] { return chat_to_suggest_in(e.rewrites).value_or(SuggestionDesk::Chat{}); };
  auto command = suggestions_.command_of(e.letter, chat);
  if (command) (suggesters_.writer == Writer::helper ? out_.helper : out_.engine)(*std::move(command));
}

void Controller::handle(engine::Drafts&& e) { suggestions_.on(e, view_.suggestions); }

/// After the switch was used.
void Controller::say_suggestions() {
  const std::string keys = ui::words_of(ui::command(ui::CommandId::suggestions).keys[0]);
  notify(ui::NoticeKind::info, view_.suggestions.settings.enabled ? "Suggestions are on: they come while you write." : "Suggestions are off; " + keys + " turns them on again.");
}

void Controller::handle(ui::SuggestionsCounted&& e) {
  out_.storage(storage::command::SetSetting{next_request_++, kCountersKey, std::move(e.counters)});
  if (e.device.empty()) return;
  const auto keep = [&](std::map<std::string, double>& known, std::string_view key, double value) {
    if (value == 0 || known[e.device] == value) return;
    known[e.device] = value;
    out_.storage(storage::command::SetSetting{next_request_++, std::string(key) + e.device, std::to_string(value)});
  };
  keep(tiers_, kTierKey, e.tier);
  keep(taus_, kTauKey, e.tau);
  if (e.device != view_.suggestions.device || e.tier <= 0 || view_.suggestions.tier == e.tier) return;
  view_.suggestions.tier = e.tier;
  show_settings();
}

/// False: it is another's.
bool Controller::take_suggestion_count(const std::string& key, const std::string& value) {
  if (key == kCountersKey) return view_.suggestions.counters = value, true;
  const bool is_tier = key.starts_with(kTierKey);
  if (!is_tier && !key.starts_with(kTauKey)) return false;
  double number = 0;
  std::from_chars(value.data(), value.data() + value.size(), number);
  const std::string device = key.substr(is_tier ? kTierKey.size() : kTauKey.size());
  (is_tier ? tiers_ : taus_)[device] = number;
  if (device == view_.suggestions.device) (is_tier ? view_.suggestions.tier : view_.suggestions.tau) = number;
  return true;
}

}  // namespace foreword::app
