#pragma once
// The chats: new, search, choose, rename in place, pin, delete; and the bin.

#include <cstdint>

#include "ui/text_field.h"

namespace foreword::ui {

class ChatList {
 public:
  void draw(Frame& frame, Rect area);

 private:
  void draw_search(Frame& frame, Rect rect);
  void draw_rows(Frame& frame, Rect area);
  void draw_row(Frame& frame, const ChatRow& chat, Rect row);
  void start_renaming(Frame& frame, const ChatRow& chat);
  float draw_bin(Frame& frame, Rect area);
  void draw_title_field(Frame& frame, const ChatRow& chat, const std::string& id, Rect row);

  TextField search_{TextField::Lines::one};
  TextField title_{TextField::Lines::one};
  std::int64_t renaming_ = 0;   // chat whose title is being edited
  bool bin_open_ = false;
  float scroll_ = 0;
};

}  // namespace foreword::ui
