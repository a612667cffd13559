#include "app/server/fields.h"

#include <cmath>

namespace foreword::app {
namespace {

constexpr int kDeepest = 128;

}  // namespace

std::string written(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string quoted(std::string_view key) { return "\"" + std::string(key) + "\""; }

Result<void> read(const Json& object, const char* key, bool& out) {
  const Json* value = field(object, key);
  if (value == nullptr) return {};
  if (!value->is_boolean()) return wrong(quoted(key) + " must be true or false.");
  out = value->get<bool>();
  return {};
}

Result<std::optional<std::int64_t>> whole(const Json& object, const char* key, std::int64_t least, std::int64_t most) {
  const Json* value = field(object, key);
  if (value == nullptr) return std::optional<std::int64_t>();
  const double number = value->is_number() ? value->get<double>() : std::nan("");
  if (!(number >= static_cast<double>(least) && number <= static_cast<double>(most)) || number != std::floor(number)) {
    return wrong(quoted(key) + " must be a whole number from " + std::to_string(least) + " to " + std::to_string(most) + ".");
  }
  return std::optional(static_cast<std::int64_t>(number));
}

Result<std::string> text(const Json& object, const char* key) {
  const Json* value = field(object, key);
  if (value == nullptr) return std::string();
  if (!value->is_string()) return wrong(quoted(key) + " must be a text.");
  return value->get<std::string>();
}

Result<Json> read_body(const std::string& json) {
  // What is deeper is not stored: a body of brackets alone would take a hundred times its size.
  bool deep = false;
  Json body = Json::parse(json, [&](int depth, Json::parse_event_t, const Json&) { return depth <= kDeepest || ((deep = true), false); }, false);
  if (deep) return wrong("The request's body is nested deeper than " + std::to_string(kDeepest) + " levels.");
  if (!body.is_object()) return wrong("The request's body must be a JSON object in UTF-8.");
  return body;
}

}  // namespace foreword::app
