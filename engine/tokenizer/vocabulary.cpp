#include "engine/tokenizer/vocabulary.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "engine/base/log.h"
#include "engine/tokenizer/byte_level.h"
#include "engine/tokenizer/sentence_piece.h"
#include "engine/tokenizer/unicode.h"

namespace foreword::engine {

namespace {

constexpr std::string_view kKeys = "tokenizer.ggml.";
constexpr std::size_t kMostTokens = std::size_t{1} << 24;

std::string key(std::string_view name) { return std::string(kKeys) + std::string(name); }

Error corrupt(const std::string& what) { return {ErrorCode::corrupt, "The model file is damaged: " + what + "."}; }

/// What holds for a model if the file has no key for it.
struct ModelDefaults {
  std::string_view model;
  TokenId bos, eos, unknown;
  bool adds_bos, adds_eos, adds_space_prefix, cleans_spaces;
};

constexpr ModelDefaults kModels[] = {
    {"llama", 1, 2, 0, true, false, true, false},
    {"gpt2", 11, 11, kNoToken, false, false, false, true},
};

Result<bool> read_flag(const Metadata& metadata, std::string_view name, bool otherwise) {
  FW_ASSIGN(const auto found, metadata.boolean(key(name)));
  if (!found) return otherwise;
  return *found;
}

Result<void> fill_tokens(const Metadata& metadata, TokenTable& tokens) {
  FW_ASSIGN(const auto* texts, metadata.strings(key("tokens")));
  FW_ASSIGN(const auto* types, metadata.integer_array(key("token_type")));
  FW_ASSIGN(const auto scores, metadata.reals(key("scores")));
  if (texts == nullptr) return corrupt(key("tokens") + " is missing");
  if (texts->empty()) return corrupt(key("tokens") + " is empty");
  if (texts->size() > kMostTokens) return corrupt(key("tokens") + " has more than 16777216 entries");
  if (types != nullptr && types->size() < texts->size()) {
    return corrupt(key("token_type") + " has fewer entries than the vocabulary");
  }
  if (scores) {
    if (scores->size() < texts->size()) return corrupt(key("scores") + " has fewer entries than the vocabulary");
    if (std::any_of(scores->begin(), scores->end(), [](double score) { return std::isnan(score); })) {
      return corrupt(key("scores") + " holds something that is no number");
    }
  }
  tokens.fill(*texts, types, scores ? &*scores : nullptr);
  return {};
}

/// The row for the file's word rule.
Result<PreTokenizer> read_pre_tokenizer(const Metadata& metadata) {
  FW_ASSIGN(const auto name, metadata.string(key("pre")));
  if (!name) log(LogLevel::warning, key("pre") + " is missing: text is cut by a general rule and quality may suffer");
  const PreTokenizer* row = find_pre_tokenizer(name.value_or("default"));
  if (row != nullptr) return *row;
  std::string shown = *name;
  return Error{ErrorCode::unsupported, "The model uses the word rule " + take_valid_utf8(shown, true) +
                                           ", which this version does not know."};
}

/// Phi-3 was trained without the white space behind its special tokens; only the model's name tells. Its words stand apart in newer files.
bool strips_like_phi3(const std::string& general_name) {
  std::string name = general_name;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  constexpr std::string_view kSpellings[] = {"phi3", "phi-3", "phi_3", "phi 3"};
  return std::ranges::any_of(kSpellings, [&](std::string_view spelling) { return name.find(spelling) != name.npos; });
}

SpecialTokens collect_specials(const TokenTable& tokens, const TokenRoles& roles, bool strips) {
  using Writer = SpecialToken::Writer;
  std::vector<SpecialToken> specials;
  for (TokenId id = 0; id < tokens.size(); ++id) {
    const TokenType type = tokens.type(id);
    const std::string_view text = tokens.text(id);
    const bool user_defined = type == TokenType::user_defined;
    if (!user_defined && type != TokenType::control && type != TokenType::unknown) continue;
    const bool keeps_blanks = text == "<unk>" || text == "<s>" || text == "<|endoftext|>";
    const bool shown = std::binary_search(roles.shown_control.begin(), roles.shown_control.end(), id);
    specials.push_back({std::string(text), id, strips && !keeps_blanks,
                        !user_defined ? Writer::template_only
                        : shown       ? Writer::anyone_without_origin
                                      : Writer::anyone});
  }
  return SpecialTokens(std::move(specials));
}

}  // namespace

Result<std::shared_ptr<const Tokenizer::Vocabulary>> Tokenizer::Vocabulary::read(const Metadata& metadata) {
  auto vocabulary = std::make_shared<Vocabulary>();
  FW_ASSIGN(vocabulary->model, metadata.require_string(key("model")));
  const auto* found = std::find_if(std::begin(kModels), std::end(kModels),
                                   [&](const ModelDefaults& row) { return row.model == vocabulary->model; });
  if (found == std::end(kModels)) {
    std::string shown = vocabulary->model;
    return Error{ErrorCode::unsupported, "The model uses the tokenizer " + take_valid_utf8(shown, true) +
                                             ", which this version does not know."};
  }
  ModelDefaults defaults = *found;
  TokenTable& tokens = vocabulary->tokens;
  FW_TRY(fill_tokens(metadata, tokens));

  PreTokenizer pre;
  const bool is_byte_level = vocabulary->model == "gpt2";
  if (is_byte_level) {
    FW_ASSIGN(pre, read_pre_tokenizer(metadata));
    defaults.adds_bos = pre.adds_bos;
    if (pre.no_bos_id) defaults.bos = kNoToken;
    defaults.cleans_spaces = !pre.keeps_spaces;
  }

  FW_ASSIGN(vocabulary->bos, read_token_id(metadata, "bos_token_id", kNoToken, tokens));
  FW_ASSIGN(vocabulary->eos, read_token_id(metadata, "eos_token_id", kNoToken, tokens));
  vocabulary->names_bos = vocabulary->bos != kNoToken;
  vocabulary->names_eos = vocabulary->eos != kNoToken;
  if (!vocabulary->names_bos && vocabulary->tokens.has(defaults.bos)) vocabulary->bos = defaults.bos;
  if (!vocabulary->names_eos && vocabulary->tokens.has(defaults.eos)) vocabulary->eos = defaults.eos;
  FW_ASSIGN(vocabulary->unknown, read_token_id(metadata, "unknown_token_id", defaults.unknown, tokens));
  FW_ASSIGN(vocabulary->adds_bos, read_flag(metadata, "add_bos_token", defaults.adds_bos));
  FW_ASSIGN(vocabulary->adds_eos, read_flag(metadata, "add_eos_token", defaults.adds_eos));
  FW_ASSIGN(const bool adds_space_prefix, read_flag(metadata, "add_space_prefix", defaults.adds_space_prefix));
  if (vocabulary->adds_bos && vocabulary->bos == kNoToken) {
    return corrupt("it wants a token at the start of each text, but " + key("bos_token_id") + " names none");
  }
  if (vocabulary->adds_eos && vocabulary->eos == kNoToken) {
    return corrupt("it wants a token at the end of each text, but " + key("eos_token_id") + " names none");
  }
  vocabulary->cleans_spaces = defaults.cleans_spaces;

  FW_ASSIGN(const auto* suppressed, metadata.integer_array(key("suppress_tokens")));
  if (suppressed != nullptr) {
    for (const std::int64_t id : *suppressed) {
      if (id >= 0 && id < tokens.size()) vocabulary->suppressed.push_back(static_cast<TokenId>(id));
    }
  }

  FW_ASSIGN(vocabulary->roles, read_roles(metadata, vocabulary->eos, tokens));
  FW_ASSIGN(const auto name, metadata.string("general.name"));
  vocabulary->specials = collect_specials(tokens, vocabulary->roles, strips_like_phi3(name.value_or("")));

  if (is_byte_level) {
    FW_ASSIGN(const auto* merges, metadata.strings(key("merges")));
    if (merges == nullptr) return corrupt(key("merges") + " is missing");
    FW_ASSIGN(vocabulary->segmenter, ByteLevel::create(tokens, *merges, pre));
  } else {
    // Encoding puts the prefix there, so only this model has one to drop.
    vocabulary->drops_first_space = adds_space_prefix;
    vocabulary->segmenter = std::make_unique<SentencePiece>(tokens, vocabulary->unknown, adds_space_prefix);
  }
  return std::shared_ptr<const Vocabulary>(std::move(vocabulary));
}

void Tokenizer::Vocabulary::append_piece(TokenId id, bool first, bool show_special, std::string& out) const {
  const std::size_t begin = out.size();
  const std::string_view text = tokens.text(id);
  switch (tokens.type(id)) {
    case TokenType::normal:
      segmenter->decode_normal(text, out);
      break;
    case TokenType::user_defined:
      out += text;
      break;
    case TokenType::control:
    case TokenType::unknown:
      if (show_special) out += text;
      break;
    case TokenType::byte: {
      const int byte = byte_of_token_text(text);
      if (byte >= 0) {
        out += static_cast<char>(byte);
      } else {
        out += text;
      }
      break;
    }
    case TokenType::undefined:
    case TokenType::unused:
      break;
  }
  if (first && drops_first_space && begin < out.size() && out[begin] == ' ') out.erase(begin, 1);
}

}  // namespace foreword::engine
