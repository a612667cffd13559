#include "engine/schema/judge.h"

#include <algorithm>
#include <functional>

#include "engine/schema/keywords.h"
#include "engine/schema/numbers.h"

namespace foreword::engine {
namespace {

constexpr int kDeepest = 200;
constexpr int kMostWork = 20'000;

Verdict of(bool holds) { return holds ? Verdict::yes : Verdict::no; }
Verdict opposite(Verdict verdict) { return verdict == Verdict::yes ? Verdict::no : verdict == Verdict::no ? Verdict::yes : Verdict::unsure; }
/// Both hold; one is enough.
Verdict both(Verdict a, Verdict b) { return std::min(a, b); }
Verdict either(Verdict a, Verdict b) { return std::max(a, b); }

/// Between `least` and `most` of these hold; most < 0: no limit.
struct Counter {
  std::int64_t sure = 0, possible = 0;
  void add(Verdict verdict) {
    sure += verdict == Verdict::yes ? 1 : 0;
    possible += verdict != Verdict::no ? 1 : 0;
  }
  Verdict within(std::int64_t least, std::int64_t most) const {
    if (possible < least || (most >= 0 && sure > most)) return Verdict::no;
    return sure >= least && (most < 0 || possible <= most) ? Verdict::yes : Verdict::unsure;
  }
};

int order(std::size_t size, const Json& limit) { return compare(decimal_of(Json(size)), decimal_of(limit)); }

bool has_type(const Json& type, const Json& value) {
  const auto is = [&](const Json& name) { return (type_named(name.get_ref<const std::string&>()) & type_of(value)) != 0; };
  return type.is_array() ? std::ranges::any_of(type, is) : is(type);
}

bool is_among(const Json& values, const Json& value) {
  const auto* list = values.get_ptr<const Json::array_t*>();
  if (list != nullptr && !list->empty() && !std::less<>()(&value, list->data()) && !std::less<>()(list->data() + list->size() - 1, &value)) return true;  // one of them itself
  return std::ranges::any_of(values, [&](const Json& other) { return same_value(other, value); });
}

}  // namespace

Verdict Judge::judge(const Json& schema, const Json& value) {
  work_ = 0;
  return judge(schema, value, 0);
}

Verdict Judge::judge_itself(const Json& schema, const Json& value) {
  work_ = 0;
  return judge(schema, value, 0, false);
}

Verdict Judge::judge(const Json& schema, const Json& value, int depth, bool in_place) {
  if (schema.is_boolean()) return of(schema.get<bool>());
  if (depth > kDeepest || ++work_ > kMostWork) return Verdict::unsure;
  Verdict verdict = Verdict::yes;
  for (const auto& [name, wanted] : schema.items()) {
    const Keyword* row = find_keyword(name);
    if (row == nullptr || row->use == Use::annotation || (row->types & type_of(value)) == 0) continue;
    if (!in_place && is_in_place(name)) continue;
    verdict = both(verdict, row->is_well_formed(wanted) ? keyword(schema, name, wanted, value, depth + 1) : Verdict::unsure);
    if (verdict == Verdict::no) break;
  }
  return verdict;
}

Verdict Judge::keyword(const Json& schema, const std::string& name, const Json& wanted, const Json& value, int depth) {
  if (name == "type") return of(has_type(wanted, value));
  if (name == kOnlyTypes) return of((wanted.get<unsigned>() & type_of(value)) != 0);
  if (name == "const") return of(same_value(wanted, value));
  if (name == "enum") return of(is_among(wanted, value));
  if (name == kNotEnum) return of(!is_among(wanted, value));
  const Keyword* row = find_keyword(name);
  if (row->types == kAnyType) return led_to(schema, name, wanted, value, depth);
  if (value.is_string()) return text(name, wanted, value.get_ref<const std::string&>());
  if (value.is_number()) return number(schema, name, wanted, value);
  return value.is_array() ? array(schema, name, wanted, value, depth) : object(schema, name, wanted, value, depth);
}

Verdict Judge::led_to(const Json& schema, const std::string& name, const Json& wanted, const Json& value, int depth) {
  if (name == "then" || name == "else") return Verdict::yes;  // with `if`
  if (name == "not") return opposite(judge(wanted, value, depth));
  if (name == "$ref") {
    const auto target = document_.target(schema, wanted.get<std::string>());
    return target ? judge(**target, value, depth) : Verdict::unsure;
  }
  if (name == "if") {
    const Json *met = find(schema, "then"), *unmet = find(schema, "else");
    const Verdict condition = judge(wanted, value, depth);
    const Verdict then = met == nullptr ? Verdict::yes : judge(*met, value, depth), otherwise = unmet == nullptr ? Verdict::yes : judge(*unmet, value, depth);
    return condition == Verdict::unsure ? both(then, otherwise) == Verdict::yes ? Verdict::yes : Verdict::unsure : condition == Verdict::yes ? then : otherwise;
  }
  if (name != "allOf" && name != "anyOf" && name != "oneOf") return Verdict::unsure;
  Counter holding;
  for (const Json& part : wanted) holding.add(judge(part, value, depth));
  const auto all = static_cast<std::int64_t>(wanted.size());
  return holding.within(name == "allOf" ? all : 1, name == "oneOf" ? 1 : -1);
}

Verdict Judge::text(const std::string& name, const Json& wanted, const std::string& value) {
  const auto length = static_cast<std::size_t>(n_chars(value));
  if (name == "minLength") return of(order(length, wanted) >= 0);
  if (name == "maxLength") return of(order(length, wanted) <= 0);
  if (name == "format") {
    const Format* format = find_format(wanted.get_ref<const std::string&>());
    if (format == nullptr) return Verdict::unsure;
    if (format->expression.empty()) return Verdict::yes;
    const auto language = languages_.format(*format);
    return language && (*language)->contains(value) ? Verdict::yes : Verdict::unsure;
  }
  const auto language = languages_.pattern(wanted.get_ref<const std::string&>());
  return language ? of((*language)->contains(value) == (name == "pattern")) : Verdict::unsure;
}

Verdict Judge::number(const Json& schema, const std::string& name, const Json& wanted, const Json& value) {
  const Decimal number = decimal_of(value);
  if (name == "format") {
    const Format* format = find_format(wanted.get_ref<const std::string&>());
    if (format == nullptr || format->least.empty()) return format == nullptr ? Verdict::unsure : Verdict::yes;
    return compare(number, *Decimal::of(format->least)) >= 0 && compare(number, *Decimal::of(format->most)) <= 0 ? Verdict::yes : Verdict::unsure;
  }
  if (name == "multipleOf") return of(is_multiple(number, decimal_of(wanted)));
  if (wanted.is_boolean()) return Verdict::yes;  // with `minimum` and `maximum`
  const Json* exclusive = find(schema, name == "minimum" ? "exclusiveMinimum" : "exclusiveMaximum");
  const bool open = name.starts_with("exclusive") || (exclusive != nullptr && exclusive->is_boolean() && exclusive->get<bool>());
  const int order = compare(number, decimal_of(wanted));
  const bool low = name == "minimum" || name == "exclusiveMinimum";
  return of(low ? order > 0 || (!open && order == 0) : order < 0 || (!open && order == 0));
}

Verdict Judge::array(const Json& schema, const std::string& name, const Json& wanted, const Json& value, int depth) {
  if (name == "minItems") return of(order(value.size(), wanted) >= 0);
  if (name == "maxItems") return of(order(value.size(), wanted) <= 0);
  if (name == "uniqueItems") {
    const bool twice = std::ranges::any_of(value, [&](const Json& item) { return std::ranges::count_if(value, [&](const Json& other) { return same_value(item, other); }) > 1; });
    return of(!wanted.get<bool>() || !twice);
  }
  if (name == "minContains" || name == "maxContains") return Verdict::yes;  // with `contains`
  if (name == "contains") {
    Counter holding;
    for (const Json& item : value) holding.add(judge(wanted, item, depth));
    const Json *least = find(schema, "minContains"), *most = find(schema, "maxContains");
    return holding.within(least == nullptr ? 1 : least->get<std::int64_t>(), most == nullptr ? -1 : most->get<std::int64_t>());
  }
  if (name == "unevaluatedItems") return says_nothing(wanted) ? Verdict::yes : Verdict::unsure;
  const Json *items = find(schema, "items"), *prefix = find(schema, "prefixItems");
  if (items != nullptr && items->is_array()) prefix = items;
  if (name == "additionalItems" && (items == nullptr || !items->is_array())) return Verdict::yes;
  const std::size_t first = prefix == nullptr ? 0 : prefix->size();
  Verdict verdict = Verdict::yes;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (&wanted == prefix ? i < first : i >= first) verdict = both(verdict, judge(&wanted == prefix ? wanted[i] : wanted, value[i], depth));
  }
  return verdict;
}

Verdict Judge::object(const Json& schema, const std::string& name, const Json& wanted, const Json& value, int depth) {
  if (name == "minProperties") return of(order(value.size(), wanted) >= 0);
  if (name == "maxProperties") return of(order(value.size(), wanted) <= 0);
  const auto has = [&](const Json& member) { return value.contains(member.get_ref<const std::string&>()); };
  if (name == "required") return of(std::ranges::all_of(wanted, has));
  if (name == kAbsent) return of(std::ranges::none_of(wanted, has));
  if (name == "unevaluatedProperties") return says_nothing(wanted) ? Verdict::yes : Verdict::unsure;
  Verdict verdict = Verdict::yes;
  const auto matched = [&](const std::string& pattern, const std::string& member) {
    const auto language = languages_.pattern(pattern);
    return language ? of((*language)->contains(member)) : Verdict::unsure;
  };
  if (name.starts_with("depend")) {
    for (const auto& [member, needed] : wanted.items()) {
      if (!value.contains(member)) continue;
      verdict = both(verdict, needed.is_array() ? of(std::ranges::all_of(needed, has)) : judge(needed, value, depth));
    }
    return verdict;
  }
  for (const auto& [member, part] : value.items()) {
    if (name == "propertyNames") {
      verdict = both(verdict, judge(wanted, Json(member), depth));
    } else if (name == "properties" || name == kWith) {
      if (const Json* own = find(wanted, member)) verdict = both(verdict, judge(*own, part, depth));
    } else if (name == "patternProperties") {
      for (const auto& [pattern, own] : wanted.items()) verdict = both(verdict, either(opposite(matched(pattern, member)), judge(own, part, depth)));
    } else {  // additionalProperties
      const Json *properties = find(schema, "properties"), *patterns = find(schema, "patternProperties");
      Verdict named = of(properties != nullptr && properties->contains(member));
      if (patterns != nullptr) {
        for (const auto& pattern : patterns->items()) named = either(named, matched(pattern.key(), member));
      }
      verdict = both(verdict, either(named, judge(wanted, part, depth)));
    }
  }
  return verdict;
}

}  // namespace foreword::engine
