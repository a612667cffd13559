#include "app/builtin.h"

namespace foreword::app {
namespace fs = std::filesystem;

std::array<fs::path, 2> builtin_places(const fs::path& folder) {
  // FOREWORD_BUILTIN_FROM_BUILD: from the build folder to assets/builtin, so that the program holds no absolute path.
  return {(folder / "../share/foreword/builtin/main.gguf").lexically_normal(),
          (folder / FOREWORD_BUILTIN_FROM_BUILD / "main.gguf").lexically_normal()};
}

fs::path find_builtin_model() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return {};
  for (const fs::path& place : builtin_places(program.parent_path())) {
    if (fs::is_regular_file(place, error)) return place;
  }
  return {};
}

engine::ModelOptions with_sibling(const fs::path& model, const fs::path& builtin, engine::ModelOptions options) {
  const fs::path sibling = builtin.parent_path() / "draft.gguf";
  std::error_code error;
  const bool free = options.draft == engine::ModelOptions().draft && options.draft_model.empty();
  if (!free || builtin.empty() || model != builtin || !fs::is_regular_file(sibling, error)) return options;
  options.draft_model = sibling;
  options.draft_model_optional = true;
  return options;
}

}  // namespace foreword::app
