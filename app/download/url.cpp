#include "app/download/url.h"

#include <algorithm>
#include <cctype>

namespace foreword::app {
namespace {

constexpr std::size_t kLongest = 8192;  // bytes

struct Scheme {
  std::string_view begin, name, port;
};
constexpr Scheme kSchemes[] = {{"https://", "https", ":443"}, {"http://", "http", ":80"}};

std::string lowered(std::string_view text) {
  std::string small(text);
  std::ranges::transform(small, small.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return small;
}

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool is_host(std::string_view host) {
  std::string_view name = host, port;
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == host.npos || end < 3) return false;
    name = host.substr(1, end - 1);
    port = host.substr(end + 1);
    if (!std::ranges::all_of(name, [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0 || c == ':' || c == '.'; })) return false;
  } else {
    const std::size_t colon = host.find(':');
    name = host.substr(0, colon);
    port = colon == host.npos ? std::string_view() : host.substr(colon);
    if (name.empty() || name.front() == '.' || name.front() == '-') return false;
    if (!std::ranges::all_of(name, [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.'; })) return false;
  }
  if (port.empty()) return true;
  return port.size() >= 2 && port.size() <= 6 && port.front() == ':' && std::ranges::all_of(port.substr(1), [](char c) { return c >= '0' && c <= '9'; });
}

Error no_address(std::string_view text) {
  return {ErrorCode::invalid_argument, std::string(text.substr(0, 200)) + " is no address that can be used; it has to look like https://host/path."};
}

/// Everything behind the host.
Result<std::string> rest_of(std::string_view text) {
  std::string rest;
  for (const char c : text.substr(0, text.find('#'))) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || c == '\\') return no_address(text);
    if (byte > 0x20 && byte < 0x7F) rest += c;
    else rest += percent_encoded({&c, 1});
  }
  return rest.starts_with('/') ? rest : "/" + rest;
}

}  // namespace

std::string Url::host_name() const { return host.substr(0, host.starts_with('[') ? host.find(']') + 1 : host.find(':')); }

Result<Url> parse_url(std::string_view text) {
  for (const Scheme& scheme : kSchemes) {
    if (!lowered(text.substr(0, scheme.begin.size())).starts_with(scheme.begin)) continue;
    const std::string_view behind = text.substr(scheme.begin.size());
    const std::size_t end = std::min(behind.find_first_of("/?#"), behind.size());
    std::string host = lowered(behind.substr(0, end));
    if (!is_host(host) || text.size() > kLongest) return no_address(text);
    if (host.ends_with(scheme.port)) host.resize(host.size() - scheme.port.size());
    FW_ASSIGN(std::string rest, rest_of(behind.substr(end)));
    return Url{std::string(scheme.name), std::move(host), std::move(rest)};
  }
  return no_address(text);
}

Result<Url> follow(const Url& from, std::string_view location) {
  if (location.size() > kLongest) return no_address(location);
  if (location.starts_with("//")) return parse_url(from.scheme + ":" + std::string(location));
  if (location.find("://") < location.find_first_of("/?#")) return parse_url(location);
  Url to = from;
  if (location.starts_with('/')) {
    FW_ASSIGN(to.rest, rest_of(location));
    return to;
  }
  const std::string path = from.path();
  if (location.starts_with('?')) {
    FW_ASSIGN(to.rest, rest_of(path + std::string(location)));
    return to;
  }
  FW_ASSIGN(to.rest, rest_of(path.substr(0, path.rfind('/') + 1) + std::string(location)));
  return to;
}

std::string percent_encoded(std::string_view text, bool path) {
  std::string encoded;
  for (const char c : text) {
    if (is_letter_or_digit(c) || c == '-' || c == '_' || c == '.' || c == '~' || (path && c == '/')) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%', encoded += "0123456789ABCDEF"[byte >> 4], encoded += "0123456789ABCDEF"[byte & 15];
  }
  return encoded;
}

std::string percent_decoded(std::string_view text) {
  const auto value = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  const auto is_digit = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && is_digit(text[i + 1]) && is_digit(text[i + 2])) {
      decoded += static_cast<char>(value(text[i + 1]) << 4 | value(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

}  // namespace foreword::app
