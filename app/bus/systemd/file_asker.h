#pragma once
// Has the portal ask the user for files.

#include <functional>
#include <list>
#include <string>

#include "app/bus/file_question.h"
#include "app/bus/systemd/line.h"

namespace foreword::app {

class FileAsker {
 public:
  struct Tells {
    std::function<void(bool there)> there;  // after each look()
    std::function<void(const FileAnswer&)> answered;
  };
  FileAsker(sd_bus* bus, Tells tells) : bus_(bus), tells_(std::move(tells)) {}
  FileAsker(const FileAsker&) = delete;
  FileAsker& operator=(const FileAsker&) = delete;

  /// Whether the portal can.
  void look();
  void ask(const FileQuestion& question);
  /// The portal is gone: nothing will come of what is open.
  void give_up();

 private:
  struct Asked {
    FileAsker* asker = nullptr;
    std::uint64_t id = 0;
    std::string request{};  // its path
    Slot call{}, response{};
    void opened(sd_bus_message* answer);
    void closed(sd_bus_message* signal);
  };

  void seen(sd_bus_message* answer);
  void end(const Asked& asked, FileEnd end, std::string uri = {});

  sd_bus* bus_;
  Tells tells_;
  Slot look_;
  std::list<Asked> asked_;
};

}  // namespace foreword::app
