// For oracle_test.py: reads schemas, writes texts of their grammars. One JSON object a line, in and out:
//   {"schema": TEXT, "seed": N, "samples": N, "texts": [TEXT...]}
//   {"error": SENTENCE, "code": NAME, "ms": N}  or  {"samples": [TEXT...], "fits": [BOOL...], "notes": [...], "ms": N, "steps": N}

#include <algorithm>
#include <chrono>
#include <deque>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>

#include "engine/grammar/matcher.h"
#include "engine/schema/json_schema.h"

namespace foreword::engine {
namespace {

constexpr std::size_t kMostStates = 30'000;  // looked at for an end

using Ways = std::vector<std::pair<std::uint8_t, Matcher::State>>;

/// One byte for each state that can be next: else nearly every byte would be a letter. `bytes` gets all of them.
Ways ways_from(Matcher& matcher, Matcher::State state, Ways* bytes = nullptr) {
  Ways ways;
  for (int byte = 0; byte < 256; ++byte) {
    const Matcher::State next = matcher.next(state, static_cast<std::uint8_t>(byte));
    if (next == Matcher::kDead) continue;
    if (bytes != nullptr) bytes->emplace_back(static_cast<std::uint8_t>(byte), next);
    if (std::ranges::find(ways, next, &Ways::value_type::second) == ways.end()) ways.emplace_back(static_cast<std::uint8_t>(byte), next);
  }
  return ways;
}

/// The shortest way to an end; nullopt: none is near.
std::optional<std::string> ending(Matcher& matcher, Matcher::State from) {
  struct Step {
    Matcher::State before;
    std::uint8_t byte;
  };
  std::map<Matcher::State, Step> known = {{from, {Matcher::kDead, 0}}};
  std::deque<Matcher::State> waiting = {from};
  for (; !waiting.empty() && known.size() < kMostStates; waiting.pop_front()) {
    const Matcher::State state = waiting.front();
    if (matcher.may_end(state)) {
      std::string text;
      for (Matcher::State at = state; at != from; at = known[at].before) text += static_cast<char>(known[at].byte);
      std::ranges::reverse(text);
      return text;
    }
    for (const auto& [byte, next] : ways_from(matcher, state)) {
      if (known.try_emplace(next, Step{state, byte}).second) waiting.push_back(next);
    }
  }
  return std::nullopt;
}

/// A random text of about `budget` bytes.
std::optional<std::string> sample(Matcher& matcher, std::mt19937& random, std::size_t budget) {
  std::string text;
  Matcher::State state = matcher.start();
  while (text.size() < budget) {
    Ways bytes;
    const Ways ways = ways_from(matcher, state, &bytes);
    if (ways.empty() || (matcher.may_end(state) && random() % 4 == 0)) break;
    const auto [byte, next] = random() % 2 == 0 ? ways[random() % ways.size()] : bytes[random() % bytes.size()];
    text += static_cast<char>(byte);
    state = next;
  }
  const auto end = ending(matcher, state);
  if (!end) return std::nullopt;
  return text + *end;
}

nlohmann::json answer(const nlohmann::json& request) {
  const auto begin = std::chrono::steady_clock::now();
  const auto form = json_form(request["schema"].get<std::string>());
  const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  if (!form) return {{"error", form.error().message}, {"code", name_of(form.error().code)}, {"ms", ms}};
  Matcher matcher(form->grammar);
  nlohmann::json samples = nlohmann::json::array(), fits = nlohmann::json::array();
  std::mt19937 random(request["seed"].get<unsigned>());
  const int n = request["samples"];
  for (int i = 0; i < n; ++i) {
    if (auto text = sample(matcher, random, random() % 300)) samples.push_back(*std::move(text));
  }
  for (const auto& text : request["texts"]) fits.push_back(matcher.may_end(matcher.next(matcher.start(), text.get_ref<const std::string&>())));
  return {{"samples", samples}, {"fits", fits}, {"notes", form->notes}, {"ms", ms}, {"steps", form->grammar->n_steps()}};
}

}  // namespace
}  // namespace foreword::engine

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << foreword::engine::answer(nlohmann::json::parse(line)).dump() << std::endl;
  }
}
