// Any bytes as a GGUF file: a reader whose every part can be used, or an Error with a sentence; what it opens a glance understands, too.
// Seeds: small GGUF files, e.g. those of the reference set.

#include <cstdlib>
#include <vector>

#include "engine/gguf/glance.h"
#include "engine/gguf/gguf.h"
#include "tests/gguf/touch_all.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto glance = foreword::engine::glance_at(bytes, "fuzz.gguf");
  const auto file = foreword::engine::GgufFile::parse(bytes, "fuzz.gguf");
  if (!file) {
    if (file.error().message.empty() || file.error().message.back() != '.') std::abort();
    return 0;
  }
  if (foreword::test::touch_all(*file) == 0) std::abort();  // it has a version at least
  if (!glance) std::abort();
  return 0;
}
