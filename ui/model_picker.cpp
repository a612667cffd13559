#include "ui/model_picker.h"

#include <cstdlib>

#include "ui/widgets.h"

namespace foreword::ui {
namespace {

constexpr float kWidth = 560, kPad = 24, kRow = 46;  // logical
constexpr std::size_t kMaxRecent = 6;
constexpr const char* kPathId = "models/path";
constexpr const char* kBuiltinDetail = "Comes with the program; small, for everyday English";

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
  path_.set_text("");
  frame.input.focus(kPathId);
}

void ModelPicker::choose(Frame& frame, std::string path) {
  path = tidy_path(std::move(path));
  if (path.empty()) return;
  frame.send(OpenModel{std::move(path)});
  open_ = false;
  frame.input.focus("composer/text");
}

void ModelPicker::draw(Frame& frame, Rect window) {
  if (!open_) return;
  Canvas& canvas = frame.canvas;
  frame.input.set_layer(1);
  canvas.fill(window, frame.theme.scrim);
  const std::size_t n_recent = std::min(kMaxRecent, frame.state.recent_models.size());
  const bool failed = frame.state.model.state == ModelState::failed;
  const float pad = frame.px(kPad), width = std::min(frame.px(kWidth), window.width() - 2 * pad);
  const float field = frame.px(40), row = frame.px(kRow);
  const text::Font small = frame.font(text::Style::regular, size::kSmall);
  if (failed) failure_.set(frame, frame.state.model.failure, small, frame.px(20), width - 2 * pad);
  drop_.set(frame, "You can also drop a .gguf file anywhere on this window.", small, frame.px(22), width - 2 * pad);
  const float failure_height = failed ? failure_.height() + frame.px(12) : 0;
  const RecentModel& builtin = frame.state.builtin_model;
  const float builtin_gap = builtin.path.empty() ? 0 : n_recent == 0 ? frame.px(12) : frame.px(4);
  const float list = (n_recent == 0 ? 0 : frame.px(38) + static_cast<float>(n_recent) * row) + (builtin.path.empty() ? 0 : builtin_gap + row);
  const float height = pad + frame.px(34) + frame.px(12) + failure_height + field + list + frame.px(22) + drop_.height() + pad - frame.px(8);
  const float left = std::round(window.center().x - width / 2), top = std::round(std::max(pad, window.center().y - height * 0.55f));
  const Rect box{left, top, left + width, top + height};
  frame.input.add({.id = "models/outside", .role = ItemRole::button, .label = "Close", .rect = window, .focusable = false});
  frame.input.add({.id = "models/box", .role = ItemRole::button, .label = "Open a model", .rect = box, .focusable = false});
  canvas.shadow(box, frame.px(14), frame.px(22));
  canvas.fill(box, frame.theme.raised, frame.px(14));
  canvas.stroke(box, frame.theme.line, frame.px(14), frame.px(1));

  const float x = box.left + pad, right = box.right - pad, side = frame.px(size::kButton);
  float y = box.top + pad;
  canvas.text({x, y}, frame.px(34), frame.font(text::Style::bold, 20), frame.theme.ink, "Open a model");
  const bool close = icon_button(frame, "models/close", "Close (Esc)", Icon::cross, {right - side + frame.px(6), y, right + frame.px(6), y + side});
  y += frame.px(46);
  if (failed) failure_.draw(frame, {x, y}, frame.theme.danger);
  y += failure_height;

  const float open_width = text_button_width(frame, "Open");
  const Rect path_rect{x, y, right - open_width - frame.px(8), y + field};
  canvas.fill(path_rect, frame.theme.page, frame.px(size::kRadius));
  canvas.stroke(path_rect, frame.input.focused(kPathId) ? frame.theme.border_focus : frame.theme.line, frame.px(size::kRadius), frame.px(1));
  const float line_height = frame.px(24), line_top = std::round(path_rect.center().y - line_height / 2);
  const TextField::Options options{.label = "Path of a GGUF file", .hint = "/path/to/model.gguf",
                                   .font = frame.font(text::Style::regular, size::kInterface), .line_height = line_height, .takes_escape = true};
  const auto result = path_.draw(frame, kPathId, {path_rect.left + frame.px(12), line_top, path_rect.right - frame.px(12), line_top + line_height},
                                 path_rect, options);
  const bool confirmed = text_button(frame, "models/open", "Open", {right - open_width, y, right, y + field}, ButtonLook::primary,
                                     {.enabled = !path_.text().empty()});
  y += field;
  if (n_recent > 0) {
    canvas.text({x, y + frame.px(10)}, frame.px(26), frame.font(text::Style::bold, size::kSmall), frame.theme.ink_soft, "Recent");
    y += frame.px(38);
  }
  for (std::size_t i = 0; i < n_recent; ++i) {
    const RecentModel& model = frame.state.recent_models[i];
    if (draw_row(frame, frame.join("models/recent:", i), model, model.path, {x - frame.px(10), y, right + frame.px(10), y + row})) return;
    y += row;
  }
  if (!builtin.path.empty()) {
    y += builtin_gap;
    if (draw_row(frame, "models/builtin", builtin, kBuiltinDetail, {x - frame.px(10), y, right + frame.px(10), y + row})) return;
    y += row;
  }
  drop_.draw(frame, {x, y + frame.px(14)}, frame.theme.ink_soft);
  if (result.submitted || confirmed) return choose(frame, path_.text());
  bool escape = result.cancelled;
  for (const KeyPress& press : frame.input.shortcuts()) escape = escape || press.key == Key::escape;
  if (close || escape || frame.input.activated("models/outside")) {
    open_ = false;
    frame.input.focus("composer/text");
  }
}

bool ModelPicker::draw_row(Frame& frame, std::string_view id, const RecentModel& model, std::string_view detail, Rect row) {
  frame.input.add({.id = id, .role = ItemRole::row, .label = model.name, .rect = row});
  if (frame.input.hovered(id)) frame.canvas.fill(row, frame.theme.hover, frame.px(size::kRadius));
  const float x = row.left + frame.px(10), width = row.width() - frame.px(20);
  frame.canvas.text_cut({x, row.top + frame.px(3)}, frame.px(22), width, frame.font(text::Style::medium, size::kInterface), frame.theme.ink, model.name);
  frame.canvas.text_cut({x, row.top + frame.px(23)}, frame.px(18), width, frame.font(text::Style::regular, size::kSmall - 1), frame.theme.ink_soft,
                        detail);
  focus_ring(frame, id, row, frame.px(size::kRadius));
  if (!frame.input.activated(id)) return false;
  choose(frame, model.path);
  return true;
}

}  // namespace foreword::ui
