#include <CLI/CLI.hpp>

#include "app/command.h"

namespace foreword::app {

std::function<int()> add_type(CLI::App& app, const CommonOptions&) {
  app.fallthrough(false)->allow_extras();  // whatever is asked for, the answer is the same
  return [] { return wrong_use("This build has no suggestions while typing, because it was made without the window."); };
}

}  // namespace foreword::app
