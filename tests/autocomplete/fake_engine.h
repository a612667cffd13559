#pragma once
// An engine that says what a script tells it, when the script tells it: one job, words one after another, as letters.h demands.

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ui/autocomplete/letters.h"
#include "ui/autocomplete/prose.h"

namespace foreword::ui::autocomplete {

class FakeEngine {
 public:
  /// When the text before the caret ends with `suffix`: the first words come `after` that many ms, one more each `step`.
  struct Rule {
    std::string suffix;
    Ms after = 35;
    std::vector<Draft> drafts;  // ids do not count
    Ms step = 10;
  };
  std::vector<Rule> rules;
  std::function<Rule(const Letter&)> invent;  // if set: instead of the rules
  Ms cancel_step = 5;  // how long a step takes

  void take(const Letter& letter, Ms now) {
    log.push_back(letter);
    switch (letter.kind) {
      case Letter::Kind::suggest: begin(letter, now); break;
      case Letter::Kind::extend:
        if (!go_on(letter, now)) begin(letter, now);
        break;
      case Letter::Kind::advance: advance(letter); break;
      case Letter::Kind::cancel:
        if (running_ && letter.request == request_) ends_at_ = std::min(ends_at_, now + cancel_step);
    }
  }
  std::optional<Ms> next() const { return running_ ? std::optional(std::min(next_at_, ends_at_)) : std::nullopt; }

  DraftsEvent event() {
    DraftsEvent out;
    out.request = request_;
    const bool cancelled = ends_at_ < next_at_;
    if (!cancelled) ++words_;
    bool more = false;
    for (Row& row : rows_) {
      std::size_t end = row.begin;
      for (int i = 0; i < words_ && end < row.text.size(); ++i) end = unit_end(row.text, end);
      more = more || end < row.text.size();
      row.shown = end;
      if (words_ > 0 && end > row.begin) {
        out.drafts.push_back({row.id, row.text.substr(row.begin, end - row.begin), row.mean_log_prob, row.ends && end == row.text.size()});
      }
    }
    out.tokens_decoded = rows_.size();
    out.finished = cancelled || !more || words_ >= limit_;
    if (rows_.empty()) out.reason = Reason::low_confidence;
    running_ = !out.finished;
    next_at_ += step_;
    return out;
  }

  bool running() const { return running_; }
  std::uint64_t request() const { return request_; }
  std::vector<Letter> log;

 private:
  struct Row {
    DraftId id = 0;
    std::string text;
    double mean_log_prob = 0;
    bool ends = false;
    std::size_t begin = 0, shown = 0;  // begin: behind the text before the caret of the present letter
  };

  void begin(const Letter& letter, Ms now) {
    rows_.clear();
    request_ = letter.request;
    base_ = letter.before;
    const Rule* rule = nullptr;
    if (invent) invented_ = invent(letter), rule = &invented_;
    for (const Rule& each : rules) {
      if (letter.before.ends_with(each.suffix) && (rule == nullptr || each.suffix.size() > rule->suffix.size())) rule = &each;
    }
    if (rule != nullptr) {
      for (const Draft& draft : rule->drafts) {
        if (rows_.size() == static_cast<std::size_t>(letter.limits.count)) break;
        rows_.push_back({rows_.size(), draft.text, draft.mean_log_prob, draft.ended, 0, 0});
      }
    }
    start(letter, now + (rule != nullptr ? rule->after : 20), rule != nullptr ? rule->step : 10);
  }
  bool go_on(const Letter& letter, Ms now) {
    if (!letter.before.starts_with(base_)) return false;
    const std::string typed = letter.before.substr(base_.size());
    std::erase_if(rows_, [&](const Row& row) {
      const bool named = std::find(letter.drafts.begin(), letter.drafts.end(), row.id) != letter.drafts.end();
      return !named || row.text.substr(row.begin, typed.size()) != typed;
    });
    if (rows_.empty()) return false;
    for (Row& row : rows_) row.begin += typed.size();
    request_ = letter.request;
    base_ = letter.before;
    start(letter, now + step_, step_);
    return true;
  }
  void start(const Letter& letter, Ms first, Ms step) {
    words_ = 0;
    limit_ = std::max(1, letter.limits.tokens);
    step_ = step;
    next_at_ = first;
    ends_at_ = 1e300;
    running_ = true;
  }
  void advance(const Letter& letter) {
    if (!running_ || letter.request != request_ || letter.drafts.empty()) return;
    std::erase_if(rows_, [&](const Row& row) { return std::find(letter.drafts.begin(), letter.drafts.end(), row.id) == letter.drafts.end(); });
  }

  Rule invented_;
  std::vector<Row> rows_;
  std::string base_;
  std::uint64_t request_ = 0;
  bool running_ = false;
  int words_ = 0, limit_ = 12;
  Ms next_at_ = 0, ends_at_ = 1e300, step_ = 10;
};

}  // namespace foreword::ui::autocomplete
