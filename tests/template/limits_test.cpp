// Hostile templates: every one ends soon, with an Error or with text, and never takes much memory.


#include "tests/template/rendering.h"

namespace foreword::engine::test {
namespace {

std::string repeated(const std::string& text, int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += text;
  return out;
}

struct HostileCase {
  const char* name;
  std::string source;
  bool is_limit;  // else it fails otherwise, or not at all
};

std::vector<HostileCase> hostile_cases() {
  const std::string kDouble = "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = ns.s ";
  return {
      {"a huge repetition", "{{ 'a' * 1000000000 }}", true},
      {"a repetition beyond all numbers", "{{ 'ab' * 9223372036854775807 }}", true},
      {"a huge list", "{{ [1] * 1000000000 }}", true},
      {"a huge range", "{{ range(1000000000000) }}", false},
      {"a range to the last number", "{{ range(9223372036854775800, 9223372036854775807, 5) | list }}", false},
      {"string doubling", kDouble + "+ ns.s %}{% endfor %}{{ ns.s }}", true},
      {"string doubling by tilde", kDouble + "~ ns.s %}{% endfor %}", true},
      {"doubling by join", kDouble + "| join(ns.s) %}{% endfor %}", true},
      {"doubling by replace", kDouble + "| replace('a', ns.s) %}{% endfor %}", true},
      {"doubling by format",
       "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = '%s%s' % (ns.s, ns.s) %}"
       "{% endfor %}",
       true},
      {"list doubling",
       "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = ns.l + ns.l %}{% endfor %}", true},
      {"list growing in its own loop",
       "{% set l = range(50000) | list %}{% for i in l %}{% for j in l %}{{ l.append(i) }}"
       "{% endfor %}{% endfor %}",
       true},
      {"nested loops",
       "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}"
       "{% endfor %}{% endfor %}",
       true},
      {"output without end",
       "{% for a in range(99999) %}{% for b in range(9999) %}" + repeated("x", 1000) + "{% endfor %}{% endfor %}",
       true},
      {"a macro that calls itself", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", true},
      {"two macros that call each other",
       "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}"
       "{{ a() }}",
       true},
      {"a loop that calls itself", "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}", true},
      {"tabs of any width", "{{ '\t'.expandtabs(9223372036854775807) }}", true},
      {"a list in any number of slices", "{{ [] | slice(9223372036854775807) | list }}", true},
      {"a macro that calls itself twice",
       "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}"
       "{{ m(60) }}",
       true},
      {"a caller that calls back", "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}",
       true},
      {"nested parentheses", "{{ " + repeated("(", 100000) + "1" + repeated(")", 100000) + " }}", true},
      {"nested lists", "{{ " + repeated("[", 100000) + repeated("]", 100000) + " }}", true},
      {"nested dicts", "{{ " + repeated("{1:", 100000) + "1" + repeated("}", 100000) + " }}", true},
      {"a chain of not", "{{ " + repeated("not ", 100000) + "1 }}", true},
      {"a chain of minus", "{{ " + repeated("- ", 100000) + "1 }}", true},
      {"a chain of plus", "{{ 1" + repeated(" + 1", 100000) + " }}", true},
      {"a chain of filters", "{{ 1" + repeated("|abs", 100000) + " }}", true},
      {"a chain of members", "{{ a" + repeated(".a", 100000) + " }}", true},
      {"a chain of calls", "{{ a" + repeated("()", 100000) + " }}", true},
      {"a chain of subscripts", "{{ a" + repeated("[a", 50000) + repeated("]", 50000) + " }}", true},
      {"a chain of conditions", "{{ 1" + repeated(" if 1 else 1", 100000) + " }}", true},
      {"a chain of comparisons", "{{ 1" + repeated(" == 1", 20000) + " }}", false},
      {"nested ifs", repeated("{% if 1 %}", 30000), true},
      {"nested fors", repeated("{% for a in b %}", 30000), true},
      {"nested targets", "{% for " + repeated("(", 100000) + "a" + repeated(")", 100000) + " in x %}{% endfor %}",
       true},
      {"a source beyond the limit", repeated("x", 2 << 20), true},
      {"a value nested deeply",
       "{% set ns = namespace(l=[]) %}{% for i in range(9999) %}{% set ns.l = [ns.l] %}{% endfor %}"
       "{{ ns.l }}",
       true},
      {"tojson of a value nested deeply",
       "{% set ns = namespace(l=[]) %}{% for i in range(9999) %}{% set ns.l = [ns.l] %}"
       "{% endfor %}{{ ns.l | tojson }}",
       true},
      {"deep values compared",
       "{% set ns = namespace(l=[], m=[]) %}{% for i in range(9999) %}{% set ns.l = [ns.l] %}"
       "{% set ns.m = [ns.m] %}{% endfor %}{{ ns.l == ns.m }}",
       true},
      {"a key of shared parts", "{% set ns = namespace(t=(1,1)) %}{% for i in range(30) %}{% set ns.t = (ns.t, ns.t) %}{% endfor %}{{ {ns.t: 1} }}", true},
      {"a list within itself", "{% set l = [] %}{{ l.append(l) }}{{ l }}", true},
      {"a dict within itself", "{% set d = {} %}{{ d.update({'d': d}) }}{{ d | tojson }}", true},
      {"a list that is compared with itself", "{% set l = [] %}{% set m = [l] %}{{ l.append(m) }}{{ l == m }}", true},
      {"slow searches",
       "{% set a = 'a' * 1000000 %}{% set b = 'a' * 500000 ~ 'b' %}{% for i in range(99999) %}"
       "{{ b in a }}{% endfor %}",
       true},
      {"slow scans", "{% set a = 'a' * 9999999 %}{% for i in range(99999) %}{{ a | length }}{% endfor %}", true},
      {"slow case changes",
       "{% set a = 'a' * 9999999 %}{% for i in range(99999) %}{{ a | upper | length }}{% endfor %}", true},
      {"slow indexes", "{% set a = 'a' * 9999999 %}{% for i in range(99999) %}{{ a[9999998] }}{% endfor %}", true},
      {"slow sorts", "{% set a = range(99999) | list %}{% for i in range(999) %}{% set b = a | sort %}{% endfor %}",
       true},
      {"slow slices", "{% set a = range(99999) | list %}{% for i in range(99999) %}{% set b = a[::-1] %}{% endfor %}",
       true},
      {"wide padding", "{{ 'a'.center(99999999999) }}", true},
      {"wide zeros", "{{ '1'.zfill(9223372036854775807) }}", true},
      {"wide indent", "{{ 'a' | indent(99999999999, true) }}", true},
      {"wide format", "{{ '%999999999999d' % 1 }}{{ '%.999999999f' % 1.0 }}", false},
      {"wide json", "{{ [[1]] | tojson(indent=999999999999) }}", false},
      {"a long date", "{{ strftime_now('%999999999d') }}", false},
      {"a batch of many", "{{ [1] | batch(99999999999, 0) | list }}", true},
      {"the lowest number", "{{ (-9223372036854775807 - 1) // -1 }}", false},
      {"the lowest number without its sign", "{{ (-9223372036854775807 - 1) | abs }}", false},
      {"a rest of the lowest number", "{{ (-9223372036854775807 - 1) % -1 }}", false},
      {"a number that does not fit", "{{ 99999999999999999999 }}", false},
      {"a power that does not fit", "{{ 9 ** 99999999 }}", false},
      {"a float that is no integer", "{{ 1e300 | int }}{{ 'inf' | float | int }}", false},
      {"steps beyond the end",
       "{{ 'abc'[::9223372036854775807] }}{{ 'abc'[::-9223372036854775807 - 1] }}"
       "{{ [1, 2][-9223372036854775807 - 1:9223372036854775807] }}",
       false},
      {"bytes that are no text", "\xff\xfe{{ '\xff'[0] }}{{ '\xc3' | upper | tojson }}{{ ['\xed\xa0\x80'] }}{{ \xff }}",
       false},
      {"zero bytes", std::string("a\0{{ 'b\0c' }}\0", 14), false},
  };
}

TEST(Limits, HostileTemplatesEndSoon) {
  for (const HostileCase& hostile : hostile_cases()) {
    SCOPED_TRACE(hostile.name);
    const auto parsed = ChatTemplate::from_source(hostile.source);
    Error error{ErrorCode::cancelled, ""};
    if (!parsed) {
      error = parsed.error();
    } else if (const auto rendered =
                   parsed->render(std::vector<ChatMessage>{{Role::user, "Hi.", ""}}, golden_options());
               !rendered) {
      error = rendered.error();
    }
    EXPECT_EQ(hostile.is_limit, error.code == ErrorCode::corrupt) << error.message;
  }
}

TEST(Limits, LongHistoriesRender) {
  std::vector<ChatMessage> messages;
  for (int i = 0; i < 1000; ++i) {
    messages.push_back({Role::user, repeated("question ", 200), ""});
    messages.push_back({Role::assistant, repeated("answer ", 200) + "</think>x", ""});
  }
  for (const char* file : {"qwen3.jinja", "llama3.jinja", "deepseek.jinja", "gpt-oss.jinja"}) {
    const std::string source = foreword::test::read_text(foreword::test::data_dir() / "templates" / file);
    const auto rendered = ChatTemplate::from_source(source)->render(messages, golden_options());
    ASSERT_TRUE(rendered) << file << ": " << rendered.error().message;
    EXPECT_GT(joined(*rendered).size(), 1000u * 1800u) << file;
  }
}

// Each message looks back to the last one of the other side, as far as the first.
TEST(Limits, LongHistoriesOfTemplatesThatLookBackRender) {
  std::vector<ChatMessage> messages;
  for (int i = 0; i < 2500; ++i) messages.push_back({i % 2 == 0 ? Role::user : Role::assistant, "A line of some words.", ""});
  const char* sources[] = {
      "{% for m in messages %}{% set ns = namespace(found=false) %}{% for i in range(loop.index0) %}{% if messages[i].role == 'tool' %}{% set ns.found = true %}{% endif %}"
      "{% endfor %}[{{ m.content }}]{% endfor %}",
      "{% for m in messages %}[{{ m.content }}{{ messages[:loop.index0] | length }}{{ messages[:loop.index] | list | last is none }}]{% endfor %}"};
  for (const char* source : sources) {
    const auto rendered = ChatTemplate::from_source(source)->render(messages, golden_options());
    ASSERT_TRUE(rendered) << rendered.error().message;
    EXPECT_GT(joined(*rendered).size(), messages.size() * 22);
  }
}

TEST(Limits, OneLongMessageRenders) {
  const std::vector<ChatMessage> messages{{Role::user, repeated("0123456789", 400000), ""}};
  const std::string source = foreword::test::read_text(foreword::test::data_dir() / "templates" / "qwen3.jinja");
  const auto rendered = ChatTemplate::from_source(source)->render(messages, golden_options());
  ASSERT_TRUE(rendered) << rendered.error().message;
  EXPECT_GT(joined(*rendered).size(), 4000000u);
}

}  // namespace
}  // namespace foreword::engine::test
