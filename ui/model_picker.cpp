#include "ui/model_picker.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "ui/widgets.h"

namespace foreword::ui {
namespace {

constexpr float kWidth = 560, kField = 40, kRow = 46, kSection = 36, kInset = 10;  // logical
constexpr std::size_t kMaxRecent = 6;
constexpr std::string_view kPathId = "models/path", kListId = "models/list";
constexpr const char* kBuiltinDetail = "Comes with the program; small, for everyday English";

/// The verdict on a model's size, by FitLevel.
struct FitLook {
  std::string_view words;
  Color Theme::*colour;
};
constexpr FitLook kFitLooks[] = {{"", &Theme::ink_soft}, {"Fits", &Theme::accent}, {"Slow", &Theme::ink_soft}, {"Too large", &Theme::danger}};

/// A path as people paste it: without blanks or quotes around it, or a file URI's scheme, and from their own folder on.
std::string tidy_path(std::string path) {
  const auto strip = [&](std::string_view set) {
    path.erase(0, std::min(path.find_first_not_of(set), path.size()));
    path.erase(path.find_last_not_of(set) + 1);
  };
  strip(" \t\n");
  if (path.size() >= 2 && path.front() == path.back() && (path.front() == '"' || path.front() == '\'')) path = path.substr(1, path.size() - 2);
  if (path.starts_with("file://")) path.erase(0, 7);
  const char* home = std::getenv("HOME");
  if (path.starts_with("~/") && home != nullptr) path.replace(0, 1, home);
  return path;
}

}  // namespace

void ModelPicker::open(Frame& frame) {
  open_ = true;
  scroll_ = 0;
  path_.set_text("");
  frame.send(FindModels{});
  frame.input.focus(kPathId);
}

void ModelPicker::choose(Frame& frame, std::string path) {
  path = tidy_path(std::move(path));
  if (path.empty()) return;
  frame.send(OpenModel{std::move(path)});
  open_ = false;
  frame.input.focus("composer/text");
}

void ModelPicker::collect(Frame& frame) {
  const ViewState& state = frame.state;
  entries_.clear();
  const auto section = [&](std::string_view name, bool shown) {
    if (shown) entries_.push_back({.id = {}, .name = name, .detail = {}, .path = {}});
  };
  const std::size_t n_recent = std::min(kMaxRecent, state.recent_models.size());
  section("Recent", n_recent > 0);
  // What it needs stands before where it is, for the line is cut at its end.
  const auto with_fit = [&](const ModelFit& fit, std::string_view detail) { return fit.words.empty() ? detail : frame.join(fit.words, " \u00b7 ", detail); };
  for (std::size_t i = 0; i < n_recent; ++i) {
    const RecentModel& model = state.recent_models[i];
    entries_.push_back({frame.join("models/recent:", i), model.name, with_fit(model.fit, model.path), model.path, true, model.fit.level});
  }
  section("Found on this computer", !state.found_models.empty());
  section("Looking for models on this computer\u2026", state.finding_models && state.found_models.empty());
  for (std::size_t i = 0; i < state.found_models.size(); ++i) {
    const FoundModel& model = state.found_models[i];
    entries_.push_back({frame.join("models/found:", i), model.name, with_fit(model.fit, model.detail), model.path, model.can_open, model.fit.level});
  }
  const bool builtin = !state.builtin_model.path.empty();
  section("Built in", builtin);
  if (builtin) entries_.push_back({"models/builtin", state.builtin_model.name, kBuiltinDetail, state.builtin_model.path});
}

void ModelPicker::draw(Frame& frame, Rect window) {
  if (!open_) return;
  collect(frame);
  const ViewState& state = frame.state;
  const bool failed = state.model.state == ModelState::failed;
  const float pad = frame.px(Dialog::kPad), head = frame.px(Dialog::kHead), gap = frame.px(12), width = std::min(frame.px(kWidth), window.width() - 2 * gap), room = width - 2 * pad;
  const text::Font small = frame.font(text::Style::regular, size::kSmall);
  if (failed) failure_.set(frame, state.model.failure, small, frame.px(20), room);
  const std::string_view note = state.found_note.empty() ? std::string_view() : frame.join(" ", state.found_note);
  drop_.set(frame, frame.join("You can also drop a .gguf file anywhere on this window.", note), small, frame.px(22), room);
  float content = 0;
  for (const Entry& entry : entries_) content += frame.px(entry.id.empty() ? kSection : kRow);
  const float above = failed ? failure_.height() + gap : 0, below = gap + drop_.height();
  const float fixed = pad + head + above + frame.px(kField) + below + pad - frame.px(4);
  const float list = std::clamp(window.height() * 0.86f - fixed, std::min(content, frame.px(kRow)), content);
  Dialog dialog(frame, window, {"models", "Open a model", width, fixed + list});
  const Rect inside = dialog.inside();
  if (failed) failure_.draw(frame, {inside.left, inside.top}, frame.theme.danger);
  float y = inside.top + above;
  const bool escape = draw_field(frame, {inside.left, y, inside.right, y + frame.px(kField)});
  y += frame.px(kField);
  if (open_) draw_list(frame, {inside.left - frame.px(kInset), y, inside.right + frame.px(kInset), y + list}, content);
  drop_.draw(frame, {inside.left, y + list + gap}, frame.theme.ink_soft);
  if (!open_ || !(escape || dialog.closed())) return;
  open_ = false;
  frame.input.focus("composer/text");
}

/// A path and its button. True: Escape.
bool ModelPicker::draw_field(Frame& frame, Rect rect) {
  const float button = text_button_width(frame, "Open"), line = frame.px(24), inset = frame.px(12);
  const Rect box{rect.left, rect.top, rect.right - button - frame.px(8), rect.bottom};
  frame.canvas.fill(box, frame.theme.page, frame.px(size::kRadius));
  frame.canvas.stroke(box, frame.input.focused(kPathId) ? frame.theme.border_focus : frame.theme.line, frame.px(size::kRadius), frame.px(1));
  const float top = std::round(box.center().y - line / 2);
  const TextField::Options options{.label = "Path of a GGUF file", .hint = "/path/to/model.gguf", .font = frame.font(text::Style::regular, size::kInterface), .line_height = line, .takes_escape = true};
  const auto result = path_.draw(frame, kPathId, {box.left + inset, top, box.right - inset, top + line}, box, options);
  const bool confirmed = text_button(frame, "models/open", "Open", {rect.right - button, rect.top, rect.right, rect.bottom}, ButtonLook::primary, {.enabled = !path_.text().empty()});
  if (result.submitted || confirmed) choose(frame, path_.text());
  return result.cancelled;
}

void ModelPicker::draw_list(Frame& frame, Rect view, float content) {
  frame.input.add({.id = kListId, .role = ItemRole::scroll_area, .label = "Models", .rect = view, .focusable = false});
  for (const InputEvent& event : frame.input.events_of(kListId)) {
    if (const auto* wheel = std::get_if<Wheel>(&event)) scroll_ -= wheel->dy * frame.px(60);
  }
  const float room = std::max(0.0f, content - view.height()), peek = frame.px(20);  // of the rows beside one, to which the keyboard goes on
  scroll_ = std::round(std::clamp(scroll_, 0.0f, room));
  std::size_t reached = 0;
  float y = view.top - scroll_, wanted = scroll_;
  frame.canvas.push_clip(view);
  for (std::size_t i = 0; i < entries_.size() && open_; ++i) {
    const Entry& entry = entries_[i];
    const Rect row{view.left, y, view.right, y + frame.px(entry.id.empty() ? kSection : kRow)};
    y = row.bottom;
    if (row.bottom <= view.top || row.top >= view.bottom) continue;
    draw_entry(frame, entry, row);
    if (entry.id.empty() || !frame.input.focus_ring(entry.id)) continue;
    reached = i + 1;
    wanted = std::min(std::max(scroll_, scroll_ + row.bottom + peek - view.bottom), scroll_ + row.top - peek - view.top);
  }
  frame.canvas.pop_clip();
  scroll_ = scroll_bar(frame, "models/scroll", {view.left, view.top, view.right + frame.px(8), view.bottom}, content, scroll_);
  if (std::exchange(reached_, reached) == reached || reached == 0) return;
  scroll_ = std::round(std::clamp(wanted, 0.0f, room));
  frame.wake(frame.now);
}

void ModelPicker::draw_entry(Frame& frame, const Entry& entry, Rect row) {
  Canvas& canvas = frame.canvas;
  const float x = row.left + frame.px(kInset), width = row.width() - 2 * frame.px(kInset);
  if (entry.id.empty()) {
    canvas.text_cut({x, row.top + frame.px(10)}, frame.px(26), width, frame.font(text::Style::bold, size::kSmall), frame.theme.ink_soft, entry.name);
    return;
  }
  frame.input.add({.id = entry.id, .role = ItemRole::row, .label = entry.fit == FitLevel::unknown ? frame.join(entry.name, ": ", entry.detail) : frame.join(entry.name, ": ", kFitLooks[static_cast<std::size_t>(entry.fit)].words, ". ", entry.detail), .rect = row.intersect(canvas.clip()), .enabled = entry.can_open});
  if (frame.input.hovered(entry.id)) canvas.fill(row, frame.theme.hover, frame.px(size::kRadius));
  const FitLook look = kFitLooks[static_cast<std::size_t>(entry.fit)];
  const text::Font small = frame.font(text::Style::medium, size::kSmall);
  const float verdict = look.words.empty() ? 0 : std::ceil(canvas.width(small, look.words));
  if (verdict > 0) canvas.text({row.right - frame.px(kInset) - verdict, row.top + frame.px(3)}, frame.px(22), small, frame.theme.*look.colour, look.words);
  canvas.text_cut({x, row.top + frame.px(3)}, frame.px(22), width - (verdict > 0 ? verdict + frame.px(12) : 0), frame.font(text::Style::medium, size::kInterface), entry.can_open ? frame.theme.ink : frame.theme.ink_soft, entry.name);
  canvas.text_cut({x, row.top + frame.px(23)}, frame.px(18), width, frame.font(text::Style::regular, size::kSmall - 1), frame.theme.ink_soft, entry.detail);
  focus_ring(frame, entry.id, row.inset(frame.px(2), frame.px(2)), frame.px(size::kRadius));
  if (frame.input.activated(entry.id)) choose(frame, std::string(entry.path));
}

}  // namespace foreword::ui
