#include "engine/schema/rewrite.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "engine/schema/keywords.h"

namespace foreword::engine {
namespace {

constexpr int kMostNested = 60;  // negations that lead to others in the same place

/// Keywords whose opposite is another keyword with the same number, or with one more or less.
struct Opposite {
  std::string_view keyword, other;
  std::string_view type;
  int more = 0;
};
constexpr Opposite kOpposites[] = {
    {"minLength", "maxLength", "string", -1},       {"maxLength", "minLength", "string", 1},      {"minItems", "maxItems", "array", -1},
    {"maxItems", "minItems", "array", 1},           {"minProperties", "maxProperties", "object", -1}, {"maxProperties", "minProperties", "object", 1},
    {"minimum", "exclusiveMaximum", "number"},      {"maximum", "exclusiveMinimum", "number"},    {"exclusiveMinimum", "maximum", "number"},
    {"exclusiveMaximum", "minimum", "number"},      {"pattern", kNotPattern, "string"},
};

/// Keywords that say nothing without another one.
struct Companion {
  std::string_view keyword, needs;
};
constexpr Companion kCompanions[] = {{"then", "if"}, {"else", "if"}, {"if", "then"}, {"minContains", "contains"}, {"maxContains", "contains"}, {"additionalItems", "items"}};

Json negated(const Json& schema) { return {{"not", schema}}; }

unsigned types_of(const Json& type) {
  unsigned all = 0;
  for (const Json& name : type.is_array() ? type : Json::array({type})) all |= type_named(name.get_ref<const std::string&>());
  return all;
}

/// Draft 4 has true and false at `exclusiveMinimum`, of the `minimum` beside it.
bool is_exclusive(const Json& schema, std::string_view keyword) {
  const Json* exclusive = find(schema, keyword == "minimum" ? "exclusiveMinimum" : keyword == "maximum" ? "exclusiveMaximum" : "");
  return exclusive != nullptr && exclusive->is_boolean() && exclusive->get<bool>();
}

/// The keyword's value is a schema that everything satisfies, or several of them by name.
bool schemas_say_nothing(const Json& value, const std::string& keyword) {
  const bool named = keyword == "patternProperties" || keyword.starts_with("depend");
  if (named) return std::ranges::all_of(value, [](const Json& part) { return part.is_array() ? part.empty() : says_nothing(part); });
  if (keyword == "uniqueItems") return !value.get<bool>();
  return (value.is_object() || value.is_boolean()) && says_nothing(value);
}

std::optional<Json> opposite_of_row(const Json& schema, const std::string& keyword, const Json& value) {
  const auto* row = std::ranges::find(kOpposites, keyword, &Opposite::keyword);
  if (row == std::end(kOpposites)) return std::nullopt;
  Json opposites = Json::array();
  if (value.is_boolean()) return opposites;
  Json made = {{"type", row->type}};
  std::string_view other = row->other;
  if (is_exclusive(schema, keyword)) other = keyword == "minimum" ? "maximum" : "minimum";
  if (row->more != 0) {
    if (!value.is_number() || !value.is_number_integer() || value.get<std::int64_t>() > (std::int64_t{1} << 40)) return std::nullopt;
    const std::int64_t count = value.get<std::int64_t>() + row->more;
    if (count < 0) return opposites;
    made[std::string(other)] = count;
  } else {
    made[std::string(other)] = value;
  }
  opposites.push_back(std::move(made));
  return opposites;
}

}  // namespace

template <class Make>
const Json* Rewriter::once(const Json& schema, What what, Make make) {
  const auto [known, is_new] = made_.try_emplace({&schema, what}, nullptr);
  if (is_new) {
    Json alternatives = make();
    if (!alternatives.is_null()) known->second = &document_.add(std::move(alternatives), schema);
  }
  return known->second;
}

/// The schemas of which one is enough for this keyword not to hold.
Result<Json> Rewriter::opposites(const Json& schema, const std::string& keyword, int depth) {
  const Json& value = schema[keyword];
  const Keyword* row = find_keyword(keyword);
  if (row == nullptr || row->use == Use::annotation) return Json::array();
  const auto* companion = std::ranges::find(kCompanions, keyword, &Companion::keyword);
  const bool alone = companion != std::end(kCompanions) && !schema.contains(companion->needs) && !(keyword == "if" && schema.contains("else"));
  if (alone) return Json::array();
  if (auto made = opposite_of_row(schema, keyword, value)) return *std::move(made);

  Json all = Json::array();
  if (keyword == "type") {
    all.push_back({{std::string(kOnlyTypes), kAnyType & ~types_of(value)}});
  } else if (keyword == kOnlyTypes) {
    all.push_back({{std::string(kOnlyTypes), kAnyType & ~value.get<unsigned>()}});
  } else if (keyword == "enum") {
    all.push_back({{std::string(kNotEnum), value}});
  } else if (keyword == "const") {
    all.push_back({{std::string(kNotEnum), Json::array({value})}});
  } else if (keyword == "not") {
    all.push_back(value);
  } else if (keyword == "allOf") {
    for (const Json& part : value) all.push_back(negated(part));
  } else if (keyword == "anyOf" || (keyword == "oneOf" && value.size() == 1)) {
    Json none = Json::array();
    for (const Json& part : value) none.push_back(negated(part));
    all.push_back({{"allOf", std::move(none)}});
  } else if (keyword == "required") {
    for (const Json& name : value) all.push_back({{"type", "object"}, {std::string(kAbsent), Json::array({name})}});
  } else if (keyword == "properties") {
    for (const auto& [name, part] : value.items()) {
      if (says_nothing(part)) continue;
      Json with = Json::object();
      with[name] = negated(part);
      all.push_back({{"type", "object"}, {"required", Json::array({name})}, {std::string(kWith), std::move(with)}});
    }
  } else if (keyword == "dependentRequired") {
    for (const auto& [name, needed] : value.items()) {
      for (const Json& other : needed) all.push_back({{"type", "object"}, {"required", Json::array({name})}, {std::string(kAbsent), Json::array({other})}});
    }
  } else if (keyword == "$ref") {
    FW_ASSIGN(const Json* target, document_.target(schema, value.get<std::string>()));
    FW_ASSIGN(const Json* other, negation(*target, depth + 1));
    all.push_back(*other);
  } else if (!schemas_say_nothing(value, keyword)) {
    return Error{ErrorCode::unsupported, "The opposite of \"" + keyword + "\" at " + document_.place_of(schema) + " cannot be kept; say what is allowed instead of what is not."};
  }
  return all;
}

Result<const Json*> Rewriter::negation(const Json& schema, int depth) {
  if (const auto known = made_.find({&schema, What::negation}); known != made_.end()) return known->second;
  if (depth > kMostNested) return Error{ErrorCode::unsupported, "The \"not\" at " + document_.place_of(schema) + " is nested too deep."};
  Json all = Json::array();
  if (schema.is_object()) {
    for (const auto& [keyword, value] : schema.items()) {
      const Keyword* row = find_keyword(keyword);
      if (row != nullptr && !row->is_well_formed(value)) return Error{ErrorCode::invalid_argument, "The value of \"" + keyword + "\" at " + document_.place_of(schema) + " is not what the keyword needs."};
      FW_ASSIGN(const Json some, opposites(schema, keyword, depth));
      all.insert(all.end(), some.begin(), some.end());
    }
  }
  return once(schema, What::negation, [&]() -> Json {
    if (schema.is_boolean()) return !schema.get<bool>();
    if (all.empty()) return false;
    return all.size() == 1 ? all[0] : Json{{"anyOf", std::move(all)}};
  });
}

const Json* Rewriter::condition(const Json& schema) {
  const Json *condition = find(schema, "if"), *met = find(schema, "then"), *unmet = find(schema, "else");
  if (condition == nullptr || ((met == nullptr || says_nothing(*met)) && (unmet == nullptr || says_nothing(*unmet)))) return nullptr;
  return once(schema, What::condition, [&]() -> Json {
    Json both = Json::array({*condition}), neither = Json::array({negated(*condition)});
    if (met != nullptr) both.push_back(*met);
    if (unmet != nullptr) neither.push_back(*unmet);
    return {{"anyOf", Json::array({Json{{"allOf", std::move(both)}}, Json{{"allOf", std::move(neither)}}})}};
  });
}

const Json* Rewriter::dependencies(const Json& schema) {
  constexpr std::string_view kKeywords[] = {"dependentRequired", "dependentSchemas", "dependencies"};
  if (std::ranges::none_of(kKeywords, [&](std::string_view keyword) { return find(schema, keyword) != nullptr; })) return nullptr;
  return once(schema, What::dependencies, [&]() -> Json {
    Json all = Json::array();
    for (const std::string_view keyword : kKeywords) {
      const Json* value = find(schema, keyword);
      if (value == nullptr) continue;
      for (const auto& [name, needed] : value->items()) {
        Json then = needed.is_array() ? Json{{"required", needed}} : needed;
        all.push_back({{"anyOf", Json::array({Json{{std::string(kAbsent), Json::array({name})}}, Json{{"allOf", Json::array({Json{{"required", Json::array({name})}}, std::move(then)})}}})}});
      }
    }
    return all.empty() ? Json() : Json{{"allOf", std::move(all)}};
  });
}

}  // namespace foreword::engine
