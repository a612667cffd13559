#include "engine/schema/demands.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "engine/schema/keywords.h"

namespace foreword::engine {
namespace {

constexpr std::int64_t kMostCount = std::int64_t{1} << 40;

std::int64_t count_of(const Json& value) {
  const Decimal count = decimal_of(value);
  const Decimal most = *Decimal::of(std::to_string(kMostCount));
  return compare(count, most) < 0 ? std::stoll("0" + count.whole()) : kMostCount;
}

bool is_true(const Json* value) { return value != nullptr && value->is_boolean() && value->get<bool>(); }

/// What a keyword is read with.
struct Context {
  const Json& schema;
  Reader& reader;
  Languages& languages;
  Demands& demands;
};

void add_bound(std::optional<Bound>& known, Bound bound, int sign) {
  const int order = known ? sign * compare(bound.value, known->value) : 1;
  if (order > 0 || (order == 0 && bound.exclusive)) known = std::move(bound);
}

/// Draft 4 has true beside `minimum` and `maximum`, later drafts a number.
Result<void> bound(const Context& in, const Json& value, std::string_view exclusive_of_draft_4, bool exclusive, int sign) {
  if (value.is_boolean()) return {};
  const bool open = exclusive || is_true(find(in.schema, exclusive_of_draft_4));
  add_bound(sign > 0 ? in.demands.number.least : in.demands.number.most, {decimal_of(value), open}, sign);
  return {};
}

Result<void> add_language(const Context& in, std::string_view keyword, Result<const Regular*> language, std::vector<const Regular*>& to) {
  if (!language) return in.reader.refusal(language.error().code, in.schema, keyword, "cannot be kept. " + language.error().message);
  to.push_back(*language);
  return {};
}

Result<void> format(const Context& in, const Json& value) {
  const Format* format = find_format(value.get_ref<const std::string&>());
  if (format == nullptr) {
    if ((in.demands.types & kString) == 0) return {};
    return in.reader.refusal(ErrorCode::unsupported, in.schema, "format", "has the value \"" + value.get<std::string>() + "\", which is not known; use pattern instead.");
  }
  if (!format->expression.empty() && (in.demands.types & kString) != 0) return add_language(in, "format", in.languages.format(*format), in.demands.formats);
  if (!format->least.empty()) {
    add_bound(in.demands.number.least, {*Decimal::of(format->least)}, 1);
    add_bound(in.demands.number.most, {*Decimal::of(format->most)}, -1);
  }
  return {};
}

Result<void> not_enum(const Context& in, const Json& values) {
  Demands& demands = in.demands;
  for (const Json& value : values) {
    if ((demands.types & type_of(value)) == 0) continue;
    if (value.is_null()) demands.types &= ~kNull;
    if (value.is_boolean()) (value.get<bool>() ? demands.no_true : demands.no_false) = true;
    if (value.is_string()) demands.no_texts.push_back(value.get<std::string>());
    if (value.is_number()) demands.no_numbers.push_back(decimal_of(value));
    if (value.is_structured()) return in.reader.refusal(ErrorCode::unsupported, in.schema, "not", "excludes an object or array, which cannot be kept; exclude one of its members.");
  }
  return {};
}

Result<void> add_object(const Context& in, const Json&) {
  if (in.demands.objects.empty() || in.demands.objects.back() != &in.schema) in.demands.objects.push_back(&in.schema);
  return {};
}
Result<void> add_array(const Context& in, const Json&) {
  const Json* items = find(in.schema, "items");
  if (items != nullptr && items->is_array() && find(in.schema, "prefixItems") != nullptr) {
    return in.reader.refusal(ErrorCode::invalid_argument, in.schema, "items", "is a list beside prefixItems; only one of them can be.");
  }
  if (in.demands.arrays.empty() || in.demands.arrays.back() != &in.schema) in.demands.arrays.push_back(&in.schema);
  return {};
}

Result<void> required(const Context& in, const Json& value) {
  for (const Json& name : value) {
    if (std::ranges::find(in.demands.required, name.get_ref<const std::string&>()) == in.demands.required.end()) in.demands.required.push_back(name.get<std::string>());
  }
  return {};
}

Result<void> contains(const Context& in, const Json& value) {
  const Json *least = find(in.schema, "minContains"), *most = find(in.schema, "maxContains");
  if (most == nullptr && least != nullptr && count_of(*least) == 0) return {};
  if (most == nullptr && says_nothing(value)) return in.demands.n_items.at_least(least == nullptr ? 1 : count_of(*least)), Result<void>();
  return in.reader.refusal(ErrorCode::unsupported, in.schema, "contains", "cannot be kept; say with prefixItems or items what each item is.");
}

Result<void> unevaluated(const Context& in, const Json& value) {
  if (says_nothing(value)) return {};
  const bool items = find(in.schema, "unevaluatedItems") == &value;
  return in.reader.refusal(ErrorCode::unsupported, in.schema, items ? "unevaluatedItems" : "unevaluatedProperties",
                           items ? "cannot be kept; use items beside prefixItems." : "cannot be kept; use additionalProperties, and name all members in one schema.");
}

/// What each keyword asks. Keywords without a row say where the value is looked at: in conjunction.cpp, or beside another keyword.
struct Row {
  std::string_view keyword;
  Result<void> (*apply)(const Context&, const Json&);
};
constexpr Row kRows[] = {
    {"minLength", [](const Context& in, const Json& value) { return in.demands.length.at_least(count_of(value)), Result<void>(); }},
    {"maxLength", [](const Context& in, const Json& value) { return in.demands.length.at_most(count_of(value)), Result<void>(); }},
    {"pattern", [](const Context& in, const Json& value) { return add_language(in, "pattern", in.languages.pattern(value.get<std::string>()), in.demands.patterns); }},
    {kNotPattern, [](const Context& in, const Json& value) { return add_language(in, "pattern", in.languages.pattern(value.get<std::string>()), in.demands.no_patterns); }},
    {"format", format},
    {kNotEnum, not_enum},
    {"minimum", [](const Context& in, const Json& value) { return bound(in, value, "exclusiveMinimum", false, 1); }},
    {"maximum", [](const Context& in, const Json& value) { return bound(in, value, "exclusiveMaximum", false, -1); }},
    {"exclusiveMinimum", [](const Context& in, const Json& value) { return bound(in, value, "", true, 1); }},
    {"exclusiveMaximum", [](const Context& in, const Json& value) { return bound(in, value, "", true, -1); }},
    {"multipleOf", [](const Context& in, const Json& value) { return in.demands.number.steps.push_back(decimal_of(value)), Result<void>(); }},
    {"minProperties", [](const Context& in, const Json& value) { return in.demands.n_members.at_least(count_of(value)), Result<void>(); }},
    {"maxProperties", [](const Context& in, const Json& value) { return in.demands.n_members.at_most(count_of(value)), Result<void>(); }},
    {"required", required},
    {"properties", add_object},
    {kWith, add_object},
    {kAbsent, [](const Context& in, const Json& value) { return in.demands.absent.insert(in.demands.absent.end(), value.begin(), value.end()), Result<void>(); }},
    {"additionalProperties", add_object},
    {"patternProperties", add_object},
    {"propertyNames", add_object},
    {"unevaluatedProperties", unevaluated},
    {"minItems", [](const Context& in, const Json& value) { return in.demands.n_items.at_least(count_of(value)), Result<void>(); }},
    {"maxItems", [](const Context& in, const Json& value) { return in.demands.n_items.at_most(count_of(value)), Result<void>(); }},
    {"uniqueItems", [](const Context& in, const Json& value) { return in.demands.unique |= value.get<bool>(), Result<void>(); }},
    {"items", add_array},
    {"prefixItems", add_array},
    {"additionalItems", add_array},
    {"contains", contains},
    {"unevaluatedItems", unevaluated},
};

unsigned types_allowed(const Json& schema) {
  unsigned types = kAnyType;
  if (const Json* only = find(schema, kOnlyTypes)) types &= only->get<unsigned>();
  if (const Json* type = find(schema, "type")) {
    unsigned named = 0;
    if (type->is_string()) named = type_named(type->get_ref<const std::string&>());
    for (std::size_t i = 0; type->is_array() && i < type->size(); ++i) named |= type_named((*type)[i].get_ref<const std::string&>());
    types &= named;
  }
  return types;
}

}  // namespace

Result<Demands> demands_of(const Conjunction& members, Reader& reader, Languages& languages) {
  static const auto kByName = [] {
    std::unordered_map<std::string_view, const Row*> rows;
    for (const Row& row : kRows) rows[row.keyword] = &row;
    return rows;
  }();
  Demands demands;
  demands.types = kAnyType;
  for (const Member& member : members) demands.types &= types_allowed(*member.schema);
  for (const Member& member : members) {
    for (const auto& [name, value] : member.schema->items()) {
      const Keyword* keyword = find_keyword(name);
      if (keyword == nullptr || (keyword->types & demands.types) == 0) continue;
      const auto row = kByName.find(name);
      if (row == kByName.end() && keyword->use == Use::refused) return reader.refusal(ErrorCode::unsupported, *member.schema, name, "cannot be kept; write the schema without it.");
      if (row == kByName.end()) continue;
      FW_TRY(row->second->apply({*member.schema, reader, languages, demands}, value));
    }
  }
  demands.number.whole = (demands.types & kWhole) != 0;
  demands.number.broken = (demands.types & kBroken) != 0;
  return demands;
}

Result<Conjunction> member_schemas(const Demands& demands, const std::string& name, Languages& languages) {
  Conjunction all;
  const auto add = [&](const Json& schema) {
    if (std::ranges::find(all, &schema, &Member::schema) == all.end()) all.push_back({&schema});
  };
  for (const Json* schema : demands.objects) {
    bool named = false;
    if (const Json* properties = find(*schema, "properties")) {
      const Json* own = find(*properties, name);
      named = own != nullptr;
      if (own != nullptr) add(*own);
    }
    if (const Json* with = find(*schema, kWith)) {
      if (const Json* own = find(*with, name)) add(*own);
    }
    if (const Json* patterns = find(*schema, "patternProperties")) {
      for (const auto& [pattern, own] : patterns->items()) {
        FW_ASSIGN(const Regular* language, languages.pattern(pattern));
        if (!language->contains(name)) continue;
        named = true;
        add(own);
      }
    }
    const Json* others = find(*schema, "additionalProperties");
    if (!named && others != nullptr) add(*others);
  }
  return all;
}

std::vector<std::string> member_names(const Demands& demands) {
  std::vector<std::string> names;
  std::set<std::string> known;
  const auto add = [&](const std::string& name) {
    if (known.insert(name).second) names.push_back(name);
  };
  for (const Json* schema : demands.objects) {
    for (const std::string_view keyword : {std::string_view("properties"), kWith}) {
      const Json* properties = find(*schema, keyword);
      if (properties == nullptr) continue;
      for (const auto& member : properties->items()) add(member.key());
    }
  }
  std::ranges::for_each(demands.required, add);
  std::erase_if(names, [&](const std::string& name) { return std::ranges::find(demands.absent, name) != demands.absent.end(); });
  return names;
}

bool leaves_others_out(const Demands& demands) {
  const auto has = [&](std::string_view keyword) {
    return std::ranges::any_of(demands.objects, [&](const Json* schema) {
      const Json* value = find(*schema, keyword);
      return value != nullptr && (keyword == "additionalProperties" || !value->empty());
    });
  };
  return (has("properties") || has("patternProperties")) && !has("additionalProperties");
}

ItemSchemas item_schemas(const Demands& demands) {
  ItemSchemas items;
  const auto add = [](Conjunction& to, const Json& schema) {
    if (std::ranges::find(to, &schema, &Member::schema) == to.end()) to.push_back({&schema});
  };
  struct Part {
    const Json *first, *rest;
  };
  std::vector<Part> parts;
  for (const Json* schema : demands.arrays) {
    const Json *first = find(*schema, "prefixItems"), *rest = find(*schema, "items");
    if (rest != nullptr && rest->is_array()) {
      first = rest;
      rest = find(*schema, "additionalItems");
    }
    parts.push_back({first, rest});
    if (first != nullptr) items.first.resize(std::max(items.first.size(), first->size()));
    items.only_first |= first != nullptr && !first->empty();
  }
  for (const Part& part : parts) {
    for (std::size_t i = 0; i < items.first.size(); ++i) {
      if (part.first != nullptr && i < part.first->size()) {
        add(items.first[i], (*part.first)[i]);
      } else if (part.rest != nullptr) {
        add(items.first[i], *part.rest);
      }
    }
    if (part.rest == nullptr) continue;
    add(items.rest, *part.rest);
    items.only_first = false;
  }
  return items;
}

}  // namespace foreword::engine
