// A frame in which nothing has changed asks for no memory (D73), whatever the window shows: every panel in every state,
// while the caret blinks, while the view scrolls over what was laid out, and between the pieces of an answer.

#include <gtest/gtest.h>

#include "tests/bench/allocations.h"
#include "tests/ui/panels.h"
#include "tests/ui/states.h"

namespace foreword::ui {
namespace {

constexpr int kFrames = 30;

/// Requests for memory in these frames, `before` each of them not counted.
template <class Before>
std::uint64_t asked_in(Headless& drive, int n_frames, Before&& before) {
  std::uint64_t n = 0;
  for (int i = 0; i < n_frames; ++i) {
    before(i);
    const std::uint64_t then = bench::n_allocations();
    drive.frames();
    n += bench::n_allocations() - then;
  }
  return n;
}

/// Until the window wants no other frame at once.
void settle(Headless& drive) {
  drive.frames(5);
  while (drive.wake_at() <= drive.now) drive.frames();
}

struct D73Steady : testing::Test {
  static void SetUpTestSuite() { bench::count_imgui(); }
};

TEST_F(D73Steady, CountingSeesWhatIsAskedFor) {
  Headless drive;
  EXPECT_GT(asked_in(drive, 1, [](int) {}), 0u) << "the first frame of a window";
  const std::uint64_t before = bench::n_allocations();
  EXPECT_EQ(std::string(100, 'x').size(), 100u);
  EXPECT_EQ(bench::n_allocations(), before + 1);
}

TEST_F(D73Steady, NoPanelInNoStateAsksForMemoryWhileNothingChanges) {
  for (const NamedState& state : kStates) {
    for (const Panel& panel : panels()) {
      Headless drive;
      drive.state = state.make();
      drive.frames(3);
      panel.open(drive);
      settle(drive);
      EXPECT_EQ(asked_in(drive, kFrames, [](int) {}), 0u) << state.name << ", " << panel.name;
    }
  }
}

TEST_F(D73Steady, TheCaretBlinksWithout) {
  Headless drive;
  drive.state = ready();
  drive.frames(3);
  drive.type("Hello ");
  drive.frames(5);
  drive.now += 3;  // the draft is said, to be kept
  drive.frames(2);
  const int with = drive.triangles();
  int other = 0;
  EXPECT_EQ(asked_in(drive, 20, [&](int) {
              drive.now = drive.wake_at() < 1e9 ? drive.wake_at() : drive.now;
              other += drive.triangles() != with ? 1 : 0;
            }), 0u);
  EXPECT_GT(other, 5) << "it did blink";
}

TEST_F(D73Steady, ScrollingOverWhatIsLaidOutAsksForNone) {
  for (const NamedState& state : kStates) {
    Headless drive;
    drive.state = state.make();
    drive.frames(3);
    const auto turn = [&](int i) { drive.wheel({700, 300}, i % 8 < 4 ? 1.0f : -1.0f); };
    asked_in(drive, 16, turn);  // lays out what comes into view
    EXPECT_EQ(asked_in(drive, 16, turn), 0u) << state.name;
  }
}

TEST_F(D73Steady, ScrollingTheChatsAsksForNone) {
  Headless drive;
  drive.state = many();
  for (std::size_t i = 0; i < drive.state.chats.size(); ++i) drive.state.chats[i].folder = i % 3 == 0 ? "" : "Folder " + std::to_string(i % 30) + "/Within";
  drive.frames(3);
  const auto turn = [&](int i) { drive.wheel({100, 300}, i % 8 < 4 ? -1.0f : 1.0f); };
  asked_in(drive, 16, turn);
  EXPECT_EQ(asked_in(drive, 16, turn), 0u);
}

/// A frame with new text may ask for what this text needs; the frames until the next piece for nothing.
TEST_F(D73Steady, BetweenThePiecesOfAnAnswerFramesAskForNone) {
  Headless drive;
  drive.state = many();
  drive.state.generating = true;
  drive.state.messages.back().state = MessageState::streaming;
  drive.frames(5);
  for (int piece = 0; piece < 50; ++piece) {
    drive.state.messages.back().text += piece % 10 == 9 ? "\n\n- an item" : " another word";
    drive.frames(1);
    EXPECT_EQ(asked_in(drive, 3, [](int) {}), 0u) << "after piece " << piece;
  }
}

/// Types "How " and lets the engine suggest how it goes on, once the window asks.
void suggest(Headless& drive, std::vector<std::string> drafts) {
  drive.state.suggestions.model = true;
  drive.state.suggestions.device = "tiny on a processor";
  drive.now = 10;
  drive.frames(3);
  drive.type("How ");
  const Suggesting* asked = nullptr;
  for (int i = 0; i < 40 && asked == nullptr; ++i, drive.now += 0.05) drive.frames(), asked = drive.last<Suggesting>();
  ASSERT_NE(asked, nullptr);
  SuggestionNews news{.serial = 1, .event = {}};
  news.event.request = asked->letter.request;
  news.event.finished = true;
  for (std::string& draft : drafts) news.event.drafts.push_back({news.event.drafts.size(), std::move(draft), -0.4, true});
  drive.state.suggestions.news.push_back(std::move(news));
  for (int i = 0; i < 60; ++i, drive.now += 0.05) drive.frames();
  ASSERT_NE(drive.find("composer/ghost"), nullptr);
}

TEST_F(D73Steady, SuggestionsStandThereWithout) {
  const std::string wide = "are the words that go on and on to the end of the line and further still, to the next one and the one after that, which is shorter?";
  for (const std::vector<std::string>& drafts : {std::vector<std::string>{"do I sort a list"}, {"do I sort a list", "are you today?", "can this be"}, {wide}}) {
    Headless drive;
    drive.state = ready();
    drive.state.draft.clear();
    ASSERT_NO_FATAL_FAILURE(suggest(drive, drafts));
    EXPECT_EQ(asked_in(drive, kFrames, [](int) {}), 0u) << drafts.size() << " of them, the first: " << drafts.front();
    EXPECT_EQ(asked_in(drive, kFrames, [&](int) { drive.now += 0.05; }), 0u) << "as time goes by";
  }
}

TEST_F(D73Steady, SuggestionsFadeInWithout) {
  Headless drive;
  drive.state = ready();
  drive.state.draft.clear();
  ASSERT_NO_FATAL_FAILURE(suggest(drive, {"do I sort a list", "are you today?", "can this be"}));
  drive.type("x");
  drive.frames(2);
  drive.key(Key::backspace);  // the drafts are known here, and come after a pause
  drive.frames(2);
  ASSERT_EQ(drive.find("composer/ghost"), nullptr);
  for (int i = 0; i < 4000 && drive.find("composer/ghost") == nullptr; ++i, drive.now += 0.001) drive.frames();
  ASSERT_NE(drive.find("composer/ghost"), nullptr);
  EXPECT_LE(drive.wake_at(), drive.now + 0.02) << "it fades in";
  EXPECT_EQ(asked_in(drive, kFrames, [&](int) { drive.now += 0.004; }), 0u);
}

}  // namespace
}  // namespace foreword::ui
