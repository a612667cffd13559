// The advisor with a fake engine: what is painted, asked, inserted and counted (sections 5, 7, 8, 16).

#include "ui/autocomplete/advisor.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/autocomplete/desk.h"
#include "ui/autocomplete/constants.h"

namespace foreword::ui::autocomplete {
namespace {

Draft draft(std::string text, double mean = -0.4) { return {0, std::move(text), mean, false}; }

const FakeEngine::Rule kSort{"How d", 35, {draft("o I sort a list quickly"), draft("oes it work at all"), draft("id you know this")}, 10};

using Rules = std::vector<FakeEngine::Rule>;

/// "How d" is typed and the ghost is there, older than Tab wants.
struct GhostDesk : Desk {
  GhostDesk() : Desk(Rules{kSort}) {
    type("How d", 100);
    wait(500);
  }
};

TEST(Advisor, A1AKeystrokeAsksAtOnceAndPaintsAtAPause) {
  Desk desk(Rules{kSort});
  desk.type("How ", 100);
  desk.engine.log.clear();
  desk.type("d");
  ASSERT_EQ(desk.engine.log.size(), 1u);
  EXPECT_EQ(desk.engine.log[0].kind, Letter::Kind::suggest);
  EXPECT_EQ(desk.engine.log[0].before, "How d");
  EXPECT_EQ(desk.engine.log[0].limits.count, 3);
  EXPECT_EQ(desk.engine.log[0].limits.tokens, 12);
  EXPECT_EQ(desk.engine.log[0].limits.work, 400);
  EXPECT_EQ(desk.ghost(), "");
  desk.wait(149);  // computed after 35 ms, but not shown
  EXPECT_EQ(desk.ghost(), "");
  desk.wait(1);    // A18: the gate of a typist who is not known
  EXPECT_EQ(desk.ghost().substr(0, 9), "o I sort ");
  EXPECT_EQ(desk.count(Count::shown), 1u);
  EXPECT_EQ(desk.text(), "How d");  // A28
}

TEST(Advisor, A20TypeThroughCostsNothingAndDoesNotBlink) {
  GhostDesk desk;
  const std::string whole = desk.ghost();
  const auto suggests = desk.letters(Letter::Kind::suggest);
  const Ms painted = desk.advisor.view().fades_from;
  for (std::size_t i = 1; i <= std::string("o I sort").size(); ++i) {
    desk.type(whole.substr(i - 1, 1));
    EXPECT_EQ(desk.ghost().substr(0, whole.size() - i), whole.substr(i));
    EXPECT_EQ(desk.advisor.view().fades_from, painted);
  }
  EXPECT_EQ(desk.letters(Letter::Kind::suggest), suggests);
  EXPECT_EQ(desk.count(Count::typed_through), 8u);
  EXPECT_EQ(desk.count(Count::seen_rejection) + desk.count(Count::blind_rejection), 0u);
}

TEST(Advisor, A8AnotherSurvivorIsPaintedInTheSameFrame) {
  GhostDesk desk;
  ASSERT_EQ(desk.advisor.view().strip.size(), 3u);
  desk.type("oe");  // the second draft's
  EXPECT_EQ(desk.ghost(), "s it work at all");
  EXPECT_EQ(desk.advisor.view().strip.size(), 0u);
  EXPECT_EQ(desk.count(Count::seen_rejection), 0u);  // it was among those shown
  EXPECT_EQ(desk.count(Count::neutral), 1u);
}

TEST(Advisor, A7HalfAClusterConsumesNothing) {
  Desk desk(Rules{{"caf", 10, {draft("e\u0301 au lait")}, 10}});
  desk.type("le caf", 50);
  desk.wait(300);
  ASSERT_NE(desk.ghost(), "");
  desk.type("e");
  EXPECT_EQ(desk.ghost(), "");
}

TEST(Advisor, SeenAndBlindRejections) {
  GhostDesk desk;
  desk.type("x");
  EXPECT_EQ(desk.ghost(), "");
  EXPECT_EQ(desk.count(Count::seen_rejection), 1u);
  Desk quick(Rules{kSort});
  quick.type("How d", 100);
  quick.wait(60);
  ASSERT_NE(quick.ghost(), "");
  quick.type("x");
  EXPECT_EQ(quick.count(Count::blind_rejection), 1u);
}

TEST(Advisor, A22NeutralEnds) {
  GhostDesk enter;
  enter.key({Key::enter, 0, false, false, false, false});
  EXPECT_EQ(enter.sent, "How d");  // A28: exactly the typed text
  GhostDesk word;
  word.type("o I sx");
  GhostDesk focus;
  focus.situation.focused = false;
  focus.tell();
  GhostDesk line;
  line.type("\n");
  for (const GhostDesk* desk : {&enter, &word, &focus, &line}) {
    EXPECT_EQ(desk->ghost(), "");
    EXPECT_EQ(desk->count(Count::neutral), 1u);
    EXPECT_EQ(desk->count(Count::seen_rejection) + desk->count(Count::blind_rejection), 0u);
  }
}

TEST(Advisor, A12HidesAtOnce) {
  const std::vector<void (*)(Desk&)> disturbances = {
      [](Desk& d) { d.move(1); },
      [](Desk& d) { d.select({0, d.text().size()}); },
      [](Desk& d) { d.situation.focused = false, d.tell(); },
      [](Desk& d) { d.situation.composing = true, d.tell(); },
      [](Desk& d) { d.situation.popup = true, d.tell(); },
      [](Desk& d) { d.escape(); },
      [](Desk& d) { d.key({Key::enter, 0, false, false, false, false}); },
      [](Desk& d) { d.situation.context = 2, d.tell(); },
      [](Desk& d) { d.advisor.snooze(tuned("snooze"), d.now); },
      [](Desk& d) { d.advisor.set_settings({.enabled = false}, d.now); },
      [](Desk& d) { d.set_text("other"); },
      [](Desk& d) { d.undo(); },
  };
  for (std::size_t i = 0; i < disturbances.size(); ++i) {
    GhostDesk desk;
    ASSERT_NE(desk.ghost(), "");
    disturbances[i](desk);
    EXPECT_EQ(desk.ghost(), "") << i;
    EXPECT_TRUE(desk.advisor.view().strip.empty()) << i;
    desk.wait(2000);
    EXPECT_EQ(desk.ghost(), "") << i << " came back by itself";
    EXPECT_FALSE(desk.engine.running()) << i;
  }
}

TEST(Advisor, TabAcceptsAllAsOneUndoStep) {
  GhostDesk desk;
  const std::string ghost = desk.ghost();
  EXPECT_EQ(desk.tab(), Action::accept_all);
  EXPECT_EQ(desk.text(), "How d" + ghost);
  EXPECT_EQ(desk.count(Count::accepted_all), 1u);
  desk.key({Key::z, 0, true, false, false, false});
  EXPECT_EQ(desk.last_action, Action::undo_accept);
  EXPECT_EQ(desk.text(), "How d");
  EXPECT_EQ(desk.count(Count::seen_rejection), 1u);
  EXPECT_EQ(desk.count(Count::accept_undone), 1u);
  desk.redo();
  EXPECT_EQ(desk.text(), "How d" + ghost);
}

TEST(Advisor, A24TabTooEarlyDoesNothing) {
  Desk desk(Rules{kSort});
  desk.type("How d");
  desk.wait(150);
  ASSERT_NE(desk.ghost(), "");
  desk.wait(149);
  EXPECT_EQ(desk.tab(), Action::nothing);
  EXPECT_EQ(desk.text(), "How d");
  EXPECT_NE(desk.ghost(), "");
  EXPECT_EQ(desk.count(Count::tab_too_early), 1u);
  desk.wait(1);
  EXPECT_EQ(desk.tab(), Action::accept_all);
}

TEST(Advisor, AcceptsAWordALineAndByNumber) {
  GhostDesk word;
  word.next_word();
  EXPECT_EQ(word.text(), "How do");
  word.next_word();
  EXPECT_EQ(word.text(), "How do I");
  EXPECT_EQ(word.ghost(), " sort a list quickly");
  EXPECT_EQ(word.count(Count::accepted_word), 2u);
  Desk line(Rules{{"How d", 10, {draft("o you do? Fine")}, 10}});
  line.type("How d", 50);
  line.wait(400);
  line.key({Key::tab, 0, false, true, false, false});
  EXPECT_EQ(line.text(), "How do you do?");
  EXPECT_EQ(line.ghost(), " Fine");
  GhostDesk strip;
  EXPECT_EQ(std::string(strip.advisor.view().strip[1]), "oes");
  strip.nth(2);
  EXPECT_EQ(strip.text(), "How does it work at all");
  EXPECT_EQ(strip.count(Count::accepted_strip), 1u);
  GhostDesk mouse;
  mouse.click(2);  // A29
  EXPECT_EQ(mouse.text(), "How did you know this");
}

TEST(Advisor, AltDownGoesThroughTheDraftsAndTabAcceptsTheChosenOne) {
  GhostDesk desk;
  EXPECT_FALSE(desk.advisor.view().announce);
  desk.ask();
  EXPECT_EQ(desk.ghost(), "oes it work at all");
  EXPECT_TRUE(desk.advisor.view().announce);  // A28
  desk.ask(), desk.ask();
  EXPECT_EQ(desk.ghost(), "o I sort a list quickly");
  desk.key({Key::up, 0, false, false, true, false});
  EXPECT_EQ(desk.ghost(), "id you know this");
  desk.tab();
  EXPECT_EQ(desk.text(), "How did you know this");
}

TEST(Advisor, A4AfterEscapeNothingStartsUntilAWordIsFinished) {
  GhostDesk desk;
  desk.escape();
  EXPECT_EQ(desk.count(Count::seen_rejection), 1u);
  const auto before = desk.letters(Letter::Kind::suggest);
  desk.type("oxy", 300);
  EXPECT_EQ(desk.letters(Letter::Kind::suggest), before);
  desk.type(" ");
  EXPECT_EQ(desk.letters(Letter::Kind::suggest), before + 1);
}

TEST(Advisor, ASecondEscapeOpensTheSnoozeMenuOrStopsTheAnswer) {
  GhostDesk desk;
  EXPECT_EQ(desk.escape(), Action::hide_ghost);
  EXPECT_EQ(desk.escape(), Action::open_snooze);
  GhostDesk moved;
  moved.escape();
  moved.key({Key::left, 0, false, false, false, false});
  EXPECT_EQ(moved.escape(), Action::pass);
  GhostDesk answering;
  answering.situation.answering = true;
  answering.tell();
  EXPECT_EQ(answering.escape(), Action::hide_ghost);
  EXPECT_EQ(answering.escape(), Action::stop_answer);
}

TEST(Advisor, A4DeletionNeverStartsButACacheHitMayBeOffered) {
  GhostDesk desk;
  desk.type("xy", 100);
  desk.wait(2000);
  const auto letters = desk.letters(Letter::Kind::suggest);
  desk.backspace(), desk.backspace();
  EXPECT_EQ(desk.letters(Letter::Kind::suggest), letters);
  EXPECT_EQ(desk.ghost(), "");
  desk.wait(2000);  // through the gate
  EXPECT_EQ(desk.ghost().substr(0, 8), "o I sort");
  EXPECT_EQ(desk.letters(Letter::Kind::suggest), letters);
  EXPECT_GE(desk.count(Count::cache_hits), 1u);
}

TEST(Advisor, BackspaceOverTypedThroughLettersKeepsTheGhost) {
  GhostDesk desk;
  desk.type("o I");
  const std::string ghost = desk.ghost();
  const Ms painted = desk.advisor.view().fades_from;
  desk.backspace();
  EXPECT_EQ(desk.ghost(), "I" + ghost);
  EXPECT_EQ(desk.advisor.view().fades_from, painted);
  EXPECT_EQ(desk.count(Count::seen_rejection) + desk.count(Count::neutral), 0u);
}

TEST(Advisor, A19ALateResultIsKeptAndShownWhenAskedFor) {
  FakeEngine::Rule slow = kSort;
  slow.after = 1001;
  Desk desk(Rules{slow});
  desk.type("How d");
  desk.wait(3000);
  EXPECT_EQ(desk.ghost(), "");
  EXPECT_GE(desk.count(Reason::late), 1u);
  const auto letters = desk.engine.log.size();
  desk.ask();
  EXPECT_EQ(desk.ghost(), "o I sort a list quickly");
  EXPECT_EQ(desk.engine.log.size() - letters, desk.letters(Letter::Kind::extend));  // no new job
  slow.after = 999;
  Desk in_time(Rules{slow});
  in_time.type("How d");
  in_time.wait(3000);
  EXPECT_NE(in_time.ghost(), "");
}

TEST(Advisor, A6AskingIgnoresSnoozeGateTierAndConfidence) {
  Desk desk(Rules{kSort}, {.speed = Tier::manual});
  desk.advisor.snooze(tuned("snooze"), desk.now);
  desk.type("How d", 100);
  desk.wait(500);
  EXPECT_EQ(desk.ghost(), "");
  EXPECT_TRUE(desk.engine.log.empty());
  EXPECT_GE(desk.count(Reason::snoozed), 1u);
  desk.ask();
  ASSERT_EQ(desk.engine.log.size(), 1u);
  EXPECT_TRUE(desk.engine.log[0].manual);
  EXPECT_EQ(desk.engine.log[0].limits.work, 2000);
  EXPECT_EQ(desk.engine.log[0].limits.count, 3);
  EXPECT_TRUE(std::isinf(desk.engine.log[0].limits.min_mean_log_prob));
  desk.wait(50);  // no gate, but a word worth showing
  EXPECT_NE(desk.ghost(), "");
  Desk off(Rules{kSort}, {.enabled = false});
  off.type("How d", 100);
  off.ask();
  off.wait(1000);
  EXPECT_TRUE(off.engine.log.empty());  // A60
}

TEST(Advisor, A10OneJobInFlightTheNewestWins) {
  FakeEngine::Rule slow = kSort;
  slow.after = 300;
  Desk desk(Rules{slow});
  desk.type("How d", 20);
  desk.type("x", 0);
  EXPECT_EQ(desk.engine.log.back().kind, Letter::Kind::suggest);
  EXPECT_EQ(desk.engine.log.back().before, "How dx");
  EXPECT_EQ(desk.engine.request(), desk.engine.log.back().request);
}

TEST(Advisor, A10ExtendKeepsAheadOfTheTypistAndRefillsTheStrip) {
  GhostDesk desk;
  EXPECT_GE(desk.letters(Letter::Kind::extend), 1u);  // requested at the first paint
  EXPECT_EQ(desk.engine.log.back().limits.tokens, 24);
  const auto extends = desk.letters(Letter::Kind::extend);
  desk.wait(1000);
  desk.type("o");
  EXPECT_EQ(desk.letters(Letter::Kind::extend), extends);  // in the middle of a word, and enough is left
  desk.type(" ");
  EXPECT_EQ(desk.letters(Letter::Kind::extend), extends + 1);  // a word's end, with one survivor of three
  EXPECT_EQ(desk.engine.log.back().before, "How do ");
  EXPECT_TRUE(desk.engine.log.back().drafts.empty());  // and so a new job, while the ghost stays
  EXPECT_EQ(desk.ghost(), "I sort a list quickly");
}

TEST(Advisor, AdvanceNamesTheSurvivorsWhileTheJobRuns) {
  FakeEngine::Rule slow = kSort;
  slow.step = 200;
  Desk desk(Rules{slow});
  desk.type("How d");
  desk.wait(400);
  ASSERT_TRUE(desk.engine.running());
  ASSERT_NE(desk.ghost(), "");
  desk.type("o");
  const auto advance = std::find_if(desk.engine.log.begin(), desk.engine.log.end(), [](const Letter& each) { return each.kind == Letter::Kind::advance; });
  ASSERT_NE(advance, desk.engine.log.end());
  EXPECT_EQ(advance->typed, "o");
  EXPECT_EQ(advance->drafts, (std::vector<DraftId>{0, 1}));
}

TEST(Advisor, A11TheGhostOnlyGrowsByWholeWords) {
  FakeEngine::Rule slow = kSort;
  slow.step = 150;
  Desk desk(Rules{slow});
  desk.type("How d");
  std::string last;
  for (int i = 0; i < 200; ++i) {
    desk.wait(10);
    ASSERT_TRUE(desk.ghost().starts_with(last));
    last = desk.ghost();
  }
  EXPECT_EQ(last, "o I sort a list quickly");
}

TEST(Advisor, A23EightRejectionsThenSilenceAndAHint) {
  Desk desk(Rules{{" ", 5, {draft("and so it goes on")}, 5}});
  desk.type("go");
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(desk.advisor.view().hint, Hint::none);
    desk.type(" ");
    desk.wait(900);  // the ghost shows later and later, but it shows
    desk.wait(3000);
    desk.type("x", 100);
  }
  EXPECT_EQ(desk.count(Count::seen_rejection), 8u);
  EXPECT_EQ(desk.advisor.view().hint, Hint::offer_silence);
  const auto letters = desk.engine.log.size();
  desk.type(" ");
  desk.wait(4000);
  EXPECT_EQ(desk.ghost(), "");
  EXPECT_EQ(desk.engine.log.size(), letters);
  desk.key({Key::enter, 0, false, false, false, false});
  EXPECT_EQ(desk.advisor.view().hint, Hint::none);
  desk.type("go ");
  desk.wait(3000);
  EXPECT_NE(desk.ghost(), "");
}

TEST(Advisor, TheBusyDeviceIsLeftAlone) {
  FakeEngine::Rule slow = kSort;
  slow.after = 200;
  Desk desk(Rules{slow});
  desk.type("How d");
  ASSERT_TRUE(desk.engine.running());
  desk.situation.busy = true;
  desk.tell();
  EXPECT_EQ(desk.engine.log.back().kind, Letter::Kind::cancel);
  desk.wait(10);
  EXPECT_FALSE(desk.engine.running());
  desk.type("o");
  EXPECT_EQ(desk.engine.log.back().kind, Letter::Kind::cancel);
  EXPECT_GE(desk.count(Reason::busy), 2u);
}

TEST(Advisor, TiersSetTheNumberOfDraftsTheGateAndTheWork) {
  Desk reduced(Rules{kSort}, {.speed = Tier::reduced});
  reduced.type("How d");
  reduced.wait(400);
  EXPECT_EQ(reduced.engine.log[0].limits.count, 1);
  EXPECT_EQ(reduced.engine.log[0].limits.work, 800);
  EXPECT_TRUE(reduced.advisor.view().strip.empty());
  EXPECT_TRUE(reduced.advisor.view().more_on_demand);
  reduced.ask();
  EXPECT_EQ(reduced.engine.log.back().kind, Letter::Kind::extend);
  EXPECT_EQ(reduced.engine.log.back().limits.count, 3);
  Desk pause(Rules{kSort}, {.speed = Tier::pause_only});
  pause.type("How d");
  pause.wait(299);
  EXPECT_EQ(pause.ghost(), "");
  pause.wait(1);
  EXPECT_NE(pause.ghost(), "");
}

TEST(Advisor, A53SlowJobsBringTheTierDown) {
  Desk desk(Rules{{"x", 700, {draft(" and more words")}, 5}});
  for (int i = 0; i < 40; ++i) {
    desk.type(std::to_string(i) + " abcx");
    desk.wait(3000);
    desk.key({Key::enter, 0, false, false, false, false});
  }
  EXPECT_EQ(desk.advisor.tier().tier, Tier::pause_only);
  EXPECT_EQ(desk.advisor.explain_tier(), "Suggestions wait for a pause: this computer needs 0.7 s for the first word.");
  EXPECT_EQ(desk.count(Count::tier_down), 1u);
}

TEST(Advisor, A53JobsThatAreNeverWaitedForCountToo) {
  Desk desk(Rules{{"x", 5000, {draft(" and more words")}, 5}});
  for (int i = 0; i < 200 && desk.advisor.tier().tier == Tier::full; ++i) desk.type("x ", 600);
  EXPECT_NE(desk.advisor.tier().tier, Tier::full);
}

TEST(Advisor, A56AnotherContextKnowsNothingOfTheFirst) {
  GhostDesk desk;
  desk.advisor.chat_words().add("secret word");
  desk.situation.context = 2;
  desk.tell();
  EXPECT_EQ(desk.advisor.chat_words().size(), 0u);
  desk.set_text("");
  desk.type("How d");
  EXPECT_EQ(desk.count(Count::cache_hits), 0u);
}

TEST(Advisor, EventsThatNobodyWaitsForChangeNothing) {
  GhostDesk desk;
  const std::string ghost = desk.ghost();
  DraftsEvent event;
  event.drafts = {draft("something else entirely")};
  for (const std::uint64_t request : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{999}, ~std::uint64_t{0}}) {
    event.request = request;
    desk.advisor.on_drafts(event, desk.now);
    EXPECT_EQ(desk.ghost(), ghost);
  }
  event.request = desk.engine.request();
  event.drafts = {draft("\xff\xfe broken"), draft("")};
  desk.advisor.on_drafts(event, desk.now);
  EXPECT_EQ(desk.ghost(), ghost);
}

TEST(Advisor, FiltersKeepADraftFromThePageAndAreCountedOnce) {
  Desk desk(Rules{{"my key is", 10, {draft(" sk-Zx81Qw72Er63Ty54 ok then"), draft(" in the drawer"), draft(" very very very old")}, 10}});
  desk.type("well my key is", 60);
  desk.wait(600);
  EXPECT_EQ(desk.ghost(), " in the drawer");  // A31: the next best takes its place
  EXPECT_GE(desk.count(Reason::secret_like), 1u);
  EXPECT_LE(desk.count(Reason::secret_like), 2u);  // once a request: the job and its extension
  ASSERT_EQ(desk.advisor.view().strip.size(), 2u);
  desk.ask();
  EXPECT_TRUE(desk.ghost() == " very" || desk.ghost() == " very very") << desk.ghost();  // never a third
}

}  // namespace
}  // namespace foreword::ui::autocomplete
