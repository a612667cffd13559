#pragma once
// The model hub (Hugging Face's, or one that answers like it): where it is, what it is asked, what its JSON says. No request is made here.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "app/download/url.h"
#include "app/download/web.h"
#include "engine/base/result.h"

namespace foreword::app {

struct HubSettings {
  Url endpoint;          // without a "/" at its end: rest is "" or "/prefix"
  std::string token{};   // goes to the endpoint's host alone; empty: none
  bool offline = false;  // nothing is asked of any host
  WebSettings web{};
};

/// From HF_ENDPOINT, HF_TOKEN, HF_TOKEN_PATH, HF_HOME, HF_HUB_OFFLINE, SSL_CERT_FILE, SSL_CERT_DIR. `environment`: as getenv().
/// `invalid_argument`: the endpoint is no address, or the token no word.
Result<HubSettings> hub_settings(const std::function<const char*(const char*)>& environment);

/// What a file's bytes must give.
struct Digest {
  DigestKind kind = DigestKind::none;
  std::string hex{};  // small letters
  bool operator==(const Digest&) const = default;
};
/// By the length: 64 signs are SHA-256, 40 are Git's. `none`: neither.
Digest digest_from(std::string_view hex);

struct HubFile {
  std::string path;         // below the repository: "BF16/model-00001-of-00002.gguf"; a safe one (names.h)
  std::int64_t bytes = -1;  // -1: unknown
  Digest digest{};
};
struct HubRepo {
  std::string commit;          // 40 signs; empty: the hub does not say
  std::vector<HubFile> files;  // GGUF files alone, in the hub's order
};
struct HubHit {
  std::string repo;  // "ORG/REPO"
  std::int64_t downloads = 0, likes = 0;
  bool gated = false;  // asks for a licence to be accepted
};

Url repo_url(const HubSettings& settings, const std::string& repo, const std::string& revision);
Url search_url(const HubSettings& settings, const std::string& words, int most);
Url file_url(const HubSettings& settings, const std::string& repo, const std::string& revision, const std::string& path);
/// For people.
std::string page_of(const HubSettings& settings, const std::string& repo);

/// The answers to repo_url() and search_url(). `corrupt`. A file with a name that could lead elsewhere is left out.
Result<HubRepo> read_repo(std::string_view json);
Result<std::vector<HubHit>> read_hits(std::string_view json);

}  // namespace foreword::app
