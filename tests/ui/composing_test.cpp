// The composing rule (D75) on a clock of its own: presses as GLFW reports them, with and without an input method.

#include "ui/composing.h"

#include <gtest/gtest.h>

namespace foreword::ui {
namespace {

class D75Composing : public ::testing::Test {
 protected:
  void letter_key(char c) { rule_.take_printable({letter(c), {}}, now_, out_); }
  void key(Key k, Mods mods = {}) { rule_.take(KeyPress{k, mods}, now_, out_); }
  void character(char32_t c) { rule_.take(Character{c}, now_, out_); }
  void wait_ms(double ms) { now_ += ms / 1000; rule_.advance(now_, out_); }
  /// What went on: characters as they are, Enter as "!", other control keys as "<".
  std::string passed() {
    std::string text;
    for (const InputEvent& event : out_) {
      if (const auto* c = std::get_if<Character>(&event)) text += static_cast<char>(c->value);
      const auto* press = std::get_if<KeyPress>(&event);
      if (press != nullptr && press->key >= Key::enter) text += press->key == Key::enter ? '!' : '<';
    }
    return text;
  }

  Composing rule_;
  std::vector<InputEvent> out_;
  double now_ = 100;
};

TEST_F(D75Composing, PlainTypingPassesInOrder) {
  for (const char c : {'h', 'i'}) letter_key(c), character(static_cast<char32_t>(c)), wait_ms(80);
  key(Key::backspace);
  key(Key::enter);
  EXPECT_EQ(passed(), "hi<!");
  EXPECT_FALSE(rule_.composing());
}

TEST_F(D75Composing, APressWithoutItsCharacterIsComposingAndEnterDoesNotSend) {
  letter_key('n');
  wait_ms(29);
  EXPECT_FALSE(rule_.composing());
  wait_ms(1);
  EXPECT_TRUE(rule_.composing());
  letter_key('i');
  key(Key::down);       // chooses a candidate
  key(Key::backspace);
  key(Key::enter);      // confirms it
  character('N');
  EXPECT_EQ(passed(), "N");
  EXPECT_FALSE(rule_.composing());
  key(Key::enter);
  EXPECT_EQ(passed(), "N!");
}

TEST_F(D75Composing, AControlKeyWithinTheWindowWaitsForItsEnd) {
  letter_key('n');
  wait_ms(10);
  key(Key::enter);
  EXPECT_EQ(passed(), "");
  wait_ms(19);
  EXPECT_EQ(passed(), "");
  wait_ms(1);
  EXPECT_TRUE(rule_.composing());
  EXPECT_EQ(passed(), "") << "the input method took both";
}

TEST_F(D75Composing, ALateCharacterLetsTheWaitingEnterGoOnBehindIt) {
  letter_key('a');
  wait_ms(5);
  key(Key::enter);
  letter_key('b');
  wait_ms(5);
  character('a');
  EXPECT_EQ(passed(), "a") << "b has not come yet, and Enter was pressed before it";
  character('b');
  EXPECT_EQ(passed(), "ab!");
}

TEST_F(D75Composing, ItEndsThreeHundredMillisecondsAfterAnIgnoredEnterThatBroughtNothing) {
  letter_key('q');
  wait_ms(40);
  key(Key::enter);
  wait_ms(299);
  EXPECT_TRUE(rule_.composing());
  wait_ms(1);
  EXPECT_FALSE(rule_.composing());
  key(Key::enter);
  EXPECT_EQ(passed(), "!") << "at worst one Enter is ignored";
}

TEST_F(D75Composing, AnEnterThatWaitedInTheWindowCountsAsIgnored) {
  letter_key('q');
  wait_ms(10);
  key(Key::enter);
  wait_ms(20 + 299);
  EXPECT_TRUE(rule_.composing());
  wait_ms(2);
  EXPECT_FALSE(rule_.composing());
}

TEST_F(D75Composing, EscapeAndLossOfTheFocusEndIt) {
  letter_key('q');
  wait_ms(40);
  key(Key::escape);
  EXPECT_FALSE(rule_.composing());
  EXPECT_EQ(passed(), "") << "this Escape closed the candidates, and stops no answer";
  letter_key('q');
  wait_ms(40);
  rule_.take(FocusChange{false}, now_, out_);
  EXPECT_FALSE(rule_.composing());
  key(Key::enter);
  EXPECT_EQ(passed(), "!");
}

TEST_F(D75Composing, ADeadKeyComposesAndItsCharacterEndsIt) {
  letter_key('\'');
  wait_ms(200);
  letter_key('e');
  character('E');
  key(Key::enter);
  EXPECT_EQ(passed(), "E!");
}

TEST_F(D75Composing, OtherInputPassesWhileComposing) {
  letter_key('q');
  wait_ms(40);
  rule_.take(Wheel{{1, 1}, 0, 1}, now_, out_);
  key(Key::page_up);
  EXPECT_EQ(passed(), "<");
  EXPECT_EQ(out_.size(), 3u);
}

TEST_F(D75Composing, SaysWhenItWantsToBeAsked) {
  EXPECT_EQ(rule_.wake_at(), std::numeric_limits<double>::infinity());
  letter_key('q');
  EXPECT_DOUBLE_EQ(rule_.wake_at(), 100.030);
  wait_ms(30);
  EXPECT_EQ(rule_.wake_at(), std::numeric_limits<double>::infinity());
  key(Key::enter);
  EXPECT_DOUBLE_EQ(rule_.wake_at(), 100.330);
}

}  // namespace
}  // namespace foreword::ui
