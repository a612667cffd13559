// The controller and the local server: on or off as it is set, and what the window says of it.

#include <utility>

#include "app/controller.h"

namespace foreword::app {

/// The server becomes what is set. Orders are carried out one after another, so the last one counts.
void Controller::switch_server() {
  if (!out_.serve || server_wanted_ == server_asked_) return;
  server_asked_ = server_wanted_;
  aside([this, serve = out_.serve, on = server_wanted_]() -> Afterwards {
    return [this, now = serve(on)]() mutable {
      now.running = now.on ? view_.server.running : 0;
      view_.server = std::move(now);
      if (!view_.server.trouble.empty()) {
        server_wanted_ = server_asked_ = false;  // until it is asked for again, or the next start
        notify(ui::NoticeKind::error, view_.server.trouble);
      }
      show_settings();
    };
  });
}

void Controller::on_server(int running) {
  view_.server.running = view_.server.on ? running : 0;
}

}  // namespace foreword::app
