// What holds for the room as a whole: its table of constants, its counters, and what it may not include.

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>

#include "tests/support/fixtures.h"
#include "ui/autocomplete/constants.h"
#include "ui/autocomplete/counters.h"

namespace foreword::ui::autocomplete {
namespace {

std::filesystem::path room() { return test::data_dir().parent_path().parent_path() / "ui" / "autocomplete"; }

/// All sources, one after another; and those without the table of constants.
std::string sources(bool with_constants) {
  std::string all;
  for (const auto& entry : std::filesystem::directory_iterator(room())) {
    if (with_constants || entry.path().filename() != "constants.h") all += test::read_text(entry.path());
  }
  return all;
}

TEST(TheRoom, A2IncludesNothingThatWritesFilesOrSpeaksToANetwork) {
  const std::string all = sources(true);
  ASSERT_GT(all.size(), 50'000u);
  const std::regex include("#include <([^>]*)>");
  const std::set<std::string> allowed = {"algorithm", "array", "cctype", "cmath", "cstddef", "cstdint", "functional", "limits", "memory", "optional",
                                         "span", "string", "string_view", "unordered_set", "utility", "vector", "utf8proc.h"};
  for (std::sregex_iterator each(all.begin(), all.end(), include), end; each != end; ++each) {
    EXPECT_TRUE(allowed.contains((*each)[1])) << (*each)[0];
  }
  for (const char* clock : {"chrono", "time(", "getenv", "fopen", "rand("}) EXPECT_EQ(all.find(clock), all.npos) << clock;
}

TEST(TheConstants, HaveNamesOnceHelpAndAUse) {
  const std::string all = sources(false);
  std::set<std::string_view> names;
  for (const Constant& constant : kConstants) {
    EXPECT_TRUE(names.insert(constant.name).second) << constant.name;
    EXPECT_FALSE(constant.help.empty()) << constant.name;
    const bool the_callers = constant.name == "fade" || constant.name == "snooze";  // the composer's
    EXPECT_EQ(all.find("(\"" + std::string(constant.name) + "\")") != all.npos, !the_callers) << constant.name;
  }
}

TEST(TheConstants, AreInTheDocumentWithTheirValues) {
  const std::string page = test::read_text(test::data_dir().parent_path().parent_path() / "docs" / "autocomplete.md");
  for (const Constant& constant : kConstants) {
    std::string value = std::to_string(constant.value);
    value.erase(value.find_last_not_of('0') + 1);
    if (value.back() == '.') value.pop_back();
    const std::string row = "| `" + std::string(constant.name) + "` | " + value + " |";
    EXPECT_NE(page.find(row), page.npos) << row;
  }
}

TEST(Counters, A57NamesAreUniqueAndEveryNumberComesBack) {
  Counters counters;
  counters.add(Count::shown, 3);
  counters.add(Reason::late);
  counters.add(Reason::none);
  counters.add(Latency::key_to_paint, 39.9);
  counters.add(Latency::key_to_paint, 40);
  counters.add(Latency::cancel, 1e12);
  std::map<std::string, std::uint64_t> all;
  std::size_t n = 0;
  counters.each([&](std::string_view name, std::uint64_t value) { all[std::string(name)] = value, ++n; });
  EXPECT_EQ(all.size(), n);
  EXPECT_EQ(all.at("shown"), 3u);
  EXPECT_EQ(all.at("reason.late"), 1u);
  EXPECT_EQ(all.at("key_to_paint.40"), 1u);
  EXPECT_EQ(all.at("key_to_paint.80"), 1u);
  EXPECT_EQ(all.at("cancel.more"), 1u);
  Counters copy;
  for (const auto& [name, value] : all) EXPECT_TRUE(copy.set(name, value));
  EXPECT_FALSE(copy.set("no such name", 1));
  copy.each([&](std::string_view name, std::uint64_t value) { EXPECT_EQ(value, all.at(std::string(name))); });
  copy.reset();
  copy.each([&](std::string_view name, std::uint64_t value) { EXPECT_EQ(value, 0u) << name; });
}

}  // namespace
}  // namespace foreword::ui::autocomplete
