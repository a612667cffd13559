// Suggestions through the real composer: keys and characters as hands send them, an engine that a script plays, and what the
// window shows of it (A12, A18, A24 to A29; the table of keys).

#include <gtest/gtest.h>

#include <cmath>

#include "tests/autocomplete/fake_engine.h"
#include "ui/headless.h"
#include "ui/suggestion_panel.h"
#include "ui/theme.h"

namespace foreword::ui {
namespace {

using autocomplete::Count;
using autocomplete::FakeEngine;
using autocomplete::Letter;

class SuggestionsTest : public ::testing::Test {
 protected:
  SuggestionsTest() {
    drive.state.model = {ModelState::ready, "tiny", -1, ""};
    drive.state.suggestions.model = true;
    drive.state.suggestions.context = 7;
    drive.state.suggestions.device = "tiny on a processor";
    engine.rules = {{"How ", 35, {{0, "do I sort a list", -0.4, false}, {1, "are you today?", -0.6, true}, {2, "can this be", -0.8, false}}},
                    {"do ", 35, {{0, "I sort", -0.4, false}}},
                    {"a list", 35, {{0, " of names", -0.4, false}}}};
    drive.now = 10;
    frame();
  }

  double now() const { return drive.now * 1e3; }
  /// A frame, and the way of the letters.
  void frame() {
    drive.frames();
    for (; n_seen < drive.events.size(); ++n_seen) {
      if (const auto* said = std::get_if<Suggesting>(&drive.events[n_seen])) engine.take(said->letter, now());
      if (const auto* set = std::get_if<ChangeSetting>(&drive.events[n_seen])) drive.state.suggestions.settings.enabled = set->value == kOn;
    }
  }
  /// Lets the clock run: the engine's events, and frames when one is wanted.
  void wait(double ms) {
    const double end = now() + ms;
    int n = 0;
    for (;;) {
      if (++n > 10'000) {
        ADD_FAILURE() << "the window wants frames without end, now at " << now() << ", the next at " << drive.wake_at() * 1000;
        return;
      }
      const double event = engine.next().value_or(1e300), next = std::min(event, drive.wake_at() * 1000);
      if (next > end) break;
      drive.now = std::max(drive.now, next / 1000 + 1e-6);
      if (event <= next) say(engine.event());
      frame();
    }
    drive.now = end / 1000;
    frame();
  }
  void say(autocomplete::DraftsEvent event) {
    auto& news = drive.state.suggestions.news;
    std::erase_if(news, [&](const SuggestionNews& each) { return each.event.request == event.request; });
    news.push_back({++serial, std::move(event)});
  }
  void type(std::string_view text, double gap = 120) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t next = text::next_cluster(text, at);
      drive.type(text.substr(at, next - at));
      frame();
      wait(gap);
      at = next;
    }
  }
  void key(Key key, Mods mods = {}) {
    drive.key(key, mods);
    frame();
  }
  /// "How " and its three suggestions, long enough there to be taken.
  void offer() {
    type("How ");
    wait(400);
    ASSERT_EQ(ghost(), "do I sort a list");
  }
  std::string ghost() {
    const Item* item = drive.find("composer/ghost");
    return item == nullptr ? std::string() : std::string(item->label);
  }
  std::string strip(int n) {
    const Item* item = drive.find("composer/strip:" + std::to_string(n));
    return item == nullptr ? std::string() : std::string(item->label);
  }
  std::string text() { return drive.root().composer().text(); }
  std::string focus() { return std::string(drive.root().interaction().focus_id()); }
  int letters(Letter::Kind kind) const {
    return static_cast<int>(std::count_if(engine.log.begin(), engine.log.end(), [&](const Letter& each) { return each.kind == kind; }));
  }

  static constexpr Mods kAlt{.alt = true}, kCtrl{.ctrl = true}, kShift{.shift = true};
  Headless drive;
  FakeEngine engine;
  std::size_t n_seen = 0;
  std::uint64_t serial = 0;
};

TEST_F(SuggestionsTest, A18ThreeSuggestionsAppearAtAPauseAndTheTextIsUntouched) {
  type("How ", 40);
  EXPECT_EQ(ghost(), "") << "the gate is not open yet";
  wait(400);
  EXPECT_EQ(ghost(), "do I sort a list");
  EXPECT_EQ(strip(1), "Suggestion 1 (Alt+1): do I sort a list");
  EXPECT_EQ(strip(2), "Suggestion 2 (Alt+2): are you today?");
  EXPECT_EQ(strip(3), "Suggestion 3 (Alt+3): can this be");
  EXPECT_TRUE(drive.find("composer/strip:1")->selected);
  EXPECT_EQ(text(), "How ") << "A28: the ghost is no part of it";
  EXPECT_EQ(drive.last<DraftChanged>()->text, "How ");
}

TEST_F(SuggestionsTest, A20TypingTheGhostKeepsItAndAsksForNothing) {
  offer();
  const int asked = letters(Letter::Kind::suggest);
  drive.type("do I");
  frame();
  EXPECT_EQ(ghost(), " sort a list") << "in the same frame";
  EXPECT_EQ(letters(Letter::Kind::suggest), asked);
  EXPECT_EQ(strip(2), "") << "the others are dead";
}

TEST_F(SuggestionsTest, A8AnotherSuggestionLivesOnWhenTheTypistFollowsIt) {
  offer();
  drive.type("a");
  frame();
  EXPECT_EQ(ghost(), "re you today?");
}

TEST_F(SuggestionsTest, TabTakesAllAsOneStepOfUndo) {
  offer();
  key(Key::tab);
  EXPECT_EQ(text(), "How do I sort a list");
  EXPECT_EQ(focus(), Composer::kFieldId);
  EXPECT_EQ(drive.root().composer().suggester().advisor().counters()[Count::accepted_all], 1u);
  key(letter('z'), kCtrl);
  EXPECT_EQ(text(), "How ");
  EXPECT_EQ(drive.root().composer().suggester().advisor().counters()[Count::accept_undone], 1u);
  EXPECT_EQ(ghost(), "");
  key(letter('z'), {.ctrl = true, .shift = true});
  EXPECT_EQ(text(), "How do I sort a list");
}

TEST_F(SuggestionsTest, A24AYoungGhostTakesNoTab) {
  type("How ");
  while (ghost().empty()) wait(5);
  key(Key::tab);
  EXPECT_EQ(text(), "How ");
  EXPECT_EQ(focus(), Composer::kFieldId) << "nor does the focus move";
  EXPECT_EQ(drive.root().composer().suggester().advisor().counters()[Count::tab_too_early], 1u);
}

TEST_F(SuggestionsTest, TabMovesTheFocusWithoutAGhostAndShiftTabBack) {
  key(Key::tab);
  EXPECT_NE(focus(), Composer::kFieldId);
  key(Key::tab, kShift);
  EXPECT_EQ(focus(), Composer::kFieldId);
  offer();
  drive.type("x");          // in the same frame, before the window shows that the ghost is gone
  drive.key(Key::tab);
  frame();
  frame();
  EXPECT_EQ(text(), "How x");
  EXPECT_NE(focus(), Composer::kFieldId);
}

TEST_F(SuggestionsTest, CtrlRightAndRightAtTheEndTakeAWord) {
  offer();
  key(Key::right, kCtrl);
  EXPECT_EQ(text(), "How do");
  EXPECT_EQ(ghost(), " I sort a list");
  key(Key::right);
  EXPECT_EQ(text(), "How do I");
  key(letter('z'), kCtrl);
  EXPECT_EQ(text(), "How do") << "a step each";
}

TEST_F(SuggestionsTest, AWordOfOneLetterIsAStepOfUndoOfItsOwn) {
  engine.rules = {{"How ", 35, {{0, "a list is sorted", -0.4, false}}}};
  type("How ");
  wait(400);
  key(Key::right, kCtrl);
  ASSERT_EQ(text(), "How a");
  type("n");
  key(letter('z'), kCtrl);
  EXPECT_EQ(text(), "How a");
  key(letter('z'), kCtrl);
  EXPECT_EQ(text(), "How ");
}

TEST_F(SuggestionsTest, ShiftTabTakesTheSentence) {
  engine.rules = {{"How ", 35, {{0, "are you? I am", -0.4, false}}}};
  type("How ");
  wait(400);
  ASSERT_EQ(ghost(), "are you? I am");
  key(Key::tab, kShift);
  EXPECT_EQ(text(), "How are you?");
}

TEST_F(SuggestionsTest, AltDownAndUpGoRoundAndAltWithADigitTakes) {
  offer();
  key(Key::down, kAlt);
  EXPECT_EQ(ghost(), "are you today?");
  EXPECT_TRUE(drive.find("composer/strip:2")->selected);
  key(Key::up, kAlt);
  key(Key::up, kAlt);
  EXPECT_EQ(ghost(), "can this be");
  key(letter('2'), kAlt);
  EXPECT_EQ(text(), "How are you today?");
  key(letter('3'), kAlt);
  EXPECT_EQ(text(), "How are you today?") << "there is no third any more";
}

TEST_F(SuggestionsTest, A6AltDownAsksAtOnceWithoutAGhost) {
  drive.state.suggestions.settings.speed = autocomplete::Tier::manual;
  frame();
  type("How ");
  wait(500);
  EXPECT_EQ(ghost(), "");
  EXPECT_TRUE(engine.log.empty());
  key(Key::down, kAlt);
  wait(100);
  EXPECT_NE(ghost(), "");
  EXPECT_TRUE(engine.log.back().manual || engine.log.front().manual);
}

TEST_F(SuggestionsTest, EscapeHidesThenOffersARestThenTheTextGoesOn) {
  offer();
  key(Key::escape);
  EXPECT_EQ(ghost(), "");
  EXPECT_EQ(drive.find("composer/snooze"), nullptr);
  key(Key::escape);
  ASSERT_NE(drive.find("composer/snooze"), nullptr);
  key(Key::escape);
  frame();
  EXPECT_EQ(drive.find("composer/snooze"), nullptr);
  EXPECT_EQ(text(), "How ");
  type("do ");
  wait(400);
  EXPECT_EQ(ghost(), "I sort") << "a word was finished";
}

TEST_F(SuggestionsTest, ARestOfTenMinutesAndTheEnd) {
  offer();
  key(Key::escape);
  key(Key::escape);
  ASSERT_TRUE(drive.click("composer/snooze"));
  frame();
  type("do ");
  wait(400);
  EXPECT_EQ(ghost(), "");
  EXPECT_EQ(focus(), Composer::kFieldId);
  drive.now += 601;
  frame();
  type("How ");
  wait(400);
  EXPECT_NE(ghost(), "");
}

TEST_F(SuggestionsTest, EscapeStopsTheAnswerIfThereIsNoGhost) {
  drive.state.generating = drive.state.suggestions.busy = true;
  frame();
  type("How ");
  wait(400);
  EXPECT_EQ(ghost(), "") << "A50: silent while an answer streams";
  EXPECT_TRUE(engine.log.empty());
  key(Key::escape);
  EXPECT_NE(drive.last<StopGenerating>(), nullptr);
  EXPECT_EQ(text(), "How ");
}

TEST_F(SuggestionsTest, EnterSendsWhatWasTypedAndNothingElse) {
  offer();
  key(Key::enter);
  frame();
  ASSERT_NE(drive.last<SendMessage>(), nullptr);
  EXPECT_EQ(drive.last<SendMessage>()->text, "How ");
  EXPECT_EQ(ghost(), "");
  EXPECT_EQ(text(), "");
  ASSERT_NE(drive.last<SuggestionsCounted>(), nullptr) << "A57: the counts are stored, by name";
  EXPECT_NE(drive.last<SuggestionsCounted>()->counters.find("shown 1\n"), std::string::npos);
  EXPECT_EQ(drive.last<SuggestionsCounted>()->counters.find("How"), std::string::npos);
}

TEST_F(SuggestionsTest, A29AClickOnAnAlternativeTakesIt) {
  offer();
  ASSERT_TRUE(drive.click("composer/strip:3"));
  frame();
  EXPECT_EQ(text(), "How can this be");
  EXPECT_EQ(focus(), Composer::kFieldId);
  EXPECT_EQ(drive.root().composer().suggester().advisor().counters()[Count::accepted_strip], 1u);
  key(letter('z'), kCtrl);
  EXPECT_EQ(text(), "How ");
}

TEST_F(SuggestionsTest, A12TheGhostGoesWithTheCaretASelectionThePopupAndTheFocus) {
  offer();
  key(Key::left);
  EXPECT_EQ(ghost(), "");
  key(Key::backspace);
  key(Key::end);
  for (const auto& [name, disturb] : std::vector<std::pair<std::string, std::function<void()>>>{
           {"selection", [&] { key(Key::left, kShift); }},
           {"popup", [&] { key(Key::f1); }},
           {"focus", [&] { drive.click("chats/search"); }},
           {"window", [&] { drive.push(FocusChange{false}); }},
           {"input method", [&] { drive.push(Composition{true}); }}}) {
    key(letter('a'), kCtrl);
    key(Key::del);
    offer();
    disturb();
    frame();
    EXPECT_EQ(ghost(), "") << name;
    EXPECT_EQ(text(), "How ") << name;
    drive.push(FocusChange{true});
    drive.push(Composition{false});
    key(Key::escape);
    const Vec field = drive.find(Composer::kFieldId)->rect.center();
    drive.press(field), drive.release(field);
    frame();
  }
}

TEST_F(SuggestionsTest, A25WhileAnInputMethodWorksNothingIsAskedAndWhatItCommitsCounts) {
  drive.push(Composition{true});
  drive.type("How ");
  frame();
  wait(400);
  EXPECT_EQ(letters(Letter::Kind::suggest), 0);
  drive.push(Composition{false});
  frame();
  type("a list");
  wait(400);
  EXPECT_EQ(ghost(), " of names");
  key(letter('a'), kCtrl);
  key(Key::del);
  drive.push(Composition{true});
  drive.type("\u65e5\u672c\u8a9e");
  drive.push(Composition{false});
  frame();
  EXPECT_EQ(text(), "\u65e5\u672c\u8a9e");
}

TEST_F(SuggestionsTest, OtherFieldsAskForNothing) {
  drive.click("chats/search");
  frame();
  type("How ");
  wait(400);
  EXPECT_TRUE(engine.log.empty());
  EXPECT_EQ(ghost(), "");
}

TEST_F(SuggestionsTest, A60OneSwitchTurnsEverythingOff) {
  const float with = drive.find(Composer::kFieldId)->rect.height();
  offer();
  key(letter('s'), {.ctrl = true, .shift = true});
  frame();
  EXPECT_FALSE(drive.state.suggestions.settings.enabled);
  EXPECT_EQ(ghost(), "");
  engine.log.clear();
  type("How do I sort a list");
  wait(500);
  EXPECT_EQ(letters(Letter::Kind::suggest) + letters(Letter::Kind::extend), 0);
  EXPECT_LT(drive.find(Composer::kFieldId)->rect.height(), with) << "the row is gone, too";
  key(Key::down, kAlt);
  wait(300);
  EXPECT_EQ(letters(Letter::Kind::suggest), 0) << "not even when asked";
}

TEST_F(SuggestionsTest, TabMayTakeAWord) {
  drive.state.suggestions.settings.tab_accepts_word = true;
  offer();
  key(Key::tab);
  EXPECT_EQ(text(), "How do");
}

TEST_F(SuggestionsTest, TabIndentsInACodeBlock) {
  drive.type("```\nx");
  frame();
  frame();
  key(Key::tab);
  EXPECT_EQ(text(), "```\nx  ");
  EXPECT_EQ(focus(), Composer::kFieldId);
}

TEST_F(SuggestionsTest, TheGhostMovesNothingThatWasTyped) {
  const auto field = [&] { return drive.find(Composer::kFieldId)->rect; };
  type("How ");
  const Rect before = field();
  wait(400);
  ASSERT_NE(ghost(), "");
  EXPECT_EQ(field(), before);
  const Rect place = drive.find("composer/ghost")->rect;
  EXPECT_GE(place.left, before.left);
  EXPECT_GT(place.width(), 20);
  // A ghost that does not fit goes on below, where room was kept before it came.
  engine.rules = {{"word ", 35, {{0, "and this goes on for many more words than there is room for in a single line", -0.4, false}}}};
  key(letter('a'), kCtrl);
  for (int i = 0; i < 12; ++i) drive.type("word ");
  frame();
  type("word ");
  const Rect half_full = field();
  wait(400);
  ASSERT_NE(ghost(), "");
  EXPECT_EQ(field(), half_full);
  EXPECT_GT(drive.find("composer/ghost")->rect.height(), place.height());
  EXPECT_LE(drive.find("composer/ghost")->rect.bottom, half_full.bottom);
}

TEST_F(SuggestionsTest, AGhostAboveOtherLinesStaysOnItsOwn) {
  engine.rules = {{"word ", 35, {{0, "and this goes on for many more words than there is room for in a single line of it", -0.4, false}}}};
  key(Key::enter, kShift);
  drive.type("what stands below");
  key(Key::up);
  key(Key::home);
  type("a word ");
  wait(400);
  ASSERT_NE(ghost(), "");
  const Item* item = drive.find("composer/ghost");
  EXPECT_LT(item->rect.height(), 1.5f * 24) << "one line, cut";
}

TEST_F(SuggestionsTest, AGhostWithoutRoomStandsInTheStrip) {
  engine.rules = {{"word ", 35, {{0, "and more", -0.4, false}}}};
  type("(word )");
  key(Key::left);
  drive.key(Key::backspace);
  frame();
  type(" ");
  wait(500);
  ASSERT_EQ(ghost(), "and more");
  EXPECT_EQ(strip(1), "Suggestion 1 (Alt+1): and more") << "behind the caret stands a bracket, which is not painted over";
  key(Key::tab);
  EXPECT_EQ(text(), "(word and more)");
}

TEST_F(SuggestionsTest, AGhostIsPaintedOnlyWhereTheLineRunsItsWay) {
  struct Case {
    std::string typed, ghost;
    bool painted;
  };
  const std::vector<Case> cases{
      {"one two ", "go home", true},
      {"واحد اثنان ", "ثلاثة أربعة", true},
      {"واحد اثنان I would like to ", "go home", false},
      {"واحد اثنان I would like to", " go home", false},
      {"واحد اثنان 123", " ثلاثة أربعة", false},
  };
  for (const Case& each : cases) {
    engine.rules = {{each.typed, 35, {{0, each.ghost, -0.4, false}}}};
    key(letter('a'), kCtrl);
    key(Key::del);
    wait(1000);
    type(each.typed, 20);
    wait(800);
    ASSERT_EQ(ghost(), each.ghost) << each.typed;
    EXPECT_EQ(strip(1).empty(), each.painted) << each.typed << "|" << each.ghost << ": in the strip instead";
  }
}

TEST_F(SuggestionsTest, D71AnIdleWindowWithAGhostSleeps) {
  offer();
  int frames = 0;
  const double until = drive.now + 60;
  while (drive.wake_at() <= until) {
    drive.now = std::max(drive.now, drive.wake_at() + 1e-6);
    frame();
    ++frames;
  }
  EXPECT_LE(frames, 24) << "ten seconds of the caret, then none";
  EXPECT_EQ(ghost(), "do I sort a list");
}

TEST_F(SuggestionsTest, A57TheHealthPageShowsNumbersAndNoText) {
  offer();
  key(Key::tab);
  key(letter('h'), {.ctrl = true, .shift = true});
  frame();
  ASSERT_NE(drive.find("suggestions/list"), nullptr);
  ASSERT_TRUE(drive.click("suggestions/reset"));
  frame();
  EXPECT_EQ(drive.last<SuggestionsCounted>()->counters, "");
  ASSERT_TRUE(drive.click("suggestions/switch"));
  frame();
  EXPECT_FALSE(drive.state.suggestions.settings.enabled);
  key(Key::escape);
  frame();
  EXPECT_EQ(drive.find("suggestions/list"), nullptr);
  EXPECT_EQ(text(), "How do I sort a list");
}

TEST_F(SuggestionsTest, A57CountsOfEarlierRunsGoOn) {
  drive.state.suggestions.counters = "shown 41\nreason.late 2\nnonsense 3\nshown\n";
  frame();
  offer();
  const auto& counters = drive.root().composer().suggester().advisor().counters();
  EXPECT_EQ(counters[Count::shown], 42u);
  EXPECT_EQ(counters[autocomplete::Reason::late], 2u);
}

TEST_F(SuggestionsTest, A53TheTierIsThatOfTheDevice) {
  EXPECT_EQ(drive.root().composer().suggester().advisor().tier().tier, autocomplete::Tier::full);
  drive.state.suggestions.device = "large on a processor";
  drive.state.suggestions.tier = 900;
  frame();
  EXPECT_EQ(drive.root().composer().suggester().advisor().tier().tier, autocomplete::Tier::pause_only);
}

TEST_F(SuggestionsTest, A34WhoRewritesAMessageIsSuggestedAtItsPlaceAndAnAnswerNot) {
  MessageRow question, answer;
  question.id = 1, question.author = Author::user, question.text = "How";
  answer.id = 2, answer.author = Author::assistant, answer.text = "So.";
  drive.state.messages = {question, answer};
  frame();
  drive.push(MouseMove{drive.find("messages/1/edit")->rect.center()});
  drive.frames(2);
  ASSERT_TRUE(drive.click("messages/1/edit"));
  frame();
  type(" ");
  wait(400);
  ASSERT_NE(drive.last<Suggesting>(), nullptr);
  EXPECT_EQ(drive.last<Suggesting>()->rewrites, 1);
  EXPECT_NE(ghost(), "");
  key(Key::escape);
  EXPECT_EQ(ghost(), "");
  EXPECT_EQ(text(), "How ") << "the first Escape hides the ghost";
  key(Key::escape);
  frame();
  EXPECT_EQ(text(), "") << "the second one ends the rewriting";
}

TEST(GhostColours, A28TheGhostCanBeReadAndTold) {
  for (const ThemeChoice choice : {ThemeChoice::light, ThemeChoice::dark}) {
    for (const bool high : {false, true}) {
      const Theme& theme = theme_of(choice, high);
      EXPECT_GE(contrast(theme.ghost, theme.raised), 4.5);
      EXPECT_GE(contrast(theme.ink, theme.ghost), 2.5) << "typed text stands out from it";
    }
  }
}

TEST(Latencies, TheirSharesAreLimitsOfBuckets) {
  autocomplete::Counters counters;
  EXPECT_EQ(latency_at(counters, autocomplete::Latency::cancel, 0.5), 0);
  for (int i = 0; i < 9; ++i) counters.add(autocomplete::Latency::cancel, 15);
  counters.add(autocomplete::Latency::cancel, 100);
  EXPECT_EQ(latency_at(counters, autocomplete::Latency::cancel, 0.5), 20);
  EXPECT_EQ(latency_at(counters, autocomplete::Latency::cancel, 0.95), 160);
}

TEST_F(SuggestionsTest, A20WhatComesAfterAPauseFadesInAndNothingElseDoes) {
  const auto opacity = [&] { return drive.root().composer().suggester().ghost_opacity(); };
  const auto come = [&] {
    type("How ", 60);
    for (int i = 0; i < 400 && ghost().empty(); ++i) wait(2);
    ASSERT_FALSE(ghost().empty());
  };
  ASSERT_NO_FATAL_FAILURE(come());
  const float first = opacity();
  EXPECT_GT(first, 0) << "there is something in the first frame";
  EXPECT_LT(first, 0.5f);
  wait(40);
  EXPECT_GT(opacity(), first);
  EXPECT_LT(opacity(), 1);
  wait(45);
  EXPECT_EQ(opacity(), 1);
  type("a", 0);
  ASSERT_EQ(ghost(), "re you today?");
  EXPECT_EQ(opacity(), 1) << "another draft takes the place in the same frame";

  drive.state.less_motion = true;
  key(Key::escape);
  type("\n", 60);
  ASSERT_NO_FATAL_FAILURE(come());
  EXPECT_EQ(opacity(), 1);
}

}  // namespace
}  // namespace foreword::ui
