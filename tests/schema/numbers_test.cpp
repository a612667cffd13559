// Numbers within bounds, against plain arithmetic; formats.

#include "engine/schema/numbers.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "engine/schema/formats.h"

namespace foreword::engine {
namespace {

Decimal decimal(std::string_view text) {
  const auto made = Decimal::of(text);
  EXPECT_TRUE(made) << text;
  return made.value_or(Decimal{});
}

TEST(Decimal, OneFormOfEachNumber) {
  for (const std::string_view text : {"100", "1e2", "100.00", "10E+1", "1000e-1", "0.1e3"}) EXPECT_EQ(decimal(text), decimal("100")) << text;
  for (const std::string_view text : {"0", "-0", "0.00", "0e9"}) EXPECT_EQ(decimal(text), Decimal{}) << text;
  EXPECT_EQ(decimal("-0.50").fraction(), "5");
  EXPECT_EQ(decimal("0.05").fraction(), "05");
  EXPECT_EQ(decimal("1e3").whole(), "1000");
  EXPECT_EQ(decimal("12.5").whole(), "12");
  for (const std::string_view text : {"", "-", "x", "1e999", "1e", "1.2.3"}) EXPECT_FALSE(Decimal::of(text)) << text;
}

TEST(Decimal, Order) {
  const std::string_view rising[] = {"-1e5", "-20", "-3", "-2.5", "-2.49", "-0.1", "0", "0.01", "0.1", "0.12", "1", "9.99", "10", "1e20"};
  for (std::size_t i = 0; i < std::size(rising); ++i) {
    for (std::size_t j = 0; j < std::size(rising); ++j) {
      const int order = compare(decimal(rising[i]), decimal(rising[j]));
      EXPECT_EQ(order < 0, i < j) << rising[i] << " " << rising[j];
      EXPECT_EQ(order > 0, i > j) << rising[i] << " " << rising[j];
    }
  }
}

TEST(Decimal, Multiples) {
  EXPECT_TRUE(is_multiple(decimal("0.3"), decimal("0.1")));
  EXPECT_TRUE(is_multiple(decimal("-1e20"), decimal("7e0")) == false);
  EXPECT_TRUE(is_multiple(decimal("19.99"), decimal("0.01")));
  EXPECT_FALSE(is_multiple(decimal("0.35"), decimal("0.1")));
  EXPECT_TRUE(is_multiple(decimal("0"), decimal("3")));
  EXPECT_TRUE(is_multiple(decimal("123456789123456789123456789"), decimal("9")));
}

/// Every bound against every number of a grid, all as text.
TEST(Numbers, BoundsAreExact) {
  const std::string_view bounds[] = {"-100", "-10.5", "-1", "-0.25", "0", "0.1", "0.25", "1", "9.9", "10", "99", "100.01"};
  const std::string_view numbers[] = {"-1000", "-100.1", "-100", "-99.9", "-10.51", "-10.5", "-10.49", "-10", "-2",   "-1",   "-0.9", "-0.26", "-0.25", "-0.24", "0",    "0.09", "0.1",
                                      "0.11",  "0.2499", "0.25", "0.3",   "0.9",    "1",     "1.0",    "1.01", "5",    "9",    "9.9",  "9.91",  "9.89",  "10",    "11.5", "90",   "98.99",
                                      "99",    "99.0",   "99.5", "100",   "100.01", "100.02", "100.010", "101", "1000", "123456789"};
  for (const std::string_view low : bounds) {
    for (const std::string_view high : bounds) {
      for (int open = 0; open < 4; ++open) {
        NumberForm form;
        form.least = Bound{decimal(low), (open & 1) != 0};
        form.most = Bound{decimal(high), (open & 2) != 0};
        const auto language = number_language(form);
        ASSERT_TRUE(language);
        for (const std::string_view number : numbers) ASSERT_EQ(language->contains(number), form.allows(decimal(number))) << low << " " << number << " " << high << " " << open;
        EXPECT_EQ(language->empty(), form.contradicts_itself()) << low << " " << high << open;
        form.broken = false;
        const auto whole = number_language(form);
        for (const std::string_view number : numbers) {
          const bool plain = number.find('.') == std::string_view::npos;
          ASSERT_EQ(whole->contains(number), plain && form.allows(decimal(number))) << low << " " << number << " " << high << " " << open;
        }
      }
    }
  }
}

TEST(Numbers, OneSideOnly) {
  NumberForm form;
  form.broken = false;
  form.least = Bound{decimal("18")};
  auto language = number_language(form);
  ASSERT_TRUE(language);
  for (const std::string_view text : {"18", "19", "20", "100", "123456789012345678"}) EXPECT_TRUE(language->contains(text)) << text;
  for (const std::string_view text : {"17", "9", "0", "-18", "018", "18.0", "1e3", "", "-", "1234567890123456789"}) EXPECT_FALSE(language->contains(text)) << text;
  form.least = Bound{decimal("1e30")};
  language = number_language(form);
  EXPECT_TRUE(language->contains("1" + std::string(30, '0')));
  EXPECT_FALSE(language->contains(std::string(30, '9')));
}

TEST(Numbers, Steps) {
  for (const std::string_view step : {"1", "3", "7", "10", "25", "1000", "0.01", "0.5", "0.25", "2.5", "1e2"}) {
    NumberForm form;
    form.steps = {decimal(step)};
    const auto language = number_language(form);
    ASSERT_TRUE(language) << step;
    for (int n = -3000; n <= 3000; ++n) {
      std::string text = std::to_string(n / 100) + "." + std::to_string(100 + std::abs(n % 100)).substr(1);
      if (n < 0 && n > -100) text = "-" + text;
      while (text.ends_with('0')) text.pop_back();
      if (text.ends_with('.')) text.pop_back();
      if (text == "-0") continue;
      ASSERT_EQ(language->contains(text), form.allows(decimal(text))) << text << " of " << step;
    }
  }
  NumberForm form;
  form.steps = {decimal("123456789")};
  EXPECT_FALSE(number_language(form));
  form = {.least = Bound{decimal("0")}, .most = Bound{decimal("100000")}, .steps = {decimal("5000")}};
  EXPECT_TRUE(number_language(form)->contains("95000"));
  EXPECT_FALSE(number_language(form)->contains("95001"));
}

TEST(Numbers, FractionsOnly) {
  NumberForm form;
  form.whole = false;
  const auto language = number_language(form);
  EXPECT_TRUE(language->contains("1.5"));
  EXPECT_FALSE(language->contains("1.0"));
  EXPECT_FALSE(language->contains("1"));
}

TEST(Formats, TellTexts) {
  const struct {
    std::string_view name;
    std::vector<std::string_view> in, out;
  } cases[] = {
      {"date", {"2024-02-29", "2000-02-29", "1999-12-31", "2023-04-30"}, {"2023-02-29", "2100-02-29", "2023-04-31", "2023-13-01", "2023-1-01", "0000-01-01", ""}},
      {"time", {"23:59:59Z", "00:00:00.5+01:00"}, {"24:00:00Z", "12:00:00", "12:60:00Z"}},
      {"date-time", {"2024-02-29T12:00:00Z", "2024-01-01T00:00:00.123-08:00"}, {"2024-01-01", "2024-01-01 00:00:00Z", "2023-02-29T00:00:00Z"}},
      {"duration", {"P1D", "PT1H30M", "P1Y2M3DT4H5M6S", "P3W"}, {"P", "PT", "P1", "P1W1D", "PT1H5S"}},
      {"email", {"ada@example.org", "a.b+c@mail.example.com"}, {"ada", "ada@", "@example.org", "a..b@example.org", "ada@localhost", "a b@example.org"}},
      {"hostname", {"localhost", "www.example.com", "a-b.c"}, {"", "-a.b", "a-.b", "a..b", "a_b", "1.2.3.4"}},
      {"ipv4", {"127.0.0.1", "255.255.255.255"}, {"256.0.0.1", "1.2.3", "01.2.3.4"}},
      {"ipv6", {"::", "::1", "2001:db8::1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "1::8", "::2:3:4:5:6:7:8"}, {":::", "1:2:3:4:5:6:7", "1::2::3", "12345::", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8"}},
      {"uuid", {"123e4567-e89b-12d3-a456-426614174000"}, {"123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400"}},
      {"uri", {"https://example.org/a/b?c=d#e", "mailto:ada@example.org", "urn:isbn:0451450523"}, {"example.org", "/a", "https://", "https://a b", "http://[::1"}},
      {"uri-reference", {"https://example.org", "/a/b", "a/b?c", "", "#x"}, {"//", ":a", "a b"}},
      {"json-pointer", {"", "/a/b", "/~0~1"}, {"a", "/~2"}},
      {"relative-json-pointer", {"0#", "1/a"}, {"/a", "01"}},
      {"regex", {"abc", "\\d"}, {"("}},
  };
  for (const auto& c : cases) {
    const Format* format = find_format(c.name);
    ASSERT_NE(format, nullptr) << c.name;
    const auto language = language_of(*format);
    ASSERT_TRUE(language) << c.name;
    for (const std::string_view text : c.in) EXPECT_TRUE(language->contains(text)) << c.name << " " << text;
    for (const std::string_view text : c.out) EXPECT_FALSE(language->contains(text)) << c.name << " " << text;
  }
  EXPECT_EQ(find_format("colour"), nullptr);
}

}  // namespace
}  // namespace foreword::engine
