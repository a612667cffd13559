#include "app/server/requests.h"

#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "app/server/fields.h"
#include "app/server/forms.h"
#include "app/server/messages.h"

namespace foreword::app {
namespace {

constexpr std::int64_t kMostTokens = 1 << 28;
constexpr std::size_t kMostStops = 16, kMostBiases = 4096;
constexpr std::int64_t kUsualTokens = 16;  // of a completion that does not say, as OpenAI's interface has it

Error cannot(std::string sentence) { return {ErrorCode::unsupported, std::move(sentence)}; }

/// Whether a field is there and asks for something.
bool asks(const Json* value) {
  if (value == nullptr) return false;
  if (value->is_boolean()) return value->get<bool>();
  if (value->is_number()) return value->get<double>() != 0;
  return !value->empty();
}

struct Refusal {
  const char* key;
  const char* sentence;
};
/// What would change the answer, and is not there yet.
constexpr Refusal kRefused[] = {
    {"functions", "\"functions\" is the old name: use \"tools\"."},
    {"function_call", "\"function_call\" is the old name: use \"tool_choice\"."},
};

Result<void> read_seed(const Json& body, ApiRequest& request) {
  const Json* value = field(body, "seed");
  if (value == nullptr) return {};
  if (!value->is_number_integer()) return wrong("\"seed\" must be a whole number of 64 bits.");
  if (!value->is_number_unsigned() && value->get<std::int64_t>() < 0) return {};  // as in llama.cpp: any
  request.sampling.seed = value->get<std::uint64_t>();
  request.seeded = true;
  return {};
}

Result<void> read_stops(const Json& body, ApiRequest& request) {
  const Json* value = field(body, "stop");
  if (value == nullptr) return {};
  const Json list = value->is_array() ? *value : Json::array({*value});
  if (list.size() > kMostStops) return wrong("\"stop\" may have at most " + std::to_string(kMostStops) + " texts.");
  for (const Json& stop : list) {
    if (!stop.is_string() || stop.get_ref<const std::string&>().empty()) return wrong("\"stop\" must be a text, or a list of texts, none of them empty.");
    request.stop.push_back(stop.get<std::string>());
  }
  return {};
}

/// {"ID": number}, or llama.cpp's [[ID, number]], where false says that the token shall never come.
Result<void> read_bias(const Json& body, ApiRequest& request) {
  const Json* value = field(body, "logit_bias");
  if (value == nullptr) return {};
  const Error shape = wrong("\"logit_bias\" must be an object of token ids with numbers from -100 to 100, or a list of pairs of them.");
  if (!value->is_object() && !value->is_array()) return shape;
  if (value->size() > kMostBiases) return wrong("\"logit_bias\" may name at most " + std::to_string(kMostBiases) + " tokens.");
  const auto add = [&](const Json& id, const Json& bias) {
    const bool never = bias.is_boolean() && !bias.get<bool>();
    if (!id.is_number_integer() || id < 0 || id > INT32_MAX || !(never || (bias.is_number() && bias >= -100 && bias <= 100))) return false;
    request.sampling.bias.push_back({id.get<std::int32_t>(), never ? -std::numeric_limits<float>::infinity() : bias.get<float>()});
    return true;
  };
  if (value->is_object()) {
    for (const auto& [id, bias] : value->items()) {
      if (!add(Json::parse(id, nullptr, false), bias)) return shape;
    }
    return {};
  }
  for (const Json& pair : *value) {
    if (!pair.is_array() || pair.size() != 2 || !add(pair[0], pair[1])) return shape;
  }
  return {};
}

/// What every request may say of how it is answered.
Result<void> read_drawing(const Json& body, ApiRequest& request) {
  for (const Refusal& refusal : kRefused) {
    if (asks(field(body, refusal.key))) return cannot(refusal.sentence);
  }
  for (const engine::SamplerParam& param : engine::sampler_params()) {
    const Json* value = field(body, std::string(param.name).c_str());
    if (value == nullptr) continue;
    const double number = value->is_number() ? value->get<double>() : std::nan("");
    if (!(number >= param.minimum && number <= param.maximum)) {
      return wrong(quoted(param.name) + " must be a number from " + Json(param.minimum).dump() + " to " + Json(param.maximum).dump() + ".");
    }
    param.set(request.sampling, number);
  }
  FW_TRY(read_bias(body, request));
  FW_TRY(read_seed(body, request));
  FW_TRY(read_stops(body, request));
  for (const char* key : {"max_tokens", "max_completion_tokens", "n_predict"}) {
    FW_ASSIGN(const auto most, whole(body, key, -1, kMostTokens));
    if (most) request.max_tokens = *most;
  }
  for (const char* key : {"n", "n_cmpl"}) {
    FW_ASSIGN(const auto n, whole(body, key, 1, kMostChoices));
    if (n) request.n = static_cast<int>(*n);
  }
  FW_ASSIGN(const auto best_of, whole(body, "best_of", 1, kMostTokens));
  if (best_of && *best_of != request.n) return cannot("\"best_of\" is not supported: ask for \"n\" answers.");
  FW_TRY(read(body, "stream", request.stream));
  if (const Json* options = field(body, "stream_options")) {
    if (!options->is_object()) return wrong("\"stream_options\" must be an object.");
    FW_TRY(read(*options, "include_usage", request.include_usage));
  }
  FW_ASSIGN(request.form, read_form(body));
  return {};
}

/// Of a chat: whether, and how many beside. Of a completion a number alone.
Result<void> read_chances(const Json& body, bool chat, ApiRequest& request) {
  FW_ASSIGN(const auto beside, whole(body, "top_logprobs", 0, engine::kMostChances));
  bool wanted = false;
  if (chat) {
    FW_TRY(read(body, "logprobs", wanted));
    request.chances = wanted ? static_cast<int>(beside.value_or(0)) : -1;
  } else if (const Json* own = field(body, "logprobs"); own != nullptr && *own != false) {
    FW_ASSIGN(const auto n, whole(body, "logprobs", 0, engine::kMostChances));
    request.chances = static_cast<int>(*n);
    wanted = true;
  }
  if (!wanted && beside.value_or(0) > 0) return wrong(chat ? "\"top_logprobs\" needs \"logprobs\": true." : "Ask for \"logprobs\" with a number: \"top_logprobs\" belongs to chats.");
  return {};
}

Result<void> read_thinking(const Json& body, ApiRequest& request) {
  if (const Json* effort = field(body, "reasoning_effort")) {
    if (!effort->is_string()) return wrong("\"reasoning_effort\" must be a text: \"none\", \"low\", \"medium\" or \"high\".");
    request.thinking = *effort != "none";
  }
  const Json* words = field(body, "chat_template_kwargs");
  if (words == nullptr) return {};
  if (!words->is_object()) return wrong("\"chat_template_kwargs\" must be an object.");
  bool thinks = request.thinking.value_or(false);
  FW_TRY(read(*words, "enable_thinking", thinks));
  if (field(*words, "enable_thinking") != nullptr) request.thinking = thinks;
  return {};
}

}  // namespace

Result<ApiRequest::Text> read_text(const Json& prompt, const char* key) {
  if (prompt.is_string()) return ApiRequest::Text(prompt.get<std::string>());
  if (!prompt.is_array()) return wrong(quoted(key) + " must be a text, a list of token ids, or a list of those.");
  std::vector<engine::TokenId> ids;
  for (const Json& id : prompt) {
    if (!id.is_number_integer() || id < 0 || id > INT32_MAX) return wrong("Token ids in " + quoted(key) + " must be whole numbers from 0 on.");
    ids.push_back(id.get<engine::TokenId>());
  }
  return ApiRequest::Text(std::move(ids));
}

Result<ApiRequest> read_chat_request(const std::string& json, const engine::SamplingParams& usual) {
  FW_ASSIGN(const Json body, read_body(json));
  ApiRequest request;
  request.sampling = usual;
  FW_TRY(read_drawing(body, request));
  FW_TRY(read_chances(body, true, request));
  FW_TRY(read_thinking(body, request));
  const Json* list = field(body, "messages");
  if (list == nullptr || !list->is_array() || list->empty()) return wrong("\"messages\" must be a list of at least one message.");
  FW_ASSIGN(std::vector<engine::ChatMessage> messages, read_messages(*list));
  FW_ASSIGN(request.offer, read_tools(body));
  if (request.offer.form && request.form) return cannot("With a tool that has to be called the answer can have no other form: leave the form out, or \"tool_choice\".");
  if (request.offer.form) request.form = request.offer.form;
  if (messages.back().role == engine::Role::assistant && messages.back().tool_calls.empty()) {
    if (messages.size() == 1) return wrong("\"messages\" must have a message that is to be answered.");
    request.answer_so_far = std::move(messages.back().content);
    messages.pop_back();
  }
  request.prompt = std::move(messages);
  return request;
}

Result<ApiRequest> read_completion_request(const std::string& json, const engine::SamplingParams& usual) {
  FW_ASSIGN(const Json body, read_body(json));
  ApiRequest request;
  request.sampling = usual;
  request.max_tokens = kUsualTokens;
  FW_TRY(read_drawing(body, request));
  FW_TRY(read_chances(body, false, request));
  FW_TRY(read(body, "echo", request.echo));
  const Json* prompt = field(body, "prompt");
  if (prompt == nullptr) return wrong("\"prompt\" must be a text, a list of token ids, or a list of those.");
  const bool several = prompt->is_array() && (prompt->empty() || !prompt->front().is_number());
  const Json list = several ? *prompt : Json::array({*prompt});
  std::vector<ApiRequest::Text> texts;
  for (const Json& one : list) {
    FW_ASSIGN(ApiRequest::Text each, read_text(one, "prompt"));
    texts.push_back(std::move(each));
  }
  FW_ASSIGN(std::string suffix, text(body, "suffix"));
  if (!suffix.empty()) {
    if (request.echo) return cannot("With a \"suffix\", \"echo\" is not supported: leave it out.");
    if (texts.size() != 1) return wrong("With a \"suffix\", \"prompt\" must be one text.");
    auto* before = std::get_if<std::string>(texts.data());
    if (before == nullptr) return cannot("With a \"suffix\", \"prompt\" must be a text.");
    request.prompt = engine::Infill{std::move(*before), std::move(suffix)};
    return request;
  }
  if (texts.empty() || texts.size() * static_cast<std::size_t>(request.n) > kMostChoices) {
    return wrong("\"prompt\" must be a text, a list of token ids, or a list of those; with \"n\" of each, at most " + std::to_string(kMostChoices) + " answers.");
  }
  request.prompt = std::move(texts);
  return request;
}

Result<ApiRequest> read_infill_request(const std::string& json, const engine::SamplingParams& usual) {
  FW_ASSIGN(const Json body, read_body(json));
  ApiRequest request;
  request.sampling = usual;
  FW_TRY(read_drawing(body, request));
  if (asks(field(body, "logprobs")) || asks(field(body, "n_probs"))) return cannot("Probabilities of tokens come with chats and completions alone: leave \"logprobs\" and \"n_probs\" out.");
  if (request.stream) return cannot("Texts between two others come whole: leave \"stream\" out.");
  engine::Infill infill;
  FW_ASSIGN(infill.before, text(body, "input_prefix"));
  FW_ASSIGN(infill.after, text(body, "input_suffix"));
  FW_ASSIGN(const std::string line, text(body, "prompt"));  // that is being written, behind what stands above it
  infill.before += line;
  FW_ASSIGN(infill.name, text(body, "filename"));
  if (infill.name.empty()) infill.name = "filename";
  if (const Json* files = field(body, "input_extra")) {
    if (!files->is_array()) return wrong("\"input_extra\" must be a list of objects with \"filename\" and \"text\".");
    for (const Json& file : *files) {
      if (!file.is_object()) return wrong("\"input_extra\" must be a list of objects with \"filename\" and \"text\".");
      FW_ASSIGN(std::string name, text(file, "filename"));
      FW_ASSIGN(std::string words, text(file, "text"));
      infill.files.push_back({name.empty() ? "tmp" : std::move(name), std::move(words)});
    }
  }
  FW_ASSIGN(const auto limit, whole(body, "t_max_predict_ms", 0, kMostTokens));
  request.most_seconds = static_cast<double>(limit.value_or(0)) / 1000;
  if (const Json* fields = field(body, "response_fields")) {
    if (!fields->is_array()) return wrong("\"response_fields\" must be a list of names.");
    for (const Json& one : *fields) {
      if (!one.is_string()) return wrong("\"response_fields\" must be a list of names.");
      request.fields.push_back(one.get<std::string>());
    }
  }
  request.prompt = std::move(infill);
  return request;
}

}  // namespace foreword::app
