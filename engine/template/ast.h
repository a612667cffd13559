#pragma once
// The parsed template. Nodes are owned by their Template side by side, not by each other, so that a long chain is not
// torn down recursively; pointers between them are never null unless said.

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "engine/template/value.h"

namespace foreword::engine::jinja {

struct Expression;
struct Statement;
using Expressions = std::vector<const Expression*>;
using Block = std::vector<const Statement*>;
using NameId = int;  // index into Template::names

struct Literal { Value value; };  // a text is owned by the Template
struct Name { NameId name; };
struct ListLiteral { Expressions items; bool is_tuple; };
struct DictLiteral { std::vector<std::pair<const Expression*, const Expression*>> entries; };
struct Conditional { const Expression* condition; const Expression* then; const Expression* otherwise; /* or null */ };
struct Logic { bool is_and; const Expression* left; const Expression* right; };
struct Not { const Expression* operand; };
struct Sign { bool is_minus; const Expression* operand; };

enum class BinaryOperator : std::uint8_t { add, subtract, multiply, divide, floor_divide, modulo, power };
struct Binary { BinaryOperator op; const Expression* left; const Expression* right; };
struct Concat { Expressions parts; };

enum class CompareOperator : std::uint8_t { equal, not_equal, less, less_equal, greater, greater_equal, in, not_in };
/// a < b < c: every neighbouring pair must hold.
struct Compare { const Expression* first; std::vector<std::pair<CompareOperator, const Expression*>> rest; };

struct Attribute { const Expression* object; const Text* name; };
struct Item { const Expression* object; const Expression* key; };
struct Slice { const Expression* object; const Expression* start; const Expression* stop; const Expression* step; };

struct Arguments {
  Expressions positional;
  std::vector<std::pair<const Text*, const Expression*>> named;
  const Expression* list = nullptr;  // *args, or null
  const Expression* dict = nullptr;  // **kwargs, or null
};
struct Call { const Expression* callee; Arguments arguments; };
struct Filter { const Expression* input; /* null: the body of a block */ std::string name; Arguments arguments; };
struct Test { const Expression* input; std::string name; Arguments arguments; };

using ExpressionNode = std::variant<Literal, Name, ListLiteral, DictLiteral, Conditional, Logic, Not, Sign, Binary,
                                    Concat, Compare, Attribute, Item, Slice, Call, Filter, Test>;
struct Expression {
  int line = 0;
  ExpressionNode node;
  int depth = 1;  // of the tree that begins here
};
/// The depth of the deepest child, 0 if there is none.
int depth_below(const ExpressionNode& node);

/// What `for` and `set` write to: a name, a tuple of targets, or a namespace's attribute.
struct Target {
  NameId name = -1;
  const Text* attribute = nullptr;  // or null
  std::vector<Target> parts;        // not empty: a tuple
};

struct Output { Expressions parts; };
struct For {
  Target target;
  const Expression* items;
  const Expression* filter;  // or null
  Block body, otherwise;
  bool recursive = false;    // `loop` can be called with other items
};
struct If {
  std::vector<std::pair<const Expression*, Block>> branches;
  Block otherwise;
};
struct Set { Target target; const Expression* value; };
struct SetBlock { Target target; const Expression* filter; /* or null */ Block body; };
struct MacroDefinition {
  NameId name = -1;
  std::vector<NameId> parameters;
  std::vector<const Expression*> defaults;  // of the last parameters
  Block body;
  bool takes_list = false, takes_dict = false;  // the body speaks of varargs, kwargs
};
struct CallBlock { const Expression* call; MacroDefinition caller; };
struct FilterBlock { const Expression* filter; Block body; };
struct With { std::vector<std::pair<Target, const Expression*>> values; Block body; };  // generation: no values
struct Break {};
struct Continue {};

struct Statement {
  int line = 0;
  std::variant<Output, For, If, Set, SetBlock, MacroDefinition, CallBlock, FilterBlock, With, Break, Continue> node;
};

/// A parsed source. Immutable after parsing; any thread may render it.
struct Template {
  Block body;
  std::vector<std::string> names;
  std::unordered_map<std::string, NameId> ids;
  std::deque<Expression> expressions;
  std::deque<Statement> statements;
  std::deque<Text> texts;

  NameId intern(const std::string& name) {
    const auto [at, is_new] = ids.try_emplace(name, static_cast<NameId>(names.size()));
    if (is_new) names.push_back(name);
    return at->second;
  }
  const Text* keep(std::string_view bytes) { return &texts.emplace_back(bytes, true); }
};

/// Throws a syntax Failure with its line, a limit Failure for a source that nests too deeply or is too long.
void parse(std::string_view source, Template& out);

}  // namespace foreword::engine::jinja
