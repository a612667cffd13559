#include "engine/template/operators.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "engine/template/functions.h"
#include "engine/template/print.h"

namespace foreword::engine::jinja {

std::string_view kind_name(const Value& value) {
  static constexpr std::string_view kNames[] = {"undefined", "none", "a boolean", "an integer", "a float", "a string",
                                                "a list", "a dict", "a namespace", "a function", "a macro", "a loop"};
  return kNames[static_cast<std::size_t>(value.kind)];
}

bool truth(const Value& value) {
  switch (value.kind) {
    case Kind::undefined:
    case Kind::none:
      return false;
    case Kind::boolean:
      return value.boolean;
    case Kind::integer:
      return value.integer != 0;
    case Kind::real:
      return value.real != 0;
    case Kind::text:
      return !value.text->empty();
    case Kind::list:
      return value.list->flavour == List::Flavour::lazy || !value.list->items.empty();
    case Kind::dict:
      return !value.dict->entries.empty();
    default:
      return true;
  }
}

bool equal(Runtime& runtime, const Value& a, const Value& b) {
  runtime.step();
  if (a.is_number() && b.is_number()) {
    return a.is_whole() && b.is_whole() ? a.whole() == b.whole() : a.number() == b.number();
  }
  if (a.kind != b.kind) return false;
  const Runtime::Level level(runtime);
  switch (a.kind) {
    case Kind::undefined:
    case Kind::none:
      return true;
    case Kind::text:
      if (a.bytes().size() != b.bytes().size()) return false;
      runtime.scan(a.bytes().size());
      return a.bytes() == b.bytes();
    case Kind::list: {
      if (a.list == b.list) return true;
      const Values& left = a.list->items;
      const Values& right = b.list->items;
      if (!a.list->is_indexable() || a.list->is_tuple() != b.list->is_tuple() || left.size() != right.size()) {
        return false;
      }
      return std::equal(left.begin(), left.end(), right.begin(),
                        [&](const Value& x, const Value& y) { return equal(runtime, x, y); });
    }
    case Kind::dict: {
      if (a.dict == b.dict) return true;
      if (a.dict->entries.size() != b.dict->entries.size()) return false;
      for (const auto& [hashed, at] : a.dict->index) {
        runtime.scan(hashed.size());
        const auto other = b.dict->index.find(hashed);
        if (other == b.dict->index.end()) return false;
        if (!equal(runtime, a.dict->entries[at].second, b.dict->entries[other->second].second)) return false;
      }
      return true;
    }
    case Kind::function:
      return a.function == b.function;
    case Kind::macro:
      return a.macro == b.macro;
    default:
      return a.dict == b.dict;
  }
}

bool less(Runtime& runtime, const Value& a, const Value& b) {
  runtime.step();
  if (a.is_number() && b.is_number()) {
    return a.is_whole() && b.is_whole() ? a.whole() < b.whole() : a.number() < b.number();
  }
  if (a.is(Kind::text) && b.is(Kind::text)) {
    runtime.scan(std::min(a.bytes().size(), b.bytes().size()));
    return a.bytes() < b.bytes();  // the order of UTF-8 bytes is that of code points
  }
  if (a.is(Kind::list) && b.is(Kind::list) && a.list->is_indexable() && a.list->is_tuple() == b.list->is_tuple()) {
    const Runtime::Level level(runtime);
    const std::size_t common = std::min(a.list->items.size(), b.list->items.size());
    for (std::size_t i = 0; i < common; ++i) {
      const Value& x = a.list->items[i];
      const Value& y = b.list->items[i];
      if (!equal(runtime, x, y)) return less(runtime, x, y);
    }
    return a.list->items.size() < b.list->items.size();
  }
  fail(std::string(kind_name(a)) + " and " + std::string(kind_name(b)) + " have no order");
}

bool compare(Runtime& runtime, CompareOperator op, const Value& a, const Value& b) {
  const bool has_nan = (a.is(Kind::real) && std::isnan(a.real)) || (b.is(Kind::real) && std::isnan(b.real));
  switch (op) {
    case CompareOperator::equal:
      return equal(runtime, a, b);
    case CompareOperator::not_equal:
      return !equal(runtime, a, b);
    case CompareOperator::less:
      return less(runtime, a, b);
    case CompareOperator::greater:
      return less(runtime, b, a);
    case CompareOperator::less_equal:
      return !less(runtime, b, a) && !has_nan;
    case CompareOperator::greater_equal:
      return !less(runtime, a, b) && !has_nan;
    case CompareOperator::in:
      return contains(runtime, b, a);
    case CompareOperator::not_in:
      return !contains(runtime, b, a);
  }
  return false;
}

bool contains(Runtime& runtime, const Value& container, const Value& item) {
  switch (container.kind) {
    case Kind::undefined:
      return false;
    case Kind::text:
      if (!item.is(Kind::text)) fail("only a string can be in a string");
      runtime.scan(container.bytes().size() + item.bytes().size());
      return find_bytes(container.bytes(), item.bytes()) != std::string_view::npos;
    case Kind::dict:
      if (item.is(Kind::text)) runtime.scan(item.bytes().size());
      return container.dict->index.contains(hash_key(item));
    case Kind::list: {
      const Values& items = container.list->items;
      return std::any_of(items.begin(), items.end(), [&](const Value& other) { return equal(runtime, other, item); });
    }
    default:
      fail(std::string("nothing can be in ") + std::string(kind_name(container)));
  }
}

std::int64_t length(Runtime& runtime, const Value& value) {
  switch (value.kind) {
    case Kind::undefined:
      return 0;
    case Kind::text:
      runtime.scan(value.bytes().size());
      return static_cast<std::int64_t>(count_characters(value.bytes()));
    case Kind::list:
      if (value.list->flavour == List::Flavour::lazy) break;
      return static_cast<std::int64_t>(value.list->items.size());
    case Kind::dict:
      return static_cast<std::int64_t>(value.dict->entries.size());
    case Kind::loop:
      return static_cast<std::int64_t>(value.loop->items.size());
    default:
      break;
  }
  fail(std::string(kind_name(value)) + " has no length");
}

bool is_iterable(const Value& value) {
  return value.is(Kind::undefined) || value.is(Kind::text) || value.is(Kind::list) || value.is(Kind::dict);
}

Values iterate(Runtime& runtime, const Value& value) {
  Values items;
  switch (value.kind) {
    case Kind::undefined:
      return items;
    case Kind::list:
      runtime.charge(value.list->items.size(), sizeof(Value));
      runtime.step(value.list->items.size() / 4);
      if (value.list->flavour == List::Flavour::lazy) return std::move(value.list->items);
      return value.list->items;
    case Kind::dict:
      runtime.charge(value.dict->entries.size(), sizeof(Value));
      for (const auto& [key, unused] : value.dict->entries) items.push_back(key);
      return items;
    case Kind::text: {
      const Text& text = *value.text;
      runtime.charge(text.size(), sizeof(Value));
      for (std::size_t at = 0; at < text.size();) {
        const std::size_t size = character_at(text.bytes(), at).size;
        items.push_back(runtime.text(text.part(at, at + size)));
        at += size;
      }
      return items;
    }
    default:
      fail(std::string(kind_name(value)) + " cannot be looped over");
  }
}

namespace {

Value loop_attribute(Runtime& runtime, const Loop& loop, const Value& self, std::string_view name) {
  const auto size = static_cast<std::int64_t>(loop.items.size());
  const struct {
    std::string_view name;
    Value value;
  } rows[] = {{"index", Value::of(loop.index + 1)},
              {"index0", Value::of(loop.index)},
              {"first", Value::of(loop.index == 0)},
              {"last", Value::of(loop.index + 1 == size)},
              {"length", Value::of(size)},
              {"revindex", Value::of(size - loop.index)},
              {"revindex0", Value::of(size - loop.index - 1)},
              {"depth", Value::of(loop.depth + 1)},
              {"depth0", Value::of(loop.depth)},
              {"previtem", loop.index > 0 ? loop.items[static_cast<std::size_t>(loop.index) - 1] : Value()},
              {"nextitem", loop.index + 1 < size ? loop.items[static_cast<std::size_t>(loop.index) + 1] : Value()}};
  for (const auto& row : rows) {
    if (row.name == name) return row.value;
  }
  const Function* method = find_method(Kind::loop, name);
  return method == nullptr ? Value() : runtime.bind({method, self});
}

}  // namespace

Value get_attribute(Runtime& runtime, const Value& value, std::string_view name) {
  if (value.is(Kind::undefined)) fail("'" + std::string(name) + "' is asked of something undefined");
  if (value.is(Kind::loop)) return loop_attribute(runtime, *value.loop, value, name);
  if (value.is(Kind::list) && value.list->flavour == List::Flavour::group) {
    if (name == "grouper") return value.list->items[0];
    if (name == "list") return value.list->items[1];
  }
  if (const Function* method = find_method(value.kind, name)) return runtime.bind({method, value});
  if (value.is(Kind::dict) || value.is(Kind::name_space)) {
    const Value* found = value.dict->find(name);
    return found == nullptr ? Value() : *found;
  }
  return {};
}

Value get_item(Runtime& runtime, const Value& value, const Value& key) {
  if (value.is(Kind::undefined)) fail("an item is asked of something undefined");
  if (value.is(Kind::dict) && !key.is(Kind::dict) && !(key.is(Kind::list) && !key.list->is_tuple())) {
    if (key.is(Kind::text)) runtime.scan(key.bytes().size());
    const auto found = value.dict->index.find(hash_key(key));
    if (found != value.dict->index.end()) return value.dict->entries[found->second].second;
  }
  if (key.is_whole()) {
    const bool is_list = value.is(Kind::list) && value.list->is_indexable();
    if (!is_list && !value.is(Kind::text)) return {};
    const std::int64_t size = length(runtime, value);
    const std::int64_t index = key.whole() < 0 ? key.whole() + size : key.whole();
    if (index < 0 || index >= size) return {};
    if (is_list) return value.list->items[static_cast<std::size_t>(index)];
    std::size_t at = 0;
    for (std::int64_t i = 0; i < index; ++i) at += character_at(value.bytes(), at).size;
    return runtime.text(value.text->part(at, at + character_at(value.bytes(), at).size));
  }
  return key.is(Kind::text) ? get_attribute(runtime, value, key.bytes()) : Value();
}

Value get_slice(Runtime& runtime, const Value& value, const Value& start, const Value& stop, const Value& step) {
  const auto bound = [](const Value& given) { return given.is_whole() || given.is(Kind::none); };
  if (value.is(Kind::undefined)) fail("a slice is asked of something undefined");
  const bool is_list = value.is(Kind::list) && value.list->is_indexable();
  if (!is_list && !value.is(Kind::text)) return {};
  for (const Value* given : {&start, &stop, &step}) {
    if (!given->is(Kind::undefined) && !bound(*given)) fail("a slice needs whole numbers");
  }
  const std::int64_t size = length(runtime, value);
  const std::int64_t stride = step.is_whole() ? step.whole() : 1;
  if (stride == 0) fail("the step of a slice is 0");
  const bool forward = stride > 0;
  const std::int64_t lowest = forward ? 0 : -1;
  const std::int64_t highest = forward ? size : size - 1;
  const auto place = [&](const Value& given, std::int64_t otherwise) {
    if (!given.is_whole()) return otherwise;
    const std::int64_t index = given.whole() < 0 ? given.whole() + size : given.whole();
    return std::clamp(index, lowest, highest);
  };
  const std::int64_t begin = place(start, forward ? lowest : highest);
  const std::int64_t end = place(stop, forward ? highest : lowest);
  std::vector<std::size_t> offsets;
  Values items;
  Text text;
  if (!is_list) {
    runtime.charge(static_cast<std::size_t>(size), sizeof(std::size_t));
    offsets = character_offsets(value.bytes());
    if (forward && stride == 1) {  // the usual case, in one piece
      if (begin >= end) return runtime.text("");
      return runtime.text(
          value.text->part(offsets[static_cast<std::size_t>(begin)], offsets[static_cast<std::size_t>(end)]));
    }
  }
  for (std::int64_t i = begin; forward ? i < end : i > end;) {
    const auto at = static_cast<std::size_t>(i);
    if (is_list) {
      items.push_back(value.list->items[at]);
    } else {
      runtime.write(text, *value.text, offsets[at], offsets[at + 1]);
    }
    if (forward ? stride >= end - i : stride <= end - i) break;  // before i could overflow
    i += stride;
  }
  if (!is_list) return runtime.text(std::move(text));
  return runtime.list(std::move(items), value.list->is_tuple() ? List::Flavour::tuple : List::Flavour::list);
}

}  // namespace foreword::engine::jinja
