#include "app/server/forms.h"

#include <string>

#include "app/server/fields.h"
#include "engine/grammar/gbnf.h"
#include "engine/schema/json_schema.h"

namespace foreword::app {
namespace {

using Form = std::shared_ptr<const engine::Grammar>;

/// schema: null for any object.
Result<Form> of_schema(const Json* schema) {
  if (schema == nullptr) return engine::any_json_object();
  FW_ASSIGN(const engine::JsonForm form, engine::json_form(written(*schema)));
  return form.grammar;
}

Result<Form> of_json_object(const Json& format) { return of_schema(field(format, "schema")); }

Result<Form> of_json_schema(const Json& format) {
  const Json* named = field(format, "json_schema");
  if (named == nullptr) return of_schema(field(format, "schema"));
  if (!named->is_object()) return wrong("\"json_schema\" of \"response_format\" must be an object with a \"schema\".");
  return of_schema(field(*named, "schema"));
}

struct Format {
  const char* type;
  Result<Form> (*read)(const Json& format);
};
constexpr Format kFormats[] = {
    {"text", [](const Json&) -> Result<Form> { return Form(); }},
    {"json_object", of_json_object},
    {"json_schema", of_json_schema},
};

Result<Form> of_format(const Json& format) {
  const Json* type = format.is_object() ? field(format, "type") : nullptr;
  if (type == nullptr || !type->is_string()) return wrong("\"response_format\" must be an object with a \"type\".");
  for (const Format& known : kFormats) {
    if (*type == known.type) return known.read(format);
  }
  return wrong(R"("type" of "response_format" must be "text", "json_object" or "json_schema".)");
}

Result<Form> of_grammar(const Json& grammar) {
  if (!grammar.is_string()) return wrong("\"grammar\" must be a text in GBNF.");
  const auto& source = grammar.get_ref<const std::string&>();
  if (source.empty()) return Form();
  return engine::parse_gbnf(source);
}

struct Field {
  const char* key;
  Result<Form> (*read)(const Json& value);
};
constexpr Field kFields[] = {
    {"response_format", of_format},
    {"grammar", of_grammar},
    {"json_schema", [](const Json& schema) { return of_schema(&schema); }},
};

}  // namespace

Result<Form> read_form(const Json& body) {
  Form form;
  for (const Field& one : kFields) {
    const Json* value = field(body, one.key);
    if (value == nullptr) continue;
    FW_ASSIGN(Form read, one.read(*value));
    if (read && form) return wrong(R"(Of "response_format", "grammar" and "json_schema" a request may have one.)");
    if (read) form = std::move(read);
  }
  return form;
}

}  // namespace foreword::app
