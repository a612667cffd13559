#include <algorithm>
#include <string>

#include "engine/template/evaluator.h"
#include "engine/template/operators.h"
#include "engine/template/print.h"

namespace foreword::engine::jinja {

Value Evaluator::evaluate(const Expression& expression) {
  runtime_.step();
  const Runtime::Level level(runtime_);
  line_ = expression.line;
  return std::visit([this](const auto& node) { return evaluate(node); }, expression.node);
}

Value Evaluator::evaluate(const Name& node) {
  const Value* found = find(node.name);
  return found == nullptr ? Value() : *found;
}

Value Evaluator::evaluate(const ListLiteral& node) {
  Values items;
  items.reserve(node.items.size());
  for (const Expression* item : node.items) items.push_back(evaluate(*item));
  return runtime_.list(std::move(items), node.is_tuple ? List::Flavour::tuple : List::Flavour::list);
}

Value Evaluator::evaluate(const DictLiteral& node) {
  const Value dict = runtime_.dict();
  for (const auto& [key, value] : node.entries) {
    const Value evaluated_key = evaluate(*key);
    runtime_.set(*dict.dict, evaluated_key, evaluate(*value));
  }
  return dict;
}

Value Evaluator::evaluate(const Conditional& node) {
  return truth(evaluate(*node.condition)) ? evaluate(*node.then) : optional(node.otherwise);
}

Value Evaluator::evaluate(const Logic& node) {
  const Value left = evaluate(*node.left);
  return truth(left) == node.is_and ? evaluate(*node.right) : left;
}

Value Evaluator::evaluate(const Not& node) { return Value::of(!truth(evaluate(*node.operand))); }

Value Evaluator::evaluate(const Sign& node) {
  const Value operand = evaluate(*node.operand);
  return node.is_minus ? negated(operand) : positive(operand);
}

Value Evaluator::evaluate(const Binary& node) {
  const Value left = evaluate(*node.left);
  return binary(runtime_, node.op, left, evaluate(*node.right));
}

Value Evaluator::evaluate(const Concat& node) {
  Text text;
  for (const Expression* part : node.parts) print(runtime_, evaluate(*part), text);
  return runtime_.text(std::move(text));
}

Value Evaluator::evaluate(const Compare& node) {
  Value left = evaluate(*node.first);
  for (const auto& [op, operand] : node.rest) {
    const Value right = evaluate(*operand);
    if (!compare(runtime_, op, left, right)) return Value::of(false);
    left = right;
  }
  return Value::of(true);
}

Value Evaluator::evaluate(const Attribute& node) {
  return get_attribute(runtime_, evaluate(*node.object), node.name->bytes());
}

Value Evaluator::evaluate(const Item& node) {
  const Value object = evaluate(*node.object);
  return get_item(runtime_, object, evaluate(*node.key));
}

Value Evaluator::evaluate(const Slice& node) {
  const Value object = evaluate(*node.object);
  const Value start = optional(node.start);
  const Value stop = optional(node.stop);
  return get_slice(runtime_, object, start, stop, optional(node.step));
}

Value Evaluator::evaluate(const Call& node) {
  const Value callee = evaluate(*node.callee);
  return call_value(callee, evaluate(node.arguments));
}

Value Evaluator::evaluate(const Filter& node) {
  const Function* filter = find_filter(node.name);
  if (filter == nullptr) fail("there is no filter '" + node.name + "'");
  const Value input = node.input == nullptr ? filter_input_ : evaluate(*node.input);
  return call(runtime_, *filter, input, evaluate(node.arguments));
}

Value Evaluator::evaluate(const Test& node) {
  const Function* test = find_test(node.name);
  if (test == nullptr) fail("there is no test '" + node.name + "'");
  const Value subject = evaluate(*node.input);
  return call(runtime_, *test, subject, evaluate(node.arguments));
}

Value Evaluator::filter_body(const Expression* filter, const Value& body) {
  if (filter == nullptr) return body;
  filter_input_ = body;
  return evaluate(*filter);
}

CallArguments Evaluator::evaluate(const Arguments& arguments) {
  CallArguments evaluated;
  for (const Expression* argument : arguments.positional) evaluated.positional.push_back(evaluate(*argument));
  for (const auto& [name, argument] : arguments.named) evaluated.named.emplace_back(name->bytes(), evaluate(*argument));
  if (arguments.list != nullptr) {
    const Values more = iterate(runtime_, evaluate(*arguments.list));
    evaluated.positional.insert(evaluated.positional.end(), more.begin(), more.end());
  }
  if (arguments.dict != nullptr) {
    const Value dict = evaluate(*arguments.dict);
    if (!dict.is(Kind::dict)) fail("'**' needs a dict");
    for (const auto& [key, value] : dict.dict->entries) evaluated.named.emplace_back(text_argument(key).bytes(), value);
  }
  return evaluated;
}

Value Evaluator::call_value(const Value& callee, CallArguments arguments) {
  if (callee.is(Kind::macro)) return call_macro(*callee.macro, std::move(arguments));
  if (callee.is(Kind::loop)) return call_loop(*callee.loop, arguments);
  if (!callee.is(Kind::function)) fail(std::string(kind_name(callee)) + " cannot be called");
  return call(runtime_, *callee.function->function, callee.function->self, std::move(arguments));
}

/// What the same loop writes for other items, one level deeper.
Value Evaluator::call_loop(const Loop& loop, const CallArguments& arguments) {
  if (loop.recursive == nullptr) fail("a loop can be called only where it is said to be recursive");
  if (arguments.positional.size() != 1 || !arguments.named.empty()) fail("a loop is called with what it is to go through");
  Scope* const outer = scope_;
  Text text;
  Text* const outer_out = std::exchange(out_, &text);
  run_loop(*loop.recursive, iterate(runtime_, arguments.positional[0]), loop.scope, loop.depth + 1);
  scope_ = outer;
  out_ = outer_out;
  return runtime_.text(std::move(text));
}

Value Evaluator::call_macro(const Macro& macro, CallArguments arguments) {
  const MacroDefinition& definition = *macro.definition;
  Scope* const outer = scope_;
  Text text;
  Text* const outer_out = std::exchange(out_, &text);
  scope_ = open_scope(macro.scope);
  const std::size_t n_parameters = definition.parameters.size();
  const std::size_t first_default = n_parameters - definition.defaults.size();
  for (std::size_t i = 0; i < n_parameters; ++i) {
    const NameId name = definition.parameters[i];
    const auto named = std::find_if(arguments.named.begin(), arguments.named.end(),
                                    [&](const auto& entry) { return entry.first == source_.names[name]; });
    if (i < arguments.positional.size()) {
      set(name, arguments.positional[i]);
    } else if (named != arguments.named.end()) {
      set(name, named->second);
      arguments.named.erase(named);
    } else {
      set(name, i < first_default ? Value() : evaluate(*definition.defaults[i - first_default]));
    }
  }
  const bool has_too_many = arguments.positional.size() > n_parameters;
  const auto define_special = [&](const char* name, const Value& value) {
    const auto id = source_.ids.find(name);
    if (id != source_.ids.end()) set(id->second, value);
  };
  if (definition.takes_list) {
    const auto begin =
        arguments.positional.begin() + static_cast<std::ptrdiff_t>(std::min(n_parameters, arguments.positional.size()));
    define_special("varargs", runtime_.list({begin, arguments.positional.end()}, List::Flavour::tuple));
  } else if (has_too_many) {
    fail("a macro got more arguments than it has parameters");
  }
  Value rest = runtime_.dict();
  for (const auto& [name, value] : arguments.named) {
    if (name == "caller") {
      define_special("caller", value);
    } else if (definition.takes_dict) {
      runtime_.set(*rest.dict, name, value);
    } else {
      fail("a macro has no parameter '" + std::string(name) + "'");
    }
  }
  if (definition.takes_dict) define_special("kwargs", rest);
  execute(definition.body);
  scope_ = outer;
  out_ = outer_out;
  return runtime_.text(std::move(text));
}

}  // namespace foreword::engine::jinja
