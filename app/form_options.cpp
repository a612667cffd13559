#include "app/form_options.h"

#include <CLI/CLI.hpp>

#include "app/files.h"
#include "app/option_checks.h"
#include "app/terminal.h"
#include "engine/grammar/gbnf.h"
#include "engine/schema/json_schema.h"

namespace foreword::app {
namespace {

constexpr std::uintmax_t kLargest = 16 << 20;  // bytes of a grammar

}  // namespace

void add_form_options(CLI::App& app, FormOptions& options) {
  CLI::Option* const grammar = app.add_option("--grammar", options.grammar, "The answer is a text of this grammar, a file in llama.cpp's notation (GBNF)");
  grammar->check(must_be_named)->type_name("FILE");
  app.add_option("--json-schema", options.json_schema, "The answer is JSON that this schema, or the schema in this file, describes; {} describes any")
      ->check(must_be_named)
      ->type_name("SCHEMA")
      ->excludes(grammar);
}

Result<std::shared_ptr<const engine::Grammar>> form_of(const FormOptions& options) {
  if (!options.grammar.empty()) {
    FW_ASSIGN(const std::string source, read_file(options.grammar, kLargest));
    return engine::parse_gbnf(source);
  }
  if (options.json_schema.empty()) return std::shared_ptr<const engine::Grammar>();
  std::string schema = options.json_schema;
  if (schema[schema.find_first_not_of(" \n\t") % schema.size()] != '{') {
    FW_ASSIGN(schema, read_file(options.json_schema, kLargest));
  }
  FW_ASSIGN(const engine::JsonForm form, engine::json_form(schema));
  for (const std::string& note : form.notes) print_text(stderr, "foreword: note: " + note + "\n");
  return form.grammar;
}

}  // namespace foreword::app
