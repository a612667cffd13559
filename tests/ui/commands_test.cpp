// The table of commands (D77), and the overlay that lists it.

#include "ui/commands.h"

#include <gtest/gtest.h>

#include <set>

#include "ui/headless.h"

namespace foreword::ui {
namespace {

TEST(D77Commands, EveryRowIsWholeAndInItsPlace) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < commands().size(); ++i) {
    const Command& row = commands()[i];
    EXPECT_EQ(static_cast<std::size_t>(row.id), i) << row.name;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_GT(std::string_view(row.label).size(), 2u) << row.name;
    EXPECT_EQ(std::string_view(row.help).back(), '.') << row.name;
    EXPECT_NE(row.keys[0].key, Key::none) << row.name;
  }
}

TEST(D77Commands, NoTwoCommandsOfAScopeShareKeys) {
  for (const Command& a : commands()) {
    for (const Command& b : commands()) {
      if (a.id == b.id || a.scope != b.scope) continue;
      for (const Chord& x : a.keys) {
        for (const Chord& y : b.keys) EXPECT_FALSE(x.key != Key::none && x == y) << a.name << " and " << b.name;
      }
    }
  }
}

TEST(D77Commands, KeysAreFoundAndSaid) {
  EXPECT_EQ(window_command({letter('n'), {.ctrl = true}}), CommandId::new_chat);
  EXPECT_EQ(window_command({letter('n'), {.ctrl = true, .shift = true}}), CommandId::new_private_chat);
  EXPECT_EQ(window_command({Key::plus, {.ctrl = true, .shift = true}}), CommandId::bigger) << "a plus needs Shift on many layouts";
  EXPECT_EQ(window_command({letter('='), {.ctrl = true}}), CommandId::bigger);
  EXPECT_EQ(window_command({letter('n'), {}}), std::nullopt);
  EXPECT_EQ(window_command({letter('n'), {.ctrl = true, .alt = true}}), std::nullopt) << "AltGr types";
  EXPECT_EQ(window_command({Key::enter, {}}), std::nullopt) << "the composer's, not the window's";
  EXPECT_EQ(words_of({letter('n'), {.ctrl = true, .shift = true}}), "Ctrl+Shift+N");
  EXPECT_EQ(words_of({Key::left, {.alt = true}}), "Alt+\u2190");
  EXPECT_EQ(label_with_keys(CommandId::find), "Find in this chat (Ctrl+F)");
}

class D77Window : public ::testing::Test {
 protected:
  D77Window() {
    drive.state.model = {ModelState::ready, "tiny", -1, ""};
    drive.state.current_chat = 5;
    MessageRow row;
    row.id = 1;
    row.text = "words and words";
    drive.state.messages = {row};
    drive.frames(2);
  }
  /// What can be seen of a window command: an event, or an item that appears, or the focus.
  std::string effect() {
    std::string seen = drive.root().interaction().focus_id() + " " + std::to_string(drive.events.size());
    for (const Item& item : drive.root().interaction().items()) seen.append(" ").append(item.id);
    return seen;
  }
  Headless drive;
};

TEST_F(D77Window, EveryCommandOfTheWindowDoesSomething) {
  const std::set<CommandId> within{CommandId::find_next, CommandId::find_previous};  // need something found: find_test
  for (const Command& row : commands()) {
    if (row.scope != CommandScope::window || within.contains(row.id)) continue;
    for (const Chord& chord : row.keys) {
      if (chord.key == Key::none) continue;
      drive.state.generating = row.id == CommandId::stop;
      const Vec conversation = drive.find("messages")->rect.center();  // Ctrl+Z is the composer's while that has the focus
      drive.press(conversation), drive.release(conversation);
      drive.frames(2);
      const std::string before = effect();
      drive.key(chord.key, chord.mods);
      drive.frames(2);
      EXPECT_NE(effect(), before) << row.name;
      drive.state.generating = false;
      drive.key(Key::escape);
      drive.frames(2);
    }
  }
}

TEST_F(D77Window, TheOverlayListsEveryCommandAndScrolls) {
  drive.key(Key::f1);
  drive.frames(2);
  ASSERT_NE(drive.find("shortcuts/list"), nullptr);
  drive.type("x");
  drive.key(Key::end);
  drive.frames(2);
  EXPECT_EQ(drive.root().composer().text(), "") << "the composer sleeps below it";
  ASSERT_TRUE(drive.click("shortcuts/close"));
  EXPECT_EQ(drive.find("shortcuts/list"), nullptr);
  ASSERT_TRUE(drive.click("header/shortcuts"));
  EXPECT_NE(drive.find("shortcuts/list"), nullptr);
  drive.key(Key::escape);
  drive.frames(2);
  EXPECT_EQ(drive.find("shortcuts/list"), nullptr);
}

}  // namespace
}  // namespace foreword::ui
