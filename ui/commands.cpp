#include "ui/commands.h"

#include <algorithm>
#include <vector>

namespace foreword::ui {
namespace {

constexpr Mods kCtrl{.ctrl = true}, kCtrlShift{.ctrl = true, .shift = true}, kShift{.shift = true}, kAlt{.alt = true}, kNone{};
using enum CommandScope;

constexpr Chord on(Mods mods, char key) { return {letter(key), mods}; }
constexpr Chord on(Mods mods, Key key) { return {key, mods}; }

// In the order of CommandId.
constexpr Command kCommands[] = {
    {CommandId::new_chat, window, "chat.new", "New chat", {on(kCtrl, 'n')}, "Begins an empty chat; this one stays in the list."},
    {CommandId::new_private_chat, window, "chat.new_private", "New private chat", {on(kCtrlShift, 'n')}, "Nothing of it is written to the disk."},
    {CommandId::search_chats, window, "chats.search", "Search all chats", {on(kCtrl, 'k')}, "Finds words in titles and messages."},
    {CommandId::find, window, "chat.find", "Find in this chat", {on(kCtrl, 'f')}, "Marks every place in the chat that is shown."},
    {CommandId::find_next, window, "chat.find_next", "Next place found", {on(kNone, Key::f3)}, "Enter does the same in the search field."},
    {CommandId::find_previous, window, "chat.find_previous", "Place found before", {on(kShift, Key::f3)}, "Shift+Enter does the same in the search field."},
    {CommandId::open_model, window, "model.open", "Open another model", {on(kCtrl, 'o')}, "A .gguf file, by its path or from the recent ones."},
    {CommandId::answers, window, "chat.answers", "Instructions and randomness", {on(kCtrl, 'i')}, "What the model is told in this chat before everything else, and how its answers are drawn."},
    {CommandId::export_chat, window, "chat.export", "Save this chat as a file", {on(kCtrl, 'e')}, "Markdown, web page, text, or everything as JSON."},
    {CommandId::attach, window, "composer.attach", "Attach a file", {on(kCtrlShift, 'o')}, "A text that comes with the message; dropping files on the window does the same."},
    {CommandId::undo, window, "undo", "Take back the last change", {on(kCtrl, 'z')}, "Brings back what was deleted, moved or renamed."},
    {CommandId::stop, window, "answer.stop", "Stop the answer", {on(kNone, Key::escape)}, "What there is of it is kept, and can go on later."},
    {CommandId::bigger, window, "view.bigger", "Bigger", {on(kCtrl, '+'), on(kCtrl, '=')}, "Text and everything else, up to 300 %."},
    {CommandId::smaller, window, "view.smaller", "Smaller", {on(kCtrl, '-')}, "Down to 75 %."},
    {CommandId::normal_size, window, "view.normal", "Normal size", {on(kCtrl, '0')}, "The monitor's own scale."},
    {CommandId::settings, window, "settings", "Settings", {on(kCtrl, ',')}, "Colours, size, keys, and how much memory chats take."},
    {CommandId::network, window, "network", "What was asked of the internet", {on(kCtrlShift, 'i')}, "Every request of this program: whom, what for, and how much came."},
    {CommandId::suggestions, window, "suggestions", "Suggestions on or off", {on(kCtrlShift, 's')}, "Words that the model proposes while you write; off means that nothing runs."},
    {CommandId::suggestion_health, window, "suggestions.health", "How suggestions fare", {on(kCtrlShift, 'h')}, "What they are set to, what they cost, and how often they were of use."},
    {CommandId::shortcuts, window, "help.shortcuts", "Keyboard shortcuts", {on(kNone, Key::f1), on(kCtrl, '/')}, "This list."},
    {CommandId::quit, window, "quit", "Quit", {on(kCtrl, 'q')}, "Everything is saved already."},
    {CommandId::send, writing, "composer.send", "Send", {on(kNone, Key::enter)}, "While an answer runs, the text waits."},
    {CommandId::new_line, writing, "composer.new_line", "New line", {on(kShift, Key::enter)}, "Messages may have many lines."},
    {CommandId::recall, writing, "composer.recall", "The message before", {on(kNone, Key::up)}, "In an empty composer: brings back what was sent last; again for older ones."},
    {CommandId::attach_paste, writing, "composer.attach_paste", "Paste as a file", {on(kCtrlShift, 'v')}, "What was copied becomes a text file of the message."},
    {CommandId::next_word, writing, "composer.next_word", "Word by word", {on(kCtrl, Key::left), on(kCtrl, Key::right)}, "With Shift, the words are selected."},
    {CommandId::undo_writing, writing, "composer.undo", "Undo", {on(kCtrl, 'z')}, "With Alt, through every state that ever was."},
    {CommandId::redo_writing, writing, "composer.redo", "Redo", {on(kCtrlShift, 'z'), on(kCtrl, 'y')}, "Along the branch that was left last."},
    {CommandId::accept_suggestion, writing, "suggestions.accept", "Take the suggestion", {on(kNone, Key::tab)}, "While one is shown; Ctrl and the right arrow take a word of it, or the right arrow alone at the end."},
    {CommandId::accept_sentence, writing, "suggestions.accept_sentence", "Take its sentence", {on(kShift, Key::tab)}, "As far as the sentence or the line goes."},
    {CommandId::accept_number, writing, "suggestions.accept_number", "Take another one", {on(kAlt, '1'), on(kAlt, '2')}, "By its number in the row below the text; a click on it does the same."},
    {CommandId::other_suggestion, writing, "suggestions.other", "Show another one", {on(kAlt, Key::down), on(kAlt, Key::up)}, "Without one, Alt and the down arrow ask for suggestions at once."},
    {CommandId::hide_suggestion, writing, "suggestions.hide", "Hide the suggestion", {on(kNone, Key::escape)}, "Until the next word; once more offers a longer rest."},
    {CommandId::copy, reading, "conversation.copy", "Copy", {on(kCtrl, 'c')}, "The selected text as it reads."},
    {CommandId::copy_markdown, reading, "conversation.copy_markdown", "Copy as Markdown", {on(kCtrlShift, 'c')}, "With headings, lists and code as they were written."},
    {CommandId::select_all, reading, "conversation.select_all", "Select all", {on(kCtrl, 'a')}, "The message that was clicked, then the whole chat."},
    {CommandId::extend_selection, reading, "conversation.extend", "Select more", {on(kShift, Key::left), on(kShift, Key::right)}, "Also up and down; with Ctrl by words."},
    {CommandId::older_version, reading, "conversation.older", "The version before", {on(kAlt, Key::left)}, "Of the message that was clicked."},
    {CommandId::newer_version, reading, "conversation.newer", "The version after", {on(kAlt, Key::right)}, "Of the message that was clicked."},
};

struct KeyWord {
  Key key;
  const char* word;
};
constexpr KeyWord kKeyWords[] = {
    {Key::enter, "Enter"}, {Key::escape, "Esc"}, {Key::tab, "Tab"}, {Key::space, "Space"}, {Key::backspace, "Backspace"}, {Key::del, "Delete"},
    {Key::left, "\u2190"}, {Key::right, "\u2192"}, {Key::up, "\u2191"}, {Key::down, "\u2193"}, {Key::home, "Home"}, {Key::end, "End"},
    {Key::minus, "\u2212"}, {Key::page_up, "Page Up"}, {Key::page_down, "Page Down"}, {Key::f1, "F1"}, {Key::f2, "F2"}, {Key::f3, "F3"}, {Key::f6, "F6"}};

}  // namespace

std::span<const Command> commands() { return kCommands; }

const Command& command(CommandId id) { return kCommands[static_cast<std::size_t>(id)]; }

std::optional<CommandId> command_named(std::string_view name) {
  const auto row = std::ranges::find(kCommands, name, [](const Command& each) { return std::string_view(each.name); });
  return row == std::end(kCommands) ? std::nullopt : std::optional(row->id);
}

std::optional<CommandId> window_command(const KeyPress& press) {
  const Command* loose = nullptr;  // signs such as "+" need Shift on many layouts
  for (const Command& command : kCommands) {
    if (command.scope != CommandScope::window) continue;
    for (const Chord& chord : command.keys) {
      if (chord.key == Key::none || chord.key != press.key) continue;
      if (chord.mods == press.mods) return command.id;
      if (chord.mods.ctrl == press.mods.ctrl && chord.mods.alt == press.mods.alt && press.mods.shift) loose = &command;
    }
  }
  return loose == nullptr ? std::nullopt : std::optional(loose->id);
}

std::vector<std::string> caps_of(const Chord& chord) {
  std::vector<std::string> caps;
  if (chord.mods.ctrl) caps.emplace_back("Ctrl");
  if (chord.mods.alt) caps.emplace_back("Alt");
  if (chord.mods.shift) caps.emplace_back("Shift");
  const auto named = std::find_if(std::begin(kKeyWords), std::end(kKeyWords), [&](const KeyWord& row) { return row.key == chord.key; });
  const char c = static_cast<char>(chord.key);
  caps.push_back(named != std::end(kKeyWords) ? std::string(named->word) : std::string(1, c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c));
  return caps;
}

std::string words_of(const Chord& chord) {
  std::string words;
  for (const std::string& cap : caps_of(chord)) words.append(words.empty() ? "" : "+").append(cap);
  return words;
}

std::string_view label_with_keys(CommandId id) {
  static const std::vector<std::string> kLabels = [] {
    std::vector<std::string> labels;
    for (const Command& row : kCommands) labels.push_back(std::string(row.label) + " (" + words_of(row.keys.front()) + ")");
    return labels;
  }();
  return kLabels[static_cast<std::size_t>(id)];
}

}  // namespace foreword::ui
