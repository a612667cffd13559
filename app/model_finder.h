#pragma once
// Models that are on this computer already, because other programs or the user have put them there (specification: desktop, section 6). Folders
// are read and nothing else: no file is moved, changed or opened to write. Any thread; as slow as the disk, so never on the window's.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.h"

namespace foreword::app {

enum class ModelLayout : std::uint8_t {
  files,   // .gguf files, in folders or not
  ollama,  // manifests that name blobs
};

struct ModelPlace {
  std::filesystem::path folder;
  std::string owner;  // the program: "LM Studio"; empty: the user
  ModelLayout layout = ModelLayout::files;
  int depth = 0;      // of folders below this one that are looked into
};

/// Where what was downloaded lies (Paths::models()), and where programs that share such files keep them. `environment`: as getenv().
std::vector<ModelPlace> model_places(const std::function<const char*(const char*)>& environment, const std::filesystem::path& own = {});

struct FoundModel {
  std::filesystem::path path;  // of a split model its first part
  std::string name, owner;
  std::int64_t bytes = 0;      // of all parts
  std::string problem{};       // why it cannot be opened: one sentence; empty: nothing is known against it
};
struct FoundModels {
  std::vector<FoundModel> models;     // by name; each file once, however many links lead to it
  std::vector<std::string> unreadable;  // folders that are there and may not be read: a sentence each
};

/// Of these places, and of the folders in which models lie that were opened before (`known`), which are not found again themselves. What is no
/// language model (vocabularies, projectors, adapters) is left out.
FoundModels find_models(std::span<const ModelPlace> places, std::span<const std::filesystem::path> known);

/// The file of the one model with this name, in capitals or not; "llama3.2" is "llama3.2:latest", too. Nobody's name is given back as it is, for
/// it may be a file's. `invalid_argument`: there are several.
Result<std::filesystem::path> model_named(const FoundModels& found, const std::filesystem::path& name);

}  // namespace foreword::app
