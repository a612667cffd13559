#include "engine/tokenizer/token_roles.h"

#include <algorithm>
#include <initializer_list>
#include <string>

#include "engine/base/log.h"

namespace foreword::engine {

namespace {

// Tokens with one of these texts end an answer, whatever the file says about them.
constexpr std::string_view kEndTexts[] = {
    "<|eot_id|>",    "<|im_end|>",   "<|end|>",          "<|return|>",      "<|call|>", "<|flush|>",
    "<|calls|>",     "<end_of_turn>", "<|endoftext|>",   "</s>",            "<|eom_id|>", "<EOT>",
    "_<EOT>",        "[EOT]",        "[EOS]",            "<|end_of_text|>", "<end_of_utterance>", "<eos>",
    "<turn|>",       "<|tool_response>", "<｜end▁of▁sentence｜>"};

// Tokens whose text is part of what the model says: they tell its thoughts (gpt-oss, Magistral and Ministral) from its answer.
constexpr std::string_view kShownTexts[] = {"<|channel|>", "<|message|>", "<|start|>", "<|constrain|>", "[THINK]", "[/THINK]"};

/// A token with a job: the keys that may name it, newest first, and the texts by which it is known otherwise.
struct Role {
  TokenId FillInMiddle::*token;
  std::initializer_list<std::string_view> keys;
  std::initializer_list<std::string_view> texts;
  bool ends_generation;
};

const Role kFillInMiddleRoles[] = {
    {&FillInMiddle::prefix,
     {"fim_pre_token_id", "prefix_token_id"},
     {"<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>", "<|code_prefix|>",
      "<|prefix|>"},
     false},
    {&FillInMiddle::suffix,
     {"fim_suf_token_id", "suffix_token_id"},
     {"<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>", "<SUF>", "▁<SUF>", "<|code_suffix|>",
      "<|suffix|>"},
     false},
    {&FillInMiddle::middle,
     {"fim_mid_token_id", "middle_token_id"},
     {"<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>", "<MID>", "▁<MID>", "<|code_middle|>",
      "<|middle|>"},
     false},
    {&FillInMiddle::pad, {"fim_pad_token_id"}, {"<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"}, true},
    {&FillInMiddle::repository,
     {"fim_rep_token_id"},
     {"<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"},
     true},
    {&FillInMiddle::separator, {"fim_sep_token_id"}, {"<|file_sep|>"}, true},
};

constexpr std::string_view kEndOfTurnTexts[] = {
    "<|eot_id|>",      "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>",
    "<|end_of_text|>", "<EOT>",      "_<EOT>",  "[EOT]",         "<｜end▁of▁sentence｜>", "<end_of_utterance>"};

template <class Texts>
TokenId first_of(const TokenTable& tokens, const Texts& texts) {
  for (const std::string_view text : texts) {
    const TokenId id = tokens.find(text);
    if (id != kNoToken) return id;
  }
  return kNoToken;
}

void set_types(TokenTable& tokens, std::string_view text, TokenType type) {
  for (const TokenId id : tokens.find_all(text)) tokens.set_type(id, type);
}

/// A vocabulary in which one end text is something else. All of `needed` exist: `leaves` does not end an answer.
struct EndException {
  std::initializer_list<std::string_view> needed;
  std::string_view leaves;
  TokenType becomes;
};

const EndException kEndExceptions[] = {
    {{"<|return|>", "<|call|>", "<|end|>"}, "<|end|>", TokenType::user_defined},
    {{"<|call|>", "<|flush|>", "<|end|>"}, "<|end|>", TokenType::user_defined},
    {{"<|calls|>", "<|flush|>", "<|end|>"}, "<|end|>", TokenType::user_defined},
    {{"<|tool_response>", "</s>"}, "</s>", TokenType::normal},
};

}  // namespace

Result<TokenId> read_token_id(const Metadata& metadata, std::string_view name, TokenId otherwise,
                              const TokenTable& tokens) {
  const std::string key = "tokenizer.ggml." + std::string(name);
  FW_ASSIGN(const auto id, metadata.integer(key));
  if (id && *id >= 0 && *id < tokens.size()) return static_cast<TokenId>(*id);
  if (id) log(LogLevel::warning, key + " is outside the vocabulary; it is ignored");
  return tokens.has(otherwise) ? otherwise : kNoToken;
}

Result<TokenRoles> read_roles(const Metadata& metadata, TokenId eos, TokenTable& tokens) {
  TokenRoles roles;
  std::vector<TokenId>& ends = roles.end_of_generation;
  std::vector<TokenId> control_in_file;
  for (TokenId id = 0; id < tokens.size(); ++id) {
    if (tokens.type(id) == TokenType::control) control_in_file.push_back(id);
  }

  for (const Role& role : kFillInMiddleRoles) {
    TokenId& token = roles.fill_in_middle.*role.token;
    for (const std::string_view key : role.keys) {
      if (token == kNoToken) {
        FW_ASSIGN(token, read_token_id(metadata, key, kNoToken, tokens));
      }
    }
    if (token == kNoToken) token = first_of(tokens, role.texts);
    for (const std::string_view text : role.texts) set_types(tokens, text, TokenType::control);
    if (role.ends_generation) ends.push_back(token);
  }

  for (const std::string_view text : kEndTexts) {
    set_types(tokens, text, TokenType::control);
    const std::vector<TokenId> all = tokens.find_all(text);
    ends.insert(ends.end(), all.begin(), all.end());
  }
  for (const std::string_view text : kShownTexts) set_types(tokens, text, TokenType::user_defined);

  FW_ASSIGN(const TokenId end_of_turn,
            read_token_id(metadata, "eot_token_id", first_of(tokens, kEndOfTurnTexts), tokens));
  FW_ASSIGN(const TokenId end_of_message, read_token_id(metadata, "eom_token_id", tokens.find("<|eom_id|>"), tokens));
  ends.insert(ends.end(), {eos, end_of_turn, end_of_message});

  for (const EndException& exception : kEndExceptions) {
    const bool applies = std::all_of(exception.needed.begin(), exception.needed.end(),
                                     [&](std::string_view text) { return tokens.find(text) != kNoToken; });
    if (!applies) continue;
    for (const TokenId id : tokens.find_all(exception.leaves)) {
      tokens.set_type(id, exception.becomes);
      std::erase(ends, id);
    }
  }

  std::erase(ends, kNoToken);
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  for (const TokenId id : control_in_file) {
    if (tokens.type(id) == TokenType::user_defined) roles.shown_control.push_back(id);
  }
  return roles;
}

}  // namespace foreword::engine
