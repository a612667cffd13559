// Functions that a template can call without an object: range, namespace, dict, raise_exception, strftime_now.

#include <locale.h>
#include <time.h>

#include <string>

#include "engine/template/functions.h"
#include "engine/template/globals.h"
#include "engine/template/operators.h"
#include "engine/template/print.h"

namespace foreword::engine::jinja {

std::string format_date(const std::tm& date, const std::string& format) {
  // Names of days and months are English, whatever the process's locale is.
  static const locale_t english = newlocale(LC_ALL_MASK, "C", nullptr);
  std::tm complete = date;
  complete.tm_isdst = 0;
  timegm(&complete);  // fills in the day of the week and of the year
  char buffer[1024];
  const std::size_t size = strftime_l(buffer, sizeof buffer, format.c_str(), &complete, english);
  return {buffer, size};
}

namespace {

using Arguments = CallArguments;

constexpr std::int64_t kMaxRange = 100000;  // Jinja's sandbox has the same limit

Value range(Runtime& runtime, const Value&, const Arguments& arguments) {
  const bool has_start = !arguments.positional[1].is(Kind::undefined);
  for (const Value& argument : arguments.positional) {
    if (!argument.is(Kind::undefined) && !argument.is_whole()) fail("'range' needs whole numbers");
  }
  const std::int64_t start = has_start ? arguments.positional[0].whole() : 0;
  const std::int64_t stop = has_start ? arguments.positional[1].whole() : whole_or(arguments.positional[0], 0);
  const std::int64_t step = whole_or(arguments.positional[2], 1);
  if (step == 0) fail("the step of a range is 0");
  Values items;
  for (std::int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (static_cast<std::int64_t>(items.size()) >= kMaxRange) fail("a range is too long");
    items.push_back(Value::of(i));
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  return runtime.list(std::move(items));
}

/// dict(pairs or dict, name=value, ...), also as a namespace.
Value filled(Runtime& runtime, const Value& target, const Arguments& arguments) {
  if (arguments.positional.size() > 1) fail("a dict is made of one value");
  if (!arguments.positional.empty()) {
    const Value& source = arguments.positional[0];
    for (const Value& item : iterate(runtime, source)) {
      if (source.is(Kind::dict)) {
        runtime.set(*target.dict, item, get_item(runtime, source, item));
        continue;
      }
      const Values pair = iterate(runtime, item);
      if (pair.size() != 2) fail("a dict is made of pairs");
      runtime.set(*target.dict, pair[0], pair[1]);
    }
  }
  for (const auto& [name, value] : arguments.named) runtime.set(*target.dict, name, value);
  return target;
}

Value make_dict(Runtime& runtime, const Value&, const Arguments& arguments) {
  return filled(runtime, runtime.dict(), arguments);
}

Value make_namespace(Runtime& runtime, const Value&, const Arguments& arguments) {
  return filled(runtime, runtime.name_space(), arguments);
}

Value raise_exception(Runtime& runtime, const Value&, const Arguments& arguments) {
  throw Failure{Failure::Kind::raised, to_text(runtime, arguments.positional[0]).bytes()};
}

Value strftime_now(Runtime& runtime, const Value&, const Arguments& arguments) {
  const std::string& format = text_argument(arguments.positional[0]).bytes();
  if (format.size() > 256) fail("a date format is too long");
  return runtime.text(format_date(runtime.now(), format));
}

constexpr Function kGlobals[] = {
    {"range", "start ?stop step", range},
    {"dict", "*", make_dict},
    {"namespace", "*", make_namespace},
    {"raise_exception", "message", raise_exception},
    {"strftime_now", "format", strftime_now},
};

}  // namespace

std::span<const Function> global_functions() { return kGlobals; }

}  // namespace foreword::engine::jinja
