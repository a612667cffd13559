#include "app/bus/file_question.h"

#include <charconv>

namespace foreword::app {
namespace {

constexpr std::size_t kMostOfPath = 4096;  // bytes, PATH_MAX of Linux

}  // namespace

std::optional<std::string> path_of_uri(std::string_view uri) {
  constexpr std::string_view kScheme = "file://", kHere = "localhost";
  if (!uri.starts_with(kScheme)) return std::nullopt;
  uri.remove_prefix(kScheme.size());
  if (uri.starts_with(kHere)) uri.remove_prefix(kHere.size());
  if (!uri.starts_with('/')) return std::nullopt;
  std::string path;
  while (!uri.empty() && path.size() < kMostOfPath) {
    if (uri.front() != '%') {
      path += uri.front();
      uri.remove_prefix(1);
      continue;
    }
    unsigned char byte = 0;
    const char* const begin = uri.data() + 1;
    if (uri.size() < 3 || std::from_chars(begin, begin + 2, byte, 16).ptr != begin + 2) return std::nullopt;
    path += static_cast<char>(byte);
    uri.remove_prefix(3);
  }
  if (!uri.empty() || path.find('\0') != path.npos) return std::nullopt;
  return path;
}

FileChoice choice_of(const FileAnswer& answer) {
  if (answer.end != FileEnd::chosen) return {.end = answer.end};
  auto path = path_of_uri(answer.uri);
  return path ? FileChoice{FileEnd::chosen, *std::move(path)} : FileChoice{.end = FileEnd::elsewhere};
}

}  // namespace foreword::app
