#include "engine/base/plugin.h"

#include <dlfcn.h>

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

Result<OpenPlugin> open_plugin(const Plugin& plugin) { return open_plugin(plugin, plugin_place(plugin.named_by, plugin.name)); }

Result<OpenPlugin> open_plugin(const Plugin& plugin, const std::filesystem::path& named) {
  if (named.empty()) return Error{ErrorCode::not_found, std::string("Foreword does not know its own folder, where its plugins lie; name the file in ") + plugin.named_by + "."};
  std::error_code error;
  // A name without a folder would be looked for among the system's libraries.
  std::string file = std::filesystem::absolute(named, error).string();
  if (!std::filesystem::is_regular_file(file, error)) return Error{ErrorCode::not_found, std::string(plugin.missing) + " (" + file + " is not there); " + plugin.remedy + "."};
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* reason = dlerror();
    return Error{ErrorCode::unsupported, std::string(plugin.words) + " cannot be loaded (" + (reason == nullptr ? file : reason) + "); install Foreword anew."};
  }
  void* entry = dlsym(library, plugin.entry);
  if (entry == nullptr) return plugin_of_another_version(file);
  return OpenPlugin{entry, std::move(file)};
}

Error plugin_of_another_version(const std::string& file) { return {ErrorCode::unsupported, file + " belongs to another version of Foreword; install both from one package."}; }

}  // namespace foreword
