#include "app/server/letters.h"

#include "engine/base/chance.h"
#include "engine/template/turns.h"

namespace foreword::app {

std::vector<engine::Generate> letters_of(const ApiRequest& request, bool same_seed) {
  engine::Generate letter;
  letter.sampling = request.sampling;
  if (!request.seeded && !same_seed) letter.sampling.seed = any_number();
  letter.max_tokens = request.max_tokens;
  letter.stop = request.stop;
  letter.form = request.form;
  letter.thinking = request.thinking;
  letter.answer_so_far = request.answer_so_far;
  letter.chances = request.chances;
  letter.tools = request.offer.tools;
  std::vector<engine::Generate> letters;
  const auto add = [&](const auto& prompt) {
    letter.prompt = prompt;
    for (int i = 0; i < request.n; ++i) {
      letters.push_back(letter);
      letters.back().sampling.seed += static_cast<std::uint64_t>(i);
    }
  };
  if (const auto* messages = std::get_if<std::vector<engine::ChatMessage>>(&request.prompt)) add(in_turns(*messages));
  else if (const auto* infill = std::get_if<engine::Infill>(&request.prompt)) add(*infill);
  else {
    for (const ApiRequest::Text& text : std::get<std::vector<ApiRequest::Text>>(request.prompt)) {
      const auto* ids = std::get_if<std::vector<engine::TokenId>>(&text);
      letter.prompt_chances = request.echo && (request.chances >= 0 || ids != nullptr);
      if (ids != nullptr) add(*ids);
      else add(std::get<std::string>(text));
    }
  }
  return letters;
}

}  // namespace foreword::app
