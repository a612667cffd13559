// Any bytes as a grammar in GBNF, and as a JSON Schema: an error's sentence, or a grammar whose texts can be followed to their end, which
// for a schema is JSON.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "engine/grammar/gbnf.h"
#include "engine/grammar/matcher.h"
#include "engine/grammar/thoughts.h"
#include "engine/schema/json_schema.h"

namespace {

using namespace foreword;
using engine::Matcher;

/// One text of the grammar, chosen by the bytes of `chooser`; empty if it is not at its end after some hundred bytes.
std::string text_of(const std::shared_ptr<const engine::Grammar>& grammar, std::string_view chooser) {
  Matcher matcher(grammar);
  Matcher::State state = matcher.start();
  std::string text;
  for (std::size_t i = 0; i < 400 && !matcher.must_end(state); ++i) {
    const std::size_t byte = chooser.empty() ? i : static_cast<std::uint8_t>(chooser[i % chooser.size()]) + i / chooser.size();
    if (matcher.may_end(state) && byte % 3 == 0) break;
    // The next byte that is possible, from there on.
    for (std::size_t more = 0; more < 256; ++more) {
      const auto next = static_cast<std::uint8_t>(byte * 7 + more);
      if (matcher.next(state, next) == Matcher::kDead) continue;
      state = matcher.next(state, next);
      text += static_cast<char>(next);
      break;
    }
    if (matcher.n_states() > 5000) state = matcher.keep_only(state);
  }
  return matcher.may_end(state) ? text : std::string();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  if (const auto grammar = engine::parse_gbnf(source)) {
    (void)text_of(*grammar, source);
    (void)text_of(engine::behind_thoughts(**grammar), source);
  } else if (grammar.error().message.empty()) {
    std::abort();
  }
  if (const auto form = engine::json_form(source)) {
    const std::string text = text_of(form->grammar, source);
    if (!text.empty() && !nlohmann::json::accept(text)) std::abort();
  } else if (form.error().message.empty()) {
    std::abort();
  }
  return 0;
}
