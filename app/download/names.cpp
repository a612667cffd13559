#include "app/download/names.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

namespace foreword::app {
namespace {

constexpr std::size_t kLongestPart = 200, kLongestPath = 1000;  // bytes; what stands beside a file while it comes has a longer name

constexpr std::array<std::string_view, 3> kHubHosts{"huggingface.co", "www.huggingface.co", "hf.co"};

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// The bytes of the UTF-8 character at the beginning; 0: there is none, or it could steer a terminal.
std::size_t character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = byte(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7F && first != '\\' ? 1 : 0;
  const std::size_t n = first >= 0xC2 && first < 0xE0 ? 2 : first >= 0xE0 && first < 0xF0 ? 3 : first >= 0xF0 && first < 0xF5 ? 4 : 0;
  for (std::size_t i = 1; i < n; ++i) {
    if (byte(i) < 0x80 || byte(i) >= 0xC0) return 0;
  }
  if (first == 0xC2 && byte(1) < 0xA0) return 0;                              // C1
  if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) >= 0xA0)) return 0;  // too long, surrogates
  if ((first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) >= 0x90)) return 0;
  const bool turns = first == 0xE2 && ((byte(1) == 0x80 && ((byte(2) >= 0x8B && byte(2) <= 0x8F) || (byte(2) >= 0xA8 && byte(2) <= 0xAE))) ||
                                       (byte(1) == 0x81 && byte(2) >= 0xA0 && byte(2) <= 0xAF));  // directions and what is not seen
  return turns ? 0 : n;
}

bool is_safe_part(std::string_view part) {
  if (part.empty() || part.front() == '.' || part.size() > kLongestPart) return false;
  while (!part.empty()) {
    const std::size_t n = character(part);
    if (n == 0) return false;
    part.remove_prefix(n);
  }
  return true;
}

bool is_name(std::string_view part) {
  return is_safe_part(part) && std::ranges::all_of(part, [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.'; });
}

Error no_target(std::string_view text) {
  return {ErrorCode::invalid_argument,
          std::string(text.substr(0, 200)) + " names nothing that can be downloaded; give ORG/REPO or ORG/REPO:QUANT of the hub, or the address of a GGUF file."};
}

/// ORG/REPO[:QUANT][/ACTION/REVISION[/FILE]], decoded.
Result<Target> on_hub(std::string_view text, std::string_view whole) {
  std::vector<std::string_view> parts = split(text, '/');
  while (!parts.empty() && parts.back().empty()) parts.pop_back();
  if (parts.size() < 2) return no_target(whole);
  Target target;
  const std::size_t colon = parts[1].find(':');
  if (colon != parts[1].npos) {
    target.quant = parts[1].substr(colon + 1);
    parts[1] = parts[1].substr(0, colon);
    if (!is_name(target.quant)) return no_target(whole);
  }
  target.repo = std::string(parts[0]) + "/" + std::string(parts[1]);
  if (!is_repo(target.repo)) return no_target(whole);
  if (parts.size() == 2) return target;
  constexpr std::array<std::string_view, 4> kActions{"resolve", "blob", "raw", "tree"};
  if (parts.size() < 4 || std::ranges::find(kActions, parts[2]) == kActions.end()) return no_target(whole);
  target.revision = percent_decoded(parts[3]);
  if (parts[2] == "tree") return target;
  for (std::size_t i = 4; i < parts.size(); ++i) target.file += (i > 4 ? "/" : "") + percent_decoded(parts[i]);
  if (!is_gguf(target.file) || !safe_path(target.file)) return no_target(whole);
  return target;
}

}  // namespace

Result<Target> read_target(std::string_view text, const HubSettings& settings) {
  if (text.find("://") == text.npos) {
    for (const std::string_view host : kHubHosts) {
      if (text.starts_with(host) && text.substr(host.size()).starts_with('/')) return on_hub(text.substr(host.size() + 1), text);
    }
    return on_hub(text, text);
  }
  FW_ASSIGN(const Url url, parse_url(text));
  const std::string path = url.path();
  if (url.host == settings.endpoint.host && path.starts_with(settings.endpoint.rest + "/")) return on_hub(path.substr(settings.endpoint.rest.size() + 1), text);
  if (std::ranges::find(kHubHosts, url.host) != kHubHosts.end()) return on_hub(path.substr(1), text);
  Target target{.url = url, .name = percent_decoded(path.substr(path.rfind('/') + 1))};
  const auto name = safe_path(target.name);
  if (!is_gguf(target.name) || !name || name->has_parent_path()) return no_target(text);
  return target;
}

bool is_repo(std::string_view text) {
  const std::vector<std::string_view> parts = split(text, '/');
  return parts.size() == 2 && is_name(parts[0]) && is_name(parts[1]);
}

bool is_gguf(std::string_view name) {
  constexpr std::string_view kEnding = ".gguf";
  return name.size() > kEnding.size() &&
         std::ranges::equal(name.substr(name.size() - kEnding.size()), kEnding, [](unsigned char a, char b) { return std::tolower(a) == b; });
}

std::optional<std::filesystem::path> safe_path(std::string_view name) {
  if (name.size() > kLongestPath || !std::ranges::all_of(split(name, '/'), is_safe_part)) return std::nullopt;
  return std::filesystem::path(name);
}

}  // namespace foreword::app
