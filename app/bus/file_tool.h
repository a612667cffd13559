#pragma once
// Dialogs of a program that is installed, for desktops whose portal has none: zenity or kdialog.

#include <atomic>
#include <span>
#include <string>
#include <vector>

#include "app/bus/file_question.h"

namespace foreword::app {

struct FileTool {
  const char* program;
  /// The words that it is started with, itself first.
  std::vector<std::string> (*words)(const FileQuestion& question);
};
/// All that are known, the best first.
std::span<const FileTool> file_tools();
/// The first one that is installed; null: none is.
const FileTool* installed_file_tool();

/// Shows its dialog and waits for its end. When `stop` is set, the dialog goes away and that counts as cancelled. Any thread that may wait.
FileChoice run_file_tool(const FileTool& tool, const FileQuestion& question, const std::atomic<bool>& stop);

}  // namespace foreword::app
