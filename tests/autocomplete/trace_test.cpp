// Recorded typing, replayed against a scripted engine (section 18.2). A trace is a file of lines in tests/data/autocomplete/traces:
//   MS EVENT JSON        text commit paste drop key cursor select focus compose popup answering busy context settings
//   MS expect {...}      ghost, strip, text, sent; null ghost: none
//   MS count {...}       counters by the names of the health page; those not named are not looked at
//   on "ENDING" after MS [step MS] [[TEXT, MEAN], ...]    what the engine says when the text before the caret ends so

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/autocomplete/desk.h"
#include "tests/support/fixtures.h"

namespace foreword::ui::autocomplete {
namespace {

using nlohmann::json;

KeyPress parse_key(std::string name) {
  KeyPress press;
  const auto take = [&](const char* prefix, bool& flag) {
    if (name.starts_with(prefix)) flag = true, name.erase(0, std::string_view(prefix).size());
  };
  take("Ctrl+", press.ctrl), take("Alt+", press.alt), take("Shift+", press.shift), take("AltGr+", press.alt_gr);
  static const std::map<std::string, Key> names = {{"Tab", Key::tab}, {"Left", Key::left}, {"Right", Key::right}, {"Up", Key::up}, {"Down", Key::down},
                                                   {"Esc", Key::escape}, {"Enter", Key::enter}, {"Z", Key::z}, {"F6", Key::f6}};
  if (const auto found = names.find(name); found != names.end()) press.key = found->second;
  if (name.size() == 1 && std::isdigit(static_cast<unsigned char>(name[0])) != 0) press.key = Key::digit, press.digit = name[0] - '0';
  return press;
}

class Replay {
 public:
  explicit Replay(const std::filesystem::path& path) : desk_({}), start_(desk_.now) {
    std::istringstream lines(test::read_text(path));
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
      ++number;
      if (line.empty() || line[0] == '#') continue;
      SCOPED_TRACE(path.filename().string() + ":" + std::to_string(number));
      std::istringstream in(line);
      line.starts_with("on ") ? rule(line) : event(in);
    }
  }

 private:
  void rule(const std::string& line) {
    std::istringstream in(line.substr(3));
    FakeEngine::Rule rule;
    json ending, drafts;
    in >> std::ws;
    std::string quoted, word;
    std::getline(in, quoted, '"'), std::getline(in, quoted, '"');
    rule.suffix = quoted;
    in >> word >> rule.after >> std::ws;
    if (in.peek() == 's') in >> word >> rule.step;
    in >> drafts;
    for (const json& draft : drafts) rule.drafts.push_back({0, draft[0], draft[1], draft.size() > 2 && draft[2]});
    desk_.engine.rules.push_back(rule);
  }

  void event(std::istringstream& in) {
    double ms = 0;
    std::string kind;
    json what;
    in >> ms >> kind >> what;
    ASSERT_FALSE(in.fail());
    desk_.until(start_ + ms);
    const std::map<std::string, Origin> inserts = {{"text", Origin::typing}, {"commit", Origin::commit}, {"paste", Origin::paste}, {"drop", Origin::drop}};
    const std::map<std::string, bool Situation::*> states = {{"focus", &Situation::focused}, {"compose", &Situation::composing},
        {"popup", &Situation::popup}, {"answering", &Situation::answering}, {"busy", &Situation::busy}, {"battery", &Situation::on_battery}};
    if (const auto insert = inserts.find(kind); insert != inserts.end()) {
      desk_.insert(what.get<std::string>(), insert->second);
    } else if (const auto state = states.find(kind); state != states.end()) {
      desk_.situation.*(state->second) = what;
      desk_.tell();
    } else if (kind == "key" && what == "Backspace") {
      desk_.backspace();
    } else if (kind == "key") {
      desk_.key(parse_key(what));
    } else if (kind == "cursor") {
      desk_.move(what);
    } else if (kind == "select") {
      desk_.buffer.select({what[0], what[1]});
      desk_.select_as_buffer();
    } else if (kind == "expect") {
      expect(what);
    } else if (kind == "count") {
      count(what);
    } else {
      ADD_FAILURE() << "unknown event " << kind;
    }
  }

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
TEST_P(Trace, IsShownAcceptedAndRejectedAsWritten) { Replay(test::data_dir() / "autocomplete" / "traces" / (GetParam() + ".trace")); }
INSTANTIATE_TEST_SUITE_P(Files, Trace, testing::ValuesIn(traces()), [](const auto& row) { return row.param; });

}  // namespace
}  // namespace foreword::ui::autocomplete
