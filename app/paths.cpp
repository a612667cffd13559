#include "app/paths.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

namespace foreword::app {
namespace fs = std::filesystem;
namespace {

fs::path from_environment(const char* name) {
  const char* value = std::getenv(name);
  const fs::path path = value != nullptr ? fs::path(value) : fs::path();
  return path.is_absolute() ? path : fs::path();
}

fs::path home() {
  if (const fs::path path = from_environment("HOME"); !path.empty()) return path;
  const passwd* user = getpwuid(getuid());
  return user != nullptr ? fs::path(user->pw_dir) : fs::path("/");
}

fs::path xdg(const char* name, const char* below_home) {
  const fs::path base = from_environment(name);
  return (base.empty() ? home() / below_home : base) / "foreword";
}

}  // namespace

Paths find_paths(const fs::path& data_dir) {
  if (!data_dir.empty()) {
    std::error_code ignored;
    const fs::path base = fs::absolute(data_dir, ignored);
    return {base, base / "config", base / "cache", base / "state"};
  }
  return {xdg("XDG_DATA_HOME", ".local/share"), xdg("XDG_CONFIG_HOME", ".config"), xdg("XDG_CACHE_HOME", ".cache"),
          xdg("XDG_STATE_HOME", ".local/state")};
}

}  // namespace foreword::app
