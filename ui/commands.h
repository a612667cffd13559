#pragma once
// The table of commands: what the user can ask for by keys, each with its words. It feeds the keys themselves, the
// tooltips, the overlay of shortcuts, and the tests. Pure data.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ui/input.h"

namespace foreword::ui {

enum class CommandId : std::uint8_t {
  new_chat, new_private_chat, search_chats, find, find_next, find_previous, open_model, answers, export_chat, attach, undo, stop, bigger, smaller,
  normal_size, settings, network, suggestions, suggestion_health, shortcuts, quit,
  send, new_line, recall, attach_paste, next_word, undo_writing, redo_writing,
  accept_suggestion, accept_sentence, accept_number, other_suggestion, hide_suggestion,
  copy, copy_markdown, select_all, extend_selection, older_version, newer_version,
};

/// Who listens: the window whatever has the focus, or the composer or the conversation while it has it.
enum class CommandScope : std::uint8_t { window, writing, reading };

struct Chord {
  Key key = Key::none;
  Mods mods;
  bool operator==(const Chord&) const = default;
};

struct Command {
  CommandId id;
  CommandScope scope;
  const char* name;            // "chat.new": for settings and tests
  const char* label;           // what it does, as a button says it
  std::array<Chord, 2> keys;   // the first one is shown; Key::none: no second one
  const char* help;            // one sentence
};

std::span<const Command> commands();
const Command& command(CommandId id);
/// By its name; nothing: there is none.
std::optional<CommandId> command_named(std::string_view name);
/// The window's command for a key press. Shift counts only where a command's keys have it or another one's differ by it.
std::optional<CommandId> window_command(const KeyPress& press);

/// "Ctrl+Shift+N"
std::string words_of(const Chord& chord);
/// "New chat (Ctrl+N)": the label of a button.
std::string_view label_with_keys(CommandId id);
/// What stands on the keys of a chord: "Ctrl", "Shift", "N".
std::vector<std::string> caps_of(const Chord& chord);

}  // namespace foreword::ui
