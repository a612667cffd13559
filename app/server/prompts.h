#pragma once
// Requests that want no answer, but what there is to tell of a text: its vector (OpenAI's embeddings), its tokens, what tokens stand for, what the
// model's template makes of a chat (llama.cpp's names).

#include <functional>
#include <string>
#include <vector>

#include "app/server/desk.h"
#include "engine/base/result.h"
#include "engine/session.h"

namespace foreword::app {

struct Told {
  std::vector<engine::PromptTold> prompts;  // one a letter
  std::int64_t n_tokens = 0;                // of all together
};
struct PromptAsk {
  std::vector<engine::Generate> letters;
  std::function<std::string(const Told& told, const std::string& model)> reply;  // JSON
};

/// Texts of one request for embeddings, at most.
inline constexpr std::size_t kMostTexts = 1024;

// Errors are sentences about the request.
Result<PromptAsk> read_embeddings(const std::string& json);
Result<PromptAsk> read_tokenize(const std::string& json);
Result<PromptAsk> read_detokenize(const std::string& json);
Result<PromptAsk> read_apply_template(const std::string& json);

/// Waits until all has been told. The engine's errors; `cancelled`: the server is being ended.
Result<Told> wait_for(ServerDesk::Call& call);

}  // namespace foreword::app
