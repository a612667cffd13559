#include "ui/autocomplete/text_filter.h"

#include <algorithm>
#include <string>
#include <vector>

#include "ui/autocomplete/constants.h"
#include "ui/autocomplete/prose.h"
#include "ui/autocomplete/scripts.h"

namespace foreword::ui::autocomplete {
namespace {

constexpr Verdict kDrop{0};
Verdict keep_all(const Candidate& c) { return {c.text.size()}; }

constexpr FilterRow kRows[] = {
    {Reason::too_short, too_short},
    {Reason::repeats_tail, repeats_tail},
    {Reason::self_loop, self_loop},
    {Reason::duplicates_after_caret, duplicates_after_caret},
    {Reason::bad_join, bad_join},
    {Reason::punctuation_run, punctuation_run},
    {Reason::assistant_leak, assistant_leak},
    {Reason::markup_leak, markup_leak},
    {Reason::language_switch, language_switch},
    {Reason::secret_like, secret_like},
    {Reason::offensive_start, offensive_start},
};

struct FoldedWord {
  std::string text;
  std::size_t begin = 0;  // in the text it comes from
};

std::vector<FoldedWord> words_of(std::string_view text) {
  std::vector<FoldedWord> words;
  for (text::Range word = next_word(text, 0); !word.empty(); word = next_word(text, word.end)) {
    words.push_back({folded(text.substr(word.begin, word.end - word.begin)), word.begin});
  }
  return words;
}

bool same_words(const std::vector<FoldedWord>& a, std::size_t i, const std::vector<FoldedWord>& b, std::size_t j, std::size_t n) {
  if (i + n > a.size() || j + n > b.size()) return false;
  for (std::size_t k = 0; k < n; ++k) {
    if (a[i + k].text != b[j + k].text) return false;
  }
  return true;
}

/// The last `n` words, or as many as there are.
std::string_view last_words(std::string_view text, int n) {
  std::size_t at = text.size();
  for (; n > 0 && at > 0; --n) at = text::previous_word(text, at);
  return text.substr(at);
}

std::size_t skip_spaces(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const text::CodePoint c = text::decode(text, at);
    if (class_of(c.value) != CharClass::space) break;
    at += c.n_bytes;
  }
  return at;
}

}  // namespace

std::span<const FilterRow> text_filters() { return kRows; }

std::size_t bytes_kept(const FilterRow& row, const Candidate& candidate) {
  const std::size_t keep = row.judge(candidate).keep;
  if (keep >= candidate.text.size()) return candidate.text.size();
  Candidate rest = candidate;
  rest.text = rest.text.substr(0, cut_at_word(rest.text, keep));
  return too_short(rest).keep;
}

Filtered filter_text(const Candidate& candidate) {
  Candidate rest = candidate;
  Reason reason = Reason::none;
  for (const FilterRow& row : kRows) {
    const std::size_t keep = bytes_kept(row, rest);
    if (keep == rest.text.size()) continue;
    if (reason == Reason::none) reason = row.reason;
    rest.text = rest.text.substr(0, keep);
    if (keep == 0) break;
  }
  return {rest.text.size(), reason};
}

Verdict too_short(const Candidate& c) {
  constexpr int kLetters = tuned_count("short_letters");
  return letters_and_digits(c.text, kLetters) < kLetters ? kDrop : keep_all(c);
}

/// The last words before the caret, in a row anywhere in the draft.
Verdict repeats_tail(const Candidate& c) {
  constexpr std::size_t kWords = tuned_count("tail_words");
  const std::vector<FoldedWord> tail = words_of(last_words(c.before, kWords)), words = words_of(c.text);
  if (tail.size() < kWords) return keep_all(c);
  for (std::size_t i = 0; i + kWords <= words.size(); ++i) {
    if (same_words(words, i, tail, tail.size() - kWords, kWords)) return kDrop;
  }
  return keep_all(c);
}

/// The first run of words that follows itself: cut before it begins anew.
Verdict self_loop(const Candidate& c) {
  constexpr std::size_t kTimes = tuned_count("loop_times");
  const std::vector<FoldedWord> words = words_of(c.text);
  for (std::size_t i = 0; i < words.size(); ++i) {
    for (std::size_t n = 1; i + n * kTimes <= words.size(); ++n) {
      bool again = true;
      for (std::size_t time = 1; again && time < kTimes; ++time) again = same_words(words, i, words, i + time * n, n);
      if (again) return {words[i + n].begin};
    }
  }
  return keep_all(c);
}

/// A draft that runs into what stands behind the caret: from a place on its rest begins like that text, to the end of the draft
/// or of the line behind the caret.
Verdict duplicates_after_caret(const Candidate& c) {
  constexpr std::size_t kLeast = tuned_count("overlap_min");
  const std::string_view after = c.after.substr(skip_spaces(c.after));
  const std::string_view line = after.substr(0, after.find('\n'));
  if (line.empty()) return keep_all(c);
  for (std::size_t at = 0; at < c.text.size(); at = text::next_cluster(c.text, at)) {
    const std::string_view rest = c.text.substr(at);
    const bool overlaps = line.size() < rest.size() ? rest.starts_with(line) : line.starts_with(rest);
    const bool inside = inside_word(c.text.substr(0, at), rest);
    if (overlaps && !inside && count_characters(std::min(line, rest, [](auto a, auto b) { return a.size() < b.size(); }), kLeast) >= kLeast) {
      return {at};
    }
  }
  return keep_all(c);
}

/// A word across the caret that nobody wrote before and the model is not sure of; or a mark that changes the last character.
Verdict bad_join(const Candidate& c) {
  if (!c.before.empty()) {
    const std::size_t last = text::previous_cluster(c.before, c.before.size());
    std::string joint(c.before.substr(last));
    const std::size_t border = joint.size();
    joint += c.text.substr(0, text::decode(c.text, 0).n_bytes);
    if (text::cluster_begin(joint, border) != border) return kDrop;
  }
  if (!inside_word(c.before, c.text) || c.mean_log_prob >= tuned("join_log_prob")) return keep_all(c);
  const std::string word = std::string(open_word(c.before)) + std::string(c.text.substr(0, unit_end(c.text, 0)));
  const auto knows = [&](const Words* words) { return words != nullptr && words->contains(word); };
  return knows(c.chat_words) || knows(c.own_words) ? keep_all(c) : kDrop;
}

Verdict punctuation_run(const Candidate& c) {
  constexpr int kMarks = tuned_count("punctuation_run");
  int n = 0;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < c.text.size();) {
    const text::CodePoint point = text::decode(c.text, at);
    const bool mark = class_of(point.value) == CharClass::punctuation;
    if (mark && n == 0) begin = at;
    n = mark ? n + 1 : 0;
    if (n == kMarks) return {begin};
    at += point.n_bytes;
  }
  return keep_all(c);
}

Verdict language_switch(const Candidate& c) {
  const Script typed = main_script(c.before.substr(last_characters(c.before, tuned_count("script_window"))));
  const Script drafted = main_script(c.text);
  const bool differ = typed != drafted && typed != Script::common && drafted != Script::common;
  return differ ? kDrop : keep_all(c);
}

}  // namespace foreword::ui::autocomplete
