#pragma once
// What the readers of requests share: fields of a JSON object, and the errors about them.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/result.h"

namespace foreword::app {

using Json = nlohmann::ordered_json;  // a schema's members have an order

inline Error wrong(std::string sentence) { return {ErrorCode::invalid_argument, std::move(sentence)}; }

/// A field that is there and not null; else null.
inline const Json* field(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string quoted(std::string_view key);
/// On one line; bytes that are no UTF-8 become U+FFFD.
std::string written(const Json& json);

/// The body of a request: an object, not too deep.
Result<Json> read_body(const std::string& json);
// Fields that may be left out, or null: then `out` stays, there is no number, the text is empty.
Result<void> read(const Json& object, const char* key, bool& out);
Result<std::optional<std::int64_t>> whole(const Json& object, const char* key, std::int64_t least, std::int64_t most);
Result<std::string> text(const Json& object, const char* key);

}  // namespace foreword::app
