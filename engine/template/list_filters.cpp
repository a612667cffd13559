#include <algorithm>
#include <numeric>
#include <string>
#include <unordered_set>

#include "engine/template/functions.h"
#include "engine/template/operators.h"
#include "engine/template/text_tools.h"

namespace foreword::engine::jinja {
namespace {

using Arguments = CallArguments;

bool is_absent(const Value& value) { return value.is(Kind::undefined) || value.is(Kind::none); }

Value list_filter(Runtime& runtime, const Value& self, const Arguments&) {
  return runtime.list(iterate(runtime, self));
}

Value length_filter(Runtime& runtime, const Value& self, const Arguments&) {
  return Value::of(length(runtime, self));
}

Value first(Runtime& runtime, const Value& self, const Arguments&) {
  if (self.is(Kind::text)) return get_item(runtime, self, Value::of(std::int64_t{0}));
  if (self.is(Kind::list) && self.list->flavour == List::Flavour::lazy && !self.list->items.empty()) {
    const Value item = self.list->items.front();  // a generator gives it only once
    runtime.step(self.list->items.size() / 4);
    self.list->items.erase(self.list->items.begin());
    return item;
  }
  const Values items = iterate(runtime, self);
  return items.empty() ? Value() : items.front();
}

Value last(Runtime& runtime, const Value& self, const Arguments&) {
  if (self.is(Kind::text)) return get_item(runtime, self, Value::of(std::int64_t{-1}));
  if (self.is(Kind::list) && self.list->flavour == List::Flavour::lazy) fail("'last' of a generator");
  const Values items = iterate(runtime, self);
  return items.empty() ? Value() : items.back();
}

Value reverse(Runtime& runtime, const Value& self, const Arguments&) {
  if (self.is(Kind::text)) return get_slice(runtime, self, {}, {}, Value::of(std::int64_t{-1}));
  Values items = iterate(runtime, self);
  std::reverse(items.begin(), items.end());
  return runtime.list(std::move(items), List::Flavour::lazy);
}

/// What sort, unique, min, max and groupby compare: the item or a path in it, in lower case unless told otherwise.
Value key_of(Runtime& runtime, const Value& item, const Value& attribute, bool case_sensitive) {
  const Value key = is_absent(attribute) ? item : get_path(runtime, item, attribute);
  return key.is(Kind::text) && !case_sensitive ? lower(runtime, *key.text) : key;
}

/// The order of `keys`, equal ones as they stand (also backwards, as Python's sorted).
std::vector<std::size_t> order_of(Runtime& runtime, const Values& keys, bool backwards) {
  std::vector<std::size_t> order(keys.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return backwards ? less(runtime, keys[b], keys[a]) : less(runtime, keys[a], keys[b]);
  });
  return order;
}

Value sort(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const Values items = iterate(runtime, self);
  const Value& attribute = arguments.positional[2];
  const bool case_sensitive = truth_or(arguments.positional[1], false);
  Values attributes{attribute};
  if (attribute.is(Kind::text)) attributes = split(runtime, *attribute.text, runtime.text(","), -1, Side::left);
  Values keys;
  for (const Value& item : items) {
    Values parts;
    for (const Value& path : attributes) parts.push_back(key_of(runtime, item, path, case_sensitive));
    keys.push_back(parts.size() == 1 ? parts.front() : runtime.list(std::move(parts)));
  }
  Values sorted;
  for (const std::size_t at : order_of(runtime, keys, truth_or(arguments.positional[0], false))) {
    sorted.push_back(items[at]);
  }
  return runtime.list(std::move(sorted));
}

Value unique(Runtime& runtime, const Value& self, const Arguments& arguments) {
  std::unordered_set<std::string> seen;
  Values kept;
  for (const Value& item : iterate(runtime, self)) {
    std::string key =
        hash_key(key_of(runtime, item, arguments.positional[1], truth_or(arguments.positional[0], false)));
    runtime.charge(key.size() + 64);
    if (seen.insert(std::move(key)).second) kept.push_back(item);
  }
  return runtime.list(std::move(kept), List::Flavour::lazy);
}

template <bool kWantsLess>
Value extreme(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const Values items = iterate(runtime, self);
  const bool case_sensitive = truth_or(arguments.positional[0], false);
  Value best, best_key;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Value key = key_of(runtime, items[i], arguments.positional[1], case_sensitive);
    if (i > 0 && !(kWantsLess ? less(runtime, key, best_key) : less(runtime, best_key, key))) continue;
    best = items[i];
    best_key = key;
  }
  return best;
}

Value sum(Runtime& runtime, const Value& self, const Arguments& arguments) {
  Value total = arguments.positional[1].is(Kind::undefined) ? Value::of(std::int64_t{0}) : arguments.positional[1];
  for (const Value& item : iterate(runtime, self)) {
    const Value& attribute = arguments.positional[0];
    total =
        binary(runtime, BinaryOperator::add, total, is_absent(attribute) ? item : get_path(runtime, item, attribute));
  }
  return total;
}

const Function& named_function(const Value& name, const Function* (*find)(std::string_view), const char* what) {
  const std::string& text = text_argument(name).bytes();
  const Function* function = find(text);
  if (function == nullptr) fail(std::string("there is no ") + what + " '" + text + "'");
  return *function;
}

CallArguments without_first(const Arguments& arguments, std::size_t n) {
  CallArguments rest = arguments;
  rest.positional.erase(rest.positional.begin(), rest.positional.begin() + static_cast<std::ptrdiff_t>(n));
  return rest;
}

/// map, select, reject and their kin make nothing of what is false, also where it could not be looped over.
Value map(Runtime& runtime, const Value& self, const Arguments& arguments) {
  if (!truth(self)) return runtime.list({}, List::Flavour::lazy);
  Values items = iterate(runtime, self);
  const Value* attribute = arguments.find("attribute");
  if (attribute != nullptr && arguments.positional.empty()) {
    const Value* otherwise = arguments.find("default");
    for (Value& item : items) {
      item = get_path(runtime, item, *attribute);
      if (item.is(Kind::undefined) && otherwise != nullptr) item = *otherwise;
    }
  } else {
    if (arguments.positional.empty()) fail("'map' needs a filter's name");
    const Function& filter = named_function(arguments.positional[0], find_filter, "filter");
    const CallArguments rest = without_first(arguments, 1);
    for (Value& item : items) item = call(runtime, filter, item, rest);
  }
  return runtime.list(std::move(items), List::Flavour::lazy);
}

/// select, reject (the items themselves) and selectattr, rejectattr (a path in them): by a test, else by truth.
template <bool kWanted, bool kByAttribute>
Value choose(Runtime& runtime, const Value& self, const Arguments& arguments) {
  if (!truth(self)) return runtime.list({}, List::Flavour::lazy);
  constexpr std::size_t kTestAt = kByAttribute ? 1 : 0;
  if (arguments.positional.size() < kTestAt) fail("an attribute's name is missing");
  const bool has_test = arguments.positional.size() > kTestAt;
  const Function* test = has_test ? &named_function(arguments.positional[kTestAt], find_test, "test") : nullptr;
  const CallArguments rest = has_test ? without_first(arguments, kTestAt + 1) : CallArguments{};
  Values kept;
  for (const Value& item : iterate(runtime, self)) {
    const Value subject = kByAttribute ? get_path(runtime, item, arguments.positional[0]) : item;
    const bool fits = truth(has_test ? call(runtime, *test, subject, rest) : subject);
    if (fits == kWanted) kept.push_back(item);
  }
  return runtime.list(std::move(kept), List::Flavour::lazy);
}

Value items(Runtime& runtime, const Value& self, const Arguments&) {
  if (self.is(Kind::undefined)) return runtime.list({}, List::Flavour::lazy);
  if (!self.is(Kind::dict)) fail("'items' needs a dict, not " + std::string(kind_name(self)));
  Values pairs;
  for (const auto& [key, value] : self.dict->entries) pairs.push_back(runtime.list({key, value}, List::Flavour::tuple));
  return runtime.list(std::move(pairs), List::Flavour::lazy);
}

Value dictsort(Runtime& runtime, const Value& self, const Arguments& arguments) {
  if (!self.is(Kind::dict)) fail("'dictsort' needs a dict, not " + std::string(kind_name(self)));
  const bool case_sensitive = truth_or(arguments.positional[0], false);
  const Value& by = arguments.positional[1];
  const bool by_value = by.is(Kind::text) && by.bytes() == "value";
  Values keys;
  for (const auto& [key, value] : self.dict->entries) {
    keys.push_back(key_of(runtime, by_value ? value : key, {}, case_sensitive));
  }
  Values pairs;
  for (const std::size_t at : order_of(runtime, keys, truth_or(arguments.positional[2], false))) {
    const auto& [key, value] = self.dict->entries[at];
    pairs.push_back(runtime.list({key, value}, List::Flavour::tuple));
  }
  return runtime.list(std::move(pairs));
}

Value groupby(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const Values all = iterate(runtime, self);
  const auto raw_key = [&](const Value& item) {
    const Value key = get_path(runtime, item, arguments.positional[0]);
    return key.is(Kind::undefined) && !is_absent(arguments.positional[1]) ? arguments.positional[1] : key;
  };
  Values keys;
  for (const Value& item : all)
    keys.push_back(key_of(runtime, raw_key(item), {}, truth_or(arguments.positional[2], false)));
  Values groups;
  const Value* group_key = nullptr;
  for (const std::size_t at : order_of(runtime, keys, false)) {
    if (group_key == nullptr || !equal(runtime, *group_key, keys[at])) {
      group_key = &keys[at];
      groups.push_back(runtime.list({raw_key(all[at]), runtime.list({})}, List::Flavour::group));
    }
    runtime.append(*groups.back().list->items[1].list, all[at]);
  }
  return runtime.list(std::move(groups));
}

Value batch(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const std::int64_t size = whole_or(arguments.positional[0], 1);
  if (size < 1) fail("'batch' needs a positive size");
  Values rows;
  for (const Value& item : iterate(runtime, self)) {
    if (rows.empty() || static_cast<std::int64_t>(rows.back().list->items.size()) == size)
      rows.push_back(runtime.list({}));
    runtime.append(*rows.back().list, item);
  }
  while (!is_absent(arguments.positional[1]) && !rows.empty() &&
         static_cast<std::int64_t>(rows.back().list->items.size()) < size) {
    runtime.step();
    runtime.append(*rows.back().list, arguments.positional[1]);
  }
  return runtime.list(std::move(rows), List::Flavour::lazy);
}

/// So many lists one behind the other, the first ones longer by one where it does not come out even.
Value slice(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const Values all = iterate(runtime, self);
  const std::int64_t slices = whole_or(arguments.positional[0], 1), n = static_cast<std::int64_t>(all.size());
  if (slices == 0) fail("'slice' into no parts");
  Values parts;
  auto at = all.begin();
  for (std::int64_t i = 0; i < slices; ++i) {
    runtime.step();
    const bool is_longer = i < n % slices;
    const auto end = at + n / slices + (is_longer ? 1 : 0);
    Values part(at, end);
    if (!is_longer && !is_absent(arguments.positional[1])) part.push_back(arguments.positional[1]);
    parts.push_back(runtime.list(std::move(part)));
    at = end;
  }
  return runtime.list(std::move(parts), List::Flavour::lazy);
}

constexpr Function kFilters[] = {
    {"list", "", list_filter},
    {"length", "", length_filter},
    {"count", "", length_filter},
    {"first", "", first},
    {"last", "", last},
    {"reverse", "", reverse},
    {"sort", "?reverse case_sensitive attribute", sort},
    {"unique", "?case_sensitive attribute", unique},
    {"min", "?case_sensitive attribute", extreme<true>},
    {"max", "?case_sensitive attribute", extreme<false>},
    {"sum", "?attribute start", sum},
    {"map", "*", map},
    {"select", "*", choose<true, false>},
    {"reject", "*", choose<false, false>},
    {"selectattr", "*", choose<true, true>},
    {"rejectattr", "*", choose<false, true>},
    {"items", "", items},
    {"dictsort", "?case_sensitive by reverse", dictsort},
    {"groupby", "attribute ?default case_sensitive", groupby},
    {"batch", "linecount ?fill_with", batch},
    {"slice", "slices ?fill_with", slice},
};

}  // namespace

std::span<const Function> list_filters() { return kFilters; }

}  // namespace foreword::engine::jinja
