#pragma once
// Plays a script on the window's desks, without the window: for tests that kill the program at any moment. One line a
// step, a word and what it needs: `say TEXT`, `edit N TEXT`, `delete-message N`, ... (the table in desktop_script.cpp).
// On stdout, line by line: `begin STEP WORD`, `piece` for each piece of an answer, `saved` for each message, `done` and
// what is then on the disk, as JSON.

#include <filesystem>

#include "app/command.h"

namespace foreword::app {

/// Exit code of the program: kOk once every step is done.
int run_script(const CommonOptions& common, std::int64_t limit, const std::filesystem::path& script);

}  // namespace foreword::app
