#include "engine/schema/json_schema.h"

#include "engine/base/check.h"
#include "engine/schema/compiler.h"

namespace foreword::engine {

Result<JsonForm> json_form(std::string_view schema) {
  FW_ASSIGN(const auto document, Document::parse(schema));
  GrammarBuilder builder;
  Compiler compiler(*document, builder);
  FW_ASSIGN(const GrammarBuilder::Part root, compiler.root());
  auto grammar = builder.build(root);
  if (!grammar && grammar.error().code == ErrorCode::invalid_argument) return Error{ErrorCode::invalid_argument, "Nothing satisfies this schema; something in it contradicts itself or never ends."};
  if (!grammar) return grammar.error();
  return JsonForm{*grammar, compiler.notes()};
}

std::shared_ptr<const Grammar> any_json_object() {
  GrammarBuilder builder;
  auto grammar = builder.build(JsonParts(builder).any_object());
  check(grammar.has_value(), "the grammar of JSON");
  return *grammar;
}

}  // namespace foreword::engine
