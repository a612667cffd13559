#pragma once
// How suggestions fare (A57, A60): what they are set to, in sentences, and the advisor's numbers without any text.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ui/autocomplete/advisor.h"
#include "ui/paragraph.h"

namespace foreword::ui {

class Suggester;

class SuggestionPanel {
 public:
  void open(Frame& frame);
  bool is_open() const { return open_; }
  /// Draws over the whole window while it is open. Sends ChangeSetting.
  void draw(Frame& frame, Rect window, Suggester& suggester);

 private:
  struct Line {
    std::string_view label, value;  // no value: a heading
  };
  /// What the tier's sentence depends on.
  struct TierFacts {
    autocomplete::TierInForce tier;
    double p95 = -1;
    std::optional<autocomplete::Tier> speed;
    bool operator==(const TierFacts&) const = default;
  };
  std::string_view behaviour(Frame& frame, const autocomplete::Advisor& advisor);
  void say_lines(Frame& frame, const autocomplete::Counters& counters);

  Paragraph about_, state_;
  std::vector<Line> lines_;  // of this frame
  TierFacts tier_facts_;
  std::string tier_words_;   // of these facts
  bool open_ = false;
  float scroll_ = 0;
};

/// The time below which a share of the measured ones lies, as the limit of its bucket; 0: nothing was measured.
autocomplete::Ms latency_at(const autocomplete::Counters& counters, autocomplete::Latency kind, double share);

}  // namespace foreword::ui
