#include "engine/tokenizer/byte_level.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <queue>

#include "engine/tokenizer/unicode.h"

namespace foreword::engine {

namespace {

constexpr bool is_printable(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct ByteCharacters {
  std::array<char32_t, 256> of_byte{};
  std::array<int, 0x144> to_byte{};  // the highest character is U+0143

  constexpr ByteCharacters() {
    to_byte.fill(-1);
    char32_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
      const char32_t character = is_printable(byte) ? static_cast<char32_t>(byte) : next++;
      of_byte[static_cast<std::size_t>(byte)] = character;
      to_byte[character] = byte;
    }
  }
};

constexpr ByteCharacters kByteCharacters;

std::string token_text_of(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) append_utf8(text, character_of_byte(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

char32_t character_of_byte(unsigned char byte) { return kByteCharacters.of_byte[byte]; }

int byte_of_character(char32_t character) {
  return character < kByteCharacters.to_byte.size() ? kByteCharacters.to_byte[character] : -1;
}

ByteLevel::Ranks::Ranks(std::size_t n) : slots_(std::bit_ceil(2 * n + 1)) {}

std::size_t ByteLevel::Ranks::first_slot(Symbol left, Symbol right) const {
  // The finaliser of SplitMix64 (Steele, Lea and Flood 2014).
  std::uint64_t key = (std::uint64_t{left} << 32 | right) + 0x9E3779B97F4A7C15u;
  key = (key ^ (key >> 30)) * 0xBF58476D1CE4E5B9u;
  key = (key ^ (key >> 27)) * 0x94D049BB133111EBu;
  return (key ^ (key >> 31)) & (slots_.size() - 1);
}

void ByteLevel::Ranks::add(Symbol left, Symbol right, std::uint32_t rank) {
  std::size_t at = first_slot(left, right);
  for (; slots_[at].rank != kNoRank; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].left == left && slots_[at].right == right) return;
  }
  slots_[at] = {left, right, rank};
}

std::uint32_t ByteLevel::Ranks::find(Symbol left, Symbol right) const {
  std::size_t at = first_slot(left, right);
  while (slots_[at].rank != kNoRank && (slots_[at].left != left || slots_[at].right != right)) {
    at = (at + 1) & (slots_.size() - 1);
  }
  return slots_[at].rank;
}

Result<std::unique_ptr<ByteLevel>> ByteLevel::create(const TokenTable& tokens, const std::vector<std::string>& merges,
                                                     const PreTokenizer& pre) {
  std::unique_ptr<ByteLevel> model(new ByteLevel(tokens, pre, merges.size()));
  model->first_extra_ = static_cast<Symbol>(tokens.size());
  std::unordered_map<std::string, Symbol> extras;
  const auto symbol_of = [&](const std::string& text) {
    const TokenId id = tokens.find(text);
    if (id != kNoToken) return static_cast<Symbol>(id);
    const auto next = model->first_extra_ + static_cast<Symbol>(extras.size());
    return extras.try_emplace(text, next).first->second;
  };
  for (std::size_t byte = 0; byte < 256; ++byte) {
    model->byte_symbols_[byte] = symbol_of(token_text_of(std::string(1, static_cast<char>(byte))));
  }
  model->merges_.reserve(merges.size());
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const std::string& entry = merges[rank];
    const std::size_t space = entry.find(' ', 1);
    if (space == entry.npos) {
      return Error{ErrorCode::corrupt, "The model file is damaged: entry " + std::to_string(rank) +
                                           " of tokenizer.ggml.merges has no space between its two parts."};
    }
    const std::string left = entry.substr(0, space), right = entry.substr(space + 1);
    model->merges_.push_back({symbol_of(left), symbol_of(right), symbol_of(left + right)});
    model->ranks_.add(model->merges_[rank].left, model->merges_[rank].right, static_cast<std::uint32_t>(rank));
  }
  return model;
}

/// Room for one word's merging, kept from word to word.
struct ByteLevel::Scratch {
  static constexpr std::uint32_t kEnd = UINT32_MAX;
  static constexpr Symbol kMerged = UINT32_MAX;
  struct Piece {  // the piece that begins at this byte of the word
    Symbol symbol;
    std::uint32_t previous, next;
  };
  std::vector<Piece> pieces;
  // Rank, then place in the word; the lowest first. A pair is stale if the symbols at its place are no longer its own.
  std::priority_queue<std::uint64_t, std::vector<std::uint64_t>, std::greater<>> pairs;
};

void ByteLevel::encode(std::string_view stretch, bool, WordCache& cache, std::vector<TokenId>& ids) const {
  Scratch scratch;
  std::size_t at = 0;
  cutter_.cut(to_units(stretch), [&](std::u32string_view units) {
    std::size_t bytes = 0;
    for (const char32_t unit : units) bytes += unit_bytes(unit);
    const std::string_view word = stretch.substr(at, bytes);
    at += bytes;
    if (cache.append_known(word, ids)) return;
    const std::size_t begin = ids.size();
    encode_word(word, scratch, ids);
    cache.remember(word, begin, ids);
  });
}

void ByteLevel::encode_word(std::string_view word, Scratch& scratch, std::vector<TokenId>& ids) const {
  if (whole_word_first_) {
    const TokenId whole = tokens_.find(token_text_of(word));
    if (whole != kNoToken) return ids.push_back(whole);
  }

  auto& [pieces, pairs] = scratch;
  constexpr std::uint32_t kEnd = Scratch::kEnd;
  pieces.clear();
  for (std::uint32_t i = 0; i < word.size(); ++i) {
    const auto byte = static_cast<unsigned char>(word[i]);
    pieces.push_back({byte_symbols_[byte], i == 0 ? kEnd : i - 1, i + 1 == word.size() ? kEnd : i + 1});
  }
  const auto propose = [&, &queue = pairs, &list = pieces](std::uint32_t left) {
    const std::uint32_t right = left == kEnd ? kEnd : list[left].next;
    if (right == kEnd) return;
    const std::uint32_t rank = ranks_.find(list[left].symbol, list[right].symbol);
    if (rank != Ranks::kNoRank) queue.push(std::uint64_t{rank} << 32 | left);
  };
  for (std::uint32_t i = 0; i < pieces.size(); ++i) propose(i);
  while (!pairs.empty()) {
    const auto place = static_cast<std::uint32_t>(pairs.top());
    const Merge& merge = merges_[pairs.top() >> 32];
    pairs.pop();
    Scratch::Piece& left = pieces[place];
    if (left.symbol != merge.left || left.next == kEnd || pieces[left.next].symbol != merge.right) continue;
    pieces[left.next].symbol = Scratch::kMerged;
    left.symbol = merge.result;
    left.next = pieces[left.next].next;
    if (left.next != kEnd) pieces[left.next].previous = place;
    propose(left.previous);
    propose(place);
  }

  for (std::uint32_t i = 0; i != kEnd; i = pieces[i].next) {
    if (pieces[i].symbol < first_extra_) {
      ids.push_back(static_cast<TokenId>(pieces[i].symbol));
      continue;
    }
    const std::size_t end = pieces[i].next == kEnd ? word.size() : pieces[i].next;
    for (std::size_t at = i; at < end; ++at) {
      const Symbol byte_symbol = byte_symbols_[static_cast<unsigned char>(word[at])];
      if (byte_symbol < first_extra_) ids.push_back(static_cast<TokenId>(byte_symbol));
    }
  }
}

void ByteLevel::decode_normal(std::string_view token_text, std::string& out) const {
  for (std::size_t at = 0; at < token_text.size();) {
    const Utf8Step step = read_utf8(token_text, at);
    const int byte = step.state == Utf8State::good ? byte_of_character(step.code) : -1;
    if (byte >= 0) {
      out += static_cast<char>(byte);
    } else {
      append_utf8(out, 0xFFFD);
    }
    at += step.length;
  }
}

}  // namespace foreword::engine
