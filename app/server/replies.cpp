#include "app/server/replies.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace foreword::app {
namespace {


Json base(const ReplyHead& head, bool piece) {
  const char* object = head.shape != ReplyShape::chat ? "text_completion" : piece ? "chat.completion.chunk" : "chat.completion";
  return {{"id", head.id}, {"object", object}, {"created", head.created}, {"model", head.model}, {"system_fingerprint", "foreword-" FOREWORD_VERSION}};
}

Json usage_of(const ReplyHead& head, const std::vector<Choice>& choices) {
  std::int64_t read = 0, known = 0, written_tokens = 0;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (!choices[i].stats) continue;
    const engine::GenerationStats& stats = *choices[i].stats;
    written_tokens += stats.n_tokens;
    if (i % static_cast<std::size_t>(head.n) != 0) continue;  // a prompt counts once
    read += stats.prompt_tokens;
    known += stats.reused_tokens;
  }
  return {{"prompt_tokens", read},
          {"completion_tokens", written_tokens},
          {"total_tokens", read + written_tokens},
          {"prompt_tokens_details", {{"cached_tokens", known}}}};
}

double per_second(std::int64_t n, double seconds) { return seconds > 0 ? static_cast<double>(n) / seconds : 0; }

Json timings_of(const engine::GenerationStats& stats) {
  const std::int64_t read = stats.prompt_tokens - stats.reused_tokens, after_first = std::max<std::int64_t>(stats.n_tokens - 1, 0);
  std::int64_t accepted = 0;
  for (const auto& drafter : stats.drafters) accepted += drafter.accepted;
  return {{"cache_n", stats.reused_tokens},
          {"prompt_n", read},
          {"prompt_ms", stats.prompt_seconds * 1000},
          {"prompt_per_second", per_second(read, stats.prompt_seconds)},
          {"predicted_n", stats.n_tokens},
          {"predicted_ms", stats.decode_seconds * 1000},
          {"predicted_per_second", per_second(after_first, stats.decode_seconds)},
          {"draft_n", stats.drafted_tokens},
          {"draft_n_accepted", accepted}};
}

Json chances_of(const ReplyHead& head, const Choice& choice) {
  if (head.chances < 0) return nullptr;
  return head.shape == ReplyShape::chat ? chat_chances(choice.chances) : text_chances(choice.chances, choice.text, head.chances);
}

Json calls_of(const Choice& choice, bool numbered) {
  Json list = Json::array();
  for (const ToolCall& call : choice.calls) {
    Json json = Json::object();
    if (numbered) json["index"] = list.size();
    json.update({{"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
    list.push_back(std::move(json));
  }
  return list;
}

Json whole_choice(const ReplyHead& head, std::size_t index, const Choice& choice) {
  Json json = {{"index", index}};
  if (head.shape == ReplyShape::chat) {
    const std::string& text = choice.answer.text();
    const AnswerParts parts = split_reasoning(text);
    json["message"] = {{"role", "assistant"}, {"content", head.tools.empty() ? text.substr(parts.answer.begin, parts.answer.end - parts.answer.begin) : choice.text}};
    if (!choice.calls.empty() && choice.text.empty()) json["message"]["content"] = nullptr;
    if (!choice.calls.empty()) json["message"]["tool_calls"] = calls_of(choice, false);
    if (!parts.reasoning.empty()) json["message"]["reasoning_content"] = text.substr(parts.reasoning.begin, parts.reasoning.end - parts.reasoning.begin);
  } else {
    json["text"] = choice.text;
  }
  json["logprobs"] = chances_of(head, choice);
  if (choice.stats) json["finish_reason"] = finish_reason(choice);
  return json;
}

const char* stop_type(engine::StopReason reason) {
  switch (reason) {
    case engine::StopReason::eos: return "eos";
    case engine::StopReason::stop_string: return "word";
    default: return "limit";
  }
}

/// The fields that are wanted, by their paths.
Json picked(const Json& whole, const std::vector<std::string>& fields) {
  if (fields.empty()) return whole;
  Json some = Json::object();
  for (const std::string& path : fields) {
    const Json* at = &whole;
    for (std::size_t begin = 0; at != nullptr && begin <= path.size();) {
      const std::size_t end = std::min(path.find('/', begin), path.size());
      const auto found = at->is_object() ? at->find(path.substr(begin, end - begin)) : at->end();
      at = at->is_object() && found != at->end() ? &*found : nullptr;
      begin = end + 1;
    }
    if (at != nullptr) some[path] = *at;
  }
  return some;
}

Json infill_reply(const ReplyHead& head, std::size_t index, const Choice& choice) {
  const engine::GenerationStats stats = choice.stats.value_or(engine::GenerationStats());
  return picked({{"index", index},
                 {"content", choice.text},
                 {"stop", true},
                 {"model", head.model},
                 {"tokens_predicted", stats.n_tokens},
                 {"tokens_evaluated", stats.prompt_tokens},
                 {"tokens_cached", stats.prompt_tokens + stats.n_tokens},
                 {"has_new_line", choice.text.find('\n') != std::string::npos},
                 {"truncated", false},
                 {"stop_type", stop_type(stats.stop_reason)},
                 {"timings", timings_of(stats)}},
                head.fields);
}

}  // namespace

const char* finish_reason(const Choice& choice) {
  const engine::StopReason reason = choice.stats->stop_reason;
  if (reason == engine::StopReason::eos && !choice.calls.empty()) return "tool_calls";
  return reason == engine::StopReason::eos || reason == engine::StopReason::stop_string ? "stop" : "length";
}

std::string whole_reply(const ReplyHead& head, const std::vector<Choice>& choices) {
  if (head.shape == ReplyShape::infill) {
    Json all = Json::array();
    for (std::size_t i = 0; i < choices.size(); ++i) all.push_back(infill_reply(head, i, choices[i]));
    return written(choices.size() == 1 ? all[0] : all);
  }
  Json json = base(head, false);
  json["choices"] = Json::array();
  for (std::size_t i = 0; i < choices.size(); ++i) json["choices"].push_back(whole_choice(head, i, choices[i]));
  json["usage"] = usage_of(head, choices);
  if (choices.size() == 1 && choices[0].stats) json["timings"] = timings_of(*choices[0].stats);
  return written(json);
}

std::string piece_reply(const ReplyHead& head, std::size_t index, const AnswerStream::Part& part, const Choice& own, bool begin) {
  Json choice = {{"index", index}};
  if (head.shape == ReplyShape::chat) {
    Json delta = Json::object();
    if (begin) delta["role"] = "assistant";
    if (!part.thought.empty()) delta["reasoning_content"] = part.thought;
    if (!part.said.empty() || begin) delta["content"] = part.said;
    choice["delta"] = std::move(delta);
  } else {
    choice["text"] = part.said;
  }
  choice["logprobs"] = chances_of(head, own);
  choice["finish_reason"] = nullptr;
  Json json = base(head, true);
  json["choices"] = Json::array({std::move(choice)});
  return written(json);
}

std::string end_reply(const ReplyHead& head, std::size_t index, const Choice& own) {
  Json choice = {{"index", index}};
  if (head.shape == ReplyShape::chat) choice["delta"] = Json::object();
  else choice["text"] = "";
  choice["logprobs"] = own.chances.empty() ? Json() : chances_of(head, own);
  choice["finish_reason"] = finish_reason(own);
  Json json = base(head, true);
  json["choices"] = Json::array({std::move(choice)});
  json["timings"] = timings_of(*own.stats);
  return written(json);
}

std::string calls_reply(const ReplyHead& head, std::size_t index, const Choice& own) {
  Json json = base(head, true);
  json["choices"] = Json::array({{{"index", index}, {"delta", {{"tool_calls", calls_of(own, true)}}}, {"logprobs", nullptr}, {"finish_reason", nullptr}}});
  return written(json);
}

std::string usage_reply(const ReplyHead& head, const std::vector<Choice>& choices) {
  Json json = base(head, true);
  json["choices"] = Json::array();
  json["usage"] = usage_of(head, choices);
  return written(json);
}

std::string models_reply(const engine::ModelSummary& model, std::int64_t created) {
  return written({{"object", "list"},
                  {"data", Json::array({{{"id", model.name},
                                         {"object", "model"},
                                         {"created", created},
                                         {"owned_by", "foreword"},
                                         {"meta",
                                          {{"architecture", model.architecture},
                                           {"n_params", model.n_parameters},
                                           {"size", model.file_bytes},
                                           {"n_ctx", model.context},
                                           {"n_ctx_train", model.trained_context},
                                           {"device", model.device}}}}})}});
}

std::string health_reply() { return R"({"status":"ok"})"; }

std::string props_reply(const engine::ModelSummary& model) {
  return written({{"default_generation_settings", {{"n_ctx", model.context}}},
                  {"total_slots", kServerPlaces},
                  {"model_alias", model.name},
                  {"model_path", model.path.string()},
                  {"chat_format", model.chat_format},
                  {"build_info", "foreword-" FOREWORD_VERSION}});
}

std::string metrics_reply(const ServerTotals& totals) {
  struct Row {
    const char *name, *type, *help;
    double value;
  };
  const Row rows[] = {{"foreword_requests_running", "gauge", "Requests that are being answered.", static_cast<double>(totals.running)},
                      {"foreword_answers_total", "counter", "Answers that came to their end.", static_cast<double>(totals.answers)},
                      {"foreword_prompt_tokens_total", "counter", "Tokens of prompts.", static_cast<double>(totals.prompt_tokens)},
                      {"foreword_prompt_tokens_known_total", "counter", "Of them known already, and not read again.", static_cast<double>(totals.known_tokens)},
                      {"foreword_prompt_seconds_total", "counter", "Seconds that prompts were read.", totals.prompt_seconds},
                      {"foreword_answer_tokens_total", "counter", "Tokens of answers.", static_cast<double>(totals.answer_tokens)},
                      {"foreword_answer_seconds_total", "counter", "Seconds from the first token of answers to their last.", totals.answer_seconds}};
  std::string text;
  for (const Row& row : rows) {
    const std::string name = row.name;
    text += "# HELP " + name + " " + row.help + "\n# TYPE " + name + " " + row.type + "\n" + name + " " + Json(row.value).dump() + "\n";
  }
  return text;
}

}  // namespace foreword::app
