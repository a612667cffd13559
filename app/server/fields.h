#pragma once
// What the readers of requests share: fields of a JSON object, and the errors about them.

#include <nlohmann/json.hpp>
#include <string>
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

}  // namespace foreword::app
