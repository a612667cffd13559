// What suggestions cost the window for one key: time and allocations of the advisor, after a warm-up. What the engine says is
// taken in between and has a row of its own. Processor time, so that other programs do not count. Fails if the 99th percentile
// of a key is over the limit.
// usage: autocomplete_bench [LIMIT_MS] - 0.3

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "ui/autocomplete/advisor.h"

static std::size_t n_allocations = 0;
void* operator new(std::size_t n) {
  ++n_allocations;
  if (void* const place = std::malloc(n)) return place;
  throw std::bad_alloc();
}
void operator delete(void* place) noexcept { std::free(place); }
void operator delete(void* place, std::size_t) noexcept { std::free(place); }

namespace foreword::ui::autocomplete {
namespace {

double cpu_micros() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

struct Samples {
  std::vector<double> micros;
  std::size_t allocations = 0;
};

class Bench {
 public:
  explicit Bench(double limit_ms) : limit_ms_(limit_ms) {
    std::printf("%-44s %8s %9s %9s %9s %9s\n", "case", "calls", "median us", "p99 us", "worst us", "allocs");
  }

  /// Runs `call` again and again: `warm_up` times for nothing, then `n` times measured.
  void measure(const char* name, int warm_up, int n, const std::function<std::function<void()>(int)>& next, bool key = true) {
    Samples samples;
    samples.micros.reserve(static_cast<std::size_t>(n));
    for (int i = 0; i < warm_up + n; ++i) {
      const std::function<void()> call = next(i);
      const std::size_t before = n_allocations;
      const double start = cpu_micros();
      call();
      const double micros = cpu_micros() - start;
      if (i < warm_up) continue;
      samples.allocations += n_allocations - before;
      samples.micros.push_back(micros);
    }
    std::sort(samples.micros.begin(), samples.micros.end());
    const double p99 = samples.micros[samples.micros.size() * 99 / 100];
    const bool late = key && p99 > limit_ms_ * 1000;
    late_ = late_ || late;
    std::printf("%-44s %8d %9.2f %9.2f %9.1f %9.4f%s\n", name, n, samples.micros[samples.micros.size() / 2], p99, samples.micros.back(),
                static_cast<double>(samples.allocations) / n, late ? "  LATE" : "");
  }
  bool late() const { return late_; }

 private:
  double limit_ms_;
  bool late_ = false;
};

/// An advisor and the text that it is told of.
struct Typist {
  Advisor advisor;
  std::string text;
  Ms now = 0;

  explicit Typist(std::size_t bytes) {
    advisor.set_situation({.context = 1, .model = true, .focused = true}, 0);
    while (text.size() < bytes) text += text.size() % 640 < 8 ? "Ends. And " : "words of it ";
    text.reserve(text.size() + 100'000);
    advisor.on_text_change({Origin::program, text, text.size(), 0, 0, text.size()}, 0);
  }
  void tell(Origin origin, std::size_t at, std::size_t removed, std::size_t inserted) {
    advisor.on_text_change({origin, text, text.size(), at, removed, inserted}, now);
    advisor.letters_taken();
  }
  std::uint64_t last_request = 0;
  /// Types, and keeps what the engine would be told.
  void key(char letter) {
    text += letter;
    advisor.on_text_change({Origin::typing, text, text.size(), text.size() - 1, 0, 1}, now);
    for (const Letter& each : advisor.letters()) last_request = std::max(last_request, each.request);
    advisor.letters_taken();
  }
  void answer(std::vector<std::string> drafts) {
    DraftsEvent event{last_request, {}, true, Reason::none, 0, 0};
    for (std::string& each : drafts) event.drafts.push_back({event.drafts.size(), std::move(each), -0.4, false});
    advisor.on_drafts(event, now);
  }
};

void no_drafts(Bench& bench, const char* name, std::size_t bytes) {
  Typist typist(bytes);
  bench.measure(name, 500, 4000, [&](int i) {
    typist.now += 120;
    return [&typist, i] { typist.key("some new words"[i % 14]); };
  });
}

void type_through(Bench& bench, const char* name, std::size_t bytes) {
  Typist typist(bytes);
  std::string draft;
  std::size_t at = 0;
  bench.measure(name, 1000, 6000, [&](int) {
    typist.now += 120;
    if (at + 40 >= draft.size()) {  // a new ghost, at a place that was not seen before
      typist.key('.'), typist.key(' ');
      draft = "and this goes on for many more words than anybody would want to read in grey behind the caret while typing";
      typist.answer({draft, "but other words come", "so it is"});
      typist.now += 2000;
      typist.advisor.on_tick(typist.now);
      at = 0;
    }
    const char letter = draft[at++];
    return [&typist, letter] { typist.key(letter); };
  });
}

void fuzz(Bench& bench) {
  Typist typist(2000);
  std::mt19937 random(11);
  bench.measure("10,000 random keys, drafts of an engine", 2000, 10'000, [&](int) {
    typist.now += 20 + random() % 400;
    typist.advisor.on_tick(typist.now);
    if (random() % 3 == 0) typist.answer({"the cat sat on", "and more of it", "some words"});
    const std::string_view ghost = typist.advisor.view().ghost;
    const unsigned what = random() % 10;
    const char letter = what < 5 && !ghost.empty() && ghost[0] > 0 ? ghost[0] : "the and so on."[random() % 14];
    return [&typist, what, letter] {
      if (what == 9 && typist.text.size() > 100) {
        typist.text.pop_back();
        typist.tell(Origin::deletion, typist.text.size(), 1, 0);
      } else if (what == 8) {
        typist.advisor.on_key({Key::right, 0, false, false, false, false}, typist.now);
      } else {
        typist.key(letter);
      }
    };
  });
}

void events(Bench& bench) {
  Typist typist(2000);
  bench.measure("an event of the engine: 3 drafts, 12 words", 100, 2000, [&](int) {
    typist.now += 200;
    typist.key('a');
    return [&typist] {
      typist.answer({" cat sat on the mat and looked at all the birds outside", " dog (an old one) ran over to the fence and barked at it",
                     " bird flew from tree to tree and sang for the whole morning"});
    };
  }, false);
}

}  // namespace
}  // namespace foreword::ui::autocomplete

int main(int argc, char** argv) {
  using namespace foreword::ui::autocomplete;
  Bench bench(argc > 1 ? std::atof(argv[1]) : 0.3);
  type_through(bench, "following a draft, text of 2 kB", 2'000);
  type_through(bench, "following a draft, text of 100 kB", 100'000);
  no_drafts(bench, "a key that asks the engine, 2 kB", 2'000);
  no_drafts(bench, "a key that asks the engine, 100 kB", 100'000);
  fuzz(bench);
  events(bench);
  return bench.late() ? 1 : 0;
}
