#pragma once
// What to download, as a person names it, and which names from the network may become names of files.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "app/download/hub.h"

namespace foreword::app {

/// A repository of the hub, or one file of another host.
struct Target {
  std::string repo{};              // "ORG/REPO"; empty: `url` counts
  std::string revision = "main";   // branch, tag or commit
  std::string quant{};             // "Q4_K_M", as it was written; empty: the usual choice
  std::string file{};              // below the repository; empty: by `quant`
  std::optional<Url> url{};
  std::string name{};              // of the file at `url`
};

/// ORG/REPO[:QUANT], also behind hf.co/ or huggingface.co/; the address of a repository, of a file in it (/resolve/REV/FILE, /blob/REV/FILE), of a
/// revision (/tree/REV); the address of a GGUF file on another host. `invalid_argument`.
Result<Target> read_target(std::string_view text, const HubSettings& settings);

/// "ORG/REPO" in letters, digits, "-", "_" and ".", neither of them beginning with a dot.
bool is_repo(std::string_view text);
/// By its ending, in capitals or not.
bool is_gguf(std::string_view name);
/// A name that came from the network as a path below a folder of ours, which it cannot leave; nothing: it is refused. No part of it is empty,
/// begins with a dot, is longer than 200 bytes, or has control characters, backslashes or bytes that are not UTF-8.
std::optional<std::filesystem::path> safe_path(std::string_view name);

}  // namespace foreword::app
