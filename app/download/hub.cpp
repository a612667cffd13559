#include "app/download/hub.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/download/names.h"
#include "app/files.h"

namespace foreword::app {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kHub = "https://huggingface.co";
constexpr std::uintmax_t kLongestToken = 4096;  // bytes

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  return first == text.npos ? std::string_view() : text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

/// HF_TOKEN, else the first of the files that is there.
std::string find_token(const std::function<std::string(const char*)>& variable) {
  if (const std::string token(trimmed(variable("HF_TOKEN"))); !token.empty()) return token;
  const std::string home = variable("HOME"), cache = variable("XDG_CACHE_HOME"), hub_home = variable("HF_HOME"), named = variable("HF_TOKEN_PATH");
  fs::path file = named;
  if (named.empty()) {
    file = !hub_home.empty() ? fs::path(hub_home) : (!cache.empty() ? fs::path(cache) : fs::path(home) / ".cache") / "huggingface";
    file /= "token";
  }
  const auto text = read_file(file, kLongestToken, Readable::regular);
  return text ? std::string(trimmed(*text)) : std::string();
}

Url below(const HubSettings& settings, const std::string& rest) {
  Url url = settings.endpoint;
  url.rest += rest;
  return url;
}

/// A whole number that is there and not negative.
std::optional<std::int64_t> number(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer()) return std::nullopt;
  if (found->is_number_unsigned() && found->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  const auto value = found->get<std::int64_t>();
  return value < 0 ? std::nullopt : std::optional(value);
}

std::string word(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Error no_answer() { return {ErrorCode::corrupt, "The hub's answer is none that Foreword understands; try again later, or look whether HF_ENDPOINT names a hub."}; }

std::optional<HubFile> file_of(const Json& entry) {
  if (!entry.is_object()) return std::nullopt;
  HubFile file{.path = word(entry, "rfilename")};
  if (!is_gguf(file.path) || !safe_path(file.path)) return std::nullopt;
  file.bytes = number(entry, "size").value_or(-1);
  file.digest = digest_from(word(entry, "blobId"));
  if (const auto lfs = entry.find("lfs"); lfs != entry.end() && lfs->is_object()) {
    file.bytes = number(*lfs, "size").value_or(file.bytes);
    const std::string sha256 = word(*lfs, "sha256");
    file.digest = digest_from(sha256.empty() ? word(*lfs, "oid") : sha256);  // the blob is the pointer's then
  }
  if (file.digest.kind == DigestKind::git_sha1 && file.bytes < 0) file.digest = {};
  return file;
}

}  // namespace

Result<HubSettings> hub_settings(const std::function<const char*(const char*)>& environment) {
  const auto variable = [&](const char* name) {
    const char* value = environment(name);
    return std::string(value == nullptr ? "" : value);
  };
  std::string place(trimmed(variable("HF_ENDPOINT")));
  auto endpoint = parse_url(place.empty() ? kHub : place);
  if (!endpoint) return Error{ErrorCode::invalid_argument, "HF_ENDPOINT is no address that can be used; it has to look like https://host."};
  endpoint->rest = endpoint->path();
  while (endpoint->rest.ends_with('/')) endpoint->rest.pop_back();
  HubSettings settings{*std::move(endpoint)};
  std::string offline(trimmed(variable("HF_HUB_OFFLINE")));
  std::ranges::transform(offline, offline.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::array kYes{"1", "on", "yes", "true"};
  settings.offline = std::ranges::find(kYes, offline) != kYes.end();
  settings.token = find_token(variable);
  if (!std::ranges::all_of(settings.token, [](unsigned char c) { return c > 0x20 && c < 0x7F; })) {
    return Error{ErrorCode::invalid_argument, "The hub's token (HF_TOKEN, or the file that HF_TOKEN_PATH names) is no single word; copy it anew from your account's page."};
  }
  settings.web = {variable("SSL_CERT_FILE"), variable("SSL_CERT_DIR")};
  return settings;
}

Digest digest_from(std::string_view hex) {
  if (!std::ranges::all_of(hex, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); })) return {};
  if (hex.size() == 64) return {DigestKind::sha256, std::string(hex)};
  if (hex.size() == 40) return {DigestKind::git_sha1, std::string(hex)};
  return {};
}

Url repo_url(const HubSettings& settings, const std::string& repo, const std::string& revision) {
  return below(settings, "/api/models/" + percent_encoded(repo, true) + "/revision/" + percent_encoded(revision) + "?blobs=true");
}

Url search_url(const HubSettings& settings, const std::string& words, int most) {
  return below(settings, "/api/models?search=" + percent_encoded(words) + "&filter=gguf&sort=downloads&direction=-1&limit=" + std::to_string(most));
}

Url file_url(const HubSettings& settings, const std::string& repo, const std::string& revision, const std::string& path) {
  return below(settings, "/" + percent_encoded(repo, true) + "/resolve/" + percent_encoded(revision) + "/" + percent_encoded(path, true));
}

std::string page_of(const HubSettings& settings, const std::string& repo) { return below(settings, "/" + repo).text(); }

Result<HubRepo> read_repo(std::string_view json) {
  const Json answer = Json::parse(json, nullptr, false);
  if (!answer.is_object()) return no_answer();
  const auto siblings = answer.find("siblings");
  if (siblings == answer.end() || !siblings->is_array()) return no_answer();
  HubRepo repo{.commit = word(answer, "sha"), .files = {}};
  if (digest_from(repo.commit).kind != DigestKind::git_sha1) repo.commit.clear();
  for (const Json& entry : *siblings) {
    if (auto file = file_of(entry)) repo.files.push_back(*std::move(file));
  }
  return repo;
}

Result<std::vector<HubHit>> read_hits(std::string_view json) {
  const Json answer = Json::parse(json, nullptr, false);
  if (!answer.is_array()) return no_answer();
  std::vector<HubHit> hits;
  for (const Json& entry : answer) {
    if (!entry.is_object()) continue;
    HubHit hit{.repo = word(entry, "id")};
    if (!is_repo(hit.repo)) continue;
    hit.downloads = number(entry, "downloads").value_or(0);
    hit.likes = number(entry, "likes").value_or(0);
    const auto gated = entry.find("gated");  // false, "auto" or "manual"
    hit.gated = gated != entry.end() && !gated->is_null() && *gated != Json(false);
    hits.push_back(std::move(hit));
  }
  return hits;
}

}  // namespace foreword::app
