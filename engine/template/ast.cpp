#include "engine/template/ast.h"

#include <algorithm>

namespace foreword::engine::jinja {
namespace {

// Lists the children of every kind of node.
struct DepthOf {
  int deepest = 0;
  void add(const Expression* child) {
    if (child != nullptr) deepest = std::max(deepest, child->depth);
  }
  void add(const Expressions& children) {
    for (const Expression* child : children) add(child);
  }
  void add(const Arguments& arguments) {
    add(arguments.positional);
    for (const auto& [name, value] : arguments.named) add(value);
    add(arguments.list);
    add(arguments.dict);
  }
  void operator()(const Literal&) {}
  void operator()(const Name&) {}
  void operator()(const ListLiteral& node) { add(node.items); }
  void operator()(const DictLiteral& node) {
    for (const auto& [key, value] : node.entries) add(key), add(value);
  }
  void operator()(const Conditional& node) { add(node.condition), add(node.then), add(node.otherwise); }
  void operator()(const Logic& node) { add(node.left), add(node.right); }
  void operator()(const Not& node) { add(node.operand); }
  void operator()(const Sign& node) { add(node.operand); }
  void operator()(const Binary& node) { add(node.left), add(node.right); }
  void operator()(const Concat& node) { add(node.parts); }
  void operator()(const Compare& node) {
    add(node.first);
    for (const auto& [op, operand] : node.rest) add(operand);
  }
  void operator()(const Attribute& node) { add(node.object); }
  void operator()(const Item& node) { add(node.object), add(node.key); }
  void operator()(const Slice& node) { add(node.object), add(node.start), add(node.stop), add(node.step); }
  void operator()(const Call& node) { add(node.callee), add(node.arguments); }
  void operator()(const Filter& node) { add(node.input), add(node.arguments); }
  void operator()(const Test& node) { add(node.input), add(node.arguments); }
};

}  // namespace

int depth_below(const ExpressionNode& node) {
  DepthOf depth;
  std::visit(depth, node);
  return depth.deepest;
}

}  // namespace foreword::engine::jinja
