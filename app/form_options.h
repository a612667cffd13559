#pragma once
// Options for the form that an answer is to have.

#include <memory>
#include <string>

#include "engine/base/result.h"
#include "engine/grammar/grammar.h"

namespace CLI {
class App;
}

namespace foreword::app {

struct FormOptions {
  std::string grammar, json_schema;  // a file each; the schema may stand there itself
};

/// --grammar and --json-schema, of which one at most is given. `options` outlives the app.
void add_form_options(CLI::App& app, FormOptions& options);

/// null: none was asked for. Says what is wrong with the file; what is merely remarkable goes to stderr.
Result<std::shared_ptr<const engine::Grammar>> form_of(const FormOptions& options);

}  // namespace foreword::app
