#include "ui/answers_panel.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "ui/dialog.h"
#include "ui/status_line.h"

namespace foreword::ui {
namespace {

constexpr float kWidth = 640, kHeading = 30, kLine = 18, kLabel = 22, kGap = 16, kColumn = 12;  // logical
constexpr float kTextLine = 22, kTextPad = 10, kLeastLines = 4, kMostLines = 9;
constexpr float kButton = 30, kField = 84, kControls = 3 * kButton + kField + 8;
constexpr float kWords = 160;   // what label and help need beside the number
constexpr double kPause = 0.5;  // seconds
constexpr std::string_view kListId = "answers/list", kTextId = "answers/instructions";

/// What stands in a field; nothing: no number. A comma may stand for the point.
std::optional<double> number_in(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
  std::array<char, 32> plain{};
  text = text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
  if (text.empty() || text.size() >= plain.size()) return std::nullopt;
  std::ranges::replace_copy(text, plain.begin(), ',', '.');
  double value = 0;
  const char* const end = plain.data() + text.size();
  const auto [read, error] = std::from_chars(plain.data(), end, value);
  return error == std::errc() && read == end && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

bool holds(const SamplingRow& row, double value) { return value >= row.minimum && value <= row.maximum && (!row.whole || value == std::floor(value)); }

std::string_view number_words(Frame& frame, double value) { return frame.phrases.format("%.15g", value); }

/// A step from what holds now, on a multiple of the step.
double stepped(const SamplingRow& row, int direction) {
  const double from = number_in(row.chosen).value_or(row.start), step = row.step * direction;
  return std::clamp(std::round((from + step) / row.step) * row.step, row.minimum, row.maximum);
}

text::Font help_font(Frame& frame) { return frame.font(text::Style::regular, size::kSmall); }

bool beside(const Frame& frame, float width) { return width - frame.px(kControls) - frame.px(20) >= frame.px(kWords); }

/// Of label and help, in a page of this width.
float words_width(const Frame& frame, float width) { return beside(frame, width) ? width - frame.px(kControls) - frame.px(20) : width; }

TextField::Options text_options(Frame& frame) {
  return {.label = "Instructions", .hint = "You are a patient teacher. Answer in short sentences.", .font = frame.font(text::Style::regular, size::kInterface),
          .line_height = frame.px(kTextLine), .takes_escape = true, .enter_submits = false};
}

}  // namespace

void AnswersPanel::open(Frame& frame) {
  open_ = true;
  scroll_ = 0;
  chat_ = frame.state.current_chat;
  private_ = frame.state.private_chat;
  instructions_.set_text(frame.state.answers.instructions);
  said_ = seen_ = instructions_.revision();
  frame.input.focus(kTextId);
}

void AnswersPanel::close(Frame& frame) {
  say_instructions(frame, true);
  open_ = false;
  frame.input.focus("composer/text");
}

void AnswersPanel::say_instructions(Frame& frame, bool at_once) {
  const std::uint64_t revision = instructions_.revision();
  if (std::exchange(seen_, revision) != revision) changed_at_ = frame.now;
  if (revision == said_) return;
  if (!at_once && frame.now < changed_at_ + kPause) return frame.wake(changed_at_ + kPause);
  said_ = revision;
  frame.send(SetInstructions{chat_, instructions_.text(), private_});
}

void AnswersPanel::lay_out(Frame& frame, float width) {
  const std::vector<SamplingRow>& rows = frame.state.answers.sampling;
  numbers_.resize(rows.size());
  const text::Font font = help_font(frame);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const SamplingRow& row = rows[i];
    const std::string_view range = frame.join(row.whole ? "A whole number from " : "A number from ", number_words(frame, row.minimum), " to ", number_words(frame, row.maximum), ", or nothing.");
    numbers_[i].help.set(frame, !row.reason.empty() ? row.reason : numbers_[i].wrong ? range : row.help, font, frame.px(kLine), words_width(frame, width));
  }
  const std::string_view anew = frame.state.messages.empty() ? "" : " After a change the chat is read anew.";
  about_.set(frame, frame.join("What the model is told before everything else: who it shall be, how it shall write, what you are working on.", anew), font, frame.px(kLine), width);
  for_new_chats_.set(frame, frame.state.answers.as_new_chats ? "New chats begin with the same." : "Of this chat alone.", font, frame.px(kLine), width - text_button_width(frame, "Use for new chats") - frame.px(20));
}

float AnswersPanel::number_height(const Frame& frame, float width, const Number& number) {
  const float words = frame.px(kLabel) + number.help.height(), controls = frame.px(kButton) + frame.px(4);
  return beside(frame, width) ? std::max(words, controls) : words + controls;
}

/// Returns where they end.
float AnswersPanel::draw_instructions(Frame& frame, Rect view, float y) {
  Canvas& canvas = frame.canvas;
  canvas.text({view.left, y}, frame.px(24), frame.font(text::Style::bold, size::kSmall), frame.theme.accent, "Instructions");
  const auto& shares = frame.state.context.shares;
  if (const auto share = std::ranges::find(shares, "Instructions", &Share::label); share != shares.end()) {
    const std::string_view tokens = frame.join(grouped(share->tokens), share->tokens == 1 ? " token" : " tokens");
    canvas.text({view.right - canvas.width(help_font(frame), tokens), y}, frame.px(24), help_font(frame), frame.theme.ink_soft, tokens);
  }
  y += frame.px(kHeading);
  about_.draw(frame, {view.left, y - frame.px(4)}, frame.theme.ink_soft);
  y += about_.height() + frame.px(4);
  const TextField::Options options = text_options(frame);
  const float pad = frame.px(kTextPad), width = view.width() - 2 * pad;
  const float lines = std::clamp(std::round(instructions_.content_height(frame, width, options) / options.line_height), kLeastLines, kMostLines);
  const Rect box{view.left, y, view.right, y + lines * options.line_height + 2 * pad};
  canvas.fill(box, frame.theme.page, frame.px(size::kRadius));
  canvas.stroke(box, frame.input.focused(kTextId) ? frame.theme.border_focus : frame.theme.line, frame.px(size::kRadius), frame.px(1));
  const auto result = instructions_.draw(frame, kTextId, box.inset(pad, pad), box, options);
  if (result.submitted || result.cancelled) close(frame);
  return box.bottom + frame.px(kGap);
}

/// Label and help; at the right, or below, what is chosen and how it is changed.
void AnswersPanel::draw_number(Frame& frame, Rect view, float y, const SamplingRow& row, Number& number) {
  Canvas& canvas = frame.canvas;
  const bool aside = beside(frame, view.width()), possible = row.reason.empty();
  canvas.text_cut({view.left, y}, frame.px(kLabel), words_width(frame, view.width()), frame.font(text::Style::medium, size::kInterface), possible ? frame.theme.ink : frame.theme.ink_soft, row.label);
  number.help.draw(frame, {view.left, y + frame.px(kLabel)}, number.wrong ? frame.theme.danger : frame.theme.ink_soft);
  const float button = frame.px(kButton), radius = frame.px(size::kRadius);
  const float top = aside ? y + frame.px(2) : y + frame.px(kLabel) + number.help.height() + frame.px(4);
  const Rect bar{view.right - 2 * button - frame.px(kField), top, view.right, top + button};
  const std::string_view id = frame.join("answers/", row.key);
  const Rect box{bar.left + button, bar.top, bar.right - button, bar.bottom};
  canvas.fill(bar, frame.theme.chip, radius);
  canvas.fill(box, frame.theme.page);
  if (!possible) {
    canvas.text({box.left + frame.px(8), box.top}, button, frame.font(text::Style::regular, size::kInterface), frame.theme.ink_soft, row.usual);
    return;
  }
  canvas.stroke(bar, number.wrong ? frame.theme.danger : frame.input.focused(id) ? frame.theme.border_focus : frame.theme.line, radius, frame.px(1));
  if (!frame.input.focused(id) && number.field.text() != row.chosen) number.field.set_text(row.chosen);
  int step = 0;
  for (const InputEvent& event : frame.input.events_of(id)) {
    const auto* key = std::get_if<KeyPress>(&event);
    if (key != nullptr && (key->key == Key::up || key->key == Key::down)) step += key->key == Key::up ? 1 : -1;
  }
  if (icon_button(frame, frame.join(id, "/less"), frame.join("Less: ", row.label), Icon::minus, {bar.left, bar.top, box.left, bar.bottom})) --step;
  const float line = frame.px(kTextLine), line_top = std::round(box.center().y - line / 2);
  const auto result = number.field.draw(frame, id, {box.left + frame.px(8), line_top, box.right - frame.px(6), line_top + line}, box,
                                        {.label = row.label, .hint = row.usual, .font = frame.font(text::Style::regular, size::kInterface), .line_height = line, .takes_escape = true});
  if (icon_button(frame, frame.join(id, "/more"), frame.join("More: ", row.label), Icon::plus, {box.right, bar.top, bar.right, bar.bottom})) ++step;
  if (!row.chosen.empty() && icon_button(frame, frame.join(id, "/usual"), frame.join("As usual: ", row.usual), Icon::undo, {bar.left - button - frame.px(4), bar.top, bar.left - frame.px(4), bar.bottom})) {
    number.field.set_text("");
    frame.send(SetSampling{row.key, std::nullopt});
  }
  if (step != 0) {
    const double value = stepped(row, step);
    number.field.set_text(number_words(frame, value));
    frame.send(SetSampling{row.key, value});
  } else if (result.changed) {
    const auto value = number_in(number.field.text());
    const bool empty = number.field.text().empty();
    number.wrong = !empty && !(value && holds(row, *value));
    if (!number.wrong) frame.send(SetSampling{row.key, value});
  }
  if (step != 0 || !frame.input.focused(id)) number.wrong = false;
  if (result.submitted || result.cancelled) close(frame);
}

float AnswersPanel::draw_for_new_chats(Frame& frame, Rect view, float y) {
  if (frame.state.private_chat) return y;
  frame.canvas.fill({view.left, y, view.right, y + frame.px(1)}, frame.theme.line);
  y += frame.px(14);
  const float width = text_button_width(frame, "Use for new chats"), height = frame.px(32);
  for_new_chats_.draw(frame, {view.left, y + std::round((height - for_new_chats_.height()) / 2)}, frame.theme.ink_soft);
  if (text_button(frame, "answers/new_chats", "Use for new chats", {view.right - width, y, view.right, y + height}, ButtonLook::plain, {.enabled = !frame.state.answers.as_new_chats})) {
    say_instructions(frame, true);
    frame.send(KeepForNewChats{});
  }
  return y + height + frame.px(kGap);
}

void AnswersPanel::draw(Frame& frame, Rect window) {
  if (!open_) return;
  const ViewState& state = frame.state;
  if (chat_ == 0 && !private_ && state.stored_as == state.current_chat) chat_ = state.current_chat;  // it has got its number
  if (chat_ != state.current_chat || private_ != state.private_chat) return close(frame);
  const float width = std::min(frame.px(kWidth), window.width() - frame.px(24)), head = frame.px(Dialog::kPad + Dialog::kHead), bar = frame.px(8);
  Dialog dialog(frame, window, {"answers", "How this chat is answered", width, std::min(height_ + head, window.height() * 0.86f)});
  const Rect inside = dialog.to_the_edge();
  lay_out(frame, inside.width() - bar);
  frame.input.add({.id = kListId, .role = ItemRole::document, .label = "How this chat is answered", .rect = inside});
  if (!std::string_view(frame.input.focus_id()).starts_with("answers/")) frame.input.focus(kListId);  // what had it was scrolled away
  scroll_ = std::round(std::clamp(scrolled(frame, kListId, inside.height(), scroll_), 0.0f, std::max(0.0f, height_ - inside.height())));
  frame.canvas.push_clip({inside.left - frame.px(kColumn), inside.top, inside.right, inside.bottom});
  const Rect view{inside.left, inside.top, inside.right - bar, inside.bottom};
  float y = draw_instructions(frame, view, view.top - scroll_);
  std::string_view section;
  for (std::size_t i = 0; i < numbers_.size(); ++i) {
    const SamplingRow& row = state.answers.sampling[i];
    if (row.section != section) {
      frame.canvas.text({view.left, y}, frame.px(24), frame.font(text::Style::bold, size::kSmall), frame.theme.accent, row.section);
      y += frame.px(kHeading);
    }
    section = row.section;
    draw_number(frame, view, y, row, numbers_[i]);
    y += number_height(frame, view.width(), numbers_[i]) + frame.px(kGap);
  }
  y = draw_for_new_chats(frame, view, y);
  const float height = y - (view.top - scroll_) + frame.px(6);
  if (std::exchange(height_, height) != height) frame.wake(frame.now);
  frame.canvas.pop_clip();
  const float dragged = scroll_bar(frame, "answers/scroll", {inside.left, inside.top, inside.right + frame.px(14), inside.bottom}, height_, scroll_);
  if (frame.input.pressed("answers/scroll")) scroll_ = std::round(dragged);
  scroll_ = follow_keyboard(frame, "answers/", inside, scroll_, reached_);
  say_instructions(frame, false);
  if (dialog.closed()) close(frame);
}

}  // namespace foreword::ui
