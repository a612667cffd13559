// How long frames take when texts are large or hostile: a table of the worst and the mean frame of each case, with the
// machine's own fonts. Nothing is drawn on a screen; what is measured is all that the processor does for a frame.
// usage: ui_bench [MILLISECONDS] - fails if a frame takes longer than this (100)

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>

#include "ui/headless.h"
#include "ui/text/freetype_fonts.h"

namespace foreword::ui {
namespace {

constexpr Mods kCtrl{.ctrl = true};

struct Timing {
  double worst = 0, sum = 0;
  int n = 0;
};

class Bench {
 public:
  Bench(text::GlyphSource& fonts, double limit_ms) : fonts_(fonts), limit_ms_(limit_ms) {
    std::printf("%-44s %10s %10s %8s\n", "case", "worst ms", "mean ms", "frames");
  }

  /// `run(drive, frame)`: changes things, and calls frame() for each frame that counts.
  void measure(const char* name, const std::function<void(Headless&, const std::function<void()>&)>& run) {
    Headless drive({1120, 760}, &fonts_);
    drive.state.model = {ModelState::ready, "tiny", -1, ""};
    drive.frames(2);
    Timing timing;
    run(drive, [&] {
      const auto start = std::chrono::steady_clock::now();
      drive.frames();
      const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
      timing.worst = std::max(timing.worst, ms);
      timing.sum += ms;
      ++timing.n;
    });
    const bool late = timing.worst > limit_ms_;
    late_ = late_ || late;
    std::printf("%-44s %10.1f %10.2f %8d%s\n", name, timing.worst, timing.sum / std::max(1, timing.n), timing.n, late ? "  LATE" : "");
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

void messages(Bench& bench) {
  std::vector<Text> all = texts();
  all.push_back({"1 MB table", "| a | b | c |\n|---|---|---|\n" + times("| 1 | two words | `x` |\n", 1'000'000)});
  all.push_back({"table of 3,900 cells", "| a | b | c | d |\n|---|---|---|---|\n" + times("| 1 | two words | `x` | some more words that wrap |\n", 50'000)});
  all.push_back({"1 MB of code", "```cpp\n" + times("int x = 1;  // one\n", 1'000'000)});
  all.push_back({"1 MB of paragraphs", times("Some *words* here, and `code`.\n\n", 1'000'000)});
  all.push_back({"1 MB of nested quotes", times("> ", 1'000'000) + "x"});
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
  bench.measure("10,000 messages: open, scroll, stream", [&](Headless& drive, const auto& frame) {
    for (int i = 0; i < 10'000; ++i) {
      drive.state.messages.push_back(row(drive, i % 2 == 0 ? Author::user : Author::assistant,
                                         "Some **words** that wrap once the line is full.\n\n- one\n- two\n\n```py\nx = " + std::to_string(i) + "\n```\n"));
    }
    frame();
    for (int i = 0; i < 300; ++i) {
      drive.state.messages.back().text += " token";
      drive.wheel({700, 300}, i % 3 == 0 ? -20.0f : 15.0f);
      frame();
    }
  });
}

int run(double limit_ms) {
  auto fonts = text::FreeTypeFonts::open();
  if (!fonts) {
    std::fprintf(stderr, "%s\n", fonts.error().message.c_str());
    return 1;
  }
  Bench bench(**fonts, limit_ms);
  composer(bench);
  messages(bench);
  streams(bench);
  return bench.late() ? 1 : 0;
}

}  // namespace
}  // namespace foreword::ui

int main(int argc, char** argv) { return foreword::ui::run(argc > 1 ? std::atof(argv[1]) : 100); }
