// The controller and the desktop: how things shall look.

#include "app/controller.h"

namespace foreword::app {

void Controller::on_looks(const Looks& system) {
  system_looks_ = system;
  show_settings();
}

void Controller::show_looks() {
  const Looks looks = looks_of(chosen_looks_, system_looks_);
  view_.theme = looks.dark.value_or(false) ? ui::ThemeChoice::dark : ui::ThemeChoice::light;
  view_.high_contrast = looks.high_contrast.value_or(false);
  view_.less_motion = looks.less_motion.value_or(false);
}

}  // namespace foreword::app
