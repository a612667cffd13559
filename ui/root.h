#pragma once
// The whole window: chat list, header, conversation, composer, status line, dialogs. Knows no window system and no GPU,
// so tests drive it with a list of input events and a clock of their own.

#include <map>
#include <string>
#include <vector>

#include "ui/answers_panel.h"
#include "ui/backup_list.h"
#include "ui/chat_list.h"
#include "ui/commands.h"
#include "ui/composer.h"
#include "ui/context_panel.h"
#include "ui/export_question.h"
#include "ui/find_bar.h"
#include "ui/import_report.h"
#include "ui/link_question.h"
#include "ui/message_view.h"
#include "ui/model_picker.h"
#include "ui/network_panel.h"
#include "ui/settings_panel.h"
#include "ui/shortcut_list.h"
#include "ui/suggestion_panel.h"

namespace foreword::ui {

/// Of the whole window, for the window system: the chat's and the program's. Of a private chat nothing is told.
std::string window_title(const ViewState& state);

class Root {
 public:
  /// `source` and `clipboard` must outlive the root.
  Root(text::GlyphSource& source, Clipboard& clipboard);

  struct Outcome {
    std::vector<UiEvent> events;
    bool more_input = false;  // the queue is not empty: draw again at once
    double wake_at = 0;       // seconds; infinity when nothing will change by itself
  };
  /// Draws one frame of `size` pixels into `list`. Consumes from the front of `queue`. `monitor_scale` is multiplied with
  /// the state's own scale.
  Outcome frame(const ViewState& state, std::vector<InputEvent>& queue, ImDrawList* list, Vec size, float monitor_scale, double now);

  const Interaction& interaction() const { return input_; }
  const Composer& composer() const { return composer_; }
  const MessageView& conversation() const { return conversation_; }
  Canvas& canvas() { return canvas_; }
  /// What stands in the composer, for an end of the program.
  KeepDraft draft() const { return {chat_, composer_.kept(), private_}; }

 private:
  /// Something that is said when it has changed, and not changed again for a while.
  struct Saying {
    std::uint64_t said = 0, seen = 0;  // revisions
    double changed_at = 0;
    bool due(Frame& frame, std::uint64_t revision, double pause);
  };

  void follow_chat(Frame& frame);
  void take_offers(Frame& frame);
  void take_place(Frame& frame);
  void draw_main(Frame& frame, Rect area, float window_height);
  void draw_drawer(Frame& frame, Rect window);
  void draw_header(Frame& frame, Rect area);
  void draw_header_buttons(Frame& frame, Rect rect);
  void draw_welcome(Frame& frame, Rect area);
  struct WelcomeOffer {
    std::string_view label, detail = {}, other = {};  // of its button, below it, of the button beside it
    std::string_view path = {};                       // what the first one opens; empty: the list
  };
  WelcomeOffer welcome_offer(Frame& frame) const;
  void draw_offer(Frame& frame, const WelcomeOffer& offer, Rect area, float y);
  float draw_notices(Frame& frame, Rect area);
  void let_notices_go(Frame& frame);
  void draw_tooltip(Frame& frame, Rect window);
  void say_draft(Frame& frame);
  void say_opening(Frame& frame);
  void draw_tip(Frame& frame, Rect window, Rect item, std::string_view words);
  void handle_shortcuts(Frame& frame);
  void run(CommandId id, Frame& frame);
  void handle_drops(Frame& frame);

  Clipboard& clipboard_;
  Canvas canvas_;
  Phrases phrases_;  // of the frame
  Interaction input_;
  ChatList chats_;
  MessageView conversation_;
  Composer composer_;
  ModelPicker picker_;
  LinkQuestion link_;
  ExportQuestion export_;
  FindBar find_;
  ContextPanel context_;
  ShortcutList shortcuts_;
  SuggestionPanel suggestions_;
  SettingsPanel settings_;
  AnswersPanel answers_;
  NetworkPanel network_;
  BackupList backups_;
  ImportReport import_;
  bool narrow_ = false;        // the window has no room for the chat list beside the conversation
  bool drawer_ = false;        // so it lies above it
  std::vector<Paragraph> notices_;  // their words
  std::map<std::uint64_t, double> noticed_;  // when each came, by its id
  Paragraph welcome_, tip_;
  std::int64_t chat_ = -1;     // whose draft the composer holds
  bool private_ = false;       // that chat is written nowhere
  std::uint64_t offer_ = 0;    // the newest that the composer has
  std::uint64_t place_ = 0;    // that of a search that was shown last
  Saying draft_, kept_;        // what is being written: for the meter, and to be kept
  double opening_since_ = -1;  // since when a chat is being opened; negative: none is
  std::string hovered_;
  double hovered_since_ = 0;
};

}  // namespace foreword::ui
