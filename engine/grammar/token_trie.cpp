#include "engine/grammar/token_trie.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "engine/tokenizer/unicode.h"

namespace foreword::engine {
namespace {

/// Longer tokens are left out: no vocabulary has them but by mistake.
constexpr std::size_t kLongest = 1024;

/// Characters by what grammars tell apart: letters, digits, each sign; what is left of ASCII; all others; and what is only a part of one.
enum Kind : std::uint8_t { kSmall, kLarge, kDigit, kControl, kWide, kBroken, kSigns };
constexpr std::array<std::uint8_t, 128> kKinds = [] {
  std::array<std::uint8_t, 128> kinds{};
  std::uint8_t sign = kSigns;
  for (std::size_t byte = 0; byte < kinds.size(); ++byte) {
    if (byte >= 'a' && byte <= 'z') kinds[byte] = kSmall;
    else if (byte >= 'A' && byte <= 'Z') kinds[byte] = kLarge;
    else if (byte >= '0' && byte <= '9') kinds[byte] = kDigit;
    else if ((byte < ' ' && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F) kinds[byte] = kControl;
    else kinds[byte] = sign++;
  }
  return kinds;
}();
static_assert(std::ranges::max(kKinds) < 64);

std::uint64_t kind_bit(std::uint8_t kind) { return std::uint64_t{1} << kind; }

std::string bytes_of(const Tokenizer& tokenizer, TokenId id) {
  std::string bytes;
  if (tokenizer.is_control(id)) return kControlMark + std::string(tokenizer.text(id));
  tokenizer.append_bytes(id, bytes);
  // A lone byte that happens to be the mark is no part of any text.
  return bytes.find(kControlMark) == std::string::npos ? bytes : std::string();
}

}  // namespace

TokenTrie::TokenTrie(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {
  const auto n = static_cast<TokenId>(tokenizer.size());
  begin_.push_back(0);
  for (TokenId id = 0; id < n; ++id) {
    const bool ends = tokenizer.is_end_of_generation(id);
    if (ends) ends_.push_back(id);
    if (!ends && std::ranges::find(tokenizer.suppressed(), id) == tokenizer.suppressed().end()) {
      if (const std::string bytes = bytes_of(tokenizer, id); bytes.size() <= kLongest) bytes_ += bytes;
    }
    begin_.push_back(static_cast<std::uint32_t>(bytes_.size()));
    if (begin_[begin_.size() - 2] != begin_.back()) sorted_.push_back(id);
  }
  std::ranges::sort(sorted_, [&](TokenId a, TokenId b) { return bytes(a) != bytes(b) ? bytes(a) < bytes(b) : a < b; });
  std::string_view last;
  std::vector<std::uint32_t> open;  // the nodes of its beginnings
  const auto close = [&](std::size_t depth) {
    for (; open.size() > depth; open.pop_back()) {
      Node& node = nodes_[open.back()];
      node.skip = static_cast<std::uint32_t>(nodes_.size());
      if (open.size() == 1) continue;
      Node& above = nodes_[open[open.size() - 2]];
      above.height = std::max<std::uint16_t>(above.height, static_cast<std::uint16_t>(node.height + 1));
    }
  };
  for (std::size_t i = 0; i < sorted_.size(); ++i) {
    const std::string_view now = bytes(sorted_[i]);
    close(static_cast<std::size_t>(std::ranges::mismatch(last, now).in1 - last.begin()));
    for (std::size_t depth = open.size(); depth < now.size(); ++depth) {
      open.push_back(static_cast<std::uint32_t>(nodes_.size()));
      nodes_.push_back({0, static_cast<std::uint32_t>(i), static_cast<std::uint16_t>(depth), 1, 0, static_cast<std::uint8_t>(now[depth])});
    }
    note_kinds(now, open);
    // Only the last of its nodes has tokens, which are those up to where the next one begins.
    deepest_ = std::max(deepest_, now.size());
    last = now;
  }
  close(0);
}

std::string_view TokenTrie::bytes(std::int32_t token) const {
  if (token < 0 || static_cast<std::size_t>(token) >= n_tokens()) return {};
  const auto i = static_cast<std::size_t>(token);
  return std::string_view(bytes_).substr(begin_[i], begin_[i + 1] - begin_[i]);
}

/// path: the nodes of a token's bytes.
void TokenTrie::note_kinds(std::string_view bytes, std::span<const std::uint32_t> path) {
  std::vector<std::pair<std::size_t, std::uint64_t>> begun;  // characters, and their kinds
  for (std::size_t at = 0; at < bytes.size();) {
    const Utf8Step step = read_utf8(bytes, at);
    std::uint8_t kind = step.state == Utf8State::good ? kWide : kBroken;
    if (kind == kWide && step.code < kKinds.size()) kind = kKinds[step.code];
    begun.emplace_back(at, kind_bit(kind));
    at += step.length;
  }
  std::uint64_t kinds = 0;
  for (auto one = begun.rbegin(); one != begun.rend(); ++one) nodes_[path[one->first]].kinds |= kinds |= one->second;
}

void TokenTrie::mark_allowed(Matcher& matcher, Matcher::State state, TokenMask& mask) const {
  mask.assign((sorted_.size() + 63) / 64, 0);
  const auto mark = [&](std::uint32_t first, std::uint32_t end) {
    for (std::uint32_t place = first; place < end;) {
      const std::uint32_t n = std::min(end - place, 64 - (place & 63));
      mask[place >> 6] |= (~std::uint64_t{0} >> (64 - n)) << (place & 63);
      place += n;
    }
  };
  // Whole branches at once, where anything goes.
  const Matcher::FreeRun run = matcher.free_run(state);
  std::uint64_t others = kind_bit(kBroken) | (run.wide ? 0 : kind_bit(kWide));
  for (std::size_t byte = 0; byte < kKinds.size(); ++byte) {
    if (!run.ascii[byte]) others |= kind_bit(kKinds[byte]);
  }
  struct Place {
    Matcher::State state;
    bool inside;  // the run: all before is of it
    int missing;  // bytes of a character that has begun
  };
  std::vector<Place> places(deepest_ + 1);  // by depth
  places[0] = {state, true, 0};
  for (std::size_t i = 0; i < nodes_.size();) {
    const Node& node = nodes_[i];
    const Place& before = places[node.depth];
    if (before.inside && before.missing == 0 && (node.kinds & others) == 0 && node.depth + static_cast<std::size_t>(node.height) <= run.length) {
      mark(node.first, end_of(i));
      i = node.skip;
      continue;
    }
    const Matcher::State next = matcher.next(before.state, node.byte);
    if (next == Matcher::kDead) {
      i = node.skip;
      continue;
    }
    const bool wide = node.byte > 0x7F;
    places[node.depth + 1U] = {next, before.inside && (wide ? run.wide : run.ascii[node.byte]), before.missing > 0 ? before.missing - 1 : wide ? std::countl_one(node.byte) - 1 : 0};
    mark(node.first, node.first + n_here(i));
    ++i;
  }
}

std::int32_t TokenTrie::first_of(std::string_view text) const {
  // Behind a line's end no space is put before it, and none of its own is lost.
  const std::string line = "\n" + std::string(text);
  bool inside = false;
  for (const TokenId token : tokenizer_.encode(line, {})) {
    const std::string_view bytes = this->bytes(token);
    if (inside) return !bytes.empty() && text.starts_with(bytes) ? token : kNoToken;
    inside = bytes.ends_with('\n');
  }
  return kNoToken;
}

}  // namespace foreword::engine
