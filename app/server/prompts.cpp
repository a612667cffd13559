#include "app/server/prompts.h"

#include <bit>
#include <chrono>
#include <cmath>
#include <utility>
#include <variant>

#include "app/server/fields.h"
#include "app/server/letters.h"
#include "app/server/requests.h"

namespace foreword::app {
namespace {

constexpr std::chrono::milliseconds kLook{100};
constexpr std::int64_t kMostDimensions = 1 << 20;


std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < 3; ++i) word = word << 8 | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i) text += at + i <= bytes.size() ? kDigits[word >> (18 - 6 * i) & 63] : '=';
  }
  return text;
}

/// The first of a vector's numbers, of length 1 again.
std::vector<float> shortened(std::vector<float> state, std::size_t size) {
  if (size == 0 || size >= state.size()) return state;
  state.resize(size);
  double squares = 0;
  for (const float value : state) squares += static_cast<double>(value) * static_cast<double>(value);
  if (squares > 0) {
    for (float& value : state) value = static_cast<float>(static_cast<double>(value) / std::sqrt(squares));
  }
  return state;
}

Json vector_json(const std::vector<float>& state, bool as_base64) {
  static_assert(std::endian::native == std::endian::little, "the wire has its floats so");
  if (as_base64) return base64({reinterpret_cast<const char*>(state.data()), state.size() * sizeof(float)});
  return state;
}

engine::Generate letter_for(const ApiRequest::Text& text, engine::Wanted wanted) {
  engine::Generate letter;
  letter.wanted = wanted;
  std::visit([&](const auto& prompt) { letter.prompt = prompt; }, text);
  return letter;
}

/// Its own bytes where they are no whole characters.
Json piece_json(const std::string& bytes) {
  Json text(bytes);
  if (written(text) == text.dump(-1, ' ', false, Json::error_handler_t::ignore)) return text;
  Json list = Json::array();
  for (const char byte : bytes) list.push_back(static_cast<unsigned char>(byte));
  return list;
}

}  // namespace

Result<PromptAsk> read_embeddings(const std::string& json) {
  FW_ASSIGN(const Json body, read_body(json));
  const Json* input = field(body, "input");
  if (input == nullptr) return wrong("\"input\" must be a text, a list of token ids, or a list of those.");
  const bool several = input->is_array() && (input->empty() || !input->front().is_number());
  const Json list = several ? *input : Json::array({*input});
  if (list.empty() || list.size() > kMostTexts) return wrong("\"input\" must have from 1 to " + std::to_string(kMostTexts) + " texts.");
  PromptAsk ask;
  for (const Json& one : list) {
    FW_ASSIGN(const ApiRequest::Text text, read_text(one, "input"));
    ask.letters.push_back(letter_for(text, engine::Wanted::state));
    ask.letters.back().encoding = engine::EncodeOptions{.add_special = true, .parse_special = false};
  }
  FW_ASSIGN(const std::string format, text(body, "encoding_format"));
  if (!format.empty() && format != "float" && format != "base64") return wrong(R"("encoding_format" must be "float" or "base64".)");
  FW_ASSIGN(const auto dimensions, whole(body, "dimensions", 1, kMostDimensions));
  ask.reply = [as_base64 = format == "base64", size = static_cast<std::size_t>(dimensions.value_or(0))](const Told& told, const std::string& model) {
    Json data = Json::array();
    for (const engine::PromptTold& prompt : told.prompts) {
      data.push_back({{"object", "embedding"}, {"index", data.size()}, {"embedding", vector_json(shortened(prompt.state, size), as_base64)}});
    }
    return written({{"object", "list"}, {"data", std::move(data)}, {"model", model}, {"usage", {{"prompt_tokens", told.n_tokens}, {"total_tokens", told.n_tokens}}}});
  };
  return ask;
}

Result<PromptAsk> read_tokenize(const std::string& json) {
  FW_ASSIGN(const Json body, read_body(json));
  FW_ASSIGN(const std::string content, text(body, "content"));
  engine::EncodeOptions encoding{.add_special = false, .parse_special = true};
  bool with_pieces = false;
  FW_TRY(read(body, "add_special", encoding.add_special));
  FW_TRY(read(body, "parse_special", encoding.parse_special));
  FW_TRY(read(body, "with_pieces", with_pieces));
  PromptAsk ask{{letter_for(content, engine::Wanted::tokens)}, [with_pieces](const Told& told, const std::string&) {
                  const engine::PromptTold& prompt = told.prompts.front();
                  if (!with_pieces) return written({{"tokens", prompt.ids}});
                  Json tokens = Json::array();
                  for (std::size_t i = 0; i < prompt.ids.size(); ++i) tokens.push_back({{"id", prompt.ids[i]}, {"piece", piece_json(prompt.pieces[i])}});
                  return written({{"tokens", std::move(tokens)}});
                }};
  ask.letters.front().encoding = encoding;
  return ask;
}

Result<PromptAsk> read_detokenize(const std::string& json) {
  FW_ASSIGN(const Json body, read_body(json));
  const Json* tokens = field(body, "tokens");
  if (tokens == nullptr || !tokens->is_array()) return wrong("\"tokens\" must be a list of token ids.");
  FW_ASSIGN(const ApiRequest::Text ids, read_text(*tokens, "tokens"));
  return PromptAsk{{letter_for(ids, engine::Wanted::tokens)}, [](const Told& told, const std::string&) { return written({{"content", told.prompts.front().text}}); }};
}

Result<PromptAsk> read_apply_template(const std::string& json) {
  FW_ASSIGN(const ApiRequest request, read_chat_request(json, {}));
  PromptAsk ask{letters_of(request, true), [](const Told& told, const std::string&) { return written({{"prompt", told.prompts.front().text}}); }};
  ask.letters.resize(1);
  ask.letters.front().wanted = engine::Wanted::tokens;
  return ask;
}

Result<Told> wait_for(ServerDesk::Call& call) {
  Told told;
  told.prompts.resize(call.count());
  for (std::size_t n_ended = 0; n_ended < call.count();) {
    auto event = call.next(kLook);
    if (!event && call.over()) return Error{ErrorCode::cancelled, "The server is being ended."};
    if (!event) continue;
    if (auto* failed = std::get_if<engine::GenerationFailed>(&*event)) return std::move(failed->error);
    if (auto* prompt = std::get_if<engine::PromptTold>(&*event)) told.prompts[static_cast<std::size_t>(prompt->id - call.first())] = std::move(*prompt);
    const auto* done = std::get_if<engine::GenerationDone>(&*event);
    if (done == nullptr) continue;
    if (done->stats.stop_reason == engine::StopReason::cancelled) return Error{ErrorCode::cancelled, "The request was stopped."};
    told.n_tokens += done->stats.prompt_tokens;
    ++n_ended;
  }
  return told;
}

}  // namespace foreword::app
