#include "app/download/unfinished.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "app/files.h"

namespace foreword::app {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStateEnd = ".part.json";
constexpr int kMostEntries = 10'000;
constexpr std::uintmax_t kLongestState = 1 << 16;  // bytes

}  // namespace

std::vector<Unfinished> unfinished_downloads(const fs::path& models) {
  std::vector<Unfinished> found;
  std::error_code code;
  int left = kMostEntries;
  for (fs::recursive_directory_iterator entry(models, code), end; !code && entry != end && left > 0; entry.increment(code), --left) {
    const fs::path& state = entry->path();
    const std::string name = state.filename().string();
    if (!name.ends_with(kStateEnd)) continue;
    fs::path part = state;
    part.replace_extension();  // ".json"
    std::error_code none;
    const std::uintmax_t done = fs::file_size(part, none);
    const auto text = read_file(state, kLongestState, Readable::regular);
    if (none || done == 0 || !text) continue;
    const auto json = nlohmann::json::parse(*text, nullptr, false);
    if (!json.is_object()) continue;
    const auto url = json.value("url", nlohmann::json()), size = json.value("size", nlohmann::json());
    if (!url.is_string()) continue;
    const fs::path file = name.substr(0, name.size() - kStateEnd.size());
    found.push_back({url.get<std::string>(), file.stem().string(), static_cast<std::int64_t>(done), size.is_number_integer() ? size.get<std::int64_t>() : -1});
  }
  std::ranges::sort(found, {}, &Unfinished::name);
  return found;
}

}  // namespace foreword::app
