#pragma once
// The form that a request wants its answer in: OpenAI's "response_format", and llama.cpp's "grammar" and "json_schema". Pure.

#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "engine/base/result.h"
#include "engine/grammar/grammar.h"

namespace foreword::app {

/// null: any text. Errors are sentences about the request; `unsupported` for a schema that is right and cannot be kept.
Result<std::shared_ptr<const engine::Grammar>> read_form(const nlohmann::ordered_json& body);

}  // namespace foreword::app
