// Any bytes as the body of a request to the local server: an error's sentence, or a request within its limits. And as an answer that may call
// tools: however it comes in pieces, the same calls are found, and nothing of the rest is lost.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "app/server/requests.h"

namespace {

void call_tools(const std::string& said) {
  using namespace foreword;
  constexpr const char* kTools = R"([{"type":"function","function":{"name":"a","description":"","parameters":{"properties":{"n":{"type":"integer"}}}}}])";
  const app::AnswerWithCalls whole = app::split_calls(said, kTools);
  if (whole.calls.empty() && whole.said != said) std::abort();
  for (const std::size_t step : {1, 5}) {
    app::CallGate gate;
    std::string shown;
    for (std::size_t at = 0; at < said.size(); at += step) shown += gate.push(said.substr(at, step));
    const app::AnswerWithCalls rest = gate.end(kTools, "");
    if (rest.calls.size() != whole.calls.size() || !(shown + rest.said).starts_with(whole.said)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace foreword;
  const std::string body(reinterpret_cast<const char*>(data), size);
  for (const auto read : {app::read_chat_request, app::read_completion_request, app::read_infill_request}) {
    const auto request = read(body, {});
    if (!request) {
      if (request.error().message.empty()) std::abort();
      continue;
    }
    if (request->n < 1 || request->n > app::kMostChoices || request->max_tokens < -1) std::abort();
    for (const engine::SamplerParam& param : engine::sampler_params()) {
      const double value = param.get(request->sampling);
      if (!(value >= param.minimum - 1e-3 && value <= param.maximum * (1 + 1e-6) + 1e-3)) std::abort();
    }
  }
  call_tools(body);
  return 0;
}
