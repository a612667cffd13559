#pragma once
// One request to the web, as people are told of it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "app/download/web.h"

namespace foreword::app {

/// Never more of an address than its host: what follows may be signed, or a secret.
struct Asked {
  std::uint64_t id = 0;      // any number; of one request alone
  std::int64_t at_ms = 0;    // since 1970, when it was asked
  std::string host;          // with its port where that is not the usual one
  std::string purpose;       // "Downloading model.gguf"
  std::int64_t received = 0;  // bytes of the answer, without its headers; as far as it has come
  std::int64_t sent = -1;    // bytes of the question, as HTTP; -1: unknown
  int status = 0;            // of HTTP; 0: none has come
  bool ended = false;        // else it is under way, or the program ended before it did
  WebEnd end = WebEnd::whole;  // once it has ended

  bool operator==(const Asked&) const = default;
};

/// "whole", "stopped", "unreachable", ...: by which an end is stored.
std::string_view name_of(WebEnd end);
std::optional<WebEnd> end_from_name(std::string_view name);
/// How it ended, or that it has not, for people: "answered", "refused (403)", "broke off".
std::string outcome_words(const Asked& asked);

}  // namespace foreword::app
