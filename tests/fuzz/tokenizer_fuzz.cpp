// Vocabularies and texts from nowhere: reading one may fail with an Error, encoding and decoding never do.
//
// Input: byte 0 chooses the model, byte 1 the word rule, byte 2 flags, byte 3 the number of tokens, byte 4 of merges;
// then each token is a type and score byte and a short text, each merge a short text. The rest is the text, which a
// fixed tiny vocabulary of each model gets too.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/log.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/unicode.h"

namespace {

using namespace foreword::engine;

class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  unsigned byte() {
    if (rest_.empty()) return 0;
    const auto first = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return first;
  }
  std::string text(std::size_t longest) {
    const std::size_t n = std::min<std::size_t>(byte() % (longest + 1), rest_.size());
    const std::string taken(rest_.substr(0, n));
    rest_.remove_prefix(n);
    return taken;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

void require(bool holds) {
  if (!holds) std::abort();
}

void use(const Tokenizer& tokenizer, std::string_view text, bool gives_back_bytes) {
  for (const bool flag : {false, true}) {
    const std::vector<TokenId> ids = tokenizer.encode(text, {.add_special = flag, .parse_special = flag});
    for (const TokenId id : ids) require(id >= 0 && id < tokenizer.size());
    std::string whole = tokenizer.decode(ids, {.show_special = flag, .clean_spaces = false});
    if (gives_back_bytes && !flag) require(whole == text);
    (void)tokenizer.decode(ids, {.show_special = flag, .clean_spaces = true});

    StreamDecoder stream(tokenizer, true, flag);
    std::string streamed;
    for (const TokenId id : ids) streamed += stream.push(id);
    streamed += stream.finish();
    require(streamed == take_valid_utf8(whole, true));

    const std::size_t half = text.size() / 2;
    const std::vector<TextSpan> spans = {{std::string(text.substr(0, half)), flag},
                                         {std::string(text.substr(half)), false}};
    for (const TokenId id : tokenizer.encode(spans, {.add_special = flag, .parse_special = true})) {
      require(id >= 0 && id < tokenizer.size());
    }
  }
}

Metadata tiny_byte_level(const std::string& rule) {
  std::vector<std::string> tokens, merges;
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
    tokens.emplace_back();
    append_utf8(tokens.back(), printable ? byte : next++);
  }
  for (const char* merge : {"a a", "aa a", "\xC4\xA0 a", "0 1", "\xC4\xA0 \xC4\xA0"}) {
    merges.emplace_back(merge);
    tokens.push_back(merges.back());
    std::erase(tokens.back(), ' ');
  }
  Metadata metadata;
  metadata.set("tokenizer.ggml.model", {std::string("gpt2")});
  metadata.set("tokenizer.ggml.pre", {rule});
  metadata.set("tokenizer.ggml.tokens", {tokens});
  metadata.set("tokenizer.ggml.merges", {merges});
  return metadata;
}

Metadata tiny_sentence_piece() {
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>", "a", "aa", "\xE2\x96\x81", "\xE2\x96\x81" "a", "<0x0A>"};
  Metadata metadata;
  metadata.set("tokenizer.ggml.model", {std::string("llama")});
  metadata.set("tokenizer.ggml.tokens", {tokens});
  metadata.set("tokenizer.ggml.token_type", {std::vector<std::int64_t>{2, 3, 3, 1, 1, 1, 1, 6}});
  metadata.set("tokenizer.ggml.scores", {std::vector<double>{0, 0, 0, -4, -3, -2, -1, 0}});
  return metadata;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  foreword::set_log_level(foreword::LogLevel::error);  // most inputs deserve a warning
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const char* const kRules[] = {"default", "llama-bpe", "qwen2",        "gpt-2",          "starcoder",
                                       "falcon",  "tekken",    "gpt-4o",       "deepseek-llm",   "deepseek-coder",
                                       "deepseek-v3", "?"};
  Bytes bytes(data, size);
  const bool is_byte_level = bytes.byte() % 2;
  const std::string rule = kRules[bytes.byte() % std::size(kRules)];
  const unsigned flags = bytes.byte();
  const unsigned n_tokens = bytes.byte() % 64, n_merges = bytes.byte() % 32;
  std::vector<std::string> tokens, merges;
  std::vector<std::int64_t> types;
  std::vector<double> scores;
  for (unsigned i = 0; i < n_tokens; ++i) {
    const unsigned kind = bytes.byte();
    types.push_back(kind % 9 - 1);
    scores.push_back(static_cast<double>(kind / 9) - 12);
    tokens.push_back(bytes.text(7));
  }
  for (unsigned i = 0; i < n_merges; ++i) merges.push_back(bytes.text(7));

  Metadata metadata;
  metadata.set("tokenizer.ggml.model", {std::string(is_byte_level ? "gpt2" : "llama")});
  metadata.set("tokenizer.ggml.pre", {rule});
  metadata.set("tokenizer.ggml.tokens", {tokens});
  metadata.set("tokenizer.ggml.merges", {merges});
  if (flags & 1) metadata.set("tokenizer.ggml.token_type", {types});
  if (flags & 2) metadata.set("tokenizer.ggml.scores", {scores});
  if (flags & 4) metadata.set("tokenizer.ggml.add_bos_token", {bool(flags & 8)});
  if (flags & 16) metadata.set("tokenizer.ggml.bos_token_id", {std::int64_t{flags}});
  if (flags & 32) metadata.set("general.name", {std::string("Phi-3")});
  if (flags & 64) metadata.set("tokenizer.ggml.add_space_prefix", {bool(flags & 8)});
  if (flags & 128) metadata.set("tokenizer.ggml.add_eos_token", {bool(flags & 8)});
  const auto made = Tokenizer::from_gguf(metadata);
  if (made) {
    use(*made, bytes.rest(), false);
  } else {
    require(!made.error().message.empty());
  }

  static const Tokenizer kPieces = *Tokenizer::from_gguf(tiny_sentence_piece());
  use(kPieces, bytes.rest(), false);
  if (rule != "?") {
    static std::map<std::string, Tokenizer> by_rule;
    if (!by_rule.contains(rule)) by_rule.emplace(rule, *Tokenizer::from_gguf(tiny_byte_level(rule)));
    use(by_rule.at(rule), bytes.rest(), true);
  }
  return 0;
}
