#include "ui/pacing.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/ui/states.h"
#include "ui/caret.h"
#include "ui/headless.h"
#include "ui/theme.h"

namespace foreword::ui {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

/// Runs the loop on a clock of its own; `letters_per_second` come at even times. Returns the frames drawn.
int frames_in(Pacer& pacer, double seconds, double letters_per_second, bool focused) {
  int frames = 0;
  pacer.set_focused(focused);
  pacer.input();
  double now = 1000, next_letter = letters_per_second > 0 ? now : kNever;
  const double last_input = now, end = now + seconds;
  while (now < end) {
    if (now >= next_letter) pacer.letter(), next_letter += 1 / letters_per_second;
    const double wait = pacer.wait(now);
    if (wait <= 0) {
      pacer.drawn(now, caret_blink(now, last_input).next_change, false);
      ++frames;
      now += 0.001;
    } else {
      now += std::min(wait, next_letter - now) + 1e-9;
    }
  }
  return frames;
}

TEST(Pacing, D71AnIdleFocusedWindowDrawsTheCaretAtMostTwiceASecond) {
  Pacer pacer;
  EXPECT_LE(frames_in(pacer, 60, 0, true), Pacer::kFramesAfterInput + 2 * 10 + 1);  // ten seconds of blinking
}

TEST(Pacing, D71AnIdleWindowWithoutFocusDrawsNothing) {
  Pacer pacer;
  EXPECT_EQ(frames_in(pacer, 60, 0, false), Pacer::kFramesAfterInput);
}

/// Frames of the whole window in 60 s in which nothing comes from outside, but for `first`, which is not counted.
int idle_frames(Headless& drive, Pacer& pacer, const InputEvent& first) {
  drive.push(first);
  pacer.input();
  for (int i = 0; i < Pacer::kFramesAfterInput; ++i) {
    drive.frames();
    pacer.drawn(drive.now, drive.wake_at(), false);
  }
  int frames = 0;
  for (const double end = drive.now + 60; drive.now < end;) {
    if (const double wait = pacer.wait(drive.now); wait > 0) {
      drive.now = std::min(drive.now + wait, end);
      continue;
    }
    drive.frames();
    pacer.drawn(drive.now, drive.wake_at(), false);
    drive.now += 1e-4;
    ++frames;
  }
  return frames;
}

TEST(Pacing, D71TheWholeIdleWindowKeepsToItInEveryState) {
  for (const NamedState& state : kStates) {
    Headless drive;
    drive.state = state.make();
    drive.frames(3);
    Pacer pacer;
    const int blinking = idle_frames(drive, pacer, FocusChange{true});
    EXPECT_LE(blinking, 2 * 60) << state.name;
    const bool writing = drive.root().interaction().focus_id() == Composer::kFieldId;
    EXPECT_EQ(blinking > 10, writing) << state.name << ": the caret";
    EXPECT_LE(idle_frames(drive, pacer, MouseMove{{1000, 30}}), 2 * 60) << state.name << ", with a button's tooltip";
    pacer.set_focused(false);
    EXPECT_EQ(idle_frames(drive, pacer, FocusChange{false}), 0) << state.name;
  }
}

TEST(Pacing, D71StreamingDrawsAtMostSixtyTimesASecondAndTenWithoutFocus) {
  Pacer focused, unfocused;
  const int with = frames_in(focused, 10, 5000, true), without = frames_in(unfocused, 10, 5000, false);
  EXPECT_LE(with, 610);
  EXPECT_GE(with, 500);
  EXPECT_LE(without, 110);
  EXPECT_GE(without, 80);
}

TEST(Pacing, D72AnIconifiedWindowNeverDraws) {
  Pacer pacer;
  pacer.set_iconified(true);
  pacer.letter();
  EXPECT_EQ(pacer.wait(5), kNever);
}

TEST(Pacing, D70AfterInputThreeFramesFollowAndWhatWaitsIsServedAtOnce) {
  Pacer pacer;
  for (int i = 0; i < Pacer::kFramesAfterInput; ++i) pacer.drawn(1, kNever, false);
  EXPECT_EQ(pacer.wait(1), kNever);
  pacer.drawn(1, kNever, true);
  EXPECT_EQ(pacer.wait(1), 0);
}

TEST(Theme, TextHasContrastOnAllItsGrounds) {
  for (const auto& [choice, high] : {std::pair(ThemeChoice::light, false), {ThemeChoice::dark, false}, {ThemeChoice::light, true}, {ThemeChoice::dark, true}}) {
    const Theme& t = theme_of(choice, high);
    const double least = high ? 7 : 4.5, least_of_lines = high ? 4.5 : 3;
    EXPECT_GE(contrast(t.line, t.raised), high ? 4.5 : 1);
    EXPECT_GE(contrast(t.ghost, t.raised), least);
    for (const Color ground : {t.page, t.side, t.raised, t.hover, t.chosen, t.bubble, t.code, t.selection, t.found, t.found_here}) EXPECT_GE(contrast(t.ink, ground), least);
    for (const Color ground : {t.page, t.side, t.raised, t.code, t.hover}) EXPECT_GE(contrast(t.ink_soft, ground), least);
    EXPECT_GE(contrast(t.accent, t.page), least);
    for (const Color token : t.tokens) EXPECT_GE(contrast(token, t.code), least);
    EXPECT_GE(contrast(t.ink, t.chip), least);
    EXPECT_GE(contrast(t.on_accent, t.accent), least);
    EXPECT_GE(contrast(t.on_danger, t.danger), least);
    EXPECT_GE(contrast(t.danger, t.danger_soft), least);
    EXPECT_GE(contrast(t.danger, t.raised), least);
    EXPECT_GE(contrast(t.border_focus, t.raised), least_of_lines);
  }
}

TEST(Theme, ContrastIsTheKnownOne) { EXPECT_NEAR(contrast(Color::hex(0x000000), Color::hex(0xFFFFFF)), 21, 0.01); }

}  // namespace
}  // namespace foreword::ui
