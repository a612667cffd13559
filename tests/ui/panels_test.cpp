// Every panel in every state: it can be drawn, and each thing in it has a name, a role and a way for the keyboard (D97,
// D98). Pixels against stored pictures, at four scales.

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "tests/support/fixtures.h"
#include "tests/ui/panels.h"
#include "tests/ui/states.h"
#include "ui/headless.h"
#include "ui/png.h"

namespace foreword::ui {
namespace {

/// All that the keyboard can reach within the topmost layer.
std::set<std::string> reach_all(Headless& drive, std::size_t n_items) {
  std::set<std::string> reached;
  for (std::size_t i = 0; i < 4 * n_items + 20; ++i) {  // rows and messages show more buttons once they are reached
    drive.key(Key::tab);
    drive.frames(2);
    reached.insert(drive.root().interaction().focus_id());
  }
  return reached;
}

TEST(D97Items, EveryItemOfEveryPanelInEveryStateHasANameAndAPlace) {
  for (const NamedState& state : kStates) {
    for (const Panel& panel : panels()) {
      Headless drive;
      drive.state = state.make();
      drive.frames(2);
      panel.open(drive);
      drive.frames(3);
      EXPECT_GT(drive.triangles(), 100) << state.name << ", " << panel.name;
      std::set<std::string> ids;
      for (const Item& item : drive.root().interaction().items()) {
        const std::string where = std::string(state.name) + ", " + panel.name + ": " + std::string(item.id);
        EXPECT_FALSE(item.id.empty()) << where;
        EXPECT_FALSE(item.label.empty()) << where;
        EXPECT_TRUE(ids.emplace(item.id).second) << where << " stands there twice";
        EXPECT_FALSE(item.rect.intersect({0, 0, 1120, 760}).empty()) << where << " is outside of the window";
      }
    }
  }
}

TEST(D97Items, EveryButtonOfEveryPanelIsReachedByTheKeyboard) {
  for (const NamedState& state : {NamedState{"files", files, true}, NamedState{"overflow", overflow, true}, NamedState{"versions", versions, true}}) {
    for (const Panel& panel : panels()) {
      Headless drive;
      drive.state = state.make();
      drive.frames(2);
      panel.open(drive);
      drive.frames(3);
      int top = 0;
      for (const Item& item : drive.root().interaction().items()) top = std::max(top, item.layer);
      std::vector<std::string> wanted;
      for (const Item& item : drive.root().interaction().items()) {
        const bool outside = item.id.find("/row:") != item.id.npos && item.id.rfind('/') > item.id.find("/row:");  // a row's buttons come with its focus
        if (item.focusable && item.enabled && item.layer == top && item.role != ItemRole::scroll_area && !outside) wanted.emplace_back(item.id);
      }
      const std::set<std::string> reached = reach_all(drive, drive.root().interaction().items().size());
      for (const std::string& id : wanted) EXPECT_TRUE(reached.contains(id)) << state.name << ", " << panel.name << ": " << id;
    }
  }
}

TEST(D98Panels, AreDrawnAtEverySizeAndScale) {
  for (const NamedState& state : kStates) {
    if (std::string_view(state.name) == "many") continue;
    for (const Panel& panel : panels()) {
      for (const Vec size : {Vec{360, 320}, Vec{1920, 1080}}) {
        Headless drive(size);
        drive.state = state.make();
        drive.state.scale = size.x < 1000 ? 0.75f : 3.0f;
        drive.frames(2);
        panel.open(drive);
        drive.frames(3);
        EXPECT_GT(drive.triangles(), 50) << state.name << ", " << panel.name;
      }
    }
  }
}

// Dear ImGui takes the reciprocal square roots of its soft edges from an instruction that AMD's and Intel's processors round differently.
constexpr int kMostRounding = 1;

/// The stored picture of a name. FOREWORD_NEW_PICTURES=1 stores what is drawn; look at it before it is committed.
void expect_picture(const Picture& drawn, const std::string& name) {
  const std::filesystem::path stored = test::data_dir() / "pictures" / (name + ".png");
  if (std::getenv("FOREWORD_NEW_PICTURES") != nullptr) {
    std::filesystem::create_directories(stored.parent_path());
    ASSERT_TRUE(write_png(stored, drawn.width, drawn.height, drawn.rgb));
  }
  const Result<Picture> wanted = read_png(stored);
  ASSERT_TRUE(wanted) << wanted.error().message;
  ASSERT_EQ(wanted->width, drawn.width);
  ASSERT_EQ(wanted->height, drawn.height);
  std::size_t n_other = 0;
  int most = 0;
  for (std::size_t i = 0; i < drawn.rgb.size(); ++i) {
    const int difference = std::abs(static_cast<int>(drawn.rgb[i]) - static_cast<int>(wanted->rgb[i]));
    n_other += difference != 0 ? 1 : 0;
    most = std::max(most, difference);
  }
  if (most <= kMostRounding) return;
  const std::filesystem::path out = std::filesystem::temp_directory_path() / (name + "-drawn.png");
  EXPECT_TRUE(write_png(out, drawn.width, drawn.height, drawn.rgb));
  ADD_FAILURE() << n_other << " bytes differ by up to " << most << " from " << stored << "; what was drawn is in " << out;
}

Picture draw(ViewState state, float scale, ThemeChoice theme, Vec size = {700, 420}, const Panel& panel = panels().front()) {
  Headless drive({std::round(size.x * scale), std::round(size.y * scale)});
  drive.state = std::move(state);
  drive.state.scale = scale;
  drive.state.theme = theme;
  drive.now = 100;
  drive.frames(3);
  panel.open(drive);
  drive.frames(3);
  return drive.picture();
}

TEST(Pixels, AreThoseOfTheStoredPicturesAtEveryScale) {
  for (const float scale : {1.0f, 1.25f, 1.5f, 2.0f}) {
    expect_picture(draw(files(), scale, ThemeChoice::light), "files-" + std::to_string(static_cast<int>(scale * 100)));
  }
  expect_picture(draw(overflow(), 1, ThemeChoice::dark), "overflow-dark-100");
  expect_picture(draw(empty(), 1, ThemeChoice::light), "empty-100");
}

/// What was deleted, more of it than is shown at once.
State full_bin() {
  State s = versions();
  s.notices.clear();
  s.bin.clear();
  for (int i = 24; i > 0; --i) s.bin.push_back({i, "Chat " + std::to_string(i), i % 3 == 0 ? "And at night?" : ""});
  return s;
}

TEST(Pixels, OfThePanelsAreThoseOfTheStoredPictures) {
  for (const Panel& panel : panels()) {
    const std::string name = panel.name;
    if (name != "find" && name != "shortcuts" && name != "bin") continue;
    for (const ThemeChoice theme : {ThemeChoice::light, ThemeChoice::dark}) {
      expect_picture(draw(full_bin(), 1, theme, {1000, 560}, panel), name + (theme == ThemeChoice::dark ? "-dark" : "-light") + "-100");
    }
  }
}

TEST(Pixels, AreTheSameWhenDrawnTwice) {
  const Picture once = draw(table(), 1.25f, ThemeChoice::dark), twice = draw(table(), 1.25f, ThemeChoice::dark);
  EXPECT_EQ(once.rgb, twice.rgb);
  EXPECT_NE(once.rgb, draw(table(), 1.25f, ThemeChoice::light).rgb);
}

}  // namespace
}  // namespace foreword::ui
