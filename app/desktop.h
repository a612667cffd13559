#pragma once
// The window program: what `foreword` does without a command.

#include <optional>
#include <string>
#include <vector>

#include "app/command.h"
#include "app/server/api.h"

namespace foreword::app {

/// Options that only the window has.
struct DesktopOptions {
  std::string screenshot;         // write the window's first settled picture to this PNG file and quit
  std::vector<std::string> say;   // messages to send, one after another, before that
  std::int64_t limit = -1;        // tokens of an answer; -1: until the model ends
  std::string script;             // play this file on the desks without a window (desktop_script.h) and quit
  int server_port = kServerPort;  // of the local server; 0: any free one
  std::optional<std::int64_t> announce_after_ms;  // the desktop tells of the end of an answer that took longer; nothing: as usual
  std::string theme;              // "light" or "dark"; empty: as saved
  float scale = 0;                // 0: as saved
  bool print_start = false;       // print how long the first frame took and the resident memory
  bool print_frames = false;      // print a JSON line for each frame: which one it is, and what the window shows
};

void add_desktop_options(CLI::App& app, DesktopOptions& options);

/// Opens the window and runs it until it is closed. Exit code of the program. Without a display: one sentence on
/// stderr that names `foreword chat`, and kFailure.
int run_desktop(const CommonOptions& common, const DesktopOptions& options);

}  // namespace foreword::app
