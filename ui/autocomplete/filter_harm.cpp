// Filters against text that does harm: secrets that a model remembers or makes up, slurs, and words of self-harm.

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "ui/autocomplete/constants.h"
#include "ui/autocomplete/prose.h"
#include "ui/autocomplete/text_filter.h"

namespace foreword::ui::autocomplete {
namespace {

constexpr Verdict kDrop{0};
Verdict keep_all(const Candidate& c) { return {c.text.size()}; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }
bool is_token(char c) { return is_alphanumeric(c) || c == '_' || c == '-' || c == '+' || c == '/' || c == '=' || c == '.'; }

/// Beginnings of keys and tokens of well-known services, and how many characters must follow at least.
struct KeyPrefix {
  std::string_view text;
  std::size_t n_more;
};
constexpr KeyPrefix kKeyPrefixes[] = {
    {"sk-", 12},     {"sk_live_", 8}, {"sk_test_", 8}, {"pk_live_", 8}, {"rk_live_", 8},  {"ghp_", 12},     {"gho_", 12},
    {"ghu_", 12},    {"ghs_", 12},    {"github_pat_", 8}, {"glpat-", 8}, {"xoxb-", 8},    {"xoxp-", 8},     {"xoxa-", 8},
    {"AKIA", 12},    {"ASIA", 12},    {"AIza", 16},    {"ya29.", 12},   {"eyJ", 16},      {"hf_", 16},      {"npm_", 16},
    {"SG.", 16},     {"dop_v1_", 8},  {"shpat_", 8},   {"pypi-", 16},
};

/// The longest end of `before` made of such characters, 64 at most: what a secret in the draft may begin with.
template <class Belongs>
std::string_view tail_of(std::string_view before, Belongs belongs) {
  std::size_t at = before.size();
  while (at > 0 && before.size() - at < 64 && belongs(before[at - 1])) --at;
  return before.substr(at);
}

bool is_key(std::string_view token) {
  return std::any_of(std::begin(kKeyPrefixes), std::end(kKeyPrefixes), [&](const KeyPrefix& prefix) {
    return token.starts_with(prefix.text) && token.size() >= prefix.text.size() + prefix.n_more && std::any_of(token.begin(), token.end(), is_digit);
  });
}

double entropy_of(std::string_view text) {
  std::array<int, 256> counts{};
  for (const char c : text) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  for (const int count : counts) {
    const double share = count / static_cast<double>(text.size());
    bits -= count == 0 ? 0 : share * std::log2(share);
  }
  return bits;
}

/// Long, of many different characters, and changing between kinds of them as words, paths and dates do not.
bool looks_random(std::string_view token) {
  if (token.size() < tuned_count("entropy_length") || entropy_of(token) < tuned("entropy_bits")) return false;
  enum Kind { digit, capital, small, mark };
  const auto kind_of = [](char c) { return is_digit(c) ? digit : std::isupper(static_cast<unsigned char>(c)) != 0 ? capital : is_alphanumeric(c) ? small : mark; };
  int switches = 0;
  for (std::size_t i = 1; i < token.size(); ++i) {
    const Kind before = kind_of(token[i - 1]), here = kind_of(token[i]);
    const bool word_begins = before == capital && here == small;
    switches += before != here && here != mark && !word_begins ? 1 : 0;
  }
  return switches >= tuned("entropy_switches") * static_cast<double>(token.size());
}

bool token_in_draft(const Candidate& c) {
  const std::string_view tail = tail_of(c.before, is_token);
  const std::string joined = std::string(tail) + std::string(c.text);
  for (std::size_t at = 0; at < joined.size();) {
    if (!is_token(joined[at])) {
      ++at;
      continue;
    }
    const std::size_t begin = at;
    while (at < joined.size() && is_token(joined[at])) ++at;
    const std::string_view token = std::string_view(joined).substr(begin, at - begin);
    if (at > tail.size() && (is_key(token) || looks_random(token))) return true;
  }
  return false;
}

bool is_luhn(std::string_view digits) {
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const int digit = digits[digits.size() - 1 - i] - '0';
    sum += i % 2 == 0 ? digit : digit < 5 ? 2 * digit : 2 * digit - 9;
  }
  return sum % 10 == 0;
}

/// Digits with single spaces or hyphens between them, that a payment card may have.
bool card_in_draft(const Candidate& c) {
  const std::string_view tail = tail_of(c.before, [](char x) { return is_digit(x) || x == ' ' || x == '-'; });
  const std::string joined = std::string(tail) + std::string(c.text);
  for (std::size_t at = 0; at < joined.size(); ++at) {
    if (!is_digit(joined[at]) || (at > 0 && is_alphanumeric(joined[at - 1]))) continue;
    std::string digits;
    while (at < joined.size() && (is_digit(joined[at]) || (at + 1 < joined.size() && (joined[at] == ' ' || joined[at] == '-') && is_digit(joined[at + 1])))) {
      if (is_digit(joined[at])) digits += joined[at];
      ++at;
    }
    const bool length = digits.size() >= tuned_count("card_digits_min") && digits.size() <= tuned_count("card_digits_max");
    if (length && at > tail.size() && is_luhn(digits)) return true;
  }
  return false;
}

// Letters turned by 13 places, so that nobody has to read them. Several languages; one term may be more than one word.
constexpr std::string_view kTurnedTerms[] = {
    "avttre", "avttn", "avttref", "snttbg", "snttbgf", "snt", "xvxr", "xvxrf", "fcvp", "puvax", "puvaxf", "tbbx",
    "genaal", "ergneq", "ergneqrq", "phag", "jrgonpx", "cnxv", "enturnq", "juber", "fyhg", "uherafbua", "sbgmr",
    "xnanxr", "artre", "fpujhpugry", "zvfftroheg", "fnybcr", "chgr", "pbaaneq", "obhtabhyr", "chgn", "tvyvcbyynf",
    "fhqnpn", "sebpvb", "chggnan", "xlf", "fhvpvqr", "xvyy lbhefrys", "xvyy zlfrys", "xvyy gurzfryirf", "unat zlfrys",
    "unat lbhefrys", "phg zlfrys", "uheg zlfrys", "raq zl yvsr", "bireqbfr ba", "fryofgzbeq", "zvpu hzoevatra",
    "qvpu hzoevatra", "zvpu evgmra", "fhvmvq", "fhvpvqnezr", "fhvpvqnegr", "zr fhvpvqre", "gr fhvpvqre", "fhvpvqnezv",
};

std::string turned(std::string_view term) {
  std::string out(term);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>('a' + (c - 'a' + 13) % 26);
  }
  return out;
}

/// " word word ": folded words with one space around each, so that whole words can be looked for.
std::string spaced_words(std::string_view text, int at_most) {
  std::string out = " ";
  for (text::Range word = next_word(text, 0); at_most > 0 && !word.empty(); word = next_word(text, word.end), --at_most) {
    append_folded(out, text.substr(word.begin, word.end - word.begin));
    out += ' ';
  }
  return out;
}

}  // namespace

Verdict secret_like(const Candidate& c) {
  const bool pem = c.text.find("-----BEGIN") != c.text.npos;
  return pem || token_in_draft(c) || card_in_draft(c) ? kDrop : keep_all(c);
}

/// Terms may begin in the words before the caret; they count if the draft's first words complete them.
Verdict offensive_start(const Candidate& c) {
  constexpr int kFirst = tuned_count("offensive_words");
  std::size_t tail = c.before.size();
  for (int i = 0; i < kFirst; ++i) tail = text::previous_word(c.before, tail);
  std::size_t first_words = 0;
  for (int i = 0; i < kFirst; ++i) first_words = next_word(c.text, first_words).end;
  const std::string before = spaced_words(c.before.substr(tail), kFirst);
  const std::string joined = spaced_words(std::string(c.before.substr(tail)) + std::string(c.text.substr(0, first_words)), 2 * kFirst + 1);
  std::string written;  // the whole text before the caret; only if it matters
  for (const std::string_view each : kTurnedTerms) {
    const std::string term = ' ' + turned(each) + ' ';
    if (joined.find(term) == joined.npos || before.find(term) != before.npos) continue;
    if (written.empty()) written = spaced_words(c.before, std::numeric_limits<int>::max());
    if (written.find(term) == written.npos) return kDrop;
  }
  return keep_all(c);
}

}  // namespace foreword::ui::autocomplete
