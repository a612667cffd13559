#include "app/eval_model.h"

#include <algorithm>
#include <cmath>

#include "engine/log_sum_exp.h"
#include "engine/sampling/sampler.h"
#include "engine/stop_filter.h"
#include "engine/template/prompt.h"

namespace foreword::app {

using engine::TokenId;

namespace {

/// Tokens that an answer may be longer than the one that is wanted before it is given up.
constexpr std::int64_t kSpareTokens = 32;

/// Marks everything but the answer, the last stretch that is not the template's, as not to be measured. False: the
/// template changed the answer.
bool leave_answer(std::vector<engine::TextSpan>& spans, const std::string& wanted) {
  const auto answer = std::find_if(spans.rbegin(), spans.rend(), [](const auto& span) { return !span.trusted; });
  if (answer == spans.rend() || normal_space(answer->text) != normal_space(wanted)) return false;
  for (auto span = spans.rbegin(); span != spans.rend(); ++span) {
    if (span != answer) span->trusted = true;
  }
  return true;
}

/// Neighbours of one origin as one stretch.
std::vector<engine::TextSpan> joined(const std::vector<engine::TextSpan>& spans) {
  std::vector<engine::TextSpan> result;
  for (const engine::TextSpan& span : spans) {
    if (span.text.empty()) continue;
    if (!result.empty() && result.back().trusted == span.trusted) {
      result.back().text += span.text;
    } else {
      result.push_back(span);
    }
  }
  return result;
}

}  // namespace

std::tm fixed_day() {
  std::tm day{};
  day.tm_year = 126;
  day.tm_mday = 1;
  day.tm_wday = 4;
  return day;
}

void EvalScore::add(const EvalScore& other) {
  nats += other.nats;
  tokens += other.tokens;
  bytes += other.bytes;
}
std::optional<double> EvalScore::bits_per_byte() const {
  return bytes > 0 ? std::optional(nats / std::log(2.0) / static_cast<double>(bytes)) : std::nullopt;
}
std::optional<double> EvalScore::nats_per_token() const {
  return tokens > 0 ? std::optional(nats / static_cast<double>(tokens)) : std::nullopt;
}

/// The token's bytes inside a text. A tokenizer drops a space at a text's beginning, so the second of two is looked at.
const std::string& EvalModel::piece(TokenId id) {
  const engine::Tokenizer& tokenizer = *model_.tokenizer();
  if (pieces_.empty()) pieces_.resize(static_cast<std::size_t>(tokenizer.size()));
  std::optional<std::string>& known = pieces_[static_cast<std::size_t>(id)];
  if (!known) {
    const engine::DecodeOptions options{.show_special = true, .clean_spaces = false};
    const TokenId twice[] = {id, id};
    known = tokenizer.decode(twice, options).substr(tokenizer.decode(std::span(twice).first(1), options).size());
  }
  return *known;
}

/// The rendered turns as the session renders them, but complete: no answer is asked for.
std::optional<std::vector<engine::TextSpan>> EvalModel::rendered(const EvalRecord& record) const {
  engine::ChatTemplateOptions options;
  options.add_generation_prompt = false;
  options.now = fixed_day();
  options.thinking = false;
  auto spans = render_chat(*model_.chat_template(), *model_.tokenizer(), record.turns, std::move(options));
  if (!spans) return std::nullopt;
  return joined(*spans);
}

std::optional<EvalTokens> EvalModel::tokens_of(const EvalRecord& record) {
  const engine::Tokenizer& tokenizer = *model_.tokenizer();
  EvalTokens tokens;
  std::vector<engine::TextSpan> spans = {{record.text, false}};
  if (kEvalKinds[record.kind].has_turns) {
    auto chat = rendered(record);
    if (!chat) return std::nullopt;
    spans = std::move(*chat);
  }
  tokens.ids = kEvalKinds[record.kind].has_turns ? tokenizer.encode(spans, {.parse_special = true}) : tokenizer.encode(record.text, {});
  if (kEvalKinds[record.kind].answer_only && !leave_answer(spans, record.turns.back().content)) return std::nullopt;
  std::vector<std::string> pieces;
  for (const TokenId id : tokens.ids) pieces.push_back(piece(id));
  auto shares = token_shares(pieces, spans);
  if (!shares) return std::nullopt;
  tokens.shares = std::move(*shares);
  if (tokenizer.adds_bos() && !tokens.ids.empty() && tokens.ids.front() == tokenizer.bos()) {
    tokens.ids.erase(tokens.ids.begin());
    tokens.shares.erase(tokens.shares.begin());
  }
  return tokens;
}

Result<EvalScore> EvalModel::score(const EvalTokens& tokens) {
  const engine::Tokenizer& tokenizer = *model_.tokenizer();
  EvalScore score;
  for (const EvalWindow& window : cut_windows(tokens.ids, tokenizer.adds_bos() ? tokenizer.bos() : engine::kNoToken, model_.model().context)) {
    const auto share_of = [&](std::int64_t row) { return tokens.shares[static_cast<std::size_t>(window.first + row)]; };
    const std::int64_t n = std::ssize(window.tokens) - 1;  // the last one is only predicted
    const auto sequence = model_.cache().add_sequence();
    const auto result = model_.read(
        sequence, std::span(window.tokens).first(static_cast<std::size_t>(n)),
        [&](std::int64_t row) { return share_of(row).counted; },
        [&](std::int64_t row, std::span<const float> logits) {
          const auto target = static_cast<std::size_t>(window.tokens[static_cast<std::size_t>(row + 1)]);
          score.add({engine::log_sum_exp(logits).log_sum - logits[target], 1, share_of(row).bytes});
        });
    model_.cache().remove_sequence(sequence);
    FW_TRY(result);
  }
  return score;
}

/// Always the likeliest token, until the model ends, n_tokens are written, the context is full, or go_on says no.
Result<std::vector<TokenId>> EvalModel::write(std::span<const TokenId> prompt, std::int64_t n_tokens,
                                              const std::function<bool(TokenId)>& go_on) {
  const engine::Tokenizer& tokenizer = *model_.tokenizer();
  engine::SamplingParams greedy;
  greedy.temperature = 0;
  engine::Sampler sampler(greedy);
  std::vector<TokenId> written;
  std::vector<float> row;
  const auto keep = [&row](std::int64_t, std::span<const float> logits) { row.assign(logits.begin(), logits.end()); };
  const auto sequence = model_.cache().add_sequence();
  Result<void> result = model_.read(sequence, prompt, [&](std::int64_t i) { return i + 1 == std::ssize(prompt); }, keep);
  while (result && std::ssize(written) < n_tokens) {
    const auto named = engine::LogitRow(row).first(static_cast<std::size_t>(tokenizer.size()));
    const TokenId token = sampler.sample(named, {}, 0, tokenizer.suppressed());
    if (token < 0 || tokenizer.is_end_of_generation(token)) break;
    written.push_back(token);
    if (!go_on(token) || std::ssize(prompt) + std::ssize(written) >= model_.model().context) break;
    if (std::ssize(written) < n_tokens) result = model_.read(sequence, std::span(&written.back(), 1), [](std::int64_t) { return true; }, keep);
  }
  model_.cache().remove_sequence(sequence);
  if (!result) return result.error();
  return written;
}

Result<std::string> EvalModel::continuation(const std::string& opening, std::int64_t n_tokens) {
  FW_ASSIGN(const engine::Prompt prompt, encode_prompt(model_, opening, {}, fixed_day()));
  if (prompt.tokens.empty() || std::ssize(prompt.tokens) >= model_.model().context) return std::string();
  FW_ASSIGN(const auto written, write(prompt.tokens, n_tokens, [](TokenId) { return true; }));
  std::string text;
  for (const TokenId id : written) text += piece(id);
  return text;
}

Result<std::optional<bool>> EvalModel::repairs(const EvalRecord& edit) {
  const engine::Tokenizer& tokenizer = *model_.tokenizer();
  const std::vector<engine::ChatMessage> request(edit.turns.begin(), edit.turns.end() - 1);
  const auto prompt = encode_prompt(model_, request, {}, fixed_day(), false);
  if (!prompt) return std::optional<bool>();
  const std::string wanted = normal_space(edit.turns.back().content);
  const std::int64_t most = std::ssize(tokenizer.encode(wanted, {})) + kSpareTokens;
  if (prompt->tokens.empty() || std::ssize(prompt->tokens) + most > model_.model().context) return std::optional<bool>();
  engine::StreamDecoder decoder(tokenizer, true);
  const auto stops = model_.chat_template()->stop_strings();
  engine::StopFilter filter({stops.begin(), stops.end()});
  std::string found;
  FW_TRY(write(prompt->tokens, most, [&](TokenId id) {
    found += filter.push(decoder.push(id));
    return !filter.hit() && wanted.starts_with(normal_space(found));
  }));
  found += filter.push(decoder.finish()) + filter.finish();
  return std::optional<bool>(normal_space(found) == wanted);
}

}  // namespace foreword::app
