#include "app/eval_text.h"

#include <algorithm>
#include <numeric>

#include "engine/base/check.h"

namespace foreword::app {
namespace {

constexpr std::string_view kSpaces = " \t\r\n\f\v";

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t at = text.find_first_not_of(kSpaces); at < text.size(); at = text.find_first_not_of(kSpaces, at)) {
    const std::size_t end = std::min(text.find_first_of(kSpaces, at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

/// The text as one string, and how many of its bytes before each place are to be measured.
struct FlatText {
  std::string bytes;
  std::vector<std::int64_t> measured_before;  // [bytes.size() + 1]
};

FlatText flatten(std::span<const engine::TextSpan> text) {
  FlatText flat;
  flat.measured_before.push_back(0);
  for (const engine::TextSpan& span : text) {
    flat.bytes += span.text;
    for (std::size_t i = 0; i < span.text.size(); ++i) flat.measured_before.push_back(flat.measured_before.back() + (span.trusted ? 0 : 1));
  }
  return flat;
}

/// How many bytes of `text` (from `at`) the piece stands for, or nullopt.
std::optional<std::size_t> match(std::string_view text, std::string_view piece) {
  if (text.starts_with(piece)) return piece.size();
  if (piece.starts_with(' ') && text.starts_with(piece.substr(1))) return piece.size() - 1;
  return std::nullopt;
}

}  // namespace

std::vector<std::size_t> spread(std::span<const std::int64_t> sizes, std::int64_t most) {
  const std::int64_t total = std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
  const double share = most <= 0 || total <= most ? 1.0 : static_cast<double>(most) / static_cast<double>(total);
  std::vector<std::size_t> chosen;
  std::int64_t passed = 0, taken = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    // An item's middle decides, so that neither small nor large ones are preferred.
    const double wanted = share * static_cast<double>(passed + sizes[i]);
    passed += sizes[i];
    if (share < 1.0 && static_cast<double>(taken) + 0.5 * static_cast<double>(sizes[i]) > wanted) continue;
    chosen.push_back(i);
    taken += sizes[i];
  }
  if (chosen.empty() && !sizes.empty()) chosen.push_back(sizes.size() / 2);
  return chosen;
}

std::optional<std::vector<TokenShare>> token_shares(std::span<const std::string> pieces,
                                                    std::span<const engine::TextSpan> text) {
  const FlatText flat = flatten(text);
  const std::string_view bytes = flat.bytes;
  std::vector<TokenShare> shares;
  std::size_t at = 0;
  for (const std::string& piece : pieces) {
    auto size = match(bytes.substr(at), piece);
    while (!size && at < bytes.size() && kSpaces.find(bytes[at]) != kSpaces.npos) size = match(bytes.substr(++at), piece);
    if (!size) return std::nullopt;
    const std::int64_t measured = flat.measured_before[at + *size] - flat.measured_before[at];
    const bool stands_before = *size == 0 && at < bytes.size() && flat.measured_before[at + 1] > flat.measured_before[at];
    shares.push_back({measured > 0 || stands_before, measured});
    at += *size;
  }
  if (bytes.find_first_not_of(kSpaces, at) != bytes.npos) return std::nullopt;
  return shares;
}

std::vector<EvalWindow> cut_windows(std::span<const engine::TokenId> ids, engine::TokenId bos, std::int64_t context) {
  check(context >= 2, "a window needs a token and one that it predicts");
  std::vector<EvalWindow> windows;
  for (std::int64_t first = bos == engine::kNoToken ? 1 : 0; first < std::ssize(ids); first += context - 1) {
    EvalWindow window;
    window.first = first;
    window.tokens.push_back(bos == engine::kNoToken ? ids[static_cast<std::size_t>(first - 1)] : bos);
    const auto part = ids.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(std::min(context - 1, std::ssize(ids) - first)));
    window.tokens.insert(window.tokens.end(), part.begin(), part.end());
    windows.push_back(std::move(window));
  }
  return windows;
}

std::string normal_space(std::string_view text) {
  std::string result;
  for (const std::string_view word : words_of(text)) {
    if (!result.empty()) result += ' ';
    result += word;
  }
  return result;
}

std::string opening_of(std::string_view text, std::size_t most_bytes) {
  if (text.size() < 2 * most_bytes) return {};
  const std::size_t cut = text.find_last_of(kSpaces, most_bytes);
  if (cut == text.npos) return {};
  const std::size_t end = text.find_last_not_of(kSpaces, cut);
  return std::string(text.substr(0, end == text.npos ? 0 : end + 1));
}

void NgramCounter::add(std::string_view text) {
  const std::vector<std::string_view> words = words_of(text);
  std::set<std::string> own;  // 4-grams of this text
  for (std::size_t n = 1; n <= kLongest; ++n) {
    for (std::size_t i = 0; i + n <= words.size(); ++i) {
      std::string gram;
      for (std::size_t k = i; k < i + n; ++k) gram.append(words[k]).append(1, ' ');
      ++n_grams_[n - 1];
      if (n == kLongest && !own.insert(gram).second) ++n_repeated_;
      seen_[n - 1].insert(std::move(gram));
    }
  }
}

std::optional<double> NgramCounter::distinct(std::size_t n) const {
  check(n >= 1 && n <= kLongest, "n-grams of one to four words are counted");
  if (n_grams_[n - 1] == 0) return std::nullopt;
  return static_cast<double>(seen_[n - 1].size()) / static_cast<double>(n_grams_[n - 1]);
}

std::optional<double> NgramCounter::repeated() const {
  if (n_grams_[kLongest - 1] == 0) return std::nullopt;
  return static_cast<double>(n_repeated_) / static_cast<double>(n_grams_[kLongest - 1]);
}

}  // namespace foreword::app
