#pragma once
// Text to token ids and back, as the model's own vocabulary says it. Immutable after creation; any thread may use it.
// Algorithms: SentencePiece BPE with byte fallback (`llama`), byte-level BPE with merges (`gpt2`).

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/gguf/gguf.h"

namespace foreword::engine {

using TokenId = std::int32_t;
inline constexpr TokenId kNoToken = -1;

/// A stretch of text with its origin. Control tokens are recognised only in trusted stretches (the chat template's own
/// bytes), never in what a person or a file wrote. Tokenising treats neighbouring stretches as one text: a split
/// between two untrusted stretches changes nothing.
struct TextSpan {
  std::string text;
  bool trusted = false;
  bool operator==(const TextSpan&) const = default;
};

struct EncodeOptions {
  bool add_special = false;    // BOS and EOS as the file says
  bool parse_special = false;  // control and unknown tokens in the text (user-defined ones always are)
};

struct DecodeOptions {
  bool show_special = false;  // print the text of control tokens
  bool clean_spaces = true;   // whole-text clean-up where the model's rule has it; never while streaming
};

/// The tokens of fill in the middle, as far as the vocabulary has them.
struct FillInMiddle {
  TokenId prefix = kNoToken, suffix = kNoToken, middle = kNoToken;
  TokenId pad = kNoToken, repository = kNoToken, separator = kNoToken;
};

class Tokenizer {
 public:
  /// Reads tokenizer.ggml.* . `unsupported` names the model or word rule that we do not know, `corrupt` the bad key.
  static Result<Tokenizer> from_gguf(const Metadata& metadata);

  std::vector<TokenId> encode(std::string_view text, const EncodeOptions& options) const;
  /// parse_special applies to the trusted stretches only. If the text begins with BOS and add_special adds one, there
  /// is one BOS (a template often writes it); the same at the end for EOS.
  std::vector<TokenId> encode(std::span<const TextSpan> spans, const EncodeOptions& options) const;

  /// Bytes, normally UTF-8 (a model can produce anything).
  std::string decode(std::span<const TokenId> ids, const DecodeOptions& options) const;

  /// Whether an answer to this prompt loses a space at its beginning when it is decoded, which encoding it there does not put back: neither
  /// white space nor a special token stands before it.
  bool loses_first_space(std::span<const TextSpan> prompt) const;

  /// Whether a text loses a space at its beginning when it is decoded from its first token on.
  bool drops_first_space() const;

  std::int64_t size() const;                       // vocabulary size
  std::string_view text(TokenId id) const;         // as it stands in the file, "" if out of range
  /// Appends what the token adds inside a text: its bytes with their leading space, nothing for control tokens.
  void append_bytes(TokenId id, std::string& out) const;
  TokenId find(std::string_view text) const;       // lowest id with exactly this text, or kNoToken
  TokenId bos() const;
  TokenId eos() const;
  /// What templates know as bos_token and eos_token: "" where the file names none and what is usual there is no control token.
  std::string_view bos_text() const;
  std::string_view eos_text() const;
  bool adds_bos() const;
  bool is_end_of_generation(TokenId id) const;
  bool is_control(TokenId id) const;
  const FillInMiddle& fill_in_middle() const;
  std::span<const TokenId> suppressed() const;     // ids that must never be sampled
  std::string_view model_name() const;             // "llama", "gpt2"

  struct Vocabulary;  // opaque

 private:
  friend class StreamDecoder;
  std::shared_ptr<const Vocabulary> vocabulary_;
};

/// Turns ids into text one by one and never gives out half a UTF-8 character: bytes that may still become one are
/// held back. The concatenation of all pieces equals decode() of all ids with clean_spaces off, with bytes that can
/// never become valid UTF-8 replaced by U+FFFD.
class StreamDecoder {
 public:
  /// `begins_text`: the first id begins a text, so that the model's leading space is dropped (decode()'s rule).
  StreamDecoder(const Tokenizer& tokenizer, bool begins_text, bool show_special = false);
  std::string push(TokenId id);
  std::string finish();  // what is left, U+FFFD for a cut-short character

 private:
  std::shared_ptr<const Tokenizer::Vocabulary> vocabulary_;
  std::string held_;
  bool first_;
  bool show_special_;
};

}  // namespace foreword::engine
