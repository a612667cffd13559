#pragma once
// What a panel gets for drawing one frame: where to draw, what hands did, what to show, and where its events go.

#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "ui/canvas.h"
#include "ui/commands.h"
#include "ui/interaction.h"
#include "ui/phrases.h"
#include "ui/theme.h"
#include "ui/view_state.h"

namespace foreword::ui {

struct Frame {
  Canvas& canvas;
  Interaction& input;
  Phrases& phrases;
  Clipboard& clipboard;
  const ViewState& state;
  const Theme& theme;
  std::vector<UiEvent>& events;
  double now = 0;    // seconds, monotonic
  float scale = 1;   // pixels per logical pixel
  /// Another frame is wanted at this time even if nothing happens (blinking, a tooltip).
  double wake_at = std::numeric_limits<double>::infinity();
  /// The target of a link that was chosen in this frame; the root asks before it is opened.
  std::string link_asked = {};
  /// A message that the user wants to write anew; the root hands it to the composer. 0: none.
  std::int64_t edit_asked = 0;
  /// The choices for a chat that outgrows the context are wanted.
  bool context_asked = false;
  /// A command that something else than its keys runs; the root does it.
  std::optional<CommandId> command_asked = {};
  /// What the status line says instead of what the model does; empty: nothing.
  std::string_view wait_reason = {};
  /// A question or a list stands over the window.
  bool asking = false;

  float px(float logical) const { return std::round(logical * scale); }
  text::Font font(text::Style style, float logical) const {
    return {style, std::max(6, static_cast<int>(std::lround(logical * scale)))};
  }
  /// Text for this frame: ids, labels.
  template <class... Parts>
  std::string_view join(const Parts&... parts) {
    return phrases.join({parts...});
  }
  void wake(double time) { wake_at = std::min(wake_at, time); }
  template <class Event>
  void send(Event event) {
    events.emplace_back(std::move(event));
  }
};

}  // namespace foreword::ui
