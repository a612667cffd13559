#include "ui/model_picker.h"

#include <algorithm>
#include <cstdlib>
#include <utility>


namespace foreword::ui {
namespace {

constexpr float kWidth = 560, kField = 40, kRow = 46, kSection = 36, kInset = 10;  // logical
constexpr std::size_t kMaxRecent = 6;
constexpr std::string_view kPathId = "models/path", kListId = "models/list";
constexpr std::string_view kChoose = "Choose a file\u2026";
constexpr const char* kBuiltinDetail = "Comes with the program; small, for everyday English";

/// The verdict on a model's size, by FitLevel.
struct FitLook {
  std::string_view words;
  Color Theme::*colour;
};
constexpr FitLook kFitLooks[] = {{"", &Theme::ink_soft}, {"Fits", &Theme::accent}, {"Slow", &Theme::ink_soft}, {"Too large", &Theme::danger}};

/// What it needs stands before where it is, for the line is cut at its end.
std::string_view with_fit(Frame& frame, const ModelFit& fit, std::string_view detail) { return fit.words.empty() ? detail : frame.join(fit.words, " \u00b7 ", detail); }

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

/// Whether the field's text names a file here. Anything else is for the hub.
bool is_path(std::string_view text) {
  for (const std::string_view start : {"/", "~/", "./", "../"}) {
    if (text.starts_with(start)) return true;
  }
  return text.ends_with(".gguf") && text.find("://") == text.npos;
}

}  // namespace

void ModelPicker::open(Frame& frame) {
  open_ = true;
  scroll_ = 0;
  path_.set_text("");
  frame.send(FindModels{});
  if (!frame.state.hub.rows.empty() || !frame.state.hub.problem.empty()) frame.send(AskHub{});  // the last answer is no longer of use
  frame.input.focus(kPathId);
}

void ModelPicker::choose(Frame& frame, std::string path) {
  path = tidy_path(std::move(path));
  if (path.empty()) return;
  frame.send(OpenModel{std::move(path)});
  open_ = false;
  frame.input.focus("composer/text");
}

/// The desktop's dialog takes this one's place.
void ModelPicker::ask(Frame& frame) {
  frame.send(ChooseFile{FileUse::model});
  open_ = false;
  frame.input.focus("composer/text");
}

/// What stands in the field.
void ModelPicker::confirm(Frame& frame) {
  std::string text = tidy_path(path_.text());
  if (!frame.state.hub.can_ask || is_path(text)) return choose(frame, std::move(text));
  if (!text.empty()) frame.send(AskHub{std::move(text)}), scroll_ = 0;
}

void ModelPicker::take(Frame& frame, const Entry& entry) {
  if (entry.hub && !entry.path.empty()) {
    frame.send(AskHub{std::string(entry.path)});
    frame.input.focus(kPathId);  // the row will be gone
  } else if (entry.hub) {
    frame.send(DownloadModel{*entry.hub});
  } else if (entry.download != nullptr && entry.download->state == DownloadState::failed) {
    frame.send(TryDownloadAgain{entry.download->id});
  } else if (entry.download == nullptr || entry.download->state == DownloadState::done) {
    choose(frame, std::string(entry.path));
  }
}

/// What is being downloaded, and what the hub has said.
void ModelPicker::collect_hub(Frame& frame) {
  const ViewState& state = frame.state;
  if (!state.downloads.empty()) entries_.push_back({.id = {}, .name = "Downloads", .detail = {}, .path = {}});
  for (const DownloadView& download : state.downloads) {
    entries_.push_back({.id = frame.join("models/download:", download.id), .name = download.name, .detail = download.detail, .path = download.path, .download = &download});
  }
  const HubView& hub = state.hub;
  if (hub.asking && hub.rows.empty()) entries_.push_back({.id = {}, .name = "Asking Hugging Face\u2026", .detail = {}, .path = {}});
  if (!hub.rows.empty()) entries_.push_back({.id = {}, .name = hub.about.empty() ? std::string_view("On Hugging Face") : frame.join("On Hugging Face: ", hub.about), .detail = {}, .path = {}});
  for (std::size_t i = 0; i < hub.rows.size(); ++i) {
    const HubRow& row = hub.rows[i];
    entries_.push_back({.id = frame.join("models/hub:", i), .name = row.name, .detail = with_fit(frame, row.fit, row.detail), .path = row.repository, .fit = row.fit.level, .hub = i});
  }
}

void ModelPicker::collect(Frame& frame) {
  const ViewState& state = frame.state;
  entries_.clear();
  const auto section = [&](std::string_view name, bool shown) {
    if (shown) entries_.push_back({.id = {}, .name = name, .detail = {}, .path = {}});
  };
  collect_hub(frame);
  const std::size_t n_recent = std::min(kMaxRecent, state.recent_models.size());
  section("Recent", n_recent > 0);
  for (std::size_t i = 0; i < n_recent; ++i) {
    const RecentModel& model = state.recent_models[i];
    entries_.push_back({frame.join("models/recent:", i), model.name, with_fit(frame, model.fit, model.path), model.path, true, model.fit.level});
  }
  section("Found on this computer", !state.found_models.empty());
  section("Looking for models on this computer\u2026", state.finding_models && state.found_models.empty());
  for (std::size_t i = 0; i < state.found_models.size(); ++i) {
    const FoundModel& model = state.found_models[i];
    entries_.push_back({frame.join("models/found:", i), model.name, with_fit(frame, model.fit, model.detail), model.path, model.can_open, model.fit.level});
  }
  const bool known = !state.known_models.empty() && state.hub.rows.empty() && !state.hub.asking;
  section("To begin with, from Hugging Face", known);
  for (std::size_t i = 0; known && i < state.known_models.size(); ++i) {
    const HubRow& row = state.known_models[i];
    entries_.push_back({.id = frame.join("models/known:", i), .name = row.name, .detail = with_fit(frame, row.fit, row.detail), .path = row.repository, .fit = row.fit.level, .hub = i});
  }
  const bool builtin = !state.builtin_model.path.empty();
  section("Built in", builtin);
  if (builtin) entries_.push_back({"models/builtin", state.builtin_model.name, kBuiltinDetail, state.builtin_model.path});
}

void ModelPicker::draw(Frame& frame, Rect window) {
  if (!open_) return;
  collect(frame);
  const ViewState& state = frame.state;
  const std::string_view problem = !state.hub.problem.empty() ? state.hub.problem : state.model.state == ModelState::failed ? state.model.failure : std::string_view();
  const bool failed = !problem.empty();
  const float pad = frame.px(Dialog::kPad), head = frame.px(Dialog::kHead), gap = frame.px(12), width = std::min(frame.px(kWidth), window.width() - 2 * gap), room = width - 2 * pad;
  const text::Font small = frame.font(text::Style::regular, size::kSmall);
  if (failed) failure_.set(frame, problem, small, frame.px(20), room);
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
  const bool asks = frame.state.hub.can_ask && !path_.text().empty() && !is_path(tidy_path(path_.text()));
  const bool chooses = frame.state.can_choose_files && path_.text().empty();
  const std::string_view verb = chooses ? kChoose : asks ? "Search" : "Open", hint = frame.state.hub.can_ask ? "/path/to/model.gguf, or words for Hugging Face" : "/path/to/model.gguf";
  const float button = std::max({text_button_width(frame, "Open"), text_button_width(frame, "Search"), frame.state.can_choose_files ? text_button_width(frame, kChoose) : 0}), line = frame.px(24), inset = frame.px(12);
  const Rect box{rect.left, rect.top, rect.right - button - frame.px(8), rect.bottom};
  frame.canvas.fill(box, frame.theme.page, frame.px(size::kRadius));
  frame.canvas.stroke(box, frame.input.focused(kPathId) ? frame.theme.border_focus : frame.theme.line, frame.px(size::kRadius), frame.px(1));
  const float top = std::round(box.center().y - line / 2);
  const TextField::Options options{.label = asks ? "Words for Hugging Face" : "Path of a GGUF file", .hint = hint, .font = frame.font(text::Style::regular, size::kInterface), .line_height = line, .takes_escape = true};
  const auto result = path_.draw(frame, kPathId, {box.left + inset, top, box.right - inset, top + line}, box, options);
  const bool confirmed = text_button(frame, "models/open", verb, {rect.right - button, rect.top, rect.right, rect.bottom}, chooses ? ButtonLook::plain : ButtonLook::primary, {.enabled = chooses || !path_.text().empty()});
  if (result.submitted || confirmed) chooses ? ask(frame) : confirm(frame);
  return result.cancelled;
}

void ModelPicker::draw_list(Frame& frame, Rect view, float content) {
  frame.input.add({.id = kListId, .role = ItemRole::scroll_area, .label = "Models", .rect = view, .focusable = false});
  for (const InputEvent& event : frame.input.events_of(kListId)) {
    if (const auto* wheel = std::get_if<Wheel>(&event)) scroll_ -= wheel->dy * frame.px(60);
  }
  scroll_ = std::round(std::clamp(scroll_, 0.0f, std::max(0.0f, content - view.height())));
  float y = view.top - scroll_;
  frame.canvas.push_clip(view);
  for (std::size_t i = 0; i < entries_.size() && open_; ++i) {
    const Entry& entry = entries_[i];
    const Rect row{view.left, y, view.right, y + frame.px(entry.id.empty() ? kSection : kRow)};
    y = row.bottom;
    if (row.bottom <= view.top || row.top >= view.bottom) continue;
    draw_entry(frame, entry, row);
  }
  frame.canvas.pop_clip();
  scroll_ = scroll_bar(frame, "models/scroll", {view.left, view.top, view.right + frame.px(8), view.bottom}, content, scroll_);
  scroll_ = follow_keyboard(frame, "models/", view, scroll_, reached_);
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
  const float verdict = entry.download != nullptr ? frame.px(2 * 28) : look.words.empty() ? 0 : std::ceil(canvas.width(small, look.words));
  if (!look.words.empty()) canvas.text({row.right - frame.px(kInset) - verdict, row.top + frame.px(3)}, frame.px(22), small, frame.theme.*look.colour, look.words);
  canvas.text_cut({x, row.top + frame.px(3)}, frame.px(22), width - (verdict > 0 ? verdict + frame.px(12) : 0), frame.font(text::Style::medium, size::kInterface), entry.can_open ? frame.theme.ink : frame.theme.ink_soft, entry.name);
  canvas.text_cut({x, row.top + frame.px(23)}, frame.px(18), width, frame.font(text::Style::regular, size::kSmall - 1), frame.theme.ink_soft, entry.detail);
  focus_ring(frame, entry.id, row.inset(frame.px(2), frame.px(2)), frame.px(size::kRadius));
  if (entry.download != nullptr) draw_download(frame, *entry.download, row);
  if (frame.input.activated(entry.id)) take(frame, entry);
}

/// How far it is, and what ends it.
void ModelPicker::draw_download(Frame& frame, const DownloadView& download, Rect row) {
  const float side = frame.px(28), right = row.right - frame.px(kInset);
  const Rect button{right - side, row.top + frame.px(3), right, row.top + frame.px(3) + side};
  const std::string_view verb = download.state == DownloadState::done || download.state == DownloadState::failed ? "Take off the list" : "Stop; what came stays";
  if (icon_button(frame, frame.join("models/stop:", download.id), verb, Icon::cross, button)) frame.send(StopDownload{download.id});
  const auto first = std::ranges::find(frame.state.downloads, DownloadState::waiting, &DownloadView::state);
  if (download.state == DownloadState::waiting && &download != &*first) {
    const Rect before{button.left - side, button.top, button.left, button.bottom};
    if (icon_button(frame, frame.join("models/next:", download.id), "Download this one next", Icon::arrow_up, before)) frame.send(DownloadNext{download.id});
  }
  if (download.state != DownloadState::running) return;
  const Rect bar{row.left + frame.px(kInset), row.bottom - frame.px(4), right, row.bottom - frame.px(2)};
  frame.canvas.fill(bar, frame.theme.line, frame.px(1));
  frame.canvas.fill({bar.left, bar.top, bar.left + bar.width() * static_cast<float>(std::clamp(download.share, 0.0, 1.0)), bar.bottom}, frame.theme.accent, frame.px(1));
}

}  // namespace foreword::ui
