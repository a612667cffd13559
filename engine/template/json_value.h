#pragma once
// JSON of a request as a template's value.

#include <nlohmann/json_fwd.hpp>

#include "engine/template/value.h"

namespace foreword::engine::jinja {

/// All of its texts, names included, are untrusted. Numbers beyond 64 bits are real.
Value value_of(Runtime& runtime, const nlohmann::ordered_json& json);

}  // namespace foreword::engine::jinja
