#pragma once
// What is asked of a dialog in which the user chooses a file, and what comes of it. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace foreword::app {

struct FileFilter {
  std::string label;                  // "Models (.gguf)"
  std::vector<std::string> patterns;  // "*.gguf"
};
struct FileQuestion {
  std::uint64_t id = 0;  // of whoever asks
  bool save = false;     // a new file, whose name is `name`; else one that is there
  std::string title;
  std::string name{}, folder{};  // to begin with; empty: as the dialog likes. UTF-8; an absolute path
  std::vector<FileFilter> filters{};  // the first one holds
};

enum class FileEnd : std::uint8_t {
  chosen,
  cancelled,
  elsewhere,    // what was chosen is no file of this computer
  unavailable,  // there was no dialog
};
struct FileAnswer {
  std::uint64_t id = 0;
  FileEnd end = FileEnd::unavailable;
  std::string uri{};  // as it came, when something was chosen
};
struct FileChoice {
  FileEnd end = FileEnd::unavailable;
  std::string path{};  // absolute, when something was chosen
};
FileChoice choice_of(const FileAnswer& answer);

/// The path of a file on this computer that a URI names (RFC 8089), or nothing: another scheme, another host, a path that is not absolute, has a zero
/// byte or is broken. What the percent codes make is taken as it is: paths are bytes.
std::optional<std::string> path_of_uri(std::string_view uri);

}  // namespace foreword::app
