#include "engine/template/json_value.h"

#include <nlohmann/json.hpp>

namespace foreword::engine::jinja {

Value value_of(Runtime& runtime, const nlohmann::ordered_json& json) {
  const Runtime::Level level(runtime);
  runtime.step();
  if (json.is_boolean()) return Value::of(json.get<bool>());
  if (json.is_number_unsigned() && json.get<std::uint64_t>() > INT64_MAX) return Value::of(json.get<double>());
  if (json.is_number_integer()) return Value::of(json.get<std::int64_t>());
  if (json.is_number()) return Value::of(json.get<double>());
  if (json.is_string()) return runtime.text(Text(json.get_ref<const std::string&>(), false));
  if (json.is_array()) {
    Values items;
    for (const auto& item : json) items.push_back(value_of(runtime, item));
    return runtime.list(std::move(items));
  }
  if (!json.is_object()) return Value::none();
  const Value object = runtime.dict();
  for (const auto& [name, member] : json.items()) runtime.set(*object.dict, runtime.text(Text(name, false)), value_of(runtime, member));
  return object;
}

}  // namespace foreword::engine::jinja
