// Against text that Jinja2 itself rendered (tests/data/templates/make_goldens.py).

#include <cstdlib>

#include "tests/template/rendering.h"

namespace foreword::engine::test {
namespace {

/// An error is an error whatever its words; a template's own words and all text must be the same. A built-in format may
/// happen to give the very text that is expected.
void expect_same(const nlohmann::json& expected, const nlohmann::json& got) {
  if (expected.contains("error")) {
    EXPECT_TRUE(got.contains("error")) << "expected " << expected.at("error") << ", got " << got.dump();
  } else if (expected.contains("raised")) {
    EXPECT_EQ(expected.at("raised"), got.value("raised", "nothing raised: " + got.dump()));
  } else {
    EXPECT_EQ(expected.at("text").get<std::string>(), got.value("text", "no text: " + got.dump()));
  }
}

TEST(Goldens, TemplatesOfAllFamilies) {
  const auto goldens = read_json("goldens.json");
  int n_checked = 0;
  for (const auto& [file, outcomes] : goldens.at("templates").items()) {
    const std::string source = foreword::test::read_text(foreword::test::data_dir() / "templates" / file);
    for (const auto& [name, expected] : outcomes.items()) {
      SCOPED_TRACE(file + ", history '" + name + "'");
      expect_same(expected, outcome(source, history_of(goldens.at("histories").at(name))));
      ++n_checked;
    }
  }
  EXPECT_GE(n_checked, 300);
}

TEST(Goldens, Expressions) {
  const auto expressions = read_json("expressions.json");
  const History history = history_of(read_json("goldens.json").at("histories").at(expressions.at("history")));
  for (const auto& expected : expressions.at("cases")) {
    SCOPED_TRACE(expected.at("source"));
    expect_same(expected, outcome(expected.at("source"), history));
  }
  EXPECT_GE(expressions.at("cases").size(), 500u);
}

TEST(Goldens, AreWhatJinjaRendersNow) {
  if (std::system("/usr/bin/python3 -c 'import jinja2, sys; sys.exit(jinja2.__version__ != \"3.1.2\")' 2>/dev/null") !=
      0) {
    GTEST_SKIP() << "no python3-jinja2 3.1.2 here";
  }
  const auto script = foreword::test::data_dir() / "templates" / "make_goldens.py";
  EXPECT_EQ(std::system(("/usr/bin/python3 -B '" + script.string() + "' --check").c_str()), 0);
}

}  // namespace
}  // namespace foreword::engine::test
