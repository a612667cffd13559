#pragma once
// The `gpt2` model: byte-level BPE with ranked merges (Radford et al. 2019).

#include <array>
#include <unordered_map>
#include <utility>

#include "engine/tokenizer/segmenter.h"
#include "engine/tokenizer/word_rules.h"

namespace foreword::engine {

class ByteLevel final : public Segmenter {
 public:
  /// `tokens` outlives this. `merges` are "LEFT RIGHT" by falling priority; the split is at the first space behind the
  /// first byte, and an entry without one is `corrupt`.
  static Result<std::unique_ptr<ByteLevel>> create(const TokenTable& tokens, const std::vector<std::string>& merges,
                                                   const PreTokenizer& pre);

  void encode(std::string_view stretch, bool fresh, WordCache& cache, std::vector<TokenId>& ids) const override;
  void decode_normal(std::string_view token_text, std::string& out) const override;

 private:
  // A symbol is a token id, or a number behind all ids for a text that only merges name.
  using Symbol = std::uint32_t;
  struct Merge {
    Symbol left, right, result;
  };
  /// (left, right) -> rank, by open addressing: this look-up is most of the work of merging.
  class Ranks {
   public:
    explicit Ranks(std::size_t n);
    void add(Symbol left, Symbol right, std::uint32_t rank);  // the first rank of a pair stays
    std::uint32_t find(Symbol left, Symbol right) const;      // kNoRank if there is none
    static constexpr std::uint32_t kNoRank = UINT32_MAX;

   private:
    struct Slot {
      Symbol left, right;
      std::uint32_t rank = kNoRank;
    };
    std::size_t first_slot(Symbol left, Symbol right) const;
    std::vector<Slot> slots_;
  };
  struct Scratch;

  ByteLevel(const TokenTable& tokens, const PreTokenizer& pre, std::size_t n_merges)
      : tokens_(tokens), cutter_(pre.rule), whole_word_first_(pre.whole_word_first), ranks_(n_merges) {}
  void encode_word(std::string_view word, Scratch& scratch, std::vector<TokenId>& ids) const;

  const TokenTable& tokens_;
  WordCutter cutter_;
  bool whole_word_first_;
  Symbol first_extra_ = 0;  // symbols from here on are no tokens
  std::array<Symbol, 256> byte_symbols_{};
  std::vector<Merge> merges_;  // by rank
  Ranks ranks_;
};

/// The character that stands for a byte in token texts: printable ones for themselves, the others from U+0100 on.
char32_t character_of_byte(unsigned char byte);
/// The inverse, or -1.
int byte_of_character(char32_t character);

}  // namespace foreword::engine
