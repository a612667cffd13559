#pragma once
// The chats: new, search, sort, choose, rename in place, pin, move to folders (written, dragged, by Alt+Up and Alt+Down),
// delete; below them the bin.

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ui/bin_list.h"
#include "ui/text_field.h"

namespace foreword::ui {

class ChatList {
 public:
  void draw(Frame& frame, Rect area);

 private:
  void draw_search(Frame& frame, Rect rect);
  struct Line {
    const ChatRow* chat = nullptr;  // null: a folder
    std::string_view folder{};      // its path, or that of the one in which the chat is; a view of the state
    std::size_t depth = 0;
    Rect rect{};
  };
  struct Target {  // where a dragged chat may be let go
    Rect rect;
    std::string_view folder;
  };
  void arrange(const ViewState& state);
  void arrange_folders();
  Target target_at(Rect area, Vec at) const;
  void draw_rows(Frame& frame, Rect area);
  void draw_folder(Frame& frame, std::string_view path, Rect row);
  void drag(Frame& frame, const ChatRow& chat, Rect area);
  void draw_dragged(Frame& frame);
  void handle_row_keys(Frame& frame, const ChatRow& chat, bool current);
  void move_by_key(Frame& frame, const ChatRow& chat, bool down);
  void start_naming(Frame& frame, std::string_view path);
  void draw_row(Frame& frame, const ChatRow& chat, Rect row);
  void draw_detail(Frame& frame, const ChatRow& chat, Vec at, float width);
  void obey_search_keys(Frame& frame);
  void start_renaming(Frame& frame, const ChatRow& chat);
  void draw_field(Frame& frame, std::string_view id, Rect row, std::string_view label, const std::function<void(const std::string&)>& done);

  TextField search_{TextField::Lines::one};
  TextField field_{TextField::Lines::one};  // a title or a folder's name, in place
  std::int64_t renaming_ = 0, moving_ = 0;  // the chat whose title or folder is being written
  std::string naming_;                      // the folder whose name is
  std::set<std::string, std::less<>> closed_;  // folders
  std::vector<Line> lines_;                 // as they stand below each other, in this frame
  std::vector<const ChatRow*> foldered_;    // scratch
  std::int64_t dragged_ = 0;                // the chat that follows the mouse; 0: none
  std::string dragged_title_;
  Vec pressed_at_;
  BinList bin_;
  float scroll_ = 0;
  bool enters_ = false;       // the arrow down left the search field
  bool opens_first_ = false;  // Enter was pressed there, and its hits are still to come
};

}  // namespace foreword::ui
