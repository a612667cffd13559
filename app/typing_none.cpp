#include "app/command.h"

namespace foreword::app {

std::function<int()> add_type(CLI::App&, const CommonOptions&) {
  return [] { return wrong_use("This build has no suggestions while typing, because it was made without the window."); };
}

}  // namespace foreword::app
