// A30: each filter against lines that must fire it and lines that must not, from tests/data/autocomplete/filters.

#include "ui/autocomplete/text_filter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/fixtures.h"
#include "ui/text/utf8.h"

namespace foreword::ui::autocomplete {
namespace {

struct Line {
  int number = 0;
  bool fires = false;
  std::string before, draft, kept, after;
  double mean_log_prob = 0;
};

std::string unescaped(std::string text) {
  for (std::size_t at = 0; (at = text.find("\\n", at)) != text.npos;) text.replace(at, 2, "\n");
  if (!text.empty() && text[0] == '~') {
    for (char& c : text) {
      if (std::isalpha(static_cast<unsigned char>(c)) != 0) c = static_cast<char>((c | 32) < 'n' ? c + 13 : c - 13);
    }
    text.erase(0, 1);
  }
  return text;
}

std::vector<std::string> fields_of(std::string_view line) {
  static constexpr std::string_view kBar = "¦";
  std::vector<std::string> fields;
  for (std::size_t bar; (bar = line.find(kBar)) != line.npos; line.remove_prefix(bar + kBar.size())) {
    fields.push_back(unescaped(std::string(line.substr(0, bar))));
  }
  fields.push_back(unescaped(std::string(line)));
  fields.resize(std::max<std::size_t>(fields.size(), 6));
  return fields;
}

std::vector<Line> lines_of(Reason reason, Words& words) {
  const auto path = test::data_dir() / "autocomplete" / "filters" / (std::string(name_of(reason)) + ".txt");
  std::istringstream in(test::read_text(path));
  std::vector<Line> lines;
  int number = 0;
  for (std::string text; std::getline(in, text);) {
    ++number;
    const std::vector<std::string> f = fields_of(text);
    if (f[0] == "words") {
      words.add(f[1]);
    } else if (f[0] == "+" || f[0] == "-") {
      lines.push_back({number, f[0] == "+", f[1], f[2], f[3], f[4], f[5].empty() ? 0 : std::stod(f[5])});
    }
  }
  return lines;
}

class TextFilter : public testing::TestWithParam<FilterRow> {};

TEST_P(TextFilter, A30FiresAndKeepsSilentAsItsLinesSay) {
  Words words;
  const std::vector<Line> lines = lines_of(GetParam().reason, words);
  const auto n_fire = std::count_if(lines.begin(), lines.end(), [](const Line& line) { return line.fires; });
  EXPECT_GE(n_fire, 20);
  EXPECT_GE(static_cast<long>(lines.size()) - n_fire, 20);
  for (const Line& line : lines) {
    const Candidate candidate{line.before, line.after, line.draft, line.mean_log_prob, &words, nullptr};
    const std::size_t keep = bytes_kept(GetParam(), candidate);
    EXPECT_EQ(line.draft.substr(0, keep), line.fires ? line.kept : line.draft) << name_of(GetParam().reason) << ".txt:" << line.number;
    if (line.fires) {
      EXPECT_NE(filter_text(candidate).reason, Reason::none) << line.number;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, TextFilter, testing::ValuesIn(text_filters().begin(), text_filters().end()),
                         [](const auto& row) { return std::string(name_of(row.param.reason)); });

TEST(TextFilters, A30RowsAreInTheOrderOfTheReasons) {
  const auto rows = text_filters();
  ASSERT_EQ(rows.size(), static_cast<std::size_t>(Reason::low_confidence) - static_cast<std::size_t>(Reason::too_short));
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(static_cast<std::size_t>(rows[i].reason), static_cast<std::size_t>(Reason::too_short) + i);
}

TEST(TextFilters, A30CountsTheFirstReasonAndGoesOnWithWhatIsLeft) {
  const Filtered twice = filter_text({"I", "", " see it see it see it (and"});
  EXPECT_EQ(twice.reason, Reason::self_loop);
  EXPECT_EQ(twice.keep, std::string_view(" see it").size());
  const Filtered cut_then_drop = filter_text({"go", "", " on!!!!\nUser: hi"});  // the role is behind the cut
  EXPECT_EQ(cut_then_drop.reason, Reason::punctuation_run);
  EXPECT_EQ(cut_then_drop.keep, std::string_view(" on").size());
  EXPECT_EQ(filter_text({"How d", "", "o I sort a list"}).reason, Reason::none);
}

TEST(TextFilters, A31CutsEndBehindWords) {
  for (const FilterRow& row : text_filters()) {
    Words words;
    for (const Line& line : lines_of(row.reason, words)) {
      const Filtered all = filter_text({line.before, line.after, line.draft, line.mean_log_prob, &words, nullptr});
      if (all.keep == 0 || all.keep == line.draft.size()) continue;
      EXPECT_EQ(text::cluster_begin(line.draft, all.keep), all.keep);
      EXPECT_FALSE(std::isalnum(static_cast<unsigned char>(line.draft[all.keep - 1])) != 0 &&
                   std::isalnum(static_cast<unsigned char>(line.draft[all.keep])) != 0)
          << line.draft;
    }
  }
}

TEST(TextFilters, NeverBreakOnAnyBytes) {
  const std::vector<std::string> pieces = {"a", " ", "<", ">", "```", "(", "]", "\xff", "\xe2\x82", "́", "‍", "😀", "1", "sk-", "-----BEGIN", "漢", "\n", "</b>"};
  for (unsigned n = 0; n < 20'000; ++n) {
    std::string texts[3];
    unsigned seed = n * 2654435761u;
    for (std::string& text : texts) {
      for (unsigned k = seed >> 28; k > 0; --k) text += pieces[(seed = seed * 1664525u + 1013904223u) >> 16 & 0xff ? (seed >> 20) % pieces.size() : 0];
      seed = seed * 1664525u + 1013904223u;
    }
    const Filtered result = filter_text({texts[0], texts[1], texts[2], -2});
    ASSERT_LE(result.keep, texts[2].size());
    ASSERT_EQ(result.reason == Reason::none, result.keep == texts[2].size());
  }
}

}  // namespace
}  // namespace foreword::ui::autocomplete
