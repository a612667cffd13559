#include "engine/schema/compiler.h"

#include <algorithm>
#include <utility>

#include "engine/schema/keywords.h"
#include "engine/schema/listing.h"

namespace foreword::engine {
namespace {

constexpr int kMostChoices = 40;        // choices within choices of a name
constexpr std::size_t kMostDifferent = 300;  // values of an array that has each of them once
constexpr std::size_t kMostClasses = 64;  // of names that different patterns tell apart

const Error kTooLarge{ErrorCode::unsupported, "The schema is too large, or its alternatives have too many combinations; make it smaller."};

std::string key_of(const std::vector<const Regular*>& languages) {
  std::string key;
  for (const Regular* language : languages) key += std::to_string(reinterpret_cast<std::uintptr_t>(language)) + " ";
  return key + "|";
}

std::string key_of(const Decimal& number) { return (number.negative ? "-" : "") + number.digits + "e" + std::to_string(-number.decimals) + " "; }
std::string key_of(const std::optional<Bound>& bound) { return bound ? (bound->exclusive ? "(" : "[") + key_of(bound->value) : "|"; }

}  // namespace

using Part = GrammarBuilder::Part;

Result<Part> Compiler::root() {
  const Part root = value({{&reader_.document().root()}});
  for (; !waiting_.empty(); waiting_.pop_front()) {
    if (known_.size() > kMostRules) return kTooLarge;
    const auto& [rule, conjunction] = waiting_.front();
    const auto part = written(conjunction);
    if (!part) {
      // Where several keywords meet, the message names them; the place is that of the value.
      Error error = part.error();
      if (error.message.find(" at #") == std::string::npos) error.message += " That is at " + reader_.document().place_of(*conjunction.front().schema) + ".";
      return error;
    }
    builder_.define(rule, *part);
  }
  return root;
}

Part Compiler::value(const Conjunction& conjunction) {
  Conjunction key = conjunction;
  for (const Member& member : key) reader_.note(*member.schema);
  std::erase_if(key, [](const Member& member) { return says_nothing(*member.schema); });
  if (key.empty()) return json_.any_value();
  Conjunction sorted = key;
  std::ranges::sort(sorted);
  const auto known = known_.find(sorted);
  if (known != known_.end()) return known->second;
  const GrammarBuilder::Rule rule = builder_.rule(reader_.document().place_of(*key.front().schema));
  waiting_.emplace_back(rule, std::move(key));
  return known_.emplace(std::move(sorted), builder_.call(rule)).first->second;
}

Result<Part> Compiler::written(const Conjunction& conjunction) {
  FW_ASSIGN(const Reader::Expansion expansion, reader_.expand(conjunction));
  if (expansion.never) return builder_.never();
  const Conjunction& members = expansion.members;
  if (const auto finite = finite_values(members, judge_)) {
    std::vector<Part> parts;
    for (const Json* value : finite->values) parts.push_back(literal(*value));
    return builder_.choice(std::move(parts));
  }
  if (const Pending pending = Reader::pending(members); pending.alternatives != nullptr) return alternatives(members, pending);
  FW_ASSIGN(const Demands demands, demands_of(members, reader_, languages_));
  return typed(demands);
}

Result<Part> Compiler::alternatives(const Conjunction& members, const Pending& pending) {
  std::vector<Part> parts;
  for (std::size_t i = 0; i < pending.alternatives->size(); ++i) {
    Conjunction chosen = Reader::with_choice(members, pending, (*pending.alternatives)[i]);
    if (contradiction_.is_certain(chosen)) continue;
    if (pending.what == kOneOfChosen) {
      FW_ASSIGN(chosen, apart(members, pending, i));
    }
    parts.push_back(value(chosen));
  }
  return builder_.choice(std::move(parts));
}

/// The members with this alternative of a oneOf, and without all others: they have nothing in common with it, or their opposites are added.
Result<Conjunction> Compiler::apart(const Conjunction& members, const Pending& pending, std::size_t chosen) {
  const Json& all = *pending.alternatives;
  Conjunction mine = Reader::with_choice(members, pending, all[chosen]);
  // What will be written has these members only, so an alternative that requires another is out of the question.
  std::optional<std::vector<std::string>> only;
  FW_ASSIGN(const Reader::Expansion expansion, reader_.expand(mine));
  if (Reader::pending(expansion.members).alternatives == nullptr) {
    const auto demands = demands_of(expansion.members, reader_, languages_);
    const bool patterns = demands && std::ranges::any_of(demands->objects, [](const Json* schema) { return find(*schema, "patternProperties") != nullptr; });
    if (demands && !patterns && leaves_others_out(*demands)) only = member_names(*demands);
  }
  const auto overlapping = [&](const std::vector<std::string>* names) {
    std::vector<const Json*> found;
    for (std::size_t j = 0; j < all.size(); ++j) {
      Conjunction both = mine;
      both.push_back({&all[j]});
      if (j != chosen && !contradiction_.is_certain(both, names)) found.push_back(&all[j]);
    }
    return found;
  };
  std::vector<const Json*> others = overlapping(only ? &*only : nullptr);
  if (!others.empty() && only) others = overlapping(nullptr);  // opposites bring names of their own
  for (const Json* other : others) {
    const auto opposite = reader_.opposite(*other);
    if (!opposite) {
      return reader_.refusal(ErrorCode::unsupported, *members[pending.member].schema, "oneOf", "has alternatives that can hold at the same time; use anyOf, or tell them apart by a member with const. " + opposite.error().message);
    }
    mine.push_back({*opposite});
  }
  return mine;
}

Result<Part> Compiler::typed(const Demands& demands) {
  std::vector<Part> parts;
  const auto has = [&](unsigned types) { return (demands.types & types) != 0; };
  constexpr std::pair<unsigned, Result<Part> (Compiler::*)(const Demands&)> kWriters[] = {
      {kObject, &Compiler::object}, {kArray, &Compiler::array}, {kString, &Compiler::text}, {kNumber, &Compiler::number}};
  for (const auto& [type, write] : kWriters) {
    if (!has(type)) continue;
    FW_ASSIGN(const Part part, (this->*write)(demands));
    parts.push_back(part);
  }
  if (has(kBoolean) && !demands.no_true) parts.push_back(builder_.text("true"));
  if (has(kBoolean) && !demands.no_false) parts.push_back(builder_.text("false"));
  if (has(kNull)) parts.push_back(builder_.text("null"));
  return builder_.choice(std::move(parts));
}

/// What was made before for the same demands; else a rule.
Result<Part> Compiler::once(const std::string& key, const std::function<Result<Part>()>& make) {
  const auto known = strings_.find(key);
  if (known != strings_.end()) return known->second;
  FW_ASSIGN(const Part part, make());
  return strings_.emplace(key, part).first->second;
}

/// nullopt: any text.
Result<std::optional<Regular>> Compiler::text_language(const Demands& demands) {
  std::optional<Regular> all;
  for (const auto* languages : {&demands.patterns, &demands.formats}) {
    for (const Regular* language : *languages) {
      if (!all) all = *language;
      FW_ASSIGN(all, all->common(*language));
    }
  }
  for (const Regular* language : demands.no_patterns) {
    FW_ASSIGN(all, all.value_or(Regular::all()).without(*language));
  }
  if (!demands.no_texts.empty()) {
    FW_ASSIGN(all, all.value_or(Regular::all()).without(Regular::texts({demands.no_texts.begin(), demands.no_texts.end()})));
  }
  return all;
}

Result<Part> Compiler::text(const Demands& demands) {
  const Count length = demands.length;
  if (length.impossible()) return builder_.never();
  if (length.least > GrammarBuilder::kMostRepeats) return Error{ErrorCode::unsupported, "A minLength of " + std::to_string(length.least) + " is more than an answer can have."};
  std::string key = "text " + key_of(demands.patterns) + key_of(demands.formats) + key_of(demands.no_patterns) + std::to_string(length.least) + " " + std::to_string(length.most);
  for (const std::string& text : demands.no_texts) key += Json(text).dump();
  return once(key, [&]() -> Result<Part> {
    FW_ASSIGN(std::optional<Regular> language, text_language(demands));
    if (!language || language->is_all()) return json_.any_string(length.least, length.most);
    FW_ASSIGN(const Regular fitting, language->of_length(length.least, length.most));
    return json_.string_of(fitting);
  });
}

Result<Part> Compiler::number(const Demands& demands) {
  const NumberForm& form = demands.number;
  const bool any = !form.least && !form.most && form.steps.empty() && demands.no_numbers.empty();
  if (any && form.whole) return form.broken ? json_.any_number() : json_.any_whole_number();
  std::string key = "number " + key_of(form.least) + key_of(form.most) + (form.whole ? "w" : "") + (form.broken ? "b" : "");
  for (const Decimal& step : form.steps) key += "*" + key_of(step);
  for (const Decimal& number : demands.no_numbers) key += "!" + key_of(number);
  return once(key, [&]() -> Result<Part> {
    FW_ASSIGN(Regular language, number_language(form));
    for (const Decimal& number : demands.no_numbers) {
      FW_ASSIGN(const Regular spellings, spellings_of(number));
      FW_ASSIGN(language, language.without(spellings));
    }
    return json_.plain(language);
  });
}

Result<Part> Compiler::object(const Demands& demands) {
  for (const std::string& name : demands.required) {
    if (std::ranges::find(demands.absent, name) != demands.absent.end()) return builder_.never();
  }
  const std::vector<std::string> names = member_names(demands);
  std::vector<ListItem> items;
  for (const std::string& name : names) {
    const bool required = std::ranges::find(demands.required, name) != demands.required.end();
    const bool possible = may_be_named(demands, name) == Verdict::yes;
    if (!possible && !required) continue;
    FW_ASSIGN(const Conjunction schemas, member_schemas(demands, name, languages_));
    items.push_back({possible ? json_.named(literal(name), value(schemas)) : builder_.never(), required});
  }
  FW_ASSIGN(const std::vector<Part> others, other_members(demands, names));
  const Count count = demands.n_members;
  if (count.impossible()) return builder_.never();
  const bool too_many = count.least > static_cast<std::int64_t>(items.size()) + 1;
  if (too_many && others.empty()) return builder_.never();
  const auto list = too_many ? std::nullopt : listing(items, others.empty() ? std::nullopt : std::optional(builder_.choice(others)), count, json_, builder_);
  if (!list) return Error{ErrorCode::unsupported, "\"minProperties\" or \"maxProperties\" of an object cannot be kept there; name and require its members instead."};
  return json_.object(*list);
}

Verdict Compiler::may_be_named(const Demands& demands, const std::string& name) {
  Verdict verdict = Verdict::yes;
  for (const Json* schema : demands.objects) {
    if (const Json* names = find(*schema, "propertyNames")) verdict = std::min(verdict, judge_.judge(*names, Json(name)));
  }
  return verdict;
}

/// nullopt: any name.
Result<std::optional<Regular>> Compiler::names_allowed(const Demands& demands) {
  Conjunction conjunction;
  for (const Json* schema : demands.objects) {
    const Json* names = find(*schema, "propertyNames");
    if (names != nullptr && std::ranges::find(conjunction, names, &Member::schema) == conjunction.end()) conjunction.push_back({names});
  }
  if (conjunction.empty()) return std::optional<Regular>();
  return strings_of(conjunction, 0);
}

/// The strings for which these hold; nullopt: all.
Result<std::optional<Regular>> Compiler::strings_of(const Conjunction& conjunction, int depth) {
  if (depth > kMostChoices) return kTooLarge;
  const auto none = [] { return std::optional(Regular::texts({})); };
  FW_ASSIGN(const Reader::Expansion expansion, reader_.expand(conjunction));
  if (expansion.never) return none();
  const Conjunction& members = expansion.members;
  if (const auto finite = finite_values(members, judge_)) {
    std::vector<std::string_view> texts;
    for (const Json* value : finite->values) {
      if (value->is_string()) texts.push_back(value->get_ref<const std::string&>());
    }
    return std::optional(Regular::texts(texts));
  }
  if (const Pending pending = Reader::pending(members); pending.alternatives != nullptr) {
    // All that is in some alternative is not outside of every one.
    Regular outside = Regular::all();
    for (std::size_t i = 0; i < pending.alternatives->size(); ++i) {
      Conjunction chosen = Reader::with_choice(members, pending, (*pending.alternatives)[i]);
      if (pending.what == kOneOfChosen) {
        FW_ASSIGN(chosen, apart(members, pending, i));
      }
      FW_ASSIGN(const std::optional<Regular> some, strings_of(chosen, depth + 1));
      FW_ASSIGN(outside, outside.without(some.value_or(Regular::all())));
    }
    FW_ASSIGN(Regular inside, Regular::all().without(outside));
    return std::optional(std::move(inside));
  }
  FW_ASSIGN(const Demands demands, demands_of(members, reader_, languages_));
  if ((demands.types & kString) == 0 || demands.length.impossible()) return none();
  FW_ASSIGN(std::optional<Regular> language, text_language(demands));
  if (demands.length.least == 0 && demands.length.most < 0) return language;
  FW_ASSIGN(Regular fitting, language.value_or(Regular::all()).of_length(demands.length.least, demands.length.most));
  return std::optional(std::move(fitting));
}

Result<std::vector<Part>> Compiler::other_members(const Demands& demands, const std::vector<std::string>& names) {
  struct Class {
    std::optional<Regular> names;  // nullopt: all
    Conjunction schemas;
    bool told = false;  // by a pattern
  };
  std::vector<Class> classes(1);
  FW_ASSIGN(classes[0].names, names_allowed(demands));
  std::vector<std::string_view> taken(names.begin(), names.end());
  taken.insert(taken.end(), demands.absent.begin(), demands.absent.end());
  if (!taken.empty()) {
    FW_ASSIGN(classes[0].names, classes[0].names.value_or(Regular::all()).without(Regular::texts(taken)));
  }
  for (const Json* schema : demands.objects) {
    const Json *patterns = find(*schema, "patternProperties"), *others = find(*schema, "additionalProperties");
    std::vector<bool> told_here(classes.size(), false);
    for (std::size_t p = 0; patterns != nullptr && p < patterns->size(); ++p) {
      const auto pattern = std::next(patterns->begin(), static_cast<std::ptrdiff_t>(p));
      FW_ASSIGN(const Regular* language, languages_.pattern(pattern.key()));
      std::vector<Class> split;
      std::vector<bool> told;
      for (std::size_t c = 0; c < classes.size(); ++c) {
        const Regular whole = classes[c].names.value_or(Regular::all());
        FW_ASSIGN(Regular inside, whole.common(*language));
        FW_ASSIGN(Regular outside, whole.without(*language));
        if (!inside.empty()) {
          Class with{std::move(inside), classes[c].schemas, true};
          with.schemas.push_back({&*pattern});
          split.push_back(std::move(with));
          told.push_back(true);
        }
        if (outside.empty()) continue;
        split.push_back({std::move(outside), classes[c].schemas, classes[c].told});
        told.push_back(told_here[c]);
      }
      classes = std::move(split);
      told_here = std::move(told);
      if (classes.size() > kMostClasses) return kTooLarge;
    }
    for (std::size_t c = 0; others != nullptr && c < classes.size(); ++c) {
      if (!told_here[c]) classes[c].schemas.push_back({others});
    }
  }
  std::vector<Part> parts;
  const bool left_out = leaves_others_out(demands);
  for (const Class& one : classes) {
    if ((left_out && !one.told) || (one.names && one.names->empty())) continue;
    const bool excluded = std::ranges::any_of(one.schemas, [](const Member& member) { return member.schema->is_boolean() && !member.schema->get<bool>(); });
    if (excluded) continue;
    parts.push_back(json_.named(one.names && !one.names->is_all() ? json_.string_of(*one.names) : json_.any_string(), value(one.schemas)));
  }
  return parts;
}

Result<Part> Compiler::array(const Demands& demands) {
  const ItemSchemas items = item_schemas(demands);
  Count count = demands.n_items;
  const auto n_first = static_cast<std::int64_t>(items.first.size());
  if (items.only_first) count.at_most(std::max(n_first, count.least));
  if (count.impossible()) return builder_.never();
  if (count.least > GrammarBuilder::kMostRepeats) return Error{ErrorCode::unsupported, "A minItems of " + std::to_string(count.least) + " is more than an answer can have."};
  if (demands.unique && (count.most < 0 || count.most > 1)) return different_items(demands, items);
  if (count.most == 0) return json_.array(builder_.nothing());

  const std::int64_t n = count.most < 0 ? n_first : std::min(n_first, count.most);
  const Part rest = value(items.rest), more = builder_.sequence({json_.comma(), rest});
  const std::int64_t least = std::max<std::int64_t>(count.least - std::max<std::int64_t>(n, 1), 0);
  // From the end: an item, and behind it those that need it.
  Part behind = n == n_first ? builder_.repeat(more, least, count.most < 0 ? -1 : count.most - std::max<std::int64_t>(n, 1)) : builder_.nothing();
  if (n == 0) behind = builder_.sequence({rest, behind});
  for (std::int64_t i = n - 1; i >= 0; --i) {
    const bool optional_behind = i + 1 < n && i + 1 >= count.least;
    behind = builder_.sequence({i > 0 ? json_.comma() : builder_.nothing(), value(items.first[static_cast<std::size_t>(i)]), optional_behind ? builder_.optional(behind) : behind});
  }
  const Part filled = builder_.sequence({behind, json_.space()});
  return json_.array(count.least == 0 ? builder_.optional(filled) : filled);
}

/// `uniqueItems` of values that can be counted up.
Result<Part> Compiler::different_items(const Demands& demands, const ItemSchemas& items) {
  const Error refused = reader_.refusal(ErrorCode::unsupported, demands.arrays.empty() ? reader_.document().root() : *demands.arrays.front(), "uniqueItems",
                                        "cannot be kept where items are no enumeration; leave it out and look at the answer.");
  if (!items.first.empty()) return refused;
  FW_ASSIGN(const Reader::Expansion expansion, reader_.expand(items.rest));
  const auto finite = finite_values(expansion.members, judge_);
  if (expansion.never || !finite) return expansion.never && demands.n_items.least == 0 ? Result<Part>(json_.array(builder_.nothing())) : refused;
  if (finite->values.size() > kMostDifferent) return refused;
  std::vector<const Json*> values;
  for (const Json* value : finite->values) {
    if (std::ranges::none_of(values, [&](const Json* other) { return same_value(*value, *other); })) values.push_back(value);
  }
  if (values.size() <= kMostInAnyOrder) {
    std::vector<Part> parts;
    for (const Json* value : values) parts.push_back(literal(*value));
    return json_.array(any_order(parts, demands.n_items, json_, builder_));
  }
  std::vector<ListItem> list;
  for (const Json* value : values) list.push_back({literal(*value), false});
  const auto listed = listing(list, std::nullopt, demands.n_items, json_, builder_);
  if (!listed) return refused;
  return json_.array(*listed);
}

}  // namespace foreword::engine
