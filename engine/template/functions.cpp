#include "engine/template/functions.h"

#include <algorithm>
#include <string>

#include "engine/template/operators.h"

namespace foreword::engine::jinja {
namespace {

const Function* find(std::span<const Function> table, std::string_view name) {
  const auto row = std::find_if(table.begin(), table.end(), [&](const Function& f) { return f.name == name; });
  return row == table.end() ? nullptr : &*row;
}

std::string_view next_word(std::string_view& words) {
  const std::size_t end = std::min(words.find(' '), words.size());
  const std::string_view word = words.substr(0, end);
  words.remove_prefix(std::min(end + 1, words.size()));
  return word;
}

}  // namespace

const Value* CallArguments::find(std::string_view name) const {
  const auto at = std::find_if(named.begin(), named.end(), [&](const auto& entry) { return entry.first == name; });
  return at == named.end() ? nullptr : &at->second;
}

Value call(Runtime& runtime, const Function& function, const Value& self, CallArguments arguments) {
  runtime.step();
  const Runtime::Level level(runtime);
  if (function.parameters == "*") return function.call(runtime, self, arguments);
  const std::string name(function.name);
  CallArguments bound;
  std::size_t n_named = 0;
  bool is_optional = false;
  for (std::string_view words = function.parameters; !words.empty();) {
    std::string_view parameter = next_word(words);
    if (parameter.front() == '?') {
      is_optional = true;
      parameter.remove_prefix(1);
    }
    if (bound.positional.size() < arguments.positional.size()) {
      bound.positional.push_back(arguments.positional[bound.positional.size()]);
    } else if (const Value* given = arguments.find(parameter)) {
      bound.positional.push_back(*given);
      ++n_named;
    } else if (is_optional) {
      bound.positional.emplace_back();
    } else {
      fail("'" + name + "' needs its argument '" + std::string(parameter) + "'");
    }
  }
  if (arguments.positional.size() > bound.positional.size() || n_named != arguments.named.size()) {
    fail("'" + name + "' got an argument that it does not know");
  }
  return function.call(runtime, self, bound);
}

const Function* find_filter(std::string_view name) {
  for (const auto table : {text_filters(), list_filters(), value_filters()}) {
    if (const Function* row = find(table, name)) return row;
  }
  return nullptr;
}

namespace {

Value dict_get(Runtime&, const Value& self, const CallArguments& arguments) {
  const auto found = self.dict->index.find(hash_key(arguments.positional[0]));
  if (found != self.dict->index.end()) return self.dict->entries[found->second].second;
  return arguments.positional[1].is(Kind::undefined) ? Value::none() : arguments.positional[1];
}

Value dict_items(Runtime& runtime, const Value& self, const CallArguments&) {
  Values items;
  for (const auto& [key, value] : self.dict->entries) {
    items.push_back(runtime.list({key, value}, List::Flavour::tuple));
  }
  return runtime.list(std::move(items), List::Flavour::view);
}

Value dict_keys(Runtime& runtime, const Value& self, const CallArguments&) {
  return runtime.list(iterate(runtime, self), List::Flavour::view);
}

Value dict_values(Runtime& runtime, const Value& self, const CallArguments&) {
  Values values;
  runtime.charge(self.dict->entries.size(), sizeof(Value));
  for (const auto& [key, value] : self.dict->entries) values.push_back(value);
  return runtime.list(std::move(values), List::Flavour::view);
}

Value dict_copy(Runtime& runtime, const Value& self, const CallArguments&) {
  const Value copy = runtime.dict();
  for (const auto& [key, value] : self.dict->entries) runtime.set(*copy.dict, key, value);
  return copy;
}

Value dict_update(Runtime& runtime, const Value& self, const CallArguments& arguments) {
  if (!arguments.positional[0].is(Kind::dict)) fail("'update' needs a dict");
  const auto entries = arguments.positional[0].dict->entries;  // a copy: it may be the same dict
  for (const auto& [key, value] : entries) runtime.set(*self.dict, key, value);
  return Value::none();
}

constexpr Function kDictMethods[] = {{"get", "key ?default", dict_get},  {"items", "", dict_items},
                                     {"keys", "", dict_keys},            {"values", "", dict_values},
                                     {"copy", "", dict_copy},            {"update", "other", dict_update}};

Value list_append(Runtime& runtime, const Value& self, const CallArguments& arguments) {
  runtime.append(*self.list, arguments.positional[0]);
  return Value::none();
}

Value list_extend(Runtime& runtime, const Value& self, const CallArguments& arguments) {
  for (const Value& item : iterate(runtime, arguments.positional[0])) runtime.append(*self.list, item);
  return Value::none();
}

Value list_insert(Runtime& runtime, const Value& self, const CallArguments& arguments) {
  Values& items = self.list->items;
  const auto size = static_cast<std::int64_t>(items.size());
  const std::int64_t given = whole_or(arguments.positional[0], 0);
  const std::int64_t at = std::clamp<std::int64_t>(given < 0 ? given + size : given, 0, size);
  runtime.step(items.size() / 4);
  runtime.charge(sizeof(Value));
  items.insert(items.begin() + at, arguments.positional[1]);
  return Value::none();
}

Value list_pop(Runtime& runtime, const Value& self, const CallArguments& arguments) {
  Values& items = self.list->items;
  const auto size = static_cast<std::int64_t>(items.size());
  const std::int64_t given = whole_or(arguments.positional[0], -1);
  const std::int64_t at = given < 0 ? given + size : given;
  if (at < 0 || at >= size) fail("'pop' of an item that is not there");
  runtime.step(items.size() / 4);
  const Value item = items[static_cast<std::size_t>(at)];
  items.erase(items.begin() + at);
  return item;
}

Value list_index(Runtime& runtime, const Value& self, const CallArguments& arguments) {
  for (std::size_t i = 0; i < self.list->items.size(); ++i) {
    if (equal(runtime, self.list->items[i], arguments.positional[0])) return Value::of(static_cast<std::int64_t>(i));
  }
  fail("'index' of an item that is not there");
}

Value list_count(Runtime& runtime, const Value& self, const CallArguments& arguments) {
  std::int64_t count = 0;
  for (const Value& item : self.list->items) count += equal(runtime, item, arguments.positional[0]) ? 1 : 0;
  return Value::of(count);
}

// What changes a list is last: tuples and the like do not have it.
constexpr Function kListMethods[] = {{"index", "value", list_index},   {"count", "value", list_count},
                                     {"append", "value", list_append}, {"extend", "values", list_extend},
                                     {"insert", "index value", list_insert}, {"pop", "?index", list_pop}};

Value loop_cycle(Runtime&, const Value& self, const CallArguments& arguments) {
  if (arguments.positional.empty()) fail("'cycle' needs values");
  return arguments.positional[static_cast<std::size_t>(self.loop->index) % arguments.positional.size()];
}

/// Whether these are other values than at the last call; true at the first one.
Value loop_changed(Runtime& runtime, const Value& self, const CallArguments& arguments) {
  const Value values = runtime.list(arguments.positional, List::Flavour::tuple);
  List* const last = std::exchange(self.loop->last_changed, values.list);
  if (last == nullptr) return Value::of(true);
  Value before = values;
  before.list = last;
  return Value::of(!equal(runtime, before, values));
}

constexpr Function kLoopMethods[] = {{"cycle", "*", loop_cycle}, {"changed", "*", loop_changed}};

}  // namespace

const Function* find_method(Kind kind, std::string_view name) {
  switch (kind) {
    case Kind::text:
      return find(text_methods(), name);
    case Kind::list:
      return find(kListMethods, name);
    case Kind::dict:
      return find(kDictMethods, name);
    case Kind::loop:
      return find(kLoopMethods, name);
    default:
      return nullptr;
  }
}

std::int64_t whole_or(const Value& value, std::int64_t otherwise) {
  if (value.is(Kind::undefined) || value.is(Kind::none)) return otherwise;
  if (!value.is_whole()) fail("a whole number is needed, not " + std::string(kind_name(value)));
  return value.whole();
}

bool truth_or(const Value& value, bool otherwise) { return value.is(Kind::undefined) ? otherwise : truth(value); }

const Text& text_argument(const Value& value) {
  if (!value.is(Kind::text)) fail("a string is needed, not " + std::string(kind_name(value)));
  return *value.text;
}

Value get_path(Runtime& runtime, const Value& value, const Value& path) {
  if (!path.is(Kind::text)) return get_item(runtime, value, path);
  Value at = value;
  const std::string& names = path.bytes();
  for (std::size_t begin = 0; begin <= names.size();) {
    const std::size_t end = std::min(names.find('.', begin), names.size());
    const std::string part = names.substr(begin, end - begin);
    const bool is_index =
        !part.empty() && part.size() < 10 && part.find_first_not_of("0123456789") == std::string::npos;
    at = get_item(runtime, at, is_index ? Value::of(static_cast<std::int64_t>(std::stoll(part))) : runtime.text(part));
    begin = end + 1;
  }
  return at;
}

}  // namespace foreword::engine::jinja
