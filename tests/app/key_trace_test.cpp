#include "app/key_trace.h"

#include <gtest/gtest.h>

namespace foreword::app {
namespace {

using Kind = TraceEvent::Kind;
using ui::autocomplete::Key;

TEST(KeyTrace, EveryEventIsRead) {
  const auto trace = parse_key_trace(R"(# a comment
on "say \"a" after 35 step 7.5 [["b c", -0.4], ["d", -1, true]]

0      text    "H"
  10.5 type    "Hello, 日本"
10.5   commit  "語"
11     paste   "a\nb"
11     drop    "x"
12     key     "Ctrl+Shift+Right"
12     key     "AltGr+2"
12     key     "Backspace"
13     cursor  3
13     select  [0, 3]
14     focus   false
14     busy    true
15     expect  {"ghost": null}
15     count   {"shown": 1}
)", "a.trace");
  ASSERT_TRUE(trace) << trace.error().message;
  ASSERT_EQ(trace->rules.size(), 1U);
  const TraceRule& rule = trace->rules[0];
  EXPECT_EQ(rule.ending, "say \"a");
  EXPECT_EQ(rule.after, 35);
  EXPECT_EQ(rule.step, 7.5);
  ASSERT_EQ(rule.drafts.size(), 2U);
  EXPECT_EQ(rule.drafts[0].text, "b c");
  EXPECT_FALSE(rule.drafts[0].ended);
  EXPECT_TRUE(rule.drafts[1].ended);

  const auto& events = trace->events;
  ASSERT_EQ(events.size(), 14U);
  EXPECT_EQ(events[0].line, 4);
  EXPECT_EQ(events[1].ms, 10.5);
  EXPECT_EQ(events[1].kind, Kind::type);
  EXPECT_EQ(events[1].text, "Hello, 日本");
  EXPECT_EQ(events[3].text, "a\nb");
  EXPECT_EQ(events[5].key.key, Key::right);
  EXPECT_TRUE(events[5].key.ctrl && events[5].key.shift && !events[5].key.alt);
  EXPECT_EQ(events[6].key.digit, 2);
  EXPECT_TRUE(events[6].key.alt_gr);
  EXPECT_EQ(events[7].kind, Kind::backspace);
  EXPECT_EQ(events[8].begin, 3U);
  EXPECT_EQ(events[9].end, 3U);
  EXPECT_FALSE(events[10].on);
  EXPECT_TRUE(events[11].on);
  EXPECT_EQ(events[12].text, R"({"ghost":null})");
}

TEST(KeyTrace, ABadLineIsNamed) {
  const char* const lines[] = {
      "text \"a\"",          "x text \"a\"",         "-1 text \"a\"",       "1e99 text \"a\"",      "4 text \"a\"",
      "9",                   "9 shout \"a\"",        "9 text",              "9 text a",             "9 text \"a",
      "9 text \"a\" \"b\"",  "9 text \"\"",          "9 text 3",            "9 text \"\xFF\"",      "9 key \"Hyper+A\"",
      "9 key \"\"",          "9 key \"Ctrl+\"",      "9 key 3",             "9 cursor -1",          "9 cursor 1.5",
      "9 select [3]",        "9 select [3, 1]",      "9 focus 1",           "9 count [1]",          "9 expect",
      "on",                  "on x",                 "on \"a\"",            "on \"a\" after",       "on \"a\" after x []",
      "on \"a after 3 []",   "on \"a\" after 3",     "on \"a\" after 3 {}", "on \"a\" after 3 [3]", "on \"a\" after 3 [[\"b\"]]",
      "on \"a\" after 3 [[\"b\", 1, 2]]", "on \"a\" after 3 step x [[\"b\", 1]]",
  };
  for (const char* const line : lines) {
    SCOPED_TRACE(line);
    const auto trace = parse_key_trace(std::string("# \n5 text \"b\"\n") + line + "\n", "a.trace");
    ASSERT_FALSE(trace);
    EXPECT_EQ(trace.error().code, ErrorCode::invalid_argument);
    EXPECT_TRUE(trace.error().message.starts_with("a.trace: line 3 ")) << trace.error().message;
    EXPECT_TRUE(trace.error().message.ends_with(".")) << trace.error().message;
  }
  EXPECT_FALSE(parse_key_trace("", "a"));
  EXPECT_FALSE(parse_key_trace("# nothing\non \"a\" after 3 []\n", "a"));
}

// Any beginning of a good trace, and any with a byte changed, is a trace or an error; never worse.
TEST(KeyTrace, NothingInAFileIsTrusted) {
  const std::string good = "on \"a\\\"\" after 3 step 1 [[\"b\", -1, true]]\n1 text \"\\u00e9\"\n2 select [1, 2]\n3 key \"Alt+1\"\n";
  for (std::size_t end = 0; end <= good.size(); ++end) {
    static_cast<void>(parse_key_trace(good.substr(0, end), "a"));
    for (const char byte : {'\0', '"', '\\', '[', '\xC3', '9'}) {
      std::string changed = good;
      if (end < changed.size()) changed[end] = byte;
      static_cast<void>(parse_key_trace(changed, "a"));
    }
  }
}

}  // namespace
}  // namespace foreword::app
