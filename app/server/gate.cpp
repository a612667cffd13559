#include "app/server/gate.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <string_view>

namespace foreword::app {
namespace {

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// "localhost" of "localhost:3673", "::1" of "[::1]:3673".
std::string name_of_host(const std::string& host) {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return lower(host.substr(0, host.rfind(':')));
}

/// Of numbers alone: no server of names can lead it elsewhere.
bool is_address(std::string_view name) {
  const bool v6 = name.find(':') != name.npos;
  const bool v4 = std::ranges::count(name, '.') == 3;
  return !name.empty() && (v4 || v6) && std::ranges::all_of(name, [&](unsigned char c) {
    return v6 ? std::isxdigit(c) != 0 || c == ':' || c == '.' : std::isdigit(c) != 0 || c == '.';
  });
}

/// In a time that does not tell how much of it is right.
bool is_key(std::string_view key, std::string_view tried) {
  unsigned char different = key.size() != tried.size();
  for (std::size_t i = 0; i < tried.size(); ++i) different |= static_cast<unsigned char>(tried[i] ^ key[i % key.size()]);
  return different == 0;
}

bool listed(const std::vector<std::string>& list, const std::string& one) { return std::ranges::find(list, one) != list.end(); }

bool may_ask(const GateRules& rules, const std::string& origin) { return listed(rules.origins, origin) || listed(rules.origins, "*"); }

}  // namespace

HttpReply error_reply(int status, const std::string& message, const std::string& code) {
  const nlohmann::ordered_json body = {{"error",
                                        {{"message", message},
                                         {"type", status >= 500 ? "server_error" : status == 401 ? "authentication_error" : "invalid_request_error"},
                                         {"param", nullptr},
                                         {"code", code.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(code)}}}};
  return {status, "application/json", body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

bool is_loopback(const std::string& address) { return address == "localhost" || address == "::1" || (address.starts_with("127.") && is_address(address)); }

HttpHeaders headers_for(const GateRules& rules, const HttpRequest& request) {
  const std::string origin = request.header("Origin");
  if (origin.empty() || !may_ask(rules, origin)) return {};
  return {{"Access-Control-Allow-Origin", origin}, {"Vary", "Origin"}};
}

std::optional<HttpReply> stopped_at_gate(const GateRules& rules, const HttpRequest& request) {
  const std::string host = name_of_host(request.header("Host"));
  if (host != "localhost" && !is_address(host) && !listed(rules.hosts, host)) {
    return error_reply(403, "The server is not asked under the name \"" + host + "\"; use its address, or start it with --allow-host.", "host_not_allowed");
  }
  const std::string origin = request.header("Origin");
  if (!origin.empty() && !may_ask(rules, origin)) {
    return error_reply(403, "Pages of " + origin + " may not ask the server; start it with --allow-origin " + origin + " if they shall.", "origin_not_allowed");
  }
  if (request.method == "OPTIONS") {
    HttpReply reply{204, "text/plain", {}};
    reply.headers = {{"Access-Control-Allow-Methods", "GET, POST, OPTIONS"}, {"Access-Control-Allow-Headers", "Authorization, Content-Type"}, {"Access-Control-Max-Age", "600"}};
    return reply;
  }
  if (rules.key.empty() || request.path == "/health") return std::nullopt;
  constexpr std::string_view kBearer = "bearer ";
  const std::string said = request.header("Authorization");
  const bool bears = said.size() >= kBearer.size() && lower(said.substr(0, kBearer.size())) == kBearer;
  if (bears && is_key(rules.key, std::string_view(said).substr(kBearer.size()))) return std::nullopt;
  HttpReply reply = error_reply(401, "The server asks for its key: send the header \"Authorization: Bearer KEY\" with the one that it showed when it was started.",
                                "invalid_api_key");
  reply.headers = {{"WWW-Authenticate", "Bearer"}};
  return reply;
}

}  // namespace foreword::app
