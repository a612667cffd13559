// Recorded typing, replayed against a scripted engine (section 18.2): the files of tests/data/autocomplete/traces, whose form is
// app/key_trace.h. What a line looks at:
//   MS expect {...}      ghost, strip, text, sent; null ghost: none
//   MS count {...}       counters by the names of the health page; those not named are not looked at

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/autocomplete/desk.h"
#include "tests/support/fixtures.h"

namespace foreword::ui::autocomplete {
namespace {

using nlohmann::json;

class Replay {
 public:
  explicit Replay(const app::KeyTrace& trace) : desk_({}), start_(desk_.now) {
    for (const app::TraceRule& rule : trace.rules) desk_.engine.rules.push_back({rule.ending, rule.after, rule.drafts, rule.step});
    for (const app::TraceEvent& event : trace.events) {
      SCOPED_TRACE("line " + std::to_string(event.line));
      desk_.until(start_ + event.ms);
      if (event.kind == app::TraceEvent::Kind::expect) expect(json::parse(event.text));
      else if (event.kind == app::TraceEvent::Kind::count) count(json::parse(event.text));
      else desk_.play(event);
    }
  }

 private:
  void expect(const json& what) {
    for (const auto& [name, value] : what.items()) {
      json is;
      if (name == "ghost") is = desk_.ghost().empty() ? json() : json(desk_.ghost());
      if (name == "text") is = desk_.text();
      if (name == "sent") is = desk_.sent;
      if (name == "strip") {
        is = json::array();
        for (const std::string_view each : desk_.advisor.view().strip) is.push_back(each);
      }
      EXPECT_EQ(is, value) << name;
    }
  }
  void count(const json& what) {
    std::map<std::string, std::uint64_t> all;
    desk_.advisor.counters().each([&](std::string_view name, std::uint64_t value) { all[std::string(name)] = value; });
    for (const auto& [name, value] : what.items()) {
      ASSERT_TRUE(all.contains(name)) << name;
      EXPECT_EQ(all.at(name), value.get<std::uint64_t>()) << name;
    }
  }

  Desk desk_;
  Ms start_;
};

std::vector<std::string> traces() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(test::data_dir() / "autocomplete" / "traces")) {
    if (entry.path().extension() == ".trace") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Trace : public testing::TestWithParam<std::string> {};
TEST_P(Trace, IsShownAcceptedAndRejectedAsWritten) {
  const std::string text = test::read_text(test::data_dir() / "autocomplete" / "traces" / (GetParam() + ".trace"));
  const auto trace = app::parse_key_trace(text, GetParam());
  ASSERT_TRUE(trace) << trace.error().message;
  Replay{*trace};
}
INSTANTIATE_TEST_SUITE_P(Files, Trace, testing::ValuesIn(traces()), [](const auto& row) { return row.param; });

}  // namespace
}  // namespace foreword::ui::autocomplete
