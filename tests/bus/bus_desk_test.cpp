// The bus desk where nothing answers: it says so once, and whatever is asked comes to nothing. With a bus it is tests/app/desktop_test.py's.

#include "app/bus/bus_desk.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <optional>

#include "tests/support/fixtures.h"

namespace foreword::app {
namespace {

class BusDeskTest : public ::testing::Test {
 protected:
  /// Does what comes until `done`, which must be soon.
  template <class Done>
  void carry_until(Done done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!done()) {
      auto letter = outbox.take_until(deadline);
      ASSERT_TRUE(letter) << "nothing came";
      (*letter)();
    }
  }
  BusDesk::Hears hears() {
    return {.looks = [this](const Looks& now) { looks = now, ++n_looks; }, .dialogs = [this](bool there) { dialogs = there; }, .clicked = [] { ADD_FAILURE() << "nobody has clicked"; },
            .reader = [](bool) { ADD_FAILURE() << "no reader is there"; }, .wished = [](const AccessibleWish&) { ADD_FAILURE() << "nobody has wished"; }};
  }

  Mailbox<Afterwards> outbox;
  std::optional<Looks> looks;
  int n_looks = 0;
  std::optional<bool> dialogs;
};

TEST_F(BusDeskTest, WithoutAPluginItSaysSoAndAnswersNothing) {
  const test::TempDir folder;
  const std::string broken = folder.path() / "broken.so";
  std::ofstream(broken) << "no library";
  for (const std::string& plugin : {std::string("/nowhere/plugin.so"), broken}) {
    setenv("FOREWORD_DESKTOP_BUS_PLUGIN", plugin.c_str(), 1);
    looks.reset(), dialogs.reset(), n_looks = 0;
    BusDesk desk(hears(), outbox);
    std::optional<FileChoice> choice;
    desk.announce("The answer is ready");
    desk.keep_awake(true, "An answer is being written.");
    desk.ask({.title = "Open a model"}, [&](const FileChoice& one) { choice = one; });
    carry_until([&] { return choice.has_value(); });
    EXPECT_EQ(choice->end, FileEnd::unavailable);
    EXPECT_EQ(looks, Looks{});
    EXPECT_EQ(n_looks, 1);
    EXPECT_EQ(dialogs, false);
  }
  unsetenv("FOREWORD_DESKTOP_BUS_PLUGIN");
}

TEST_F(BusDeskTest, ItEndsWithWhatIsOpen) {
  setenv("FOREWORD_DESKTOP_BUS_PLUGIN", "/nowhere/plugin.so", 1);
  for (int i = 0; i < 50; ++i) {
    BusDesk desk(hears(), outbox);
    desk.ask({.title = "Open a model"}, [](const FileChoice&) {});
    desk.end();
    desk.announce("too late");
    while (outbox.try_take()) continue;
  }
  unsetenv("FOREWORD_DESKTOP_BUS_PLUGIN");
}

}  // namespace
}  // namespace foreword::app
