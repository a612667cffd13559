#include "engine/schema/conjunction.h"

#include <algorithm>

#include "engine/schema/keywords.h"

namespace foreword::engine {
namespace {

constexpr int kMostInPlace = 150;          // schemas that lead to each other about the same value
constexpr std::size_t kMostMembers = 400;  // that hold at the same time

/// Keywords with a schema, or several, about the same value.
constexpr std::string_view kInPlace[] = {"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"};

}  // namespace

Error Reader::refusal(ErrorCode code, const Json& schema, std::string_view keyword, std::string_view why) const {
  return {code, "\"" + std::string(keyword) + "\" at " + document_.place_of(schema) + " " + std::string(why)};
}

void Reader::note(const Json& schema) {
  if (!schema.is_object()) return;
  for (const auto& member : schema.items()) {
    const std::string& name = member.key();
    if (find_keyword(name) != nullptr || name.starts_with("x-") || !noted_.insert(name).second) continue;
    notes_.push_back("\"" + name + "\" at " + document_.place_of(schema) + " is no keyword of JSON Schema and changes nothing.");
  }
}

/// What is to be said of a schema's own keywords when it is first met.
Result<void> Reader::read(const Json& schema) {
  note(schema);
  for (const auto& [name, value] : schema.items()) {
    const Keyword* keyword = find_keyword(name);
    if (keyword == nullptr) continue;
    if (!keyword->is_well_formed(value)) {
      return refusal(ErrorCode::invalid_argument, schema, name, "has a value that the keyword cannot have.");
    }
    if (keyword->use == Use::refused && keyword->types == kAnyType) {
      return refusal(ErrorCode::unsupported, schema, name, "cannot be kept; write the schema without it.");
    }
  }
  return find_loop(schema, 0);
}

Result<void> Reader::find_loop(const Json& schema, int depth) {
  const auto [colour, is_new] = colours_.try_emplace(&schema, Colour::open);
  if (!is_new) {
    if (colour->second == Colour::done) return {};
    return Error{ErrorCode::invalid_argument, "The schema at " + document_.place_of(schema) + " refers to itself without an end; put the reference into properties or items."};
  }
  if (depth > kMostInPlace) return Error{ErrorCode::unsupported, "The schema at " + document_.place_of(schema) + " is reached by too many references in a row."};
  if (const Json* reference = find(schema, "$ref"); reference != nullptr && reference->is_string()) {
    FW_ASSIGN(const Json* target, document_.target(schema, reference->get<std::string>()));
    FW_TRY(find_loop(*target, depth + 1));
  }
  for (const std::string_view keyword : kInPlace) {
    const Json* value = find(schema, keyword);
    if (value == nullptr) continue;
    const bool several = value->is_array() || keyword == "dependentSchemas";
    if (!several) FW_TRY(find_loop(*value, depth + 1));
    if (!several || !value->is_structured()) continue;
    for (const Json& part : *value) FW_TRY(find_loop(part, depth + 1));
  }
  colours_[&schema] = Colour::done;
  return {};
}

Result<const std::vector<const Json*>*> Reader::companions(const Json& schema) {
  const auto known = companions_.find(&schema);
  if (known != companions_.end()) return &known->second;
  FW_TRY(read(schema));
  std::vector<const Json*> all;
  if (const Json* reference = find(schema, "$ref")) {
    FW_ASSIGN(const Json* target, document_.target(schema, reference->get<std::string>()));
    all.push_back(target);
  }
  if (const Json* parts = find(schema, "allOf")) {
    for (const Json& part : *parts) all.push_back(&part);
  }
  if (const Json* excluded = find(schema, "not")) {
    FW_ASSIGN(const Json* rest, rewriter_.negation(*excluded));
    all.push_back(rest);
  }
  for (const Json* made : {rewriter_.condition(schema), rewriter_.dependencies(schema)}) {
    if (made != nullptr) all.push_back(made);
  }
  return &companions_.emplace(&schema, std::move(all)).first->second;
}

Result<Reader::Expansion> Reader::expand(const Conjunction& conjunction) {
  Expansion all;
  const auto add = [&](const Json* schema, unsigned chosen) {
    if (schema->is_boolean()) {
      all.never |= !schema->get<bool>();
    } else if (std::ranges::find(all.members, schema, &Member::schema) == all.members.end()) {
      all.members.push_back({schema, chosen});
    }
  };
  for (const Member& member : conjunction) add(member.schema, member.chosen);
  for (std::size_t i = 0; i < all.members.size() && !all.never; ++i) {
    if (all.members.size() > kMostMembers) return Error{ErrorCode::unsupported, "Too many schemas apply to the same value; join some of them."};
    FW_ASSIGN(const std::vector<const Json*>* more, companions(*all.members[i].schema));
    for (const Json* schema : *more) add(schema, kNoneChosen);
  }
  return all;
}

Pending Reader::pending(const Conjunction& members) {
  for (const auto& [keyword, what] : {std::pair{"anyOf", kAnyOfChosen}, {"oneOf", kOneOfChosen}}) {
    for (std::size_t i = 0; i < members.size(); ++i) {
      const Json* alternatives = find(*members[i].schema, keyword);
      if (alternatives != nullptr && (members[i].chosen & what) == 0) return {i, what, alternatives};
    }
  }
  return {0, kAnyOfChosen, nullptr};
}

Conjunction Reader::with_choice(const Conjunction& members, const Pending& pending, const Json& alternative) {
  Conjunction chosen = members;
  chosen[pending.member].chosen |= pending.what;
  if (std::ranges::find(chosen, &alternative, &Member::schema) == chosen.end()) chosen.push_back({&alternative});
  return chosen;
}

}  // namespace foreword::engine
