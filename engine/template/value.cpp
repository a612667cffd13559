#include "engine/template/value.h"

#include <algorithm>
#include <cmath>

#include "engine/template/print.h"

namespace foreword::engine::jinja {

void fail(std::string message) { throw Failure{Failure::Kind::runtime, std::move(message)}; }

Value Value::none() {
  Value value;
  value.kind = Kind::none;
  return value;
}

Value Value::of(bool boolean) {
  Value value;
  value.kind = Kind::boolean;
  value.boolean = boolean;
  return value;
}

Value Value::of(std::int64_t integer) {
  Value value;
  value.kind = Kind::integer;
  value.integer = integer;
  return value;
}

Value Value::of(double real) {
  Value value;
  value.kind = Kind::real;
  value.real = real;
  return value;
}

Value Value::of(const Text* text) {
  Value value;
  value.kind = Kind::text;
  value.text = text;
  return value;
}

namespace {

constexpr std::size_t kLongestNestedKey = std::size_t{1} << 20;  // bytes
constexpr double kExactIntegers = 9007199254740992.0;  // 2^53

void append_key(std::string& out, const Value& key, int depth) {
  if (depth > 32) fail("a key nests too deeply");
  if (depth > 0 && out.size() > kLongestNestedKey) throw Failure{Failure::Kind::limit, "a key is too long"};  // its parts may be one part, shared
  switch (key.kind) {
    case Kind::text:
      if (depth > 0) out += std::to_string(key.bytes().size());
      out += 's';
      out += key.bytes();
      return;
    case Kind::real:
      if (key.real != std::floor(key.real) || std::fabs(key.real) > kExactIntegers) {
        out += 'f' + real_text(key.real);
        return;
      }
      out += 'i' + std::to_string(static_cast<std::int64_t>(key.real));
      return;
    case Kind::boolean:
    case Kind::integer:
      out += 'i' + std::to_string(key.whole());
      return;
    case Kind::none:
      out += 'n';
      return;
    case Kind::undefined:
      out += 'u';
      return;
    case Kind::list:
      if (!key.list->is_tuple()) break;
      out += 't';
      for (const Value& item : key.list->items) {
        append_key(out, item, depth + 1);
        out += ',';
      }
      return;
    default:
      break;
  }
  fail("a list or a dict cannot be a key");
}

}  // namespace

std::string hash_key(const Value& key) {
  std::string out;
  append_key(out, key, 0);
  return out;
}

const Value* Dict::find(std::string_view key) const {
  std::string hashed;
  hashed.reserve(key.size() + 1);
  hashed += 's';
  hashed += key;
  const auto found = index.find(hashed);
  return found == index.end() ? nullptr : &entries[found->second].second;
}

void Runtime::limit(const char* what) {
  throw Failure{Failure::Kind::limit, std::string("The chat template of this model ") + what};
}

void Runtime::charge(std::size_t count, std::size_t bytes) {
  if (bytes != 0 && count > limits_.memory_bytes / bytes) limit("needs too much memory");
  charge(count * bytes);
}

Value Runtime::text(Text value) {
  charge(value.memory());
  return Value::of(&texts_.emplace_back(std::move(value)));
}

Value Runtime::list(Values items, List::Flavour flavour) {
  charge(sizeof(List) + items.size() * sizeof(Value));
  step(items.size() / 4);
  lists_.push_back(List{std::move(items), flavour});
  Value value;
  value.kind = Kind::list;
  value.list = &lists_.back();
  return value;
}

Value Runtime::dict() {
  charge(sizeof(Dict));
  Value value;
  value.kind = Kind::dict;
  value.dict = &dicts_.emplace_back();
  return value;
}

Value Runtime::name_space() {
  Value value = dict();
  value.kind = Kind::name_space;
  return value;
}

Value Runtime::bind(const BoundFunction& function) {
  charge(sizeof(BoundFunction));
  functions_.push_back(function);
  Value value;
  value.kind = Kind::function;
  value.function = &functions_.back();
  return value;
}

Value Runtime::macro(const Macro& macro) {
  charge(sizeof(Macro));
  macros_.push_back(macro);
  Value value;
  value.kind = Kind::macro;
  value.macro = &macros_.back();
  return value;
}

Loop* Runtime::loop(Values items) {
  charge(sizeof(Loop) + items.size() * sizeof(Value));
  step(items.size() / 4);
  Loop& loop = loops_.emplace_back();
  loop.items = std::move(items);
  return &loop;
}

Value Runtime::of(Loop* loop) {
  Value value;
  value.kind = Kind::loop;
  value.loop = loop;
  return value;
}

void Runtime::set(Dict& dict, const Value& key, const Value& value) {
  std::string hashed = hash_key(key);
  charge(sizeof(std::pair<Value, Value>) + hashed.size() + 64);  // 64: a node of the index
  const auto [at, is_new] = dict.index.try_emplace(std::move(hashed), dict.entries.size());
  if (is_new) {
    dict.entries.emplace_back(key, value);
  } else {
    dict.entries[at->second].second = value;
  }
}

void Runtime::append(List& list, const Value& value) {
  charge(sizeof(Value));
  list.items.push_back(value);
}

void Runtime::write(Text& out, const Text& piece, std::size_t begin, std::size_t end) {
  if (end - begin > limits_.output_bytes - std::min(out.size(), limits_.output_bytes)) limit("writes too much");
  charge(end - begin + piece.runs().size() * sizeof(Text::Run));
  out.append(piece, begin, end);
}

void Runtime::write(Text& out, std::string_view bytes, bool trusted) {
  if (bytes.size() > limits_.output_bytes - std::min(out.size(), limits_.output_bytes)) limit("writes too much");
  charge(bytes.size() + sizeof(Text::Run));
  out.append(bytes, trusted);
}

}  // namespace foreword::engine::jinja
