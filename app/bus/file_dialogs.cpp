#include "app/bus/file_dialogs.h"

#include <utility>

namespace foreword::app {

void FileDialogs::end() {
  stop_ = true;
  tools_.end();
}

void FileDialogs::ask(FileQuestion question, std::function<void(const FileChoice&)> tell) {
  bus_.ask(question, [this, question, tell = std::move(tell)](const FileChoice& choice) {
    if (choice.end != FileEnd::unavailable || tool_ == nullptr) return tell(choice);
    tools_.send([this, question, tell]() -> Afterwards { return [tell, choice = run_file_tool(*tool_, question, stop_)] { tell(choice); }; });
  });
}

}  // namespace foreword::app
