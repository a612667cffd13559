#include "engine/schema/keywords.h"

#include <algorithm>
#include <iterator>
#include <unordered_map>

namespace foreword::engine {
namespace {

bool anything(const Json&) { return true; }
bool text(const Json& value) { return value.is_string(); }
bool truth(const Json& value) { return value.is_boolean(); }
bool number(const Json& value) { return value.is_number(); }
bool number_or_truth(const Json& value) { return value.is_number() || value.is_boolean(); }
bool step(const Json& value) { return value.is_number() && !decimal_of(value).is_zero() && !decimal_of(value).negative; }
bool count(const Json& value) { return value.is_number() && decimal_of(value).is_integer() && !decimal_of(value).negative; }
bool list(const Json& value) { return value.is_array(); }
bool texts(const Json& value) { return value.is_array() && std::ranges::all_of(value, text); }
bool schema(const Json& value) { return value.is_object() || value.is_boolean(); }
bool schemas(const Json& value) { return value.is_array() && std::ranges::all_of(value, schema); }
bool some_schemas(const Json& value) { return schemas(value) && !value.empty(); }
bool schema_or_schemas(const Json& value) { return schema(value) || schemas(value); }
bool named_schemas(const Json& value) { return value.is_object() && std::ranges::all_of(value, schema); }
bool named_texts(const Json& value) { return value.is_object() && std::ranges::all_of(value, texts); }
bool dependencies(const Json& value) {
  return value.is_object() && std::ranges::all_of(value, [](const Json& part) { return schema(part) || texts(part); });
}
bool types(const Json& value) {
  const auto is_type = [](const Json& name) { return name.is_string() && type_named(name.get_ref<const std::string&>()) != 0; };
  return is_type(value) || (value.is_array() && !value.empty() && std::ranges::all_of(value, is_type));
}

constexpr Keyword kKeywords[] = {
    {"type", Use::kept, kAnyType, types},
    {"enum", Use::kept, kAnyType, list},
    {"const", Use::kept, kAnyType, anything},
    {"$ref", Use::kept, kAnyType, text},
    {"allOf", Use::kept, kAnyType, some_schemas},
    {"anyOf", Use::kept, kAnyType, some_schemas},
    {"oneOf", Use::kept, kAnyType, some_schemas},
    {"not", Use::kept, kAnyType, schema},
    {"if", Use::kept, kAnyType, schema},
    {"then", Use::kept, kAnyType, schema},
    {"else", Use::kept, kAnyType, schema},
    {"minLength", Use::kept, kString, count},
    {"maxLength", Use::kept, kString, count},
    {"pattern", Use::kept, kString, text},
    {"format", Use::kept, kString | kNumber, text},
    {"minimum", Use::kept, kNumber, number},
    {"maximum", Use::kept, kNumber, number},
    {"exclusiveMinimum", Use::kept, kNumber, number_or_truth},
    {"exclusiveMaximum", Use::kept, kNumber, number_or_truth},
    {"multipleOf", Use::kept, kNumber, step},
    {"properties", Use::kept, kObject, named_schemas},
    {"required", Use::kept, kObject, texts},
    {"additionalProperties", Use::kept, kObject, schema},
    {"patternProperties", Use::kept, kObject, named_schemas},
    {"propertyNames", Use::kept, kObject, schema},
    {"minProperties", Use::kept, kObject, count},
    {"maxProperties", Use::kept, kObject, count},
    {"dependentRequired", Use::kept, kObject, named_texts},
    {"dependentSchemas", Use::kept, kObject, named_schemas},
    {"dependencies", Use::kept, kObject, dependencies},
    {"unevaluatedProperties", Use::refused, kObject, schema},
    {"items", Use::kept, kArray, schema_or_schemas},
    {"prefixItems", Use::kept, kArray, schemas},
    {"additionalItems", Use::kept, kArray, schema},
    {"minItems", Use::kept, kArray, count},
    {"maxItems", Use::kept, kArray, count},
    {"uniqueItems", Use::kept, kArray, truth},
    {"contains", Use::kept, kArray, schema},
    {"minContains", Use::kept, kArray, count},
    {"maxContains", Use::kept, kArray, count},
    {"unevaluatedItems", Use::refused, kArray, schema},
    {"$dynamicRef", Use::refused, kAnyType, text},
    {"$recursiveRef", Use::refused, kAnyType, text},
    {"extends", Use::refused, kAnyType, anything},
    {"disallow", Use::refused, kAnyType, anything},
    {"divisibleBy", Use::refused, kNumber, anything},
    {"$schema", Use::annotation, 0, anything},
    {"$id", Use::annotation, 0, anything},
    {"id", Use::annotation, 0, anything},
    {"$anchor", Use::annotation, 0, anything},
    {"$dynamicAnchor", Use::annotation, 0, anything},
    {"$recursiveAnchor", Use::annotation, 0, anything},
    {"$vocabulary", Use::annotation, 0, anything},
    {"$comment", Use::annotation, 0, anything},
    {"$defs", Use::annotation, 0, anything},
    {"definitions", Use::annotation, 0, anything},
    {"title", Use::annotation, 0, anything},
    {"description", Use::annotation, 0, anything},
    {"default", Use::annotation, 0, anything},
    {"example", Use::annotation, 0, anything},
    {"examples", Use::annotation, 0, anything},
    {"deprecated", Use::annotation, 0, anything},
    {"readOnly", Use::annotation, 0, anything},
    {"writeOnly", Use::annotation, 0, anything},
    {"contentMediaType", Use::annotation, 0, anything},
    {"contentEncoding", Use::annotation, 0, anything},
    {"contentSchema", Use::annotation, 0, anything},
    {kOnlyTypes, Use::kept, kAnyType, anything},
    {kNotPattern, Use::kept, kString, anything},
    {kNotEnum, Use::kept, kAnyType, anything},
    {kAbsent, Use::kept, kObject, anything},
    {kWith, Use::kept, kObject, anything},
};

constexpr std::string_view kInPlace[] = {"$ref", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "dependencies"};

struct TypeName {
  std::string_view name;
  unsigned types;
};
constexpr TypeName kTypes[] = {{"null", kNull}, {"boolean", kBoolean}, {"integer", kWhole}, {"number", kNumber}, {"string", kString}, {"array", kArray}, {"object", kObject}};

}  // namespace

unsigned type_named(std::string_view name) {
  const auto* row = std::ranges::find(kTypes, name, &TypeName::name);
  return row == std::end(kTypes) ? 0 : row->types;
}

unsigned type_of(const Json& value) {
  if (value.is_number()) return decimal_of(value).is_integer() ? kWhole : kBroken;
  return value.is_null() ? kNull : value.is_boolean() ? kBoolean : value.is_string() ? kString : value.is_array() ? kArray : kObject;
}

const Keyword* find_keyword(std::string_view name) {
  static const auto kByName = [] {
    std::unordered_map<std::string_view, const Keyword*> rows;
    for (const Keyword& row : kKeywords) rows[row.name] = &row;
    return rows;
  }();
  const auto row = kByName.find(name);
  return row == kByName.end() ? nullptr : row->second;
}

bool is_in_place(std::string_view keyword) { return std::ranges::find(kInPlace, keyword) != std::end(kInPlace); }

bool says_nothing(const Json& schema) {
  if (schema.is_boolean()) return schema.get<bool>();
  return std::ranges::none_of(schema.items(), [](const auto& member) {
    const Keyword* keyword = find_keyword(member.key());
    return keyword != nullptr && keyword->use != Use::annotation;
  });
}

const Json* find(const Json& schema, std::string_view keyword) {
  if (!schema.is_object()) return nullptr;
  const auto member = schema.find(keyword);
  return member == schema.end() ? nullptr : &*member;
}

}  // namespace foreword::engine
