// D10, D61 to D64: messages as they are shown, selected and copied.

#include <gtest/gtest.h>

#include <map>

#include "ui/headless.h"
#include "ui/text/copy.h"
#include "ui/text/markdown_stream.h"

namespace foreword::ui {
namespace {

constexpr Mods kCtrl{.ctrl = true}, kCtrlShift{.ctrl = true, .shift = true};

class MessageTest : public ::testing::Test {
 protected:
  MessageTest() { drive.state.model = {ModelState::ready, "tiny", -1, ""}; }
  MessageRow& add(Author author, const std::string& text) {
    MessageRow row;
    row.id = static_cast<std::int64_t>(drive.state.messages.size()) + 1;
    row.author = author;
    row.text = text;
    drive.state.messages.push_back(row);
    return drive.state.messages.back();
  }
  /// Puts the focus on the conversation by a click beside the texts, and selects everything.
  void select_chat() {
    const Rect view = drive.find("messages")->rect;
    drive.press({view.left + 2, view.top + 2});
    drive.release({view.left + 2, view.top + 2});
    drive.key(letter('a'), kCtrl);
    drive.key(letter('a'), kCtrl);
    drive.frames(2);
  }
  std::string copied(Mods mods = kCtrl) {
    drive.key(letter('c'), mods);
    drive.frames();
    return drive.clipboard;
  }
  const MessageCard& card(std::size_t i) const { return *drive.root().conversation().card(i); }
  mutable Headless drive;
};

const std::string kRich =
    "# Title\n\nSome **bold** and `code`.\n\n- one\n- two\n  1. deep\n\n> quote\n\n```py\nx = 1\n\ny\n```\n\n| a | b |\n|---|--:|\n| 1 | [l](http://x) |";

TEST_F(MessageTest, D64ACopyIsPlainTextOrMarkdown) {
  add(Author::user, "question *as it is*");
  add(Author::assistant, kRich);
  drive.frames(2);
  select_chat();
  EXPECT_EQ(copied(), "question *as it is*\n\nTitle\n\nSome bold and code.\n\n\u2022 one\n\u2022 two\n  1. deep\n\n> quote\n\nx = 1\n\ny\n\na\tb\n1\tl");
  EXPECT_EQ(copied(kCtrlShift), "question *as it is*\n\n" + kRich);
}

TEST(Copy, D64AnyPartOfMarkdownIsMarkdownThatMeansTheSame) {
  text::MarkdownStream stream;
  stream.update(kRich, false);
  std::size_t size = 0;
  for (const text::Block& block : stream.blocks()) size += block.text.size() + 1;
  EXPECT_EQ(text::copy_markdown(stream.blocks(), {0, size}), kRich.substr(0, kRich.find("| a | b |")) + "| a | b |\n|---|--:|\n| 1 | [l](http://x) |");
  const auto part = [&](const char* from, const char* to) {  // by texts of the second block, which begins at 6
    const std::string& text = stream.blocks()[1].text;
    return text::copy_markdown(stream.blocks(), {6 + text.find(from), 6 + text.find(to)});
  };
  EXPECT_EQ(part("bold", " and"), "**bold**");
  EXPECT_EQ(part("ld", "de."), "**ld** and `co`");
  EXPECT_EQ(part("me", "bold"), "me ");
  // Whatever is selected, reading the copy gives the selected text again.
  for (std::size_t begin = 0; begin < size; begin += 3) {
    for (std::size_t end = begin + 1; end <= size; end += 5) {
      text::MarkdownStream again;
      again.update(text::copy_markdown(stream.blocks(), {begin, end}), false);
      std::string wanted = text::copy_plain(stream.blocks(), {begin, end}), got = text::copy_plain(again.blocks(), {0, 10'000});
      const auto squeeze = [](std::string& s) { std::erase_if(s, [](char c) { return c == ' ' || c == '\n' || c == '\t'; }); };
      squeeze(wanted), squeeze(got);
      EXPECT_EQ(got, wanted) << begin << ".." << end;
    }
  }
}

TEST_F(MessageTest, D64WordsParagraphsMessagesAndTheChatAreSelected) {
  add(Author::assistant, "first **second** third\n\nanother paragraph");
  add(Author::user, "next");
  drive.frames(2);
  // Boxes of 8 pixels a character at 16 pixels; the text begins below the name.
  const Rect view = drive.find("messages")->rect;
  const float left = drive.find("messages/1/copy")->rect.left + 5, top = view.top + 20 + 26 + 12;
  const auto click = [&](int times) {
    drive.now += 1;
    for (int i = 0; i < times; ++i) drive.press({left + 8 * 7, top}), drive.release({left + 8 * 7, top});
    drive.frames();
  };
  click(2);
  EXPECT_EQ(copied(), "second");
  EXPECT_EQ(copied(kCtrlShift), "**second**");
  click(3);
  EXPECT_EQ(copied(), "first second third");
  click(1);
  drive.press({left + 8 * 11, top}, 0, {.shift = true});
  drive.release({left + 8 * 11, top});
  EXPECT_EQ(copied(), "econ");
  drive.key(letter('a'), kCtrl);
  EXPECT_EQ(copied(), "first second third\n\nanother paragraph");
  drive.key(letter('a'), kCtrl);
  EXPECT_EQ(copied(), "first second third\n\nanother paragraph\n\nnext");
}

TEST_F(MessageTest, D62CodeIsCopiedByItsButtonAsItWasWritten) {
  add(Author::assistant, "Look:\n\n```make\nall:\n\tcc -o a a.c\n```\n");
  drive.frames(2);
  std::string button;
  for (const Item& item : drive.root().interaction().items()) {
    if (item.label == "Copy code") button = item.id;
  }
  ASSERT_TRUE(drive.click(button));
  EXPECT_EQ(drive.clipboard, "all:\n\tcc -o a a.c");
}

TEST_F(MessageTest, D60WideCodeIsMovedSideways) {
  add(Author::assistant, "```\n" + std::string(300, 'w') + "\n```");
  drive.frames(2);
  const Item* bar = nullptr;
  for (const Item& item : drive.root().interaction().items()) {
    if (item.id.ends_with("/scroll") && item.id.starts_with("messages/1/code")) bar = &item;
  }
  ASSERT_NE(bar, nullptr);
  const Vec inside{bar->rect.center().x, bar->rect.top - 12};
  drive.push(Wheel{inside, -3, 0});
  drive.frames(2);
  drive.press(inside), drive.release(inside);
  drive.now += 1;
  EXPECT_TRUE(drive.root().conversation().following());
}

TEST_F(MessageTest, D62LinksShowTheirTargetAndAreAskedAbout) {
  add(Author::assistant, "See [the map](https://example.org/map).");
  drive.frames(2);
  std::string link;
  for (const Item& item : drive.root().interaction().items()) {
    if (item.label == "https://example.org/map") link = item.id;
  }
  ASSERT_FALSE(link.empty());
  ASSERT_TRUE(drive.click(link));
  EXPECT_EQ(drive.last<OpenLink>(), nullptr) << "nothing is opened without a question";
  ASSERT_TRUE(drive.click("link/copy"));
  EXPECT_EQ(drive.clipboard, "https://example.org/map");
  ASSERT_TRUE(drive.click(link));
  drive.key(Key::escape);
  drive.frames(2);
  EXPECT_EQ(drive.find("link/open"), nullptr);
  ASSERT_TRUE(drive.click(link));
  ASSERT_TRUE(drive.click("link/open"));
  ASSERT_NE(drive.last<OpenLink>(), nullptr);
  EXPECT_EQ(drive.last<OpenLink>()->target, "https://example.org/map");
}

/// What turns the direction of text would make another host of the address that is asked about.
TEST_F(MessageTest, D62UnseenCharactersOfATargetAreShown) {
  const std::string target = "https://\u202Emoc.elpmaxe@evil.example/\u200Bä";
  add(Author::assistant, "See [the map](" + target + ").");
  drive.frames(2);
  const std::string shown = "https://\\u202Emoc.elpmaxe@evil.example/\\u200Bä";
  std::string link;
  for (const Item& item : drive.root().interaction().items()) {
    if (item.label == shown) link = item.id;
  }
  ASSERT_FALSE(link.empty()) << "in the tooltip";
  ASSERT_TRUE(drive.click(link));
  EXPECT_EQ(drive.find("link/box")->label, shown) << "in the question";
  ASSERT_TRUE(drive.click("link/open"));
  EXPECT_EQ(drive.last<OpenLink>()->target, target);
}

TEST_F(MessageTest, D62OtherTargetsThanWebAndMailAreNotOpened) {
  add(Author::assistant, "[a](file:///etc/passwd) [b](javascript:1)");
  drive.frames(2);
  for (const std::string target : {"file:///etc/passwd", "javascript:1"}) {
    std::string link;
    for (const Item& item : drive.root().interaction().items()) {
      if (item.label == target) link = item.id;
    }
    ASSERT_TRUE(drive.click(link)) << target;
    EXPECT_FALSE(drive.find("link/open")->enabled);
    drive.key(Key::escape);
    drive.frames(2);
  }
}

TEST_F(MessageTest, D63ThoughtsAreFoldedWithTheirDurationAndNotCopied) {
  MessageRow& row = add(Author::assistant, "<think>\nsecret thought\n</think>\n\nThe answer.");
  row.reasoning_seconds = 75;
  drive.frames(2);
  ASSERT_NE(drive.find("messages/1/thoughts"), nullptr);
  EXPECT_EQ(drive.find("messages/1/thoughts")->label, "Thought for 1 min 15 s, folded");
  select_chat();
  EXPECT_EQ(copied(), "The answer.");
  ASSERT_TRUE(drive.click("messages/1/copy"));
  EXPECT_EQ(drive.clipboard, "The answer.");
  const float folded = card(0).height();
  ASSERT_TRUE(drive.click("messages/1/thoughts"));
  EXPECT_GT(card(0).height(), folded);
  EXPECT_EQ(copied(), "The answer.") << "also while they are seen, unless nothing else is selected";
  EXPECT_EQ(copy_message(row, {0, 6}, CopyAs::plain), "secret");
}

TEST_F(MessageTest, D63ThoughtsAreFoundWhileTheyComeAndWithoutTheirFirstTag) {
  MessageRow& row = add(Author::assistant, "<think>\nso far");
  row.state = MessageState::streaming;
  drive.frames(2);
  EXPECT_EQ(drive.find("messages/1/thoughts")->label, "Thinking\u2026, folded");
  row.text += "\n</think>\n\nDone";
  drive.frames(2);
  EXPECT_EQ(drive.find("messages/1/thoughts")->label, "Thoughts, folded");
  const AnswerParts lone = split_reasoning("thought\n</think>\nDone");
  EXPECT_EQ(lone.reasoning, (text::Range{0, 7}));
  EXPECT_TRUE(split_reasoning("Say `</think>` to end.").reasoning.empty());
}

TEST_F(MessageTest, D63ThoughtsOfGptOssAreFoldedWhileTheyComeAndItsMarksAreNotSeen) {
  MessageRow& row = add(Author::assistant, "<|channel|>analysis");
  row.state = MessageState::streaming;
  drive.frames(2);
  EXPECT_EQ(drive.find("messages/1/thoughts")->label, "Thinking\u2026, folded");
  row.text += "<|message|>secret thought<|end|><|start|>assistant<|channel|>final<|message|>The answer.";
  drive.frames(2);
  EXPECT_EQ(drive.find("messages/1/thoughts")->label, "Thoughts, folded");
  row.state = MessageState::complete;
  select_chat();
  EXPECT_EQ(copied(), "The answer.");
  EXPECT_EQ(copy_message(row, {0, 14}, CopyAs::plain), "secret thought");
  row.text += "<|end|>";
  drive.frames(2);
  ASSERT_TRUE(drive.click("messages/1/copy"));
  EXPECT_EQ(drive.clipboard, "The answer.");
}

TEST_F(MessageTest, D61ATokenLaysOutTheEndOfTheLastBlockOnly) {
  std::string text;
  for (int i = 0; i < 30; ++i) text += "Paragraph **" + std::to_string(i) + "** with `code`.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n";
  MessageRow& row = add(Author::assistant, text);
  row.state = MessageState::streaming;
  drive.frames(2);
  const std::size_t fresh = card(0).n_fresh(), edited = card(0).n_edited();
  for (int token = 0; token < 100; ++token) {
    row.text += token % 10 == 9 ? " **strong**" : " word";
    drive.frames();
  }
  EXPECT_LE(card(0).n_fresh(), fresh + 2) << "the new paragraph, once";
  EXPECT_LE(card(0).n_edited(), edited + 100);
  row.text += "\n\nNew";
  drive.frames();
  EXPECT_LE(card(0).n_fresh(), fresh + 3);
}

TEST_F(MessageTest, TheLayoutOfAGrowingMessageIsThatOfTheWholeOne) {
  const std::string source = kRich + "\n\nEnd with 漢字 and \u05e9\u05dc\u05d5\u05dd, *emphasis* and ~~more~~ `code` words that wrap at the end of the line, as words do.\n\n" + kRich;
  MessageRow& row = add(Author::assistant, "");
  row.state = MessageState::streaming;
  for (std::size_t n = 1; n <= source.size(); n += 3) {
    row.text = source.substr(0, n);
    drive.frames();
    Headless fresh;
    fresh.state = drive.state;
    fresh.frames();
    ASSERT_EQ(card(0).height(), fresh.root().conversation().card(0)->height()) << "prefix " << n;
  }
}

TEST_F(MessageTest, D66ALongMessageIsLaidOutWhereItIsLookedAtAndNeverJumps) {
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    text += "[" + std::to_string(i) + "](http://x/" + std::to_string(i) + ")";
    for (int word = 0; word < i % 37; ++word) text += " words";
    text += i % 11 == 0 ? "\n\n## Heading\n\n" : i % 13 == 0 ? "\n\n> quote\n\n" : "\n\n";
  }
  add(Author::assistant, text);
  drive.frames(2);
  const Vec middle = drive.find("messages")->rect.center();
  const auto places = [&] {
    std::map<std::string, float> out;
    for (const Item& item : drive.root().interaction().items()) {
      if (item.label.starts_with("http://x/") && item.rect.height() > 24.5f) out[std::string(item.label)] = item.rect.top;
    }
    return out;
  };
  EXPECT_TRUE(places().contains("http://x/2999")) << "it opens at its end";
  int seen = 0;
  for (int step = 0; step < 120; ++step) {
    const auto before = places();
    const float notches = step < 100 ? 2.0f : -2.0f;
    drive.wheel(middle, notches);
    drive.frames();
    for (const auto& [label, top] : places()) {
      if (!before.contains(label)) continue;
      ASSERT_NEAR(top - before.at(label), 70 * notches, 1.5) << "step " << step << " " << label;
      ++seen;
    }
  }
  EXPECT_GT(seen, 500);
}

TEST_F(MessageTest, D64TheKeyboardSelectsFromMessageToMessage) {
  add(Author::assistant, "one **two**\n\n| a | b |\n|---|---|\n| c | d |");
  add(Author::user, "next words");
  drive.frames(2);
  const Rect view = drive.find("messages")->rect;
  drive.press({view.left + 2, view.top + 20 + 26 + 12});
  drive.release({view.left + 2, view.top + 20 + 26 + 12});
  constexpr Mods kShift{.shift = true};
  for (int i = 0; i < 5; ++i) drive.key(Key::right, kShift);
  EXPECT_EQ(copied(), "one t");
  drive.key(Key::left, kShift);
  EXPECT_EQ(copied(), "one ");
  drive.key(Key::right, kCtrlShift);
  EXPECT_EQ(copied(), "one two");
  drive.key(Key::down, kShift);
  EXPECT_EQ(copied().substr(0, 9), "one two\n\n");
  drive.key(Key::down, kShift);
  EXPECT_NE(copied().find("a\tb\n"), std::string::npos);
  for (int i = 0; i < 40; ++i) drive.key(Key::right, kShift), drive.frames();
  EXPECT_EQ(copied(), "one two\n\na\tb\nc\td\n\nnext words");
  for (int i = 0; i < 40; ++i) drive.key(Key::up, kShift), drive.frames();
  drive.clipboard = "untouched";
  EXPECT_EQ(copied(), "untouched") << "back where it began nothing is selected";
}

TEST_F(MessageTest, AChatThatGetsShorterUnderTheSelectionForgetsIt) {
  for (int i = 0; i < 6; ++i) add(i % 2 == 0 ? Author::user : Author::assistant, "words " + std::to_string(i));
  drive.frames(2);
  const Rect last = drive.find("messages/6/copy")->rect;
  drive.press({last.left, last.top - 12});
  drive.release({last.left, last.top - 12});
  drive.key(Key::right, {.shift = true});
  EXPECT_FALSE(copied().empty());
  drive.state.messages.resize(2);  // another version, whose branch is shorter
  drive.frames(2);
  drive.clipboard = "untouched";
  EXPECT_EQ(copied(), "untouched");
  drive.key(Key::down, {.shift = true});
  drive.key(letter('a'), kCtrl);
  EXPECT_EQ(copied(), "words 0\n\nwords 1");
}

struct HostileText {
  const char* name;
  std::string (*make)();
};

class HostileMessage : public ::testing::TestWithParam<HostileText> {};

/// No crash and no end in sight of time, whatever a text holds, wherever it stands.
TEST_P(HostileMessage, IsPastedShownScrolledSelectedAndCopied) {
  const std::string text = GetParam().make();
  for (const Author author : {Author::user, Author::assistant}) {
    Headless drive;
    drive.state.model = {ModelState::ready, "tiny", -1, ""};
    MessageRow row;
    row.id = 1;
    row.author = author;
    row.state = author == Author::user ? MessageState::complete : MessageState::streaming;
    row.text = text;
    drive.state.messages = {row};
    drive.frames(2);
    const Vec middle = drive.find("messages")->rect.center();
    for (int i = 0; i < 8; ++i) drive.wheel(middle, i < 4 ? 50.0f : -3.0f), drive.frames();
    drive.state.messages.back().text += text.substr(0, 1000);
    drive.frames(2);
    for (int i = 0; i < 3; ++i) drive.press(middle), drive.release(middle);
    drive.push(MouseMove{{middle.x + 50, middle.y + 100}});
    drive.key(letter('c'), kCtrl);
    drive.key(letter('a'), kCtrl);
    drive.key(letter('c'), kCtrlShift);
    drive.frames(2);
    EXPECT_FALSE(drive.clipboard.empty());
    drive.clipboard = text;
    drive.click("composer/text");
    drive.key(letter('v'), kCtrl);
    for (const Key key : {Key::up, Key::left, Key::home, Key::right, Key::down, Key::backspace, Key::del}) drive.key(key), drive.frames();
    drive.key(letter('z'), kCtrl);
    drive.frames();
    EXPECT_GT(drive.triangles(), 100);
  }
}

std::string repeated(const std::string& part, std::size_t bytes) {
  std::string out;
  while (out.size() < bytes) out += part;
  return out;
}

INSTANTIATE_TEST_SUITE_P(
    All, HostileMessage,
    ::testing::Values(HostileText{"Marks", [] { return "a" + repeated("\u0301", 200'000); }},
                      HostileText{"Table", [] { return "| a | b |\n|---|---|\n" + repeated("| 1 | `x` |\n", 1'000'000); }},
                      HostileText{"InvalidBytes", [] { return repeated("\xff\xc0\x80\xed\xa0\x80\xf8 a\n\xe2\x82", 500'000); }},
                      HostileText{"Controls", [] { std::string s(100'000, '\0'); for (std::size_t i = 0; i < s.size(); ++i) s[i] = static_cast<char>(i % 33); return s; }},
                      HostileText{"Embeddings", [] { return repeated("\u202e\u2067a\u05d0\u202b1\u2069", 100'000); }},
                      HostileText{"Joiners", [] { return repeated("\u200d\U0001f469", 100'000); }},
                      HostileText{"Brackets", [] { return repeated("[![", 100'000); }}, HostileText{"Quotes", [] { return repeated("> - ", 100'000); }},
                      HostileText{"Line", [] { return std::string(1'000'000, 'x'); }}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace foreword::ui
