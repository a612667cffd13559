#include "engine/base/plugin.h"

#include <cstdlib>
#include <system_error>

namespace foreword {

std::filesystem::path plugin_of(const std::filesystem::path& program, std::string_view name) {
  if (program.empty()) return {};
  std::error_code error;
  const std::filesystem::path folder = program.parent_path(), file = std::filesystem::path("lib/foreword/plugins") / name;
  const std::filesystem::path installed = folder.parent_path() / file, built = folder / file;
  return std::filesystem::exists(built, error) ? built : installed;
}

std::filesystem::path plugin_place(const char* named_by, std::string_view name) {
  if (const char* named = std::getenv(named_by); named != nullptr && *named != '\0') return named;
  std::error_code error;
  return plugin_of(std::filesystem::read_symlink("/proc/self/exe", error), name);
}

}  // namespace foreword
