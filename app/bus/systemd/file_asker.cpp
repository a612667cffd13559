#include "app/bus/systemd/file_asker.h"

#include <cstring>
#include <utility>

namespace foreword::app {
namespace {

constexpr const char* kChooser = "org.freedesktop.portal.FileChooser";
constexpr std::uint32_t kGlob = 0;  // a filter's pattern is one for names; 1: a MIME type

void append_filters(sd_bus_message* call, const std::vector<FileFilter>& filters) {
  sd_bus_message_open_container(call, 'e', "sv");
  sd_bus_message_append(call, "s", "filters");
  sd_bus_message_open_container(call, 'v', "a(sa(us))");
  sd_bus_message_open_container(call, 'a', "(sa(us))");
  for (const FileFilter& filter : filters) {
    sd_bus_message_open_container(call, 'r', "sa(us)");
    sd_bus_message_append(call, "s", filter.label.c_str());
    sd_bus_message_open_container(call, 'a', "(us)");
    for (const std::string& pattern : filter.patterns) sd_bus_message_append(call, "(us)", kGlob, pattern.c_str());
    sd_bus_message_close_container(call);
    sd_bus_message_close_container(call);
  }
  for (int i = 0; i < 3; ++i) sd_bus_message_close_container(call);
}

/// Bytes with a zero at their end.
void append_folder(sd_bus_message* call, const std::string& folder) {
  sd_bus_message_open_container(call, 'e', "sv");
  sd_bus_message_append(call, "s", "current_folder");
  sd_bus_message_open_container(call, 'v', "ay");
  sd_bus_message_append_array(call, 'y', folder.c_str(), folder.size() + 1);
  sd_bus_message_close_container(call);
  sd_bus_message_close_container(call);
}

/// The first of the URIs in a response's results, or nothing.
std::string read_uri(sd_bus_message* signal) {
  if (sd_bus_message_enter_container(signal, 'a', "{sv}") <= 0) return {};
  while (sd_bus_message_enter_container(signal, 'e', "sv") > 0) {
    const char *key = nullptr, *uri = nullptr;
    if (sd_bus_message_read(signal, "s", &key) <= 0) return {};
    if (std::strcmp(key, "uris") == 0) {
      const bool read = sd_bus_message_enter_container(signal, 'v', "as") > 0 && sd_bus_message_enter_container(signal, 'a', "s") > 0 && sd_bus_message_read(signal, "s", &uri) > 0;
      return read ? std::string(uri) : std::string();
    }
    if (sd_bus_message_skip(signal, "v") < 0 || sd_bus_message_exit_container(signal) < 0) return {};
  }
  return {};
}

}  // namespace

void FileAsker::look() {
  const Message call = new_call(bus_, kPortal, kPortalPath, "org.freedesktop.DBus.Properties", "Get");
  if (call) sd_bus_message_append(call.get(), "ss", kChooser, "version");
  look_ = send(bus_, call, heard<&FileAsker::seen, FileAsker>, this);
}

void FileAsker::seen(sd_bus_message* answer) { tells_.there(sd_bus_message_is_method_error(answer, nullptr) == 0); }

void FileAsker::ask(const FileQuestion& question) {
  const std::string token = new_token();
  Asked& asked = asked_.emplace_back(Asked{.asker = this, .id = question.id, .request = request_path(bus_, token)});
  asked.response = listen(bus_, kPortal, asked.request, kRequest, "Response", heard<&Asked::closed, Asked>, &asked);
  const Message call = new_call(bus_, kPortal, kPortalPath, kChooser, question.save ? "SaveFile" : "OpenFile");
  if (call) {
    sd_bus_message_append(call.get(), "ss", "", question.title.c_str());  // of no window: the desktop puts it where it likes
    sd_bus_message_open_container(call.get(), 'a', "{sv}");
    append_option(call.get(), "handle_token", token);
    append_option(call.get(), "modal", true);
    if (question.save && !question.name.empty()) append_option(call.get(), "current_name", question.name);
    if (!question.folder.empty()) append_folder(call.get(), question.folder);
    if (!question.filters.empty()) append_filters(call.get(), question.filters);
    sd_bus_message_close_container(call.get());
  }
  asked.call = send(bus_, call, heard<&Asked::opened, Asked>, &asked);
  if (!asked.call || !asked.response) end(asked, FileEnd::unavailable);
}

/// The dialog is open. Portals of before 0.9 choose another path for it.
void FileAsker::Asked::opened(sd_bus_message* answer) {
  const char* path = nullptr;
  if (sd_bus_message_is_method_error(answer, nullptr) > 0 || sd_bus_message_read(answer, "o", &path) <= 0) return asker->end(*this, FileEnd::unavailable);
  if (request == path) return;
  request = path;
  response = listen(asker->bus_, kPortal, request, kRequest, "Response", heard<&Asked::closed, Asked>, this);
  if (!response) asker->end(*this, FileEnd::unavailable);
}

void FileAsker::Asked::closed(sd_bus_message* signal) {
  enum : std::uint32_t { kChosen, kCancelled };  // else: it has ended in some other way
  std::uint32_t how = 0;
  if (sd_bus_message_read(signal, "u", &how) <= 0) return asker->end(*this, FileEnd::unavailable);
  if (how == kCancelled) return asker->end(*this, FileEnd::cancelled);
  std::string uri = how == kChosen ? read_uri(signal) : std::string();
  const FileEnd end = how == kChosen ? FileEnd::chosen : FileEnd::unavailable;
  asker->end(*this, end, std::move(uri));
}

void FileAsker::end(const Asked& asked, FileEnd end, std::string uri) {
  const FileAnswer answer{.id = asked.id, .end = end, .uri = std::move(uri)};
  asked_.remove_if([&](const Asked& one) { return &one == &asked; });
  tells_.answered(answer);
}

void FileAsker::give_up() {
  while (!asked_.empty()) end(asked_.front(), FileEnd::unavailable);
}

}  // namespace foreword::app
