#include "app/server/chances.h"

#include <algorithm>
#include <cmath>

namespace foreword::app {
namespace {

/// What stands for "impossible", which JSON has no number for, in OpenAI's interface.
constexpr double kImpossible = -9999;

Json number(float log_p) {
  if (std::isnan(log_p)) return nullptr;
  return std::max(static_cast<double>(log_p), kImpossible);
}

Json bytes_of(const std::string& text) {
  Json bytes = Json::array();
  for (const char byte : text) bytes.push_back(static_cast<unsigned char>(byte));
  return bytes;
}

Json entry(const engine::TokenChance& token) { return {{"token", token.bytes}, {"logprob", number(token.log_p)}, {"bytes", bytes_of(token.bytes)}}; }

}  // namespace

void ChanceQueue::add(const std::vector<engine::TokenChances>& tokens, std::size_t later) {
  for (const engine::TokenChances& token : tokens) {
    tokens_.push_back(token);
    tokens_.back().begin += static_cast<std::int64_t>(later);
  }
}

std::vector<engine::TokenChances> ChanceQueue::take(std::size_t begin, std::size_t end) {
  std::vector<engine::TokenChances> taken;
  while (!tokens_.empty() && static_cast<std::size_t>(tokens_.front().begin) < end) {
    engine::TokenChances token = std::move(tokens_.front());
    tokens_.pop_front();
    const std::int64_t until = tokens_.empty() ? token.begin + std::ssize(token.chosen.bytes) : tokens_.front().begin;
    const bool before = static_cast<std::size_t>(token.begin) < begin && static_cast<std::size_t>(until) <= begin;
    if (!before) taken.push_back(std::move(token));
  }
  return taken;
}

Json chat_chances(const std::vector<engine::TokenChances>& tokens) {
  Json content = Json::array();
  for (const engine::TokenChances& token : tokens) {
    content.push_back(entry(token.chosen));
    Json& best = content.back()["top_logprobs"] = Json::array();
    for (const engine::TokenChance& one : token.best) best.push_back(entry(one));
  }
  return {{"content", std::move(content)}, {"refusal", nullptr}};
}

Json text_chances(const std::vector<engine::TokenChances>& tokens, std::string_view text, int n_best) {
  Json names = Json::array(), own = Json::array(), best = Json::array(), offsets = Json::array();
  std::size_t at = 0;
  std::int64_t characters = 0;
  for (const engine::TokenChances& token : tokens) {
    for (; at < text.size() && static_cast<std::int64_t>(at) < token.begin; ++at) characters += (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
    names.push_back(token.chosen.bytes);
    own.push_back(number(token.chosen.log_p));
    offsets.push_back(characters);
    if (std::isnan(token.chosen.log_p)) {
      best.push_back(nullptr);
      continue;
    }
    Json& all = best.emplace_back(Json::object());
    for (const engine::TokenChance& one : token.best) all.emplace(one.bytes, number(one.log_p));
  }
  return {{"tokens", std::move(names)}, {"token_logprobs", std::move(own)}, {"top_logprobs", n_best > 0 ? std::move(best) : Json()}, {"text_offset", std::move(offsets)}};
}

}  // namespace foreword::app
