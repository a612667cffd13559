#include "app/model_finder.h"

#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "app/download/split_name.h"
#include "app/files.h"
#include "engine/gguf/glance.h"
#include "engine/model/architecture.h"

namespace foreword::app {
namespace {

namespace fs = std::filesystem;

constexpr int kMostEntries = 50'000;             // of a place: whoever has more than that there keeps no models in it
constexpr std::uintmax_t kLongestManifest = 1 << 20;  // bytes
constexpr std::string_view kOllamaModel = "application/vnd.ollama.image.model";

/// A file, whatever leads to it.
using FileId = std::pair<dev_t, ino_t>;
std::optional<FileId> id_of(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  return FileId{info.st_dev, info.st_ino};
}

std::string lowered(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

class Finder {
 public:
  explicit Finder(std::span<const fs::path> known) {
    for (const fs::path& path : known) {
      if (const auto id = id_of(path)) seen_.insert(*id);
    }
  }

  void look_into(const ModelPlace& place) {
    left_ = kMostEntries;
    place.layout == ModelLayout::ollama ? look_at_manifests(place) : walk(place.folder, place.depth, [&](const fs::path& file) { look_at(file, place.owner); });
  }

  FoundModels take() {
    std::ranges::sort(found_.models, {}, [](const FoundModel& model) { return std::pair(lowered(model.name), model.path); });
    return std::move(found_);
  }

 private:
  /// Every regular file, in the order of their names, so that each start finds the same; links to folders are not followed.
  template <class Visit>
  void walk(const fs::path& folder, int depth, const Visit& visit) {
    std::error_code code;
    std::vector<fs::directory_entry> entries;
    for (fs::directory_iterator entry(folder, code), end; !code && entry != end && left_ > 0; entry.increment(code), --left_) entries.push_back(*entry);
    if (code && code != std::errc::no_such_file_or_directory && code != std::errc::not_a_directory) {
      found_.unreadable.push_back(folder.string() + " cannot be read: " + code.message() + ".");
    }
    std::ranges::sort(entries, {}, [](const fs::directory_entry& entry) { return entry.path(); });
    for (const fs::directory_entry& entry : entries) {
      std::error_code ignored;  // what went away meanwhile, or leads nowhere
      if (entry.is_regular_file(ignored)) visit(entry.path());
      else if (depth > 0 && entry.is_directory(ignored) && !entry.is_symlink(ignored)) walk(entry.path(), depth - 1, visit);
    }
  }

  void look_at(const fs::path& file, const std::string& owner) {
    const std::string name = file.filename().string();
    if (!lowered(name).ends_with(".gguf") || name.starts_with("incomplete-")) return;
    const auto part = split_name(name);
    if (part && part->number != 1) return;
    FoundModel model{.path = file, .name = part ? part->before : file.stem().string(), .owner = owner};
    for (int i = 2; part && i <= part->count; ++i) {
      std::error_code code;
      const std::uintmax_t bytes = fs::file_size(file.parent_path() / part->part(i), code);
      if (code && model.problem.empty()) model.problem = "Part " + std::to_string(i) + " of " + std::to_string(part->count) + " is missing.";
      if (!code) model.bytes += static_cast<std::int64_t>(bytes);
    }
    add(std::move(model));
  }

  /// manifests/HOST/NAMESPACE/MODEL/TAG, each a JSON object with the layers; the model's is a GGUF file below blobs/.
  void look_at_manifests(const ModelPlace& place) {
    walk(place.folder / "manifests", place.depth, [&](const fs::path& file) {
      const auto text = read_file(file, kLongestManifest, Readable::regular);
      if (!text) return;
      const auto manifest = nlohmann::json::parse(*text, nullptr, false);
      if (!manifest.is_object() || !manifest.contains("layers") || !manifest["layers"].is_array()) return;
      for (const auto& layer : manifest["layers"]) {
        if (!layer.is_object() || layer.value("mediaType", nlohmann::json()) != kOllamaModel) continue;
        const auto digest = layer.value("digest", nlohmann::json());
        if (!digest.is_string()) continue;
        std::string blob = digest.get<std::string>();
        std::ranges::replace(blob, ':', '-');
        if (blob.find('/') != blob.npos) continue;
        add({.path = place.folder / "blobs" / blob, .name = file.parent_path().filename().string() + ":" + file.filename().string(), .owner = place.owner});
      }
    });
  }

  void add(FoundModel model) {
    std::error_code code;
    const std::uintmax_t bytes = fs::file_size(model.path, code);
    const auto id = id_of(model.path);
    if (code || !id || seen_.contains(*id)) return;
    const auto glance = engine::glance_at(model.path);
    if (!glance && glance.error().code == ErrorCode::corrupt) return;
    if (glance && (glance->n_tensors == 0 || (!glance->type.empty() && glance->type != "model") || glance->architecture == "clip")) return;
    seen_.insert(*id);
    model.bytes += static_cast<std::int64_t>(bytes);
    if (!glance) model.problem = glance.error().message;
    if (glance && model.problem.empty() && !glance->architecture.empty()) {
      if (const auto row = engine::find_architecture(glance->architecture); !row) model.problem = row.error().message;
    }
    found_.models.push_back(std::move(model));
  }

  std::set<FileId> seen_;
  FoundModels found_;
  int left_ = 0;
};

}  // namespace

std::vector<ModelPlace> model_places(const std::function<const char*(const char*)>& environment, const fs::path& own) {
  const auto variable = [&](const char* name) {
    const char* value = environment(name);
    return fs::path(value != nullptr && value[0] == '/' ? value : "");  // relative ones mean another folder in each program
  };
  const fs::path home = variable("HOME");
  const auto either = [](const fs::path& first, const fs::path& otherwise) { return first.empty() ? otherwise : first; };
  const fs::path cache = either(variable("XDG_CACHE_HOME"), home / ".cache"), data = either(variable("XDG_DATA_HOME"), home / ".local/share");
  const fs::path hub = either(variable("HF_HUB_CACHE"), either(variable("HF_HOME"), cache / "huggingface") / "hub");
  const fs::path ollama = variable("OLLAMA_MODELS");
  std::vector<ModelPlace> places{
      {own, "Foreword", ModelLayout::files, 4},
      {hub, "Hugging Face", ModelLayout::files, 5},  // a repository's snapshots link to its blobs
      {home / ".lmstudio/models", "LM Studio", ModelLayout::files, 3},
      {home / ".cache/lm-studio/models", "LM Studio", ModelLayout::files, 3},
      {either(variable("LLAMA_CACHE"), cache / "llama.cpp"), "llama.cpp", ModelLayout::files, 1},
      {either(ollama, home / ".ollama/models"), "Ollama", ModelLayout::ollama, 3},
      {ollama.empty() ? "/usr/share/ollama/.ollama/models" : "", "Ollama", ModelLayout::ollama, 3},  // where it runs as a service
      {data / "nomic.ai/GPT4All", "GPT4All", ModelLayout::files, 0},
      {data / "Jan/data/llamacpp/models", "Jan", ModelLayout::files, 4},
      {home / ".config/Jan/data/llamacpp/models", "Jan", ModelLayout::files, 4},
      {home / "jan/models", "Jan", ModelLayout::files, 4},
  };
  std::erase_if(places, [](const ModelPlace& place) { return !place.folder.is_absolute(); });
  return places;
}

FoundModels find_models(std::span<const ModelPlace> places, std::span<const fs::path> known) {
  Finder finder(known);
  for (const ModelPlace& place : places) finder.look_into(place);
  for (const fs::path& path : known) finder.look_into({.folder = path.parent_path(), .owner = {}});
  return finder.take();
}

Result<fs::path> model_named(const FoundModels& found, const fs::path& name) {
  const std::string wanted = lowered(name.string());
  const FoundModel* first = nullptr;
  for (const FoundModel& model : found.models) {
    const std::string named = lowered(model.name);
    if (named != wanted && named != wanted + ":latest") continue;
    if (first != nullptr) {
      return Error{ErrorCode::invalid_argument, "There are several models named " + name.string() + ", " + first->path.string() + " and " + model.path.string() + "; give the path of one."};
    }
    first = &model;
  }
  return first == nullptr ? name : first->path;
}

}  // namespace foreword::app
