#include <algorithm>
#include <cmath>

#include "engine/template/operators.h"
#include "engine/template/print.h"

namespace foreword::engine::jinja {
namespace {

void append_unicode_escape(std::string& out, std::uint32_t unit) {
  constexpr char kHexDigits[] = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHexDigits[(unit >> shift) & 15];
}

std::string escape(std::string_view bytes, const Character& c, bool ensure_ascii) {
  constexpr std::string_view kFrom = "\"\\\b\f\n\r\t";
  constexpr std::string_view kTo = "\"\\bfnrt";
  const std::string_view raw = bytes.substr(0, c.size);
  if (const std::size_t known = kFrom.find(raw.front()); known != std::string_view::npos) return {'\\', kTo[known]};
  std::string out;
  if (c.code_point >= 0 && c.code_point < 0x20) {
    append_unicode_escape(out, static_cast<std::uint32_t>(c.code_point));
  } else if (ensure_ascii && c.code_point >= 0x7f) {
    auto value = static_cast<std::uint32_t>(c.code_point);
    if (value == 0x7f) return std::string(raw);
    if (value >= 0x10000) {  // a surrogate pair
      value -= 0x10000;
      append_unicode_escape(out, 0xd800 + (value >> 10));
      value = 0xdc00 + (value & 0x3ff);
    }
    append_unicode_escape(out, value);
  } else {
    out = raw;
  }
  return out;
}

class JsonWriter {
 public:
  JsonWriter(Runtime& runtime, const JsonStyle& style, Text& out) : runtime_(runtime), style_(style), out_(out) {}

  void value(const Value& value) {
    runtime_.step();
    const Runtime::Level level(runtime_);
    switch (value.kind) {
      case Kind::none:
        return runtime_.write(out_, "null");
      case Kind::boolean:
        return runtime_.write(out_, value.boolean ? "true" : "false");
      case Kind::integer:
        return runtime_.write(out_, std::to_string(value.integer));
      case Kind::real:
        return runtime_.write(out_, real(value.real));
      case Kind::text:
        return string(*value.text);
      case Kind::list:
        if (value.list->flavour == List::Flavour::lazy || value.list->flavour == List::Flavour::view) break;
        return list(value.list->items);
      case Kind::dict:
        return dict(*value.dict);
      default:
        break;
    }
    fail("a value that tojson cannot write (undefined, or a function)");
  }

 private:
  static std::string real(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
    return real_text(value);
  }

  void string(const Text& text) {
    runtime_.walk(text.size());
    Text quoted;
    quoted.append("\"", true);
    for (std::size_t at = 0; at < text.size();) {
      const Character c = character_at(text.bytes(), at);
      quoted.append(escape(std::string_view(text.bytes()).substr(at), c, style_.ensure_ascii), text.trusted_at(at));
      at += c.size;
    }
    quoted.append("\"", true);
    runtime_.write(out_, quoted);
  }

  void new_line() {
    if (!style_.indented) return;
    runtime_.write(out_, "\n");
    for (int i = 0; i < depth_; ++i) runtime_.write(out_, style_.indent);
  }

  void list(const Values& items) {
    if (items.empty()) return runtime_.write(out_, "[]");
    runtime_.write(out_, "[");
    ++depth_;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) runtime_.write(out_, style_.item_separator);
      new_line();
      value(items[i]);
    }
    --depth_;
    new_line();
    runtime_.write(out_, "]");
  }

  void key(const Value& key) {
    if (key.is(Kind::text)) return string(*key.text);
    if (key.is(Kind::list) || key.is(Kind::undefined)) fail("a key that tojson cannot write");
    runtime_.write(out_, "\"");
    value(key);
    runtime_.write(out_, "\"");
  }

  void dict(const Dict& dict) {
    if (dict.entries.empty()) return runtime_.write(out_, "{}");
    auto entries = dict.entries;
    runtime_.charge(entries.size() * sizeof(entries.front()));
    if (style_.sort_keys) {
      std::stable_sort(entries.begin(), entries.end(),
                       [&](const auto& a, const auto& b) { return less(runtime_, a.first, b.first); });
    }
    runtime_.write(out_, "{");
    ++depth_;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) runtime_.write(out_, style_.item_separator);
      new_line();
      key(entries[i].first);
      runtime_.write(out_, style_.key_separator);
      value(entries[i].second);
    }
    --depth_;
    new_line();
    runtime_.write(out_, "}");
  }

  Runtime& runtime_;
  const JsonStyle& style_;
  Text& out_;
  int depth_ = 0;
};

}  // namespace

void print_json(Runtime& runtime, const Value& value, const JsonStyle& style, Text& out) {
  JsonWriter(runtime, style, out).value(value);
}

}  // namespace foreword::engine::jinja
