#pragma once
// Dialogs in which the user chooses a file: the desktop's own, else those of a program that is installed.

#include <atomic>
#include <functional>

#include "app/bus/bus_desk.h"
#include "app/bus/file_tool.h"
#include "app/side_desk.h"

namespace foreword::app {

class FileDialogs {
 public:
  /// Both must outlive it.
  FileDialogs(BusDesk& bus, Mailbox<Afterwards>& outbox) : bus_(bus), tool_(installed_file_tool()), tools_(outbox) {}
  /// Closes the dialogs of programs that are open, and joins.
  ~FileDialogs() { end(); }
  FileDialogs(const FileDialogs&) = delete;
  FileDialogs& operator=(const FileDialogs&) = delete;
  void end();

  /// One that no portal is needed for.
  bool has_own() const { return tool_ != nullptr; }
  /// `tell` is called on the asker's thread, once, when the dialog is over. Never waits.
  void ask(FileQuestion question, std::function<void(const FileChoice&)> tell);

 private:
  BusDesk& bus_;
  const FileTool* tool_;
  std::atomic<bool> stop_{false};
  SideDesk tools_;
};

}  // namespace foreword::app
