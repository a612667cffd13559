// The controller and the desktop: how things shall look, files that the user chooses in its dialogs, what it is asked to say, and when it should not sleep.

#include <algorithm>
#include <utility>

#include "app/controller.h"

namespace foreword::app {
namespace {

struct FileUseRow {
  const char* title;
  std::vector<FileFilter> filters;
  ui::UiEvent (*event)(const std::string& path);
  const char* without;  // a dialog
};
/// By FileUse.
const FileUseRow& row_of(ui::FileUse use) {
  static const FileUseRow kRows[] = {
      {"Open a model", {{"Models", {"*.gguf"}}, {"All files", {"*"}}}, [](const std::string& path) { return ui::UiEvent(ui::OpenModel{path}); },
       "There is no dialog for files here; write the model's path (Ctrl+O), or drop the file on the window."},
      {"Attach a text file", {}, [](const std::string& path) { return ui::UiEvent(ui::AttachFile{path}); }, "There is no dialog for files here; drop the file on the window instead."},
  };
  return kRows[static_cast<std::size_t>(use)];
}

}  // namespace

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

void Controller::on_dialogs(bool there) { view_.can_choose_files = there && out_.ask_file; }

/// `take` gets what the user has chosen; `without` is done where no dialog opens.
void Controller::ask_file(FileQuestion question, std::function<void(const std::string& path)> take, std::function<void()> without) {
  if (!view_.can_choose_files) return without();
  out_.ask_file(std::move(question), [this, take = std::move(take), without = std::move(without)](const FileChoice& choice) {
    switch (choice.end) {
      case FileEnd::chosen: return take(choice.path);
      case FileEnd::cancelled: return;
      case FileEnd::elsewhere: return notify(ui::NoticeKind::error, "What was chosen is no file on this computer; copy it here first.");
      case FileEnd::unavailable: return without();
    }
  });
}

void Controller::on_watched(bool watched) {
  watched_ = watched;
  if (watched && std::exchange(announced_, false)) out_.announce({});
}

/// Whoever has stopped it knows.
void Controller::announce_end(const Turn& turn, ui::MessageState state) {
  const bool stopped = state == ui::MessageState::stopped, late = out_.now_ms() - turn.asked_ms > options_.long_answer_ms;
  if (!out_.announce || !announces_ || watched_ || stopped || !late) return;
  announced_ = true;
  out_.announce(state == ui::MessageState::failed ? "The answer has ended too early" : "The answer is ready");
}

/// While something goes on for which nobody has to be there.
void Controller::stay_awake() {
  const bool downloads = std::ranges::any_of(view_.downloads, [](const ui::DownloadView& one) { return one.state == ui::DownloadState::waiting || one.state == ui::DownloadState::running; });
  const bool busy = view_.generating || downloads;
  if (busy != std::exchange(awake_, busy) && out_.keep_awake) out_.keep_awake(busy);
}

void Controller::handle(ui::ChooseFile&& e) {
  const FileUseRow& row = row_of(e.use);
  ask_file({.title = row.title, .filters = row.filters}, [this, &row](const std::string& path) { on(row.event(path)); }, [this, &row] { notify(ui::NoticeKind::info, row.without); });
}

}  // namespace foreword::app
