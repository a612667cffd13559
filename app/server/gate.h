#pragma once
// Who may ask the local server (D88). A page in a browser may not, unless its origin is listed: neither by a request across origins nor by a
// name of its own that leads to this machine (DNS rebinding). Pure.

#include <optional>
#include <string>
#include <vector>

#include "app/server/http.h"

namespace foreword::app {

struct GateRules {
  std::string key;                   // that requests bear; empty: none is asked for
  std::vector<std::string> origins = {};  // of pages that may ask: "https://app.example"; "*": all
  std::vector<std::string> hosts = {};    // names under which the server is asked, besides localhost and addresses
};

/// The answer to a request that goes no further: refused, or a browser's question beforehand. Nothing: it may pass.
std::optional<HttpReply> stopped_at_gate(const GateRules& rules, const HttpRequest& request);
/// What a browser has to be told with every answer.
HttpHeaders headers_for(const GateRules& rules, const HttpRequest& request);

/// Whether a server at this address can be reached from this machine alone.
bool is_loopback(const std::string& address);

/// {"error":{"message":...,"type":...,"param":null,"code":...}} and its status. code empty: null.
HttpReply error_reply(int status, const std::string& message, const std::string& code = {});

}  // namespace foreword::app
