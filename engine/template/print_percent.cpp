#include <algorithm>
#include <charconv>
#include <cmath>

#include "engine/template/print.h"

namespace foreword::engine::jinja {
namespace {

constexpr int kMaxWidth = 1000;

struct Conversion {
  bool left = false, zero = false, plus = false, space = false, alternate = false;
  int width = 0;
  int precision = -1;
  char type = 0;
};

class PercentFormat {
 public:
  PercentFormat(Runtime& runtime, const Text& format, const Value& arguments)
      : runtime_(runtime), format_(format), arguments_(arguments) {}

  Text run() {
    const std::string& bytes = format_.bytes();
    while (at_ < bytes.size()) {
      const std::size_t percent = std::min(bytes.find('%', at_), bytes.size());
      runtime_.write(out_, format_, at_, percent);
      at_ = percent;
      if (at_ < bytes.size()) conversion();
    }
    if (!is_named() && used_ < count()) fail("not all arguments were used by the format");
    return std::move(out_);
  }

 private:
  bool is_named() const { return arguments_.is(Kind::dict); }
  bool is_several() const { return arguments_.is(Kind::list) && arguments_.list->is_tuple(); }
  std::size_t count() const { return is_several() ? arguments_.list->items.size() : 1; }

  char take() {
    if (++at_ >= format_.size()) fail("a format ends too early");
    return format_.bytes()[at_];
  }

  int number(char& c) {
    int value = 0;
    for (; c >= '0' && c <= '9'; c = take()) value = std::min(value * 10 + (c - '0'), kMaxWidth);
    return value;
  }

  void conversion() {
    Conversion what;
    Value argument;
    bool has_argument = false;
    char c = take();
    if (c == '(') {
      const std::size_t begin = at_ + 1;
      while (c != ')') c = take();
      if (!is_named()) fail("a format with names needs a dict");
      const Value* found = arguments_.dict->find(std::string_view(format_.bytes()).substr(begin, at_ - begin));
      if (found == nullptr) fail("a format names a missing key");
      argument = *found;
      has_argument = true;
      c = take();
    }
    for (;; c = take()) {
      bool* flag = c == '-' ? &what.left : c == '0' ? &what.zero : c == '+' ? &what.plus : c == ' ' ? &what.space
                   : c == '#' ? &what.alternate : nullptr;
      if (flag == nullptr) break;
      *flag = true;
    }
    what.width = number(c);
    if (c == '.') {
      c = take();
      what.precision = number(c);
    }
    what.type = c;
    ++at_;
    if (c == '%') return runtime_.write(out_, "%");
    if (!has_argument) {
      if (used_ >= count()) fail("a format has too few arguments");
      argument = is_several() ? arguments_.list->items[used_] : arguments_;
      ++used_;
    }
    convert(what, argument);
  }

  void convert(const Conversion& what, const Value& argument) {
    Text text;
    switch (what.type) {
      case 's':
      case 'r':
        if (what.type == 's') {
          print(runtime_, argument, text);
        } else {
          print_repr(runtime_, argument, text);
        }
        if (what.precision >= 0) {
          const auto offsets = character_offsets(text.bytes());
          text = text.part(0, offsets[std::min(offsets.size() - 1, static_cast<std::size_t>(what.precision))]);
        }
        return pad(what, text);
      case 'c':
        return pad(what, character(argument));
      case 'd':
      case 'i':
      case 'x':
      case 'X':
      case 'o':
        return integer(what, argument);
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        return real(what, argument);
      default:
        fail(std::string("unknown conversion '%") + what.type + "'");
    }
  }

  static Text character(const Value& argument) {
    if (argument.is(Kind::text) && count_characters(argument.bytes()) == 1) return *argument.text;
    if (!argument.is_whole() || argument.whole() < 0 || argument.whole() > 0x10FFFF) fail("a format wants one character");
    std::string bytes;
    append_utf8(bytes, static_cast<std::int32_t>(argument.whole()));
    return Text(bytes);
  }

  // std::to_chars, not printf: the digits must not depend on the process's locale.
  void integer(const Conversion& what, const Value& argument) {
    if (!argument.is_number()) fail("a format wants a number");
    if (argument.is(Kind::real) && !(std::fabs(argument.real) < 9e18)) fail("a number is out of range");
    const std::int64_t value = argument.is(Kind::real) ? static_cast<std::int64_t>(argument.real) : argument.whole();
    const bool is_hex = what.type == 'x' || what.type == 'X';
    const auto magnitude = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, magnitude, is_hex ? 16 : what.type == 'o' ? 8 : 10);
    std::string digits(buffer, end.ptr);
    if (what.precision > static_cast<int>(digits.size())) {
      digits.insert(0, static_cast<std::size_t>(what.precision) - digits.size(), '0');
    }
    if (what.alternate && is_hex) digits.insert(0, "0x");
    if (what.alternate && what.type == 'o') digits.insert(0, "0o");
    pad_number(what, value < 0, std::move(digits));
  }

  void real(const Conversion& what, const Value& argument) {
    if (!argument.is_number()) fail("a format wants a number");
    const char type = static_cast<char>(what.type | 0x20);
    const auto form = type == 'e'   ? std::chars_format::scientific
                      : type == 'f' ? std::chars_format::fixed
                                    : std::chars_format::general;
    const double value = argument.number();
    char buffer[512];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, std::fabs(value), form,
                                   what.precision < 0 ? 6 : std::min(what.precision, 100));
    pad_number(what, std::signbit(value), std::string(buffer, end.ptr));
  }

  void pad_number(const Conversion& what, bool is_negative, std::string digits) {
    if (what.type >= 'A' && what.type <= 'Z') {
      for (char& c : digits) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    const std::string sign = is_negative ? "-" : what.plus ? "+" : what.space ? " " : "";
    const std::size_t size = sign.size() + digits.size();
    const auto width = static_cast<std::size_t>(what.width);
    if (what.zero && !what.left && width > size) digits.insert(0, width - size, '0');
    pad(what, Text(sign + digits));
  }

  void pad(const Conversion& what, const Text& text) {
    const std::size_t size = count_characters(text.bytes());
    const auto width = static_cast<std::size_t>(what.width);
    const std::string spaces(width > size ? width - size : 0, ' ');
    if (!what.left) runtime_.write(out_, spaces);
    runtime_.write(out_, text);
    if (what.left) runtime_.write(out_, spaces);
  }

  Runtime& runtime_;
  const Text& format_;
  const Value& arguments_;
  Text out_;
  std::size_t at_ = 0;
  std::size_t used_ = 0;
};

}  // namespace

Text format_percent(Runtime& runtime, const Text& format, const Value& arguments) {
  return PercentFormat(runtime, format, arguments).run();
}

}  // namespace foreword::engine::jinja
