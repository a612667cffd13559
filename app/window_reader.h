#pragma once
// What a screen reader is shown and told of the window (D95): copies of the semantic list when it has changed, and the end of an answer. Main thread. Costs nothing
// while no reader is there.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "app/bus/accessible.h"
#include "ui/geometry.h"
#include "ui/interaction.h"
#include "ui/view_state.h"

namespace foreword::app {

class WindowReader {
 public:
  struct Tells {
    std::function<void(std::shared_ptr<const AccessibleWindow>)> show;
    std::function<void(const char* sentence)> say;
  };
  explicit WindowReader(Tells tells) : tells_(std::move(tells)) {}

  /// A reader is there, or no longer: then all is forgotten.
  void come(bool there);
  bool there() const { return there_; }
  /// A frame with these items has been drawn. `place`: the window's on the screen.
  void see(const ui::Interaction& items, const ui::ViewState& state, ui::Rect place, bool focused);
  /// What the window knows now, drawn or not.
  void follow(const ui::ViewState& state);

 private:
  using Text = std::shared_ptr<const std::string>;
  struct Message {
    std::uint64_t revision = 0;
    std::size_t size = 0;
    Text text;
  };
  AccessibleItem item_of(const ui::Item& item, const ui::ViewState& state);
  void take_message(const ui::MessageRow& message, AccessibleItem& item);

  Tells tells_;
  bool there_ = false, answering_ = false;
  std::int64_t chat_ = 0;
  std::shared_ptr<const AccessibleWindow> shown_;
  std::map<std::int64_t, Message> messages_, seen_;  // by id: of the list before, and of the new one
};

}  // namespace foreword::app
