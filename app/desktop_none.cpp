#include "app/desktop.h"

namespace foreword::app {

void add_desktop_options(CLI::App&, DesktopOptions&) {}

int run_desktop(const CommonOptions&, const DesktopOptions&) {
  return wrong_use("This build has no window; use `foreword chat -m FILE`, or see `foreword --help`.");
}

}  // namespace foreword::app
