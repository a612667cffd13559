#pragma once
// The real window: GLFW, OpenGL 3.3 and Dear ImGui's renderer around a Root. Draws only when something changed (pacing.h).
// Main thread, except wake().

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>

#include "engine/base/result.h"
#include "ui/input.h"
#include "ui/interaction.h"
#include "ui/view_state.h"

namespace foreword::ui {

struct WindowOptions {
  int width = 1120, height = 760;  // logical
  bool maximized = false;          // width and height are those that it has without
  bool visible = true;
};

/// Who stands behind the window. Called on the main thread, and must not block.
class WindowClient {
 public:
  virtual ~WindowClient() = default;
  /// Takes waiting letters and returns what to show; valid until the next call. Called after every wake().
  virtual const ViewState& refresh() = 0;
  virtual void handle(UiEvent event) = 0;
  /// True ends run(): after Quit, which the window also sends when it is closed, once nothing can be lost any more.
  virtual bool finished() = 0;
  /// A picture of the next frame is written here.
  virtual std::optional<std::filesystem::path> picture_wanted() { return std::nullopt; }
  virtual void picture_taken(Result<void>) {}
  /// A frame with these items stands on the screen.
  virtual void frame_drawn(bool /*focused*/, const Interaction& /*items*/) {}
};

class Window {
 public:
  /// unsupported: no display, or no OpenGL 3.3; the sentence says what to do instead.
  static Result<std::unique_ptr<Window>> open(const WindowOptions& options);
  ~Window();

  /// Any thread: there are letters. Many calls cost one wake-up.
  void wake();
  /// Until the client is finished.
  void run(WindowClient& client);
  /// Whether the user writes in it, and so sees it.
  bool focused() const;
  /// Brings it before the others, or asks the window system to say that it wants to be there.
  void raise();
  /// Done in the next frame, which is drawn for it.
  void push(InputEvent event);
  /// Where it stands on the screen; asks the window system.
  Rect place() const;
  /// As it stands, for the next start.
  const WindowOptions& options() const;

 private:
  struct Impl;
  explicit Window(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace foreword::ui
