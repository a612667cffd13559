#pragma once
// How answers are drafted, as options of the command line.

namespace CLI {
class App;
}
namespace foreword::engine {
struct ModelOptions;
}

namespace foreword::app {

/// --draft and --verify. `options` outlives the parsing.
void add_draft_options(CLI::App& app, engine::ModelOptions& options);

}  // namespace foreword::app
