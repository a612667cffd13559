#include "engine/tokenizer/tokenizer.h"

#include <algorithm>

#include "engine/tokenizer/unicode.h"
#include "engine/tokenizer/vocabulary.h"

namespace foreword::engine {

namespace {

using Writer = SpecialToken::Writer;

struct ByteRange {
  std::size_t begin, end;
};

/// The ids of a text without BOS and EOS.
std::vector<TokenId> encode_body(const Tokenizer::Vocabulary& vocabulary, std::string_view text,
                                 const SpecialTokens::Allowed& allowed) {
  std::vector<TokenId> ids;
  WordCache cache;
  std::size_t done = 0;
  const auto encode_raw = [&](std::size_t end) {
    if (end > done) vocabulary.segmenter->encode(text.substr(done, end - done), true, cache, ids);
  };
  // Every raw stretch begins the text or follows a special token.
  for (const SpecialTokens::Hit& hit : vocabulary.specials.find(text, allowed)) {
    encode_raw(hit.begin);
    ids.push_back(hit.id);
    done = hit.end;
  }
  encode_raw(text.size());
  return ids;
}

/// One after the other: a space before ? ! . , goes, " ' " loses both spaces, a space before 's 'm 're 've goes.
std::string clean_spaces(std::string_view text) {
  std::string marks;
  for (const char c : text) {
    const bool is_mark = c == '?' || c == '!' || c == '.' || c == ',';
    if (is_mark && !marks.empty() && marks.back() == ' ') marks.pop_back();
    marks += c;
  }
  std::string quotes;
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const bool alone = marks[i] == '\'' && i + 1 < marks.size() && marks[i + 1] == ' ';
    if (alone && !quotes.empty() && quotes.back() == ' ') {
      quotes.back() = '\'';
      ++i;
    } else {
      quotes += marks[i];
    }
  }
  std::string endings;
  for (std::size_t i = 0; i < quotes.size(); ++i) {
    const std::string_view rest = std::string_view(quotes).substr(i);
    const bool shortened = rest.substr(0, 2) == "'s" || rest.substr(0, 2) == "'m" || rest.substr(0, 3) == "'re" ||
                           rest.substr(0, 3) == "'ve";
    if (shortened && !endings.empty() && endings.back() == ' ') endings.pop_back();
    endings += quotes[i];
  }
  return endings;
}

}  // namespace

Result<Tokenizer> Tokenizer::from_gguf(const Metadata& metadata) {
  Tokenizer tokenizer;
  FW_ASSIGN(tokenizer.vocabulary_, Vocabulary::read(metadata));
  return tokenizer;
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  const auto allowed = [&](const SpecialToken& token, std::size_t, std::size_t) {
    return options.parse_special || token.writer != Writer::template_only;
  };
  std::vector<TokenId> ids = encode_body(*vocabulary_, text, allowed);
  if (options.add_special && vocabulary_->adds_bos) ids.insert(ids.begin(), vocabulary_->bos);
  if (options.add_special && vocabulary_->adds_eos) ids.push_back(vocabulary_->eos);
  return ids;
}

std::vector<TokenId> Tokenizer::encode(std::span<const TextSpan> spans, const EncodeOptions& options) const {
  std::string text;
  std::vector<ByteRange> trusted;  // from left to right, never touching
  for (const TextSpan& span : spans) {
    const std::size_t begin = text.size();
    text += span.text;
    if (!span.trusted || span.text.empty()) continue;
    if (!trusted.empty() && trusted.back().end == begin) {
      trusted.back().end = text.size();
    } else {
      trusted.push_back({begin, text.size()});
    }
  }
  const auto is_trusted = [&](std::size_t begin, std::size_t end) {
    const auto after = std::upper_bound(trusted.begin(), trusted.end(), begin,
                                        [](std::size_t at, const ByteRange& range) { return at < range.begin; });
    return after != trusted.begin() && end <= std::prev(after)->end;
  };
  const auto allowed = [&](const SpecialToken& token, std::size_t begin, std::size_t end) {
    switch (token.writer) {
      case Writer::anyone:
        return true;
      case Writer::anyone_without_origin:
        return is_trusted(begin, end);
      case Writer::template_only:
        return options.parse_special && is_trusted(begin, end);
    }
    return false;
  };
  std::vector<TokenId> ids = encode_body(*vocabulary_, text, allowed);
  const Vocabulary& v = *vocabulary_;
  if (options.add_special && v.adds_bos && (ids.empty() || ids.front() != v.bos)) ids.insert(ids.begin(), v.bos);
  if (options.add_special && v.adds_eos && (ids.empty() || ids.back() != v.eos)) ids.push_back(v.eos);
  return ids;
}

std::string Tokenizer::decode(std::span<const TokenId> ids, const DecodeOptions& options) const {
  std::string text;
  for (std::size_t i = 0; i < ids.size(); ++i) vocabulary_->append_piece(ids[i], i == 0, options.show_special, text);
  return options.clean_spaces && vocabulary_->cleans_spaces ? clean_spaces(text) : text;
}

bool Tokenizer::drops_first_space() const { return vocabulary_->drops_first_space; }

bool Tokenizer::loses_first_space(std::span<const TextSpan> prompt) const {
  if (!vocabulary_->drops_first_space) return false;
  const auto last = std::ranges::find_if(prompt.rbegin(), prompt.rend(), [](const TextSpan& span) { return !span.text.empty(); });
  if (last == prompt.rend() || std::string_view(" \t\r\n").find(last->text.back()) != std::string_view::npos) return false;
  const std::vector<TokenId> ids = encode(prompt, {.parse_special = true});
  const TokenType type = ids.empty() ? TokenType::undefined : vocabulary_->tokens.type(ids.back());
  return type == TokenType::normal || type == TokenType::byte;
}

std::int64_t Tokenizer::size() const { return vocabulary_->tokens.size(); }
std::string_view Tokenizer::text(TokenId id) const { return vocabulary_->tokens.text(id); }
void Tokenizer::append_bytes(TokenId id, std::string& out) const { vocabulary_->append_piece(id, false, false, out); }
TokenId Tokenizer::find(std::string_view text) const { return vocabulary_->tokens.find(text); }
TokenId Tokenizer::bos() const { return vocabulary_->bos; }
TokenId Tokenizer::eos() const { return vocabulary_->eos; }
std::string_view Tokenizer::bos_text() const { return vocabulary_->names_bos || is_control(vocabulary_->bos) ? text(vocabulary_->bos) : ""; }
std::string_view Tokenizer::eos_text() const { return vocabulary_->names_eos || is_control(vocabulary_->eos) ? text(vocabulary_->eos) : ""; }
bool Tokenizer::adds_bos() const { return vocabulary_->adds_bos; }
const FillInMiddle& Tokenizer::fill_in_middle() const { return vocabulary_->roles.fill_in_middle; }
std::span<const TokenId> Tokenizer::suppressed() const { return vocabulary_->suppressed; }
std::string_view Tokenizer::model_name() const { return vocabulary_->model; }

bool Tokenizer::is_end_of_generation(TokenId id) const {
  const std::vector<TokenId>& ends = vocabulary_->roles.end_of_generation;
  return std::binary_search(ends.begin(), ends.end(), id);
}

bool Tokenizer::is_control(TokenId id) const { return vocabulary_->tokens.type(id) == TokenType::control; }

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, bool begins_text, bool show_special)
    : vocabulary_(tokenizer.vocabulary_), first_(begins_text), show_special_(show_special) {}

std::string StreamDecoder::push(TokenId id) {
  vocabulary_->append_piece(id, first_, show_special_, held_);
  first_ = false;
  return take_valid_utf8(held_, false);
}

std::string StreamDecoder::finish() { return take_valid_utf8(held_, true); }

}  // namespace foreword::engine
