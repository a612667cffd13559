// The composer: files that come with a message, long pastes, what was sent before (D68); the meter and the choices for a
// chat that outgrows the context (D56, D57).

#include <gtest/gtest.h>

#include "ui/attachments.h"
#include "ui/context_panel.h"
#include "ui/headless.h"

namespace foreword::ui {
namespace {

TEST(Attachments, AreFoundAgainWhateverIsInThem) {
  const std::vector<std::vector<Attachment>> cases{
      {},
      {{"notes.txt", "one\ntwo\n"}},
      {{"empty.txt", ""}, {"b.md", "```\ncode\n```\n````\nmore\n````"}},
      {{"File x.txt", "File y.txt:\n````\nz\n````\n"}, {"c", "\n\n"}},
  };
  for (const auto& files : cases) {
    for (const std::string words : {"", "What is this?", "\nFile z: no\n", "````\n"}) {
      const std::string message = with_attachments(files, words);
      const MessageParts parts = parts_of(message);
      ASSERT_EQ(parts.files.size(), files.size()) << message;
      for (std::size_t i = 0; i < files.size(); ++i) {
        EXPECT_EQ(parts.files[i].name, files[i].name);
        EXPECT_EQ(parts.files[i].text, files[i].text);
      }
      EXPECT_EQ(message.substr(parts.words.begin), words);
    }
  }
}

TEST(Attachments, OtherTextIsWordsAlone) {
  for (const char* text : {"File", "File a", "File a:\n", "File a:\n```\nx\n```\n", "File a:\n````\nx", "file a:\n````\nx\n````\n"}) {
    EXPECT_TRUE(parts_of(text).files.empty()) << text;
    EXPECT_EQ(parts_of(text).words.begin, 0u);
  }
}

class ComposerTest : public ::testing::Test {
 protected:
  ComposerTest() {
    drive.state.model = {ModelState::ready, "tiny", -1, ""};
    drive.frames();
  }
  void add(Author author, std::string text) {
    MessageRow row;
    row.id = static_cast<std::int64_t>(drive.state.messages.size()) + 1;
    row.author = author;
    row.text = std::move(text);
    drive.state.messages.push_back(std::move(row));
  }
  const std::string& text() { return drive.root().composer().text(); }
  Headless drive;
};

TEST_F(ComposerTest, D68AFileComesWithTheMessageAsAChip) {
  drive.state.offers = {{1, "notes.txt", "one\ntwo"}};
  drive.frames(2);
  ASSERT_NE(drive.find("composer/file:0"), nullptr);
  EXPECT_NE(drive.find("composer/file:0")->label.find("notes.txt, 7 characters"), std::string::npos);
  drive.state.offers.push_back({2, "b.txt", "x"});
  drive.type("What is it?");
  drive.frames(2);
  ASSERT_TRUE(drive.click("composer/file:0/remove"));
  drive.key(Key::enter);
  drive.frames(2);
  ASSERT_NE(drive.last<SendMessage>(), nullptr);
  EXPECT_EQ(drive.last<SendMessage>()->text, "File b.txt:\n````\nx\n````\n\nWhat is it?");
  EXPECT_EQ(drive.find("composer/file:0"), nullptr);
  add(Author::user, drive.last<SendMessage>()->text);
  drive.frames(2);
  ASSERT_NE(drive.find("messages/1/file:0"), nullptr) << "a chip in the message, too";
  ASSERT_TRUE(drive.click("messages/1/file:0"));
  EXPECT_EQ(drive.clipboard, "x");
  drive.push(MouseMove{drive.find("messages/1/edit")->rect.center()});
  drive.frames(2);
  ASSERT_TRUE(drive.click("messages/1/edit"));
  EXPECT_EQ(text(), "What is it?");
  EXPECT_NE(drive.find("composer/file:0"), nullptr);
}

TEST_F(ComposerTest, D68AFileAloneCanBeSent) {
  drive.state.offers = {{1, "notes.txt", "one"}};
  drive.frames(2);
  ASSERT_TRUE(drive.click("composer/send"));
  EXPECT_EQ(parts_of(drive.last<SendMessage>()->text).files.size(), 1u);
}

TEST_F(ComposerTest, D68ALongPasteOffersToBecomeAFile) {
  drive.clipboard = std::string(4000, 'x');
  drive.key(letter('v'), {.ctrl = true});
  drive.frames(2);
  EXPECT_EQ(drive.find("composer/attach_paste"), nullptr);
  drive.key(letter('a'), {.ctrl = true});
  drive.key(Key::del);
  drive.type("See: ");
  drive.clipboard += "y";
  drive.key(letter('v'), {.ctrl = true});
  drive.frames(2);
  ASSERT_NE(drive.find("composer/attach_paste"), nullptr);
  ASSERT_TRUE(drive.click("composer/attach_paste"));
  EXPECT_EQ(text(), "See: ");
  EXPECT_NE(drive.find("composer/file:0"), nullptr);
  drive.key(letter('v'), {.ctrl = true});
  drive.frames(2);
  drive.type("!");
  drive.frames(2);
  EXPECT_EQ(drive.find("composer/attach_paste"), nullptr) << "it was written on";
  drive.key(letter('v'), {.ctrl = true, .shift = true});
  drive.frames(2);
  EXPECT_NE(drive.find("composer/file:1"), nullptr);
}

TEST_F(ComposerTest, D68UpInTheEmptyComposerBringsBackWhatWasSent) {
  add(Author::user, "first");
  add(Author::assistant, "answer");
  add(Author::user, "second\nline");
  drive.frames(2);
  drive.key(Key::up);
  drive.frames();
  EXPECT_EQ(text(), "second\nline");
  drive.key(Key::up);
  drive.frames();
  EXPECT_EQ(text(), "first");
  drive.key(Key::up);
  drive.frames();
  EXPECT_EQ(text(), "first") << "there is none before it";
  drive.key(Key::down);
  drive.frames();
  EXPECT_EQ(text(), "second\nline");
  drive.key(Key::down);
  drive.frames();
  EXPECT_EQ(text(), "");
  drive.type("own words");
  drive.key(Key::up);
  drive.frames();
  EXPECT_EQ(text(), "own words");
}

TEST_F(ComposerTest, D56WhatIsWrittenIsSaidForTheMeterAndItsTooltipListsShares) {
  drive.state.status.context_size = 8192;
  drive.state.context.total = 1204;
  drive.state.context.shares = {{"Earlier messages", 900}, {"What you write", 304}};
  drive.type("abc");
  drive.frames(2);
  ASSERT_NE(drive.last<DraftChanged>(), nullptr);
  EXPECT_EQ(drive.last<DraftChanged>()->text, "abc");
  const std::size_t n = drive.events.size();
  drive.frames(3);
  EXPECT_EQ(drive.events.size(), n) << "said once";
  ASSERT_NE(drive.find("status/context"), nullptr);
  EXPECT_EQ(drive.find("status/context")->label, "Would be sent now\t1,204 of 8,192 tokens\nEarlier messages\t900\nWhat you write\t304");
}

TEST_F(ComposerTest, D57ALargerContextIsNamedOnlyIfThereIsOne) {
  drive.state.status.context_size = 1000;
  drive.state.context.total = 1200;
  drive.state.context.blocked = drive.state.context.alone_too_long = true;
  drive.frames(2);
  EXPECT_EQ(drive.find("context/box")->label, "This message alone needs 1,200 tokens, more than the context of 1,000 holds. Shorten it.");
  EXPECT_EQ(drive.find("context/larger"), nullptr);
  drive.state.context.larger = 2000;
  drive.frames(2);
  EXPECT_TRUE(drive.find("context/box")->label.ends_with("Shorten it, or choose a larger context."));
  EXPECT_NE(drive.find("context/larger"), nullptr);
}

TEST_F(ComposerTest, D57ChoicesOpenFromTheMeterAndWhenNothingCanBeSent) {
  add(Author::user, "one");
  add(Author::assistant, "two");
  drive.state.status.context_size = 1000;
  drive.frames(2);
  EXPECT_EQ(drive.find("context/drop"), nullptr);
  ASSERT_TRUE(drive.click("status/context"));
  ASSERT_TRUE(drive.click("context/stop"));
  EXPECT_EQ(drive.last<ChooseOverflow>()->choice, Overflow::stop);
  EXPECT_EQ(drive.find("context/drop"), nullptr);

  drive.state.context.blocked = true;
  drive.state.context.n_forgotten = 1;
  drive.state.context.first_kept = 2;
  drive.state.context.larger = 2000;
  drive.state.context.larger_bytes = 1'100'000'000;
  drive.type("more");
  drive.frames(2);
  EXPECT_EQ(drive.find("context/larger")->label, "Context of 2,000 (+1.1 GB)");
  ASSERT_TRUE(drive.click("context/close"));
  EXPECT_EQ(drive.find("context/drop"), nullptr);
  drive.key(Key::enter);
  drive.frames(2);
  EXPECT_EQ(drive.last<SendMessage>(), nullptr);
  EXPECT_EQ(text(), "more") << "nothing is lost";
  ASSERT_NE(drive.find("context/drop"), nullptr) << "it asks instead";
  ASSERT_TRUE(drive.click("context/close"));
  ASSERT_TRUE(drive.click("messages/cut"));
  ASSERT_TRUE(drive.click("context/drop"));
  EXPECT_EQ(drive.last<ChooseOverflow>()->choice, Overflow::drop_oldest);
  drive.state.context.blocked = false;
  drive.state.context.choice = Overflow::drop_oldest;
  drive.key(Key::enter);
  drive.frames(2);
  EXPECT_EQ(drive.last<SendMessage>()->text, "more");
}

TEST(SmallestWindow, D57TheQuestionStaysBelowTheHeaderAndTheLastLineOfTheModelListInIt) {
  Headless drive({360, 320}), wide;
  for (Headless* each : {&drive, &wide}) {
    each->state.model = {ModelState::ready, "tiny", -1, ""};
    each->state.status.context_size = 4096;
    each->state.context.total = 5000;
    each->state.context.blocked = true;
    each->state.context.larger = 8192;
    each->state.context.larger_bytes = 1'100'000'000;
    each->frames(2);
    ASSERT_NE(each->find("context/box"), nullptr);
    EXPECT_GE(each->find("context/box")->rect.top, size::kHeader);
    each->key(letter('o'), {.ctrl = true});
    each->frames(2);
    ASSERT_NE(each->find("models/box"), nullptr);
  }
  EXPECT_EQ(drive.find("models/box")->rect.height() - wide.find("models/box")->rect.height(), 22) << "one line more";
}

TEST_F(ComposerTest, D57TheCutLineStandsBetweenMessagesAndMovesNothingThatIsRead) {
  for (int i = 0; i < 30; ++i) add(i % 2 == 0 ? Author::user : Author::assistant, "Some words that fill a line or two of the conversation.");
  drive.frames(2);
  drive.wheel(drive.find("messages")->rect.center(), 6);
  drive.frames(2);
  const float before = drive.find("messages/22/copy")->rect.top;
  drive.state.context.first_kept = 3;
  drive.state.context.n_forgotten = 2;
  drive.frames(2);
  EXPECT_FLOAT_EQ(drive.find("messages/22/copy")->rect.top, before) << "the line is far above";
  drive.state.context.first_kept = 21;
  drive.frames(2);
  ASSERT_NE(drive.find("messages/cut"), nullptr);
  EXPECT_LT(drive.find("messages/20/copy")->rect.bottom, drive.find("messages/cut")->rect.top);
  EXPECT_GT(drive.find("messages/22/copy")->rect.top, drive.find("messages/cut")->rect.bottom);
}

}  // namespace
}  // namespace foreword::ui
