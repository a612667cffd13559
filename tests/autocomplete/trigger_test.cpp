// Section 4: what starts computing.

#include "ui/autocomplete/trigger.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "ui/autocomplete/prose.h"

namespace foreword::ui::autocomplete {
namespace {

struct World {
  Settings settings;
  Situation situation{.model = true, .focused = true};
  Tier tier = Tier::full;
  bool by_power = false, snoozed = false, silenced = false, dismissed = false;
  Origin origin = Origin::typing;
  std::string before = "How do I", after, inserted = "I";

  Hold hold(bool manual = false) const {
    const HoldRow* const row =
        first_hold({settings, situation, tier, by_power, snoozed, silenced, dismissed, origin, before, after, inserted}, manual);
    return row == nullptr ? Hold::none : row->hold;
  }
};

TEST(Trigger, A3TypingInAFocusedComposerStarts) { EXPECT_EQ(World().hold(), Hold::none); }

struct Case {
  Hold hold;
  void (*change)(World&);
};

TEST(Trigger, A3EveryHoldAloneStopsAndA6SaysWhatAManualRequestIgnores) {
  const Case cases[] = {
      {Hold::switched_off, [](World& w) { w.settings.enabled = false; }},
      {Hold::no_model, [](World& w) { w.situation.model = false; }},
      {Hold::no_model, [](World& w) { w.tier = Tier::off; }},
      {Hold::unfocused, [](World& w) { w.situation.focused = false; }},
      {Hold::composing, [](World& w) { w.situation.composing = true; }},
      {Hold::selecting, [](World& w) { w.situation.selecting = true; }},
      {Hold::wrong_origin, [](World& w) { w.origin = Origin::deletion; }},
      {Hold::large_paste, [](World& w) { w.origin = Origin::paste, w.inserted = std::string(41, 'x'); }},
      {Hold::too_little, [](World& w) { w.before = "Ho"; }},
      {Hold::mid_line, [](World& w) { w.after = " more words"; }},
      {Hold::fence, [](World& w) { w.before = "see\n```cpp\nint main"; }},
      {Hold::dismissed, [](World& w) { w.dismissed = true; }},
      {Hold::silenced, [](World& w) { w.silenced = true; }},
      {Hold::snoozed, [](World& w) { w.snoozed = true; }},
      {Hold::busy, [](World& w) { w.situation.busy = true; }},
      {Hold::battery, [](World& w) { w.tier = Tier::manual, w.by_power = true; }},
      {Hold::tier, [](World& w) { w.tier = Tier::manual; }},
  };
  std::set<Hold> seen;
  for (const Case& each : cases) {
    World world;
    each.change(world);
    EXPECT_EQ(world.hold(), each.hold);
    const auto row = std::find_if(hold_rows().begin(), hold_rows().end(), [&](const HoldRow& r) { return r.hold == each.hold; });
    EXPECT_EQ(world.hold(true), row->manual_ignores ? Hold::none : each.hold) << row->name;
    seen.insert(each.hold);
  }
  EXPECT_EQ(seen.size(), hold_rows().size());
}

TEST(Trigger, A6AManualRequestIgnoresExactlyThese) {
  std::set<Hold> ignored;
  for (const HoldRow& row : hold_rows()) {
    if (row.manual_ignores) ignored.insert(row.hold);
  }
  EXPECT_EQ(ignored, (std::set<Hold>{Hold::wrong_origin, Hold::large_paste, Hold::dismissed, Hold::silenced, Hold::snoozed, Hold::battery, Hold::tier}));
}

TEST(Trigger, A3LittleTextOrAFinishedWord) {
  World world;
  for (const auto& [text, hold] : std::vector<std::pair<std::string, Hold>>{{"", Hold::too_little},
                                                                            {"a", Hold::too_little},
                                                                            {"ab", Hold::too_little},
                                                                            {"  \n a", Hold::too_little},
                                                                            {"a ", Hold::none},  // a finished word
                                                                            {"I, ", Hold::none},
                                                                            {"- ", Hold::too_little},
                                                                            {"abc", Hold::none},
                                                                            {"a b c", Hold::none},
                                                                            {"我", Hold::none},
                                                                            {"...", Hold::none},
                                                                            {"e\u0301e\u0301", Hold::too_little}}) {
    world.before = text;
    EXPECT_EQ(world.hold(), hold) << text;
  }
}

TEST(Trigger, A3WhatMayStandBehindTheCaret) {
  World world;
  for (const char* fine : {"", " ", "\t ", ")", "\");", ".", "?!", "\nnext line", ") \nnext", "»", "。", "**"}) {
    world.after = fine;
    EXPECT_EQ(world.hold(), Hold::none) << fine;
  }
  for (const char* bad : {"x", " x", ") and", "(", "字", "1"}) {
    world.after = bad;
    EXPECT_EQ(world.hold(), Hold::mid_line) << bad;
    world.situation.fills_middle = true;
    EXPECT_EQ(world.hold(), Hold::none) << bad;
    world.situation.fills_middle = false;
  }
}

TEST(Trigger, A3CodeBlocksAreLeftAloneWithoutTokensForTheMiddle) {
  World world;
  for (const auto& [text, inside] : std::vector<std::pair<std::string, bool>>{{"abc ```x``` def", false},
                                                                             {"abc\n```", true},
                                                                             {"```py\nx = 1\n", true},
                                                                             {"```py\nx = 1\n```\nand then", false},
                                                                             {"~~~\ncode\n", true},
                                                                             {"   ```\ncode here", true},
                                                                             {"    ```\nindented", false}}) {
    world.before = text;
    EXPECT_EQ(world.hold(), inside ? Hold::fence : Hold::none) << text;
    EXPECT_EQ(in_fence(text), inside) << text;
    world.situation.fills_middle = true;
    EXPECT_EQ(world.hold(), Hold::none) << text;
    world.situation.fills_middle = false;
  }
}

TEST(Trigger, A4OriginsThatNeverStart) {
  World world;
  for (const OriginRow& row : origin_rows()) {
    world.origin = row.origin;
    const bool starts = row.origin == Origin::typing || row.origin == Origin::commit || row.origin == Origin::accept || row.origin == Origin::paste;
    EXPECT_EQ(world.hold() == Hold::none, starts) << row.name;
    EXPECT_EQ(&row, &row_of(row.origin));
  }
}

TEST(Trigger, A3PastesOfFortyCharactersNotBytes) {
  World world;
  world.origin = Origin::paste;
  world.inserted = std::string(40, 'x');
  EXPECT_EQ(world.hold(), Hold::none);
  world.inserted.clear();
  for (int i = 0; i < 40; ++i) world.inserted += "字";
  EXPECT_EQ(world.hold(), Hold::none);
  world.inserted += "字";
  EXPECT_EQ(world.hold(), Hold::large_paste);
}

TEST(Prose, UnitsOfManyScripts) {
  struct Row {
    std::string text;
    std::vector<std::string> units;
  };
  const Row rows[] = {
      {" world, foo!", {" world", ",", " foo", "!"}},
      {"don't stop", {"don't", " stop"}},
      {"l’été  est", {"l’été", "  est"}},
      {"...so", {"...", "so"}},
      {"a_b 1.5", {"a_b", " 1", ".", "5"}},
      {"日本語", {"日", "本", "語"}},
      {"привет, мир", {"привет", ",", " мир"}},
      {" 👍️ ok", {" 👍️", " ok"}},
      {"👩‍👩‍👧x", {"👩‍👩‍👧", "x"}},
      {"e\u0301te\u0301 x", {"e\u0301te\u0301", " x"}},
      {"می‌خواهم", {"می‌خواهم"}},
      {"  ", {"  "}},
  };
  for (const Row& row : rows) {
    std::vector<std::string> units;
    for (std::size_t at = 0; at < row.text.size();) {
      const std::size_t end = unit_end(row.text, at);
      ASSERT_GT(end, at);
      units.push_back(row.text.substr(at, end - at));
      at = end;
    }
    EXPECT_EQ(units, row.units) << row.text;
  }
}

TEST(Prose, SentencesAndLines) {
  for (const auto& [text, end] : std::vector<std::pair<std::string, std::string>>{{" is it? Yes.", " is it?"},
                                                                                 {" costs 1.50 now. Then", " costs 1.50 now."},
                                                                                 {" e.g. this", " e.g."},
                                                                                 {" says \"no.\" And", " says \"no.\""},
                                                                                 {" one\ntwo", " one"},
                                                                                 {"好。然后", "好。"},
                                                                                 {" no end", " no end"},
                                                                                 {"wait... what", "wait..."},
                                                                                 {"", ""}}) {
    EXPECT_EQ(text.substr(0, sentence_end(text)), end) << text;
  }
}

TEST(Prose, A5TheContextIsShortBeginsWithASentenceAndMovesRarely) {
  std::string text;
  std::size_t last = 0, n_moves = 0;
  for (int i = 0; i < 3000; ++i) {
    text += i % 7 == 6 ? "end. " : i % 3 == 0 ? "mot é " : "word ";
    const std::size_t begin = context_begin(text);
    ASSERT_LE(count_characters(std::string_view(text).substr(begin), 5000), 4000u);
    if (begin == 0) continue;
    EXPECT_GE(count_characters(std::string_view(text).substr(begin), 5000), 2000u);
    EXPECT_EQ(text.substr(begin - 2, 2), ". ");
    n_moves += begin != last ? 1 : 0;
    last = begin;
  }
  EXPECT_LE(n_moves, text.size() / 1000);
  const std::string no_sentence(20'000, 'x');
  EXPECT_LE(no_sentence.size() - context_begin(no_sentence), 4000u);
}

}  // namespace
}  // namespace foreword::ui::autocomplete
