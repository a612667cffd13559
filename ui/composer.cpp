#include "ui/composer.h"

#include <algorithm>
#include <utility>

#include "ui/chips.h"
#include "ui/commands.h"
#include "ui/status_line.h"
#include "ui/widgets.h"

namespace foreword::ui {
namespace {

constexpr float kPadX = 16, kPadY = 12, kButton = 36, kRadius = 18, kEditingHead = 30, kOffer = 34;  // logical
constexpr float kShare = 0.4f;                                       // of the window's height, at most
constexpr const char* kPastedName = "pasted.txt";

std::string_view hint_of(Phrases& phrases, const ViewState& state) {
  switch (state.model.state) {
    case ModelState::ready:
      if (state.generating && state.elsewhere) return phrases.join({"Write meanwhile; an answer is being written in ", answering_chat_words(phrases, state), "\u2026"});
      if (state.generating) return "Write the next message meanwhile\u2026";
      return state.private_chat ? "Write a message that is saved nowhere\u2026" : "Write a message\u2026";
    case ModelState::loading: return "Write a message; it can be sent once the model is loaded\u2026";
    case ModelState::none:
    case ModelState::failed: break;
  }
  return "Write a message; it can be sent once a model is open\u2026";
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \n\t") == text.npos; }

std::size_t n_characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

TextField::Options Composer::options(const Frame& frame) {
  return {.label = "Message", .hint = hint_of(frame.phrases, frame.state), .font = frame.font(text::Style::regular, size::kText),
          .line_height = frame.px(size::kText * 1.5f), .takes_escape = editing_ != 0 || suggester_.takes_escape(), .takes_tab = suggester_.takes_tab(),
          .takes_choices = suggester_.takes_choices(), .watcher = &suggester_, .enter_submits = frame.state.enter_sends};
}

void Composer::begin(Frame& frame) {
  suggester_.begin(frame, {.focused = frame.input.focused(kFieldId), .rewrites = editing_, .for_user = editing_ == 0 || !edits_answer_}, field_.buffer());
  if (suggester_.take_click(frame, field_.buffer())) field_.set_origin(autocomplete::Origin::accept);
}

/// The buttons stand beside the text, or below it beside the strip.
float Composer::text_width(const Frame& frame, float width) const {
  return width - 2 * frame.px(kPadX) - (suggester_.is_present() ? 0 : buttons_width(frame));
}

float Composer::buttons_width(const Frame& frame) const { return frame.px(kButton) * (frame.state.can_choose_files ? 2 : 1); }

/// The files of a whole message; returns its words.
std::string_view Composer::take_files(std::string_view message) {
  const MessageParts parts = parts_of(message);
  files_.clear();
  for (const MessageParts::File& file : parts.files) files_.push_back({std::string(file.name), std::string(file.text)});
  return message.substr(parts.words.begin);
}

void Composer::set_text(std::string_view message) {
  field_.set_text(take_files(message));
  editing_ = 0;
  draft_.clear();
  long_paste_.reset();
  recalled_ = 0;
  ++own_revision_;
}

void Composer::edit(Frame& frame, const MessageRow& message) {
  std::string draft = kept();
  edit_revision_ = draft_revision() + (draft == this->draft() ? 0 : 1);
  set_text(message.text);
  original_ = whole();
  editing_ = message.id;
  edits_answer_ = message.author != Author::user;
  draft_ = std::move(draft);
  if (const auto before = cancelled_.extract(message.id)) {
    field_.buffer().select_all();
    field_.buffer().insert(take_files(before.mapped()));
  }
  frame.input.focus(kFieldId);
}

std::string Composer::kept() const {
  const std::string text = whole();
  if (editing_ == 0) return text;
  return text == original_ ? draft_ : joined(text, draft_);
}

void Composer::take_back(std::string_view message) {
  if (editing_ == 0) return set_text(joined(message, whole()));
  draft_ = joined(message, draft_);
  ++edit_revision_, ++own_revision_;
}

void Composer::stop_editing() { set_text(std::string(draft_)); }

/// What was written comes back when the message is edited again.
void Composer::cancel_editing() {
  if (std::string text = whole(); text != original_) cancelled_[editing_] = std::move(text);
  stop_editing();
}

void Composer::attach(Attachment file) {
  file.text = text::clean(file.text);
  files_.push_back(std::move(file));
  ++own_revision_;
}

/// Says which message is being written anew, and lets it be.
void Composer::draw_editing_head(Frame& frame, Rect rect) {
  const text::Font font = frame.font(text::Style::medium, size::kSmall);
  frame.canvas.icon(Icon::pencil, {rect.left + frame.px(9), rect.center().y}, frame.px(15), frame.theme.accent);
  frame.canvas.text_cut({rect.left + frame.px(26), rect.top}, rect.height(), rect.width() - frame.px(64), font, frame.theme.accent,
                        edits_answer_ ? "Your version of the answer" : "Ask this differently");
  const float side = frame.px(26), top = std::round(rect.center().y - side / 2);
  if (icon_button(frame, "composer/cancel", "Leave it as it was (Esc)", Icon::cross, {rect.right - side, top, rect.right, top + side})) cancel_editing();
}

/// A row for each file, from the top of `rect`.
void Composer::draw_files(Frame& frame, Rect rect) {
  const float height = frame.px(kChipHeight);
  float y = rect.top;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const std::string_view size = text_size_words(frame, files_[i].text);
    const float width = std::min(rect.width(), chip_width(frame, files_[i].name, size, true));
    const ChipPress press = draw_chip(frame, frame.join("composer/file:", i), files_[i].name, size, {rect.left, y, rect.left + width, y + height}, true);
    if (press == ChipPress::open) frame.clipboard.write(files_[i].text);
    if (press == ChipPress::remove) {
      files_.erase(files_.begin() + static_cast<std::ptrdiff_t>(i));
      ++own_revision_;
      frame.input.focus(kFieldId);
      return frame.wake(frame.now);
    }
    y += height + frame.px(kChipGap);
  }
}

/// A long paste may rather be a file: the text stays readable.
void Composer::draw_offer(Frame& frame, Rect rect) {
  const text::Font font = frame.font(text::Style::regular, size::kSmall);
  const float button = text_button_width(frame, "Attach as a file"), side = frame.px(24), height = frame.px(26), top = std::round(rect.center().y - height / 2);
  frame.canvas.text_cut({rect.left, rect.top}, rect.height(), rect.width() - button - side - frame.px(16), font, frame.theme.ink_soft,
                        frame.join("You pasted ", text_size_words(frame, *long_paste_), "."));
  const float left = rect.right - side - frame.px(4) - button;
  if (text_button(frame, "composer/attach_paste", "Attach as a file", {left, top, left + button, top + height}, ButtonLook::plain)) {
    field_.buffer().undo();
    attach({kPastedName, *std::exchange(long_paste_, std::nullopt)});
    frame.input.focus(kFieldId);
    return frame.wake(frame.now);
  }
  if (icon_button(frame, "composer/keep_paste", "Keep it as text", Icon::cross, {rect.right - side, top, rect.right, top + height})) long_paste_.reset();
}

/// What stands above the text.
float Composer::head_height(Frame& frame, float) const {
  float height = editing_ != 0 ? frame.px(kEditingHead) : 0;
  height += static_cast<float>(files_.size()) * frame.px(kChipHeight + kChipGap);
  return height + (long_paste_ ? frame.px(kOffer) : 0);
}

float Composer::wanted_height(Frame& frame, float width, float window_height) {
  const float inner = text_width(frame, width), head = head_height(frame, width), strip = suggester_.is_present() ? frame.px(Suggester::kStrip) : 0;
  const float content = field_.content_height(frame, inner, options(frame)) + 2 * frame.px(kPadY) + strip;
  return std::min(content, std::round(window_height * kShare)) + std::min(head, std::round(window_height * kShare / 2));
}

bool Composer::is_recallable() {
  if (editing_ != 0 || !files_.empty()) return false;
  if (field_.text().empty()) return true;
  return recalled_ > 0 && field_.text() == recalled_text_ && field_.buffer().caret() == field_.text().size();
}

/// Up brings back what the user sent before, Down what came after it.
void Composer::recall(Frame& frame, bool was_recallable) {
  if (!was_recallable) return;
  if (field_.text().empty()) recalled_ = 0;
  if (!field_.text().empty() && (recalled_ == 0 || field_.text() != recalled_text_)) return;  // written in this very frame
  for (const InputEvent& event : frame.input.events_of(kFieldId)) {
    const auto* press = std::get_if<KeyPress>(&event);
    if (press == nullptr || (press->key != Key::up && press->key != Key::down) || !(press->mods == Mods{})) continue;
    const std::size_t wanted = press->key == Key::up ? recalled_ + 1 : recalled_ - std::min<std::size_t>(recalled_, 1);
    if (recalled_ > 0) field_.buffer().move_to(field_.text().size(), false);
    if (wanted == recalled_) continue;
    std::size_t n = 0;
    const auto& messages = frame.state.messages;
    const auto found = std::find_if(messages.rbegin(), messages.rend(), [&](const MessageRow& row) { return row.author == Author::user && ++n == wanted; });
    if (wanted > 0 && found == messages.rend()) continue;
    set_text(wanted == 0 ? std::string_view() : std::string_view(found->text));
    recalled_ = wanted;
    recalled_text_ = field_.text();
  }
}

void Composer::take_paste(Frame& frame, const TextField::Result& result) {
  if (result.pasted && n_characters(*result.pasted) > kLongPaste) {
    long_paste_ = result.pasted;
    paste_revision_ = field_.revision();
  }
  if (long_paste_ && field_.revision() != paste_revision_) long_paste_.reset();  // written on: it is text
  if (!result.paste_as_file) return;
  std::string text = frame.clipboard.read();
  if (!text.empty()) attach({kPastedName, std::move(text)});
}

/// The round button: sends, or stops the answer. True: it was pressed.
bool Composer::draw_button(Frame& frame, Rect rect, bool enabled) {
  const bool generating = frame.state.answers_here();
  const std::string_view id = generating ? "composer/stop" : "composer/send";
  const std::string_view label = generating ? "Stop (Esc)" : editing_ != 0 && edits_answer_ ? "Keep this version" : label_with_keys(CommandId::send);
  frame.input.add({.id = id, .role = ItemRole::button, .label = label, .rect = rect, .enabled = enabled, .tip = true});
  const Color fill = enabled ? frame.theme.accent : frame.theme.hover;
  frame.canvas.disc(rect.center(), rect.width() / 2, fill.with_alpha(enabled && frame.input.hovered(id) ? 225 : 255));
  if (generating) {
    const Vec c = rect.center();
    const float half = frame.px(5);
    frame.canvas.fill({c.x - half, c.y - half, c.x + half, c.y + half}, frame.theme.on_accent, frame.px(2));
  } else {
    frame.canvas.icon(Icon::send, rect.center(), frame.px(21), enabled ? frame.theme.on_accent : frame.theme.ink_soft);
  }
  focus_ring(frame, id, rect, rect.width() / 2);
  return frame.input.activated(id);
}

/// At the left of the round one.
void Composer::draw_attach(Frame& frame, Rect rect) {
  if (!frame.state.can_choose_files) return;
  if (icon_button(frame, "composer/attach", label_with_keys(CommandId::attach), Icon::clip, rect)) frame.send(ChooseFile{FileUse::message});
}

Composer::Obstacle Composer::draw(Frame& frame, Rect rect) {
  Canvas& canvas = frame.canvas;
  const bool focused = frame.input.focused(kFieldId);
  canvas.fill(rect, frame.theme.raised, frame.px(kRadius));
  canvas.stroke(rect, focused ? frame.theme.border_focus : frame.theme.line, frame.px(kRadius), frame.px(focused ? 1.5f : 1));
  const float head = std::min(head_height(frame, rect.width()), rect.height() - frame.px(2 * kPadY + size::kText * 1.5f));
  const float strip = suggester_.is_present() ? frame.px(Suggester::kStrip) : 0, left = rect.left + frame.px(kPadX);
  const Rect inner{left, rect.top + frame.px(kPadY) + head, left + text_width(frame, rect.width()), rect.bottom - frame.px(kPadY) - strip};
  const bool recallable = is_recallable();
  const TextField::Result result = field_.draw(frame, kFieldId, inner, {rect.left, rect.top + head, rect.right, rect.bottom}, options(frame));
  recall(frame, recallable);
  take_paste(frame, result);

  canvas.push_clip({rect.left, rect.top, rect.right, inner.top});
  float y = rect.top + frame.px(kPadY);
  if (editing_ != 0) {
    draw_editing_head(frame, {rect.left + frame.px(kPadX), rect.top + frame.px(6), rect.right - frame.px(10), rect.top + frame.px(6 + kEditingHead)});
    y += frame.px(kEditingHead);
  }
  const float files = static_cast<float>(files_.size()) * frame.px(kChipHeight + kChipGap);
  draw_files(frame, {inner.left, y, rect.right - frame.px(kPadX), y + files});
  y += files;
  if (long_paste_) draw_offer(frame, {inner.left, y - frame.px(4), rect.right - frame.px(10), y - frame.px(4) + frame.px(kOffer)});
  canvas.pop_clip();
  if (result.cancelled && editing_ != 0) cancel_editing();

  const bool generating = frame.state.answers_here();
  const float side = frame.px(kButton), gap = frame.px(6);
  if (strip > 0) suggester_.draw_strip(frame, {inner.left, rect.bottom - gap - side, rect.right - 3 * gap - buttons_width(frame), rect.bottom - gap}, field_.text().empty());
  draw_attach(frame, {rect.right - gap - 2 * side, rect.bottom - gap - side, rect.right - gap - side, rect.bottom - gap});
  const bool pressed = draw_button(frame, {rect.right - gap - side, rect.bottom - gap - side, rect.right - gap, rect.bottom - gap},
                                   generating || !is_blank(field_.text()) || !files_.empty());
  if (generating && pressed) frame.send(StopGenerating{});
  const bool wanted = !(generating && pressed) && (result.submitted || pressed);
  const Obstacle obstacle = wanted ? send(frame) : Obstacle::none;
  if (wanted) refused_ = obstacle, refused_revision_ = kept_revision();
  suggester_.end(frame);
  return obstacle;
}

std::string_view Composer::refusal(Phrases& phrases, const ViewState& state) const {
  if (refused_revision_ != kept_revision()) return {};
  if (refused_ == Obstacle::loading && state.model.state == ModelState::loading) return "Not sent yet: the model is still being loaded";
  if (refused_ != Obstacle::answering || !state.generating) return {};
  if (state.elsewhere) return phrases.join({"Not sent yet: an answer is still being written in ", answering_chat_words(phrases, state)});
  return "Not sent yet: the answer is still being written; Escape stops it";
}

Composer::Obstacle Composer::send(Frame& frame) {
  if (is_blank(field_.text()) && files_.empty()) return Obstacle::none;
  const bool asks = editing_ == 0 || !edits_answer_;
  if (asks && frame.state.model.state == ModelState::loading) return Obstacle::loading;
  if (asks && frame.state.model.state != ModelState::ready) return Obstacle::no_model;
  if (frame.state.generating) return Obstacle::answering;
  if (editing_ == 0 && frame.state.context.blocked) return Obstacle::context;
  if (editing_ != 0) {
    frame.send(EditMessage{editing_, whole()});
    suggester_.sent(frame, field_.text());
    stop_editing();
    return Obstacle::none;
  }
  frame.send(SendMessage{whole()});
  suggester_.sent(frame, field_.text());
  set_text("");
  return Obstacle::none;
}

}  // namespace foreword::ui
