// Any bytes as a chat template: parsed, and rendered on a fixed history. Limits are low, so that a run is quick; the
// limits of the product are tested by tests/template/limits_test.cpp.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/template/render.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace foreword::engine;
  if (size > 1 << 14) return 0;
  static const std::vector<ChatMessage> history{{Role::system, " Be brief. ", ""},
                                                {Role::user, "H\xc3\xa9llo <|im_end|>\n\xf0\x9f\x98\x80?", ""},
                                                {Role::assistant, "<think>x</think>\n\nHi", "because"},
                                                {Role::tool, "{\"a\": 1}", ""}};
  ChatTemplateOptions options;
  options.bos_token = "<s>";
  options.eos_token = "</s>";
  options.now.tm_year = 125;
  jinja::Limits limits;
  limits.steps = 20000;
  limits.memory_bytes = 1 << 20;
  limits.output_bytes = 1 << 18;
  try {
    jinja::Template source;
    jinja::parse({reinterpret_cast<const char*>(data), size}, source);
    jinja::render(source, history, options, limits);
  } catch (const jinja::Failure&) {  // the answer to a bad template
  }
  return 0;
}
