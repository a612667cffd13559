// Section 18.3: random interleavings of keys, time and engine events. FOREWORD_STEPS sets how many (5,000), FOREWORD_SEED repeats a run.

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <random>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "tests/autocomplete/desk.h"

namespace foreword::ui::autocomplete {
namespace {

const std::vector<std::string> kWords = {"the", "cat", "sat", "on", "a", "mat", "and", "e\u0301te\u0301", "straße", "mir", "日本", "ok", "😀"};
const std::vector<std::string> kKeys = {"t", "h", "e", "a", "c", " ", " ", "s", "o", "n", "e", "\u0301", ".", "\n", "日", "😀", "m"};

unsigned long number(const char* name, unsigned long otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoul(text, nullptr, 10);
}

class Walk {
 public:
  explicit Walk(unsigned long seed) : random_(seed), desk_({}) {
    desk_.engine.invent = [this](const Letter& letter) { return invent(letter); };
    texts_seen_.insert("");
  }

  void run(unsigned long steps) {
    for (step_ = 0; step_ < steps && !testing::Test::HasFailure(); ++step_) {
      if (step_ % 500 == 0) change_settings();
      one_step();
      check_letters();
      check_view();
    }
    std::printf("%lu steps:", step_);
    desk_.advisor.counters().each([](std::string_view name, std::uint64_t value) {
      if (value > 0 && name.find(".") == name.npos) std::printf(" %s %llu", std::string(name).c_str(), static_cast<unsigned long long>(value));
      if (value > 0 && name.starts_with("reason.")) std::printf(" %s %llu", std::string(name).c_str(), static_cast<unsigned long long>(value));
    });
    std::printf("\n");
    EXPECT_GT(desk_.count(Count::shown), steps / 200);
    EXPECT_GT(desk_.count(Count::typed_through), steps / 100);
  }

 private:
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  bool chance(unsigned percent) { return below(100) < percent; }

  /// Mostly the tier in which most can happen; left to itself the slow answers of this engine would soon lead to silence.
  void change_settings() {
    Settings settings;
    if (chance(80)) settings.speed = chance(70) ? Tier::full : Tier::pause_only;
    settings.drafts = 1 + static_cast<int>(below(4));
    settings.tab_accepts_word = chance(20);
    desk_.advisor.set_settings(settings, desk_.now);
  }

  /// Drafts whose first words differ, now and then ended, filtered or empty. Told apart by what came before, as a model's are.
  FakeEngine::Rule invent(const Letter& letter) {
    FakeEngine::Rule rule{"", static_cast<Ms>(below(4) == 0 ? below(1500) : below(60)), {}, static_cast<Ms>(5 + below(60))};
    std::set<std::string> first;
    for (unsigned n = below(5); n > 0; --n) {
      std::string text;
      for (unsigned words = 1 + below(8); words > 0; --words) {
        const std::string& word = kWords[below(static_cast<unsigned>(kWords.size()))];
        text += text.empty() && !letter.before.empty() && letter.before.back() == ' ' ? word : " " + word;
      }
      if (chance(10)) text += chance(50) ? "." : "!!!! no";
      if (first.insert(folded(first_unit(text))).second) rule.drafts.push_back({0, text, -0.4 - 0.2 * below(6), chance(20)});
    }
    return rule;
  }

  void one_step() {
    if (desk_.buffer.caret() != desk_.text().size() && chance(30)) desk_.move(desk_.text().size());
    if (desk_.situation.selecting) desk_.move(desk_.text().size());
    const std::string ghost = desk_.ghost();
    const unsigned what = below(100);
    if (what < 45 && !ghost.empty()) {
      type_through(ghost);
    } else if (what < 55) {
      type(kKeys[below(static_cast<unsigned>(kKeys.size()))]);
    } else if (what < 75) {
      pass_time(ghost);
    } else if (what < 81) {
      desk_.backspace();
      model_.assign(desk_.text());  // held against the naive editor in the tests of the edit buffer
    } else if (what < 89) {
      accept(ghost);
    } else if (what < 91) {
      undo_or_redo();
    } else if (what < 92) {
      desk_.move(chance(60) ? desk_.text().size() : text::cluster_begin(desk_.text(), below(static_cast<unsigned>(desk_.text().size()) + 1)));
    } else if (what < 93) {
      toggle();
    } else if (what < 94) {
      desk_.insert("pasted words ", Origin::paste), model_ = desk_.text();
    } else if (what < 97) {
      const std::string typed = desk_.text();
      desk_.key({Key::enter, 0, false, false, false, false});
      EXPECT_EQ(desk_.sent, typed);  // A28
      model_ = desk_.text();
    } else {
      stale_event();
    }
    ASSERT_EQ(desk_.text(), model_) << what;
    texts_seen_.insert(desk_.text());
    if (desk_.text().size() > 400) desk_.set_text(""), model_.clear();
  }

  void type(const std::string& key) {
    desk_.type(key);
    model_ = desk_.text();
    if (chance(50)) pass_time(desk_.ghost());
  }

  void type_through(const std::string& ghost) {
    const std::size_t n = text::next_cluster(ghost, 0);
    const auto suggests = desk_.count(Count::suggests);
    const std::string before = desk_.text();
    const std::size_t caret = desk_.buffer.caret();
    desk_.type(ghost.substr(0, n));
    model_ = before.substr(0, caret) + ghost.substr(0, n) + before.substr(caret);
    if (n == ghost.size() || desk_.buffer.caret() != caret + n) return;
    EXPECT_EQ(desk_.count(Count::suggests), suggests) << "type-through sent a Suggest";
    EXPECT_TRUE(desk_.ghost().starts_with(ghost.substr(n)))
        << "type-through changed the ghost \"" << ghost << "\" behind \"" << before.substr(0, caret) << "\" to \"" << desk_.ghost() << "\"";
  }

  /// Without a key a ghost may only grow.
  void pass_time(const std::string& ghost) {
    desk_.wait(chance(30) ? 2000 : below(400));
    EXPECT_TRUE(desk_.ghost().starts_with(ghost)) << "from \"" << ghost << "\" to \"" << desk_.ghost() << "\"";
  }

  void accept(const std::string& ghost) {
    const std::string before = desk_.text();
    const std::size_t caret = desk_.buffer.caret();
    std::vector<std::string> strip;
    for (const auto each : desk_.advisor.view().strip) strip.emplace_back(each);
    switch (below(6)) {
      case 0: desk_.tab(); break;
      case 1: desk_.next_word(); break;
      case 2: desk_.key({Key::tab, 0, false, true, false, false}); break;
      case 3: desk_.nth(1 + static_cast<int>(below(3))); break;
      case 4: desk_.ask(); break;
      default: desk_.escape();
    }
    model_ = desk_.text();
    if (model_ == before) return;
    ASSERT_GT(model_.size(), before.size());
    const std::string part = model_.substr(caret, model_.size() - before.size());
    EXPECT_EQ(before.substr(0, caret) + part + before.substr(caret), model_);
    const bool others = std::any_of(strip.begin(), strip.end(), [&](const std::string& first) { return part.find(first) != part.npos; });
    EXPECT_TRUE(ghost.starts_with(part) || others) << "\"" << part << "\" was accepted, \"" << ghost << "\" was painted";
  }

  void undo_or_redo() {
    chance(70) ? desk_.undo() : desk_.redo();
    model_ = desk_.text();
    EXPECT_TRUE(texts_seen_.contains(model_)) << "undo made a text that never was";
  }

  void toggle() {
    bool Situation::*const facts[] = {&Situation::focused, &Situation::composing, &Situation::popup, &Situation::busy, &Situation::on_battery};
    bool& fact = desk_.situation.*facts[below(5)];
    fact = !fact;
    desk_.tell();
    if (chance(30)) desk_.wait(below(400));
    fact = !fact;
    desk_.tell();
    if (chance(5)) ++desk_.situation.context, desk_.tell(), letters_.clear(), asked_.clear(), asked_zebra_.clear();
  }

  /// An event whose text does not match changes no pixel, even if its drafts would fit.
  void stale_event() {
    const std::string before = desk_.text().substr(0, desk_.buffer.caret());
    std::vector<const Letter*> stale;
    for (const Letter& each : letters_) {
      if (!before.starts_with(each.before)) stale.push_back(&each);
    }
    DraftsEvent event;
    std::string typed;
    if (!stale.empty()) {
      const Letter& letter = *stale[stale.size() - 1 - below(std::min<unsigned>(4, static_cast<unsigned>(stale.size())))];
      event.request = letter.request;
      asked_zebra_.insert(letter.before);
      typed = before.size() > letter.before.size() ? before.substr(letter.before.size()) : "";
    }
    event.drafts = {{below(4), typed + " zebra sat", -0.2, false}, {9, typed + " zebra mat", -0.1, false}};
    const View old = desk_.advisor.view();
    const std::string ghost = desk_.ghost();
    desk_.advisor.on_drafts(event, desk_.now);
    EXPECT_EQ(desk_.ghost(), ghost);
    EXPECT_EQ(desk_.advisor.view().strip.size(), old.strip.size());
    EXPECT_EQ(desk_.advisor.view().fades_from, old.fades_from);
  }

  /// One job: whatever is not a new request speaks of the newest one.
  void check_letters() {
    for (; log_checked_ < desk_.engine.log.size(); ++log_checked_) {
      const Letter& letter = desk_.engine.log[log_checked_];
      const bool asks = letter.kind == Letter::Kind::suggest || (letter.kind == Letter::Kind::extend && letter.drafts.empty());
      if (asks) {
        EXPECT_GT(letter.request, last_request_);
        last_request_ = letter.request;
        asked_.insert(letter.before);
        letters_.push_back(letter);
        if (letters_.size() > 50) letters_.pop_front();
      }
      EXPECT_EQ(letter.request, last_request_);
      EXPECT_TRUE(letter.kind != Letter::Kind::cancel || !cancelled_.contains(letter.request)) << "cancelled twice";
      if (letter.kind == Letter::Kind::cancel) cancelled_.insert(letter.request);
      if (letter.kind == Letter::Kind::extend) cancelled_.erase(letter.request);
    }
    if (desk_.engine.log.size() > 4000) desk_.engine.log.clear(), log_checked_ = 0;
    EXPECT_TRUE(!desk_.advisor.job_running() || desk_.engine.request() == last_request_);
  }

  void check_view() {
    const std::string ghost = desk_.ghost();
    if (ghost.empty()) return;
    const Situation& s = desk_.situation;
    EXPECT_TRUE(s.focused && !s.composing && !s.selecting && !s.popup) << "a ghost where there must be none";
    const std::string before = desk_.text().substr(0, desk_.buffer.caret());
    EXPECT_EQ(text::clean(ghost), ghost);
    EXPECT_EQ(text::cluster_begin(before + ghost, before.size()), before.size()) << "the ghost joins the text";
    // It continues the text of some request that the engine was asked; its words are the engine's own.
    const auto& asked = ghost.find("zebra") == ghost.npos ? asked_ : asked_zebra_;
    bool known = false;
    for (std::size_t n = 0; n <= before.size(); ++n) known = known || asked.contains(before.substr(0, n));
    EXPECT_TRUE(known) << "a ghost of no request for this text";
  }

  std::mt19937_64 random_;
  Desk desk_;
  std::string model_;
  std::unordered_set<std::string> texts_seen_;
  std::deque<Letter> letters_;  // the last requests
  std::unordered_set<std::string> asked_;  // their texts, all of them: the cache may be old
  std::unordered_set<std::string> asked_zebra_;  // those that were answered when they were stale, with a word of its own
  std::set<std::uint64_t> cancelled_;
  std::size_t log_checked_ = 0;
  std::uint64_t last_request_ = 0;
  unsigned long step_ = 0;
};

TEST(Properties, HoldUnderRandomInterleavings) {
  const unsigned long steps = number("FOREWORD_STEPS", 5000), seed = number("FOREWORD_SEED", std::random_device()());
  std::printf("seed %lu\n", seed);
  SCOPED_TRACE("FOREWORD_SEED=" + std::to_string(seed));
  Walk(seed).run(steps);
}

}  // namespace
}  // namespace foreword::ui::autocomplete
