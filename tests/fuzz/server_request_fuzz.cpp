// Any bytes as the body of a request to the local server: an error's sentence, or a request within its limits.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "app/server/requests.h"

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
  return 0;
}
