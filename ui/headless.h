#pragma once
// A window without a window system, GPU, fonts or clock, for tests and benchmarks: it feeds input events to a Root, keeps
// the UiEvents, and finds items by id. Glyphs are boxes: every cluster is half its font's size wide, wide ones twice that.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ui/input.h"
#include "ui/raster.h"
#include "ui/root.h"
#include "ui/view_state.h"

struct ImGuiContext;

namespace foreword::ui {

class BoxFont final : public text::GlyphSource {
 public:
  text::LineMetrics metrics(text::Font font) override;
  text::Shape shape(text::Font font, std::string_view run, bool rtl) override;
  text::Bitmap rasterise(text::Font font, std::uint16_t face, std::uint32_t index, int subpixel) override;
};

class Headless {
 public:
  /// `source`: other glyphs than boxes; must outlive this.
  explicit Headless(Vec size = {1120, 760}, text::GlyphSource* source = nullptr);
  ~Headless();

  ViewState state;                // drawn in each frame; the test changes it
  std::vector<UiEvent> events;    // all that the window has said, oldest first
  std::string clipboard, selected_board;  // what was copied; what was selected, for the middle button
  double now = 0;                 // seconds; frames do not move it

  void push(InputEvent event);
  /// Types into what has the focus: characters as an input method commits them.
  void type(std::string_view utf8);
  void key(Key key, Mods mods = {});
  /// A click in the middle of an item; false: no such item, or nothing of it is visible.
  bool click(std::string_view id);
  void press(Vec at, int button = 0, Mods mods = {});
  void release(Vec at, int button = 0);
  void wheel(Vec at, float notches);
  /// Draws frames until the input is used up, and then `n` more.
  void frames(int n = 1);

  const Item* find(std::string_view id) const { return root_->interaction().find(id); }
  Root& root() { return *root_; }
  double wake_at() const { return wake_at_; }
  /// Triangles of the last frame; 0 means that nothing was drawn.
  int triangles() const { return triangles_; }
  /// The last frame's pixels.
  Picture picture() const;
  /// The last event of a kind, or null.
  template <class Event>
  const Event* last() const {
    for (auto event = events.rbegin(); event != events.rend(); ++event) {
      if (const auto* found = std::get_if<Event>(&*event)) return found;
    }
    return nullptr;
  }

 private:
  void draw_one();

  class Pocket;
  std::unique_ptr<Pocket> pocket_;
  BoxFont boxes_;
  ImGuiContext* imgui_;
  std::unique_ptr<Root> root_;
  Vec size_;
  std::vector<InputEvent> queue_;
  bool more_ = false;
  double wake_at_ = 0;
  int triangles_ = 0;
};

}  // namespace foreword::ui
