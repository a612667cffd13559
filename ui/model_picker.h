#pragma once
// A dialog that asks for a model: a path, a file chosen in the desktop's dialog or dropped on the window, a recent one, one that was found on this
// computer, the built-in one, or one that is downloaded. What stands in its field is a path, or else words for the hub, which is asked only when that is confirmed.

#include <optional>

#include "ui/dialog.h"
#include "ui/paragraph.h"
#include "ui/text_field.h"
#include "ui/widgets.h"

namespace foreword::ui {

class ModelPicker {
 public:
  /// Sends FindModels.
  void open(Frame& frame);
  void close() { open_ = false; }
  bool is_open() const { return open_; }
  /// Draws over the whole window while open. Sends OpenModel and closes itself.
  void draw(Frame& frame, Rect window);

 private:
  /// A row of the list: a section's name, or a model to choose.
  struct Entry {
    std::string_view id;  // empty: a section's name, or words alone
    std::string_view name, detail, path;
    bool can_open = true;
    FitLevel fit = FitLevel::unknown;
    std::optional<std::size_t> hub{};         // its row of the hub's answer
    const DownloadView* download = nullptr;
  };

  void choose(Frame& frame, std::string path);
  void take(Frame& frame, const Entry& entry);
  void confirm(Frame& frame);
  void collect(Frame& frame);
  void collect_hub(Frame& frame);
  void ask(Frame& frame);
  bool draw_field(Frame& frame, Rect rect);
  void draw_list(Frame& frame, Rect view, float content);
  void draw_entry(Frame& frame, const Entry& entry, Rect row);
  void draw_download(Frame& frame, const DownloadView& download, Rect row);

  Paragraph failure_, drop_;
  TextField path_{TextField::Lines::one};
  std::vector<Entry> entries_;  // of the frame
  bool open_ = false;
  float scroll_ = 0;
  Reached reached_;
};

}  // namespace foreword::ui
