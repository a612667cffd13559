#pragma once
// Renders a parsed template.

#include <deque>
#include <utility>
#include <vector>

#include "engine/template/ast.h"
#include "engine/template/functions.h"
#include "engine/template/value.h"

namespace foreword::engine::jinja {

/// Names that are set at one level. Loops, macros and blocks begin a new one; reading goes outwards.
struct Scope {
  Scope* parent = nullptr;
  std::vector<std::pair<NameId, Value>> names;
};

class Evaluator {
 public:
  Evaluator(const Template& source, Runtime& runtime) : source_(source), runtime_(runtime) {}

  /// Makes a variable known to the template, before run().
  void define(const std::string& name, const Value& value);
  /// The rendered text. Throws a Failure with its line.
  Text run();

 private:
  enum class Flow : std::uint8_t { next, stop_loop, next_turn };

  // Statements (evaluator.cpp).
  Flow execute(const Block& block);
  Flow execute(const Output& node);
  Flow execute(const For& node);
  Flow execute(const If& node);
  Flow execute(const Set& node);
  Flow execute(const SetBlock& node);
  Flow execute(const MacroDefinition& node);
  Flow execute(const CallBlock& node);
  Flow execute(const FilterBlock& node);
  Flow execute(const With& node);
  Flow execute(const Break&) { return Flow::stop_loop; }
  Flow execute(const Continue&) { return Flow::next_turn; }

  // Expressions (evaluator_expressions.cpp).
  Value evaluate(const Expression& expression);
  Value evaluate(const Literal& node) { return node.value; }
  Value evaluate(const Name& node);
  Value evaluate(const ListLiteral& node);
  Value evaluate(const DictLiteral& node);
  Value evaluate(const Conditional& node);
  Value evaluate(const Logic& node);
  Value evaluate(const Not& node);
  Value evaluate(const Sign& node);
  Value evaluate(const Binary& node);
  Value evaluate(const Concat& node);
  Value evaluate(const Compare& node);
  Value evaluate(const Attribute& node);
  Value evaluate(const Item& node);
  Value evaluate(const Slice& node);
  Value evaluate(const Call& node);
  Value evaluate(const Filter& node);
  Value evaluate(const Test& node);
  Value optional(const Expression* expression) { return expression == nullptr ? Value() : evaluate(*expression); }

  /// The loop over these items, in a scope within `outer`.
  Flow run_loop(const For& node, Values items, Scope* outer, std::int64_t depth);
  Value call_loop(const Loop& loop, const CallArguments& arguments);
  CallArguments evaluate(const Arguments& arguments);
  Value call_value(const Value& callee, CallArguments arguments);
  Value call_macro(const Macro& macro, CallArguments arguments);
  /// A chain of filters whose innermost input is `body`.
  Value filter_body(const Expression* filter, const Value& body);
  /// What a block writes, in a scope of its own.
  Value capture(const Block& body);

  void assign(const Target& target, const Value& value);
  Value* find(NameId name);
  void set(NameId name, const Value& value);
  Scope* open_scope(Scope* parent);

  const Template& source_;
  Runtime& runtime_;
  std::deque<Scope> scopes_;  // kept to the end: macros point into them
  Scope* scope_ = nullptr;
  Text* out_ = nullptr;
  Value filter_input_;  // of the filter block being evaluated
  int line_ = 0;
};

}  // namespace foreword::engine::jinja
