#include "app/server/api.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "app/server/exchange.h"
#include "app/server/letters.h"
#include "app/server/prompts.h"
#include "app/server/requests.h"
#include "engine/base/chance.h"

namespace foreword::app {
namespace {

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string fresh_id(ReplyShape shape) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string id = shape == ReplyShape::chat ? "chatcmpl-" : shape == ReplyShape::text ? "cmpl-" : "infill-";
  for (std::uint64_t rest = any_number(), i = 0; i < 16; ++i, rest >>= 4) id += kDigits[rest & 15];
  return id;
}

struct Place {
  std::string_view path, method;
};
constexpr Place kModels{"/v1/models", "GET"}, kHealth{"/health", "GET"}, kProps{"/props", "GET"}, kMetrics{"/metrics", "GET"};

/// Where the engine answers.
struct EnginePlace {
  Place place;
  ReplyShape shape;
  Result<ApiRequest> (*read)(const std::string& json, const engine::SamplingParams& usual);
};
constexpr EnginePlace kEnginePlaces[] = {{{"/v1/chat/completions", "POST"}, ReplyShape::chat, read_chat_request},
                                         {{"/v1/completions", "POST"}, ReplyShape::text, read_completion_request},
                                         {{"/infill", "POST"}, ReplyShape::infill, read_infill_request}};

/// Where nothing is answered but what is told of a prompt.
struct PromptPlace {
  Place place;
  Result<PromptAsk> (*read)(const std::string& json);
};
constexpr PromptPlace kPromptPlaces[] = {{{"/v1/embeddings", "POST"}, read_embeddings},
                                         {{"/tokenize", "POST"}, read_tokenize},
                                         {{"/detokenize", "POST"}, read_detokenize},
                                         {{"/apply-template", "POST"}, read_apply_template}};

}  // namespace

HttpReply Api::answer(const HttpRequest& request) const {
  auto stopped = stopped_at_gate(options_.gate, request);
  HttpReply reply = stopped ? std::move(*stopped) : route(request);
  for (auto& header : headers_for(options_.gate, request)) reply.headers.push_back(std::move(header));
  return reply;
}

HttpReply Api::route(const HttpRequest& request) const {
  const auto is = [&](const Place& place) { return request.path == place.path && request.method == place.method; };
  if (is(kHealth)) return {200, "application/json", health_reply()};
  if (is(kModels)) {
    const auto model = desk_.model();
    return model ? HttpReply{200, "application/json", models_reply(*model, seconds_now())} : reply_of(model.error());
  }
  if (is(kProps)) {
    const auto model = desk_.model();
    return model ? HttpReply{200, "application/json", props_reply(*model)} : reply_of(model.error());
  }
  if (is(kMetrics)) return {200, "text/plain; version=0.0.4", metrics_reply(desk_.totals())};
  std::vector<Place> places{kModels, kHealth, kProps, kMetrics};
  for (const PromptPlace& one : kPromptPlaces) {
    if (is(one.place)) return tell(one.read(request.body));
    places.push_back(one.place);
  }
  for (const EnginePlace& one : kEnginePlaces) {
    if (is(one.place)) return generate(request, one.shape);
    places.push_back(one.place);
  }
  std::string there;
  for (const Place& place : places) {
    if (place.path == request.path) return error_reply(405, request.path + " is asked with " + std::string(place.method) + ".", "method_not_allowed");
    there += (there.empty() ? "" : ", ") + std::string(place.method) + " " + std::string(place.path);
  }
  return error_reply(404, "There is no " + request.path + " here; there are " + there + ".", "not_found");
}

HttpReply Api::generate(const HttpRequest& request, ReplyShape shape) const {
  const auto model = desk_.model();
  if (!model) return reply_of(model.error());
  const engine::SamplingParams usual = engine::advised(options_.sampling, model->sampling, options_.named);
  const auto* place = std::ranges::find(kEnginePlaces, shape, &EnginePlace::shape);
  const auto asked = place->read(request.body, usual);
  if (!asked) return reply_of(asked.error());
  const ReplyHead head{shape, fresh_id(shape), seconds_now(), model->name, asked->n, asked->fields, asked->chances, asked->offer.tools, asked->offer.several};
  const auto exchange = std::make_shared<Exchange>(head, *asked, desk_.ask(letters_of(*asked, options_.same_seed)), options_.log);
  if (auto refused = exchange->refused()) return std::move(*refused);
  HttpReply reply;
  if (exchange->streams()) {
    reply.type = "text/event-stream";
    reply.headers = {{"Cache-Control", "no-cache"}};
  }
  reply.stream = [exchange](HttpSink& sink) { return exchange->write(sink); };
  return reply;
}

HttpReply Api::tell(const Result<PromptAsk>& asked) const {
  if (!asked) return reply_of(asked.error());
  const auto model = desk_.model();
  if (!model) return reply_of(model.error());
  const auto told = wait_for(*desk_.ask(asked->letters));
  if (!told) return reply_of(told.error());
  return {200, "application/json", asked->reply(*told, model->name)};
}

}  // namespace foreword::app
