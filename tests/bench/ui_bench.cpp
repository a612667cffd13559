// How long frames take: first the budgets of the window (D66, D73: a chat of 10,000 messages, allocations of a frame in the
// steady state), then texts that are large or hostile: a table of the frames' processor time, with the machine's own
// fonts. Nothing is drawn on a screen; what is measured is all that the processor does for a frame.
// usage: ui_bench [--budgets] [MILLISECONDS] - fails if a frame of a hostile text takes longer than this (100), or if a
// budget is not kept

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/allocations.h"
#include "ui/headless.h"
#include "ui/text/freetype_fonts.h"

namespace foreword::ui {
namespace {

constexpr Mods kCtrl{.ctrl = true};

/// Of this thread, so that other programs on the machine do not count.
double processor_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

class Bench {
 public:
  Bench(text::GlyphSource& fonts, double limit_ms) : fonts_(fonts), limit_ms_(limit_ms) {
    std::printf("%-44s %10s %10s %10s %8s\n", "case", "worst ms", "p99 ms", "mean ms", "frames");
  }

  /// `run(drive, frame)`: changes things, and calls frame() for each frame that counts.
  /// `limit_ms`: of 99 frames of 100, where it is not the bench's own of every frame.
  void measure(const char* name, const std::function<void(Headless&, const std::function<void()>&)>& run, double limit_ms = 0) {
    Headless drive({1120, 760}, &fonts_);
    drive.state.model = {ModelState::ready, "tiny", -1, ""};
    drive.frames(2);
    std::vector<double> taken;
    run(drive, [&] {
      const double start = processor_ms();
      drive.frames();
      const double ms = processor_ms() - start;
      taken.push_back(ms);
    });
    std::sort(taken.begin(), taken.end());
    const double worst = taken.back(), p99 = taken[(taken.size() - 1) * 99 / 100], sum = std::accumulate(taken.begin(), taken.end(), 0.0);
    const bool late = limit_ms > 0 ? p99 > limit_ms : worst > limit_ms_;
    late_ = late_ || late;
    std::printf("%-44s %10.1f %10.2f %10.2f %8zu%s\n", name, worst, p99, sum / static_cast<double>(taken.size()), taken.size(), late ? "  LATE" : "");
    std::fflush(stdout);
  }
  bool late() const { return late_; }

 private:
  text::GlyphSource& fonts_;
  double limit_ms_;
  bool late_ = false;
};

std::string times(const std::string& part, std::size_t bytes) {
  std::string out;
  while (out.size() < bytes) out += part;
  return out;
}

std::string random_bytes(std::size_t n) {
  std::mt19937 random(5);
  std::string out(n, ' ');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

std::string marks() {
  std::string out = "a";
  for (int i = 0; i < 100'000; ++i) out += "\u0301";
  return out;
}

struct Text {
  const char* name;
  std::string text;
};

const std::vector<Text>& texts() {
  static const std::vector<Text> kTexts = {
      {"10 MB of lines", times("A line of a long paste, with Grüße and words.\n", 10'000'000)},
      {"10 MB in one line", times("words without an end ", 10'000'000)},
      {"10 MB without a space", std::string(10'000'000, 'x')},
      {"10 MB of Chinese", times("漢字かな交じり文", 10'000'000)},
      {"10 MB of Arabic", times("السلام عليكم ورحمة ", 10'000'000)},
      {"2 MB of random bytes", random_bytes(2'000'000)},
      {"100,000 combining marks", marks()},
      {"1 MB of emoji", times("👩‍👩‍👧🇯🇵😀", 1'000'000)},
  };
  return kTexts;
}

MessageRow row(Headless& drive, Author author, std::string text) {
  MessageRow row;
  row.id = static_cast<std::int64_t>(drive.state.messages.size()) + 1;
  row.author = author;
  row.text = std::move(text);
  return row;
}

void composer(Bench& bench) {
  for (const Text& text : texts()) {
    bench.measure((std::string("paste, type, move: ") + text.name).c_str(), [&](Headless& drive, const auto& frame) {
      drive.clipboard = text.text;
      drive.key(letter('v'), kCtrl);
      frame();
      for (int i = 0; i < 10; ++i) drive.type("x"), frame();
      for (const Key key : {Key::home, Key::up, Key::page_up, Key::left, Key::right, Key::backspace}) drive.key(key), frame();
      drive.key(Key::home, kCtrl), frame();
      drive.type("y"), frame();
      drive.key(Key::end, kCtrl), frame();
      drive.key(letter('z'), kCtrl), frame();
    });
  }
}

/// A whole frame for each key, 8 keys a second, without suggestions and with three of them on the screen again and again.
void writing(Bench& bench) {
  constexpr int kKeys = 2000;
  for (const bool suggests : {false, true}) {
    bench.measure(suggests ? "a key, three suggestions" : "a key, no suggestions", [&](Headless& drive, const auto& frame) {
      drive.state.suggestions.model = true;
      drive.state.suggestions.settings.enabled = suggests;
      std::uint64_t serial = 0, answered = 0;
      for (int i = 0; i < kKeys; ++i) {
        drive.now += 0.125;
        drive.type(std::string_view("the words of a mail. ").substr(static_cast<std::size_t>(i % 21), 1));
        frame();
        const auto* asked = drive.last<Suggesting>();
        if (asked == nullptr || asked->letter.request == answered || asked->letter.kind != autocomplete::Letter::Kind::suggest) continue;
        answered = asked->letter.request;
        autocomplete::DraftsEvent event{answered, {}, true, autocomplete::Reason::none, 0, 0};
        for (const char* text : {"zebras run over the meadow", "quite some of them", "xylophones were heard in the house"}) {
          event.drafts.push_back({event.drafts.size(), text, -0.4, false});
        }
        drive.state.suggestions.news = {{++serial, std::move(event)}};
        drive.events.clear();
        drive.now += 0.2;
        drive.frames();  // the first paint
      }
    });
  }
}

void messages(Bench& bench) {
  std::vector<Text> all = texts();
  all.push_back({"1 MB table", "| a | b | c |\n|---|---|---|\n" + times("| 1 | two words | `x` |\n", 1'000'000)});
  all.push_back({"table of 3,900 cells", "| a | b | c | d |\n|---|---|---|---|\n" + times("| 1 | two words | `x` | some more words that wrap |\n", 50'000)});
  all.push_back({"1 MB of code", "```cpp\n" + times("int x = 1;  // one\n", 1'000'000)});
  all.push_back({"1 MB of paragraphs", times("Some *words* here, and `code`.\n\n", 1'000'000)});
  all.push_back({"1 MB of nested quotes", times("> ", 1'000'000) + "x"});
  all.push_back({"a link of 1 MB", "[" + times("many words of a link ", 2'000) + "](https://example.org/" + std::string(1'000'000, 'a') + ")"});
  for (const Text& text : all) {
    for (const Author author : {Author::user, Author::assistant}) {
      bench.measure((std::string(author == Author::user ? "question: " : "answer: ") + text.name).c_str(), [&](Headless& drive, const auto& frame) {
        drive.state.messages.push_back(row(drive, author, text.text));
        frame();
        const Vec middle{700, 300};
        for (int i = 0; i < 10; ++i) drive.wheel(middle, 3), frame();
        drive.press(middle), drive.push(MouseMove{{600, 60}}), drive.release({600, 60}), frame();
        drive.key(Key::home), frame();
        for (int i = 0; i < 10; ++i) drive.wheel(middle, -3), frame();
        drive.key(Key::end), frame();
        drive.key(letter('a'), kCtrl), frame();
        drive.push(MouseMove{{600, 100}}), frame();
        drive.now += 1, frame();  // the tooltip of what is there
      });
    }
  }
}

void streams(Bench& bench) {
  const std::vector<Text> streamed = {{"prose", "word "}, {"a table", "| a | b |\n"}, {"code", "int x = 1;\n"}, {"Arabic", "السلام "}, {"items", "- item\n"}};
  for (const Text& text : streamed) {
    bench.measure((std::string("stream of 100 KB: ") + text.name).c_str(), [&](Headless& drive, const auto& frame) {
      const std::string start = text.name == std::string("a table") ? "| a | b |\n|---|---|\n" : text.name == std::string("code") ? "```cpp\n" : "";
      drive.state.messages.push_back(row(drive, Author::assistant, start));
      drive.state.messages.back().state = MessageState::streaming;
      const std::string portion = times(text.text, 500);
      for (int i = 0; i < 200; ++i) {
        drive.state.messages.back().text += portion;
        frame();
      }
    });
  }
}

/// 10,000 messages: paragraphs, lists, code.
void fill(Headless& drive) {
  for (int i = 0; i < 10'000; ++i) {
    drive.state.messages.push_back(row(drive, i % 2 == 0 ? Author::user : Author::assistant,
                                       "Some **words** that wrap once the line is full.\n\n- one\n- two\n\n```py\nx = " + std::to_string(i) + "\n```\n"));
  }
}

/// What a chat of 10,000 messages costs (D66).
void long_chat(Bench& bench) {
  bench.measure("10,000 messages: first frame", [&](Headless& drive, const auto& frame) {
    fill(drive);
    frame();
  }, 100);
  bench.measure("10,000 messages: scroll", [&](Headless& drive, const auto& frame) {
    fill(drive);
    drive.frames(2);
    for (int i = 0; i < 600; ++i) drive.wheel({700, 300}, i % 3 == 0 ? -20.0f : 15.0f), frame();
  }, 16);
  bench.measure("10,000 messages: stream", [&](Headless& drive, const auto& frame) {
    fill(drive);
    drive.frames(2);
    for (int i = 0; i < 600; ++i) drive.state.messages.back().text += " token", frame();
  }, 16);
  bench.measure("10,000 messages: stream and scroll", [&](Headless& drive, const auto& frame) {
    fill(drive);
    drive.frames(2);
    for (int i = 0; i < 600; ++i) {
      drive.state.messages.back().text += " token";
      drive.wheel({700, 300}, i % 3 == 0 ? -20.0f : 15.0f);
      frame();
    }
  }, 16);
  bench.measure("10,000 messages: find a word in all", [&](Headless& drive, const auto& frame) {
    fill(drive);
    drive.frames(2);
    drive.key(letter('f'), kCtrl), frame();
    drive.type("words"), frame();
    while (!drive.root().conversation().finder_done()) frame();
    for (int i = 0; i < 60; ++i) drive.key(Key::f3), frame();
  }, 100);
}

/// How often a frame asks for memory when nothing has changed (D73). False: more often than it may.
bool steady(text::GlyphSource& fonts) {
  struct Case {
    const char* name;
    double budget;  // requests a frame; negative: none
    void (*prepare)(Headless&);
    void (*before)(Headless&, int frame);
  };
  static constexpr auto nothing = [](Headless&, int) {};
  static constexpr auto long_chats = [](Headless& d) {
    fill(d);
    for (int i = 1; i <= 10'000; ++i) d.state.chats.push_back({i, "Chat " + std::to_string(i), ""});
  };
  static constexpr auto answering = [](Headless& d) {
    long_chats(d);
    d.state.messages.back().state = MessageState::streaming;
    d.state.generating = true;
  };
  static constexpr Case kCases[] = {
      {"an empty window", 0, [](Headless&) {}, nothing},
      {"its caret blinks", 0, [](Headless&) {}, [](Headless& d, int) { d.now += 0.5; }},
      {"10,000 messages and as many chats", 0, long_chats, nothing},
      {"scrolled over what is laid out", 0, long_chats, [](Headless& d, int i) { d.wheel({700, 300}, i % 8 < 4 ? 1.0f : -1.0f); }},
      {"an answer between two pieces", 0, answering, nothing},
      {"an answer, a word in each frame", -1, answering, [](Headless& d, int) { d.state.messages.back().text += " token"; }},
  };
  std::printf("\n%-44s %10s\n", "requests for memory", "a frame");
  bool kept = true;
  for (const Case& c : kCases) {
    Headless drive({1120, 760}, &fonts);
    drive.state.model = {ModelState::ready, "tiny", -1, ""};
    c.prepare(drive);
    drive.frames(5);
    constexpr int kWarm = 16, kFrames = 100;
    std::uint64_t n = 0;
    for (int i = 0; i < kWarm + kFrames; ++i) {
      c.before(drive, i);
      const std::uint64_t then = bench::n_allocations();
      drive.frames();
      if (i >= kWarm) n += bench::n_allocations() - then;
    }
    const double each = static_cast<double>(n) / kFrames;
    const bool over = c.budget >= 0 && each > c.budget;
    kept = kept && !over;
    std::printf("%-44s %10.2f%s\n", c.name, each, over ? "  MORE THAN IT MAY" : "");
  }
  return kept;
}

int run(double limit_ms, bool all) {
  auto fonts = text::FreeTypeFonts::open();
  if (!fonts) {
    std::fprintf(stderr, "%s\n", fonts.error().message.c_str());
    return 1;
  }
  Bench bench(**fonts, limit_ms);
  long_chat(bench);
  writing(bench);
  if (all) {
    composer(bench);
    messages(bench);
    streams(bench);
  }
  const bool kept = steady(**fonts);
  return kept && !bench.late() ? 0 : 1;
}

}  // namespace
}  // namespace foreword::ui

int main(int argc, char** argv) {
  foreword::bench::count_imgui();
  const bool budgets = argc > 1 && std::string_view(argv[1]) == "--budgets";
  const int n = budgets ? 2 : 1;
  return foreword::ui::run(argc > n ? std::atof(argv[n]) : 100, !budgets);
}
