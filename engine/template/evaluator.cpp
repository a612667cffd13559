#include "engine/template/evaluator.h"

#include "engine/template/operators.h"
#include "engine/template/print.h"

namespace foreword::engine::jinja {

void Evaluator::define(const std::string& name, const Value& value) {
  if (scope_ == nullptr) scope_ = open_scope(nullptr);
  const auto id = source_.ids.find(name);
  if (id != source_.ids.end()) scope_->names.emplace_back(id->second, value);  // unread names need no place
}

Text Evaluator::run() {
  Text out;
  out_ = &out;
  scope_ = open_scope(scope_);
  try {
    execute(source_.body);
  } catch (Failure& failure) {
    failure.line = line_;
    throw;
  }
  return out;
}

Scope* Evaluator::open_scope(Scope* parent) {
  runtime_.charge(sizeof(Scope));
  Scope& scope = scopes_.emplace_back();
  scope.parent = parent;
  return &scope;
}

Value* Evaluator::find(NameId name) {
  for (Scope* scope = scope_; scope != nullptr; scope = scope->parent) {
    runtime_.step(scope->names.size() / 16);
    for (auto& [id, value] : scope->names) {
      if (id == name) return &value;
    }
  }
  return nullptr;
}

void Evaluator::set(NameId name, const Value& value) {
  runtime_.step(scope_->names.size() / 16);
  for (auto& [id, old] : scope_->names) {
    if (id == name) {
      old = value;
      return;
    }
  }
  runtime_.charge(sizeof(scope_->names.front()));
  scope_->names.emplace_back(name, value);
}

void Evaluator::assign(const Target& target, const Value& value) {
  if (!target.parts.empty()) {
    const Values values = iterate(runtime_, value);
    if (values.size() != target.parts.size()) {
      fail(std::to_string(values.size()) + " values for " + std::to_string(target.parts.size()) + " names");
    }
    for (std::size_t i = 0; i < values.size(); ++i) assign(target.parts[i], values[i]);
  } else if (target.attribute != nullptr) {
    const Value* object = find(target.name);
    if (object == nullptr || !object->is(Kind::name_space)) fail("an attribute can be set only in a namespace");
    runtime_.set(*object->dict, Value::of(target.attribute), value);
  } else {
    set(target.name, value);
  }
}

Evaluator::Flow Evaluator::execute(const Block& block) {
  const Runtime::Level level(runtime_);
  for (const Statement* statement : block) {
    runtime_.step();
    line_ = statement->line;
    const Flow flow = std::visit([this](const auto& node) { return execute(node); }, statement->node);
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

Evaluator::Flow Evaluator::execute(const Output& node) {
  for (const Expression* part : node.parts) print(runtime_, evaluate(*part), *out_);
  return Flow::next;
}

Evaluator::Flow Evaluator::execute(const For& node) { return run_loop(node, iterate(runtime_, evaluate(*node.items)), scope_, 0); }

Evaluator::Flow Evaluator::run_loop(const For& node, Values items, Scope* outer, std::int64_t depth) {
  if (node.filter != nullptr) {
    Values kept;
    for (const Value& item : items) {
      scope_ = open_scope(outer);
      assign(node.target, item);
      if (truth(evaluate(*node.filter))) kept.push_back(item);
      scope_ = outer;
    }
    items = std::move(kept);
  }
  if (items.empty()) {
    scope_ = open_scope(outer);
    const Flow flow = execute(node.otherwise);
    scope_ = outer;
    return flow;
  }
  Loop* const loop = runtime_.loop(std::move(items));
  loop->depth = depth;
  loop->scope = outer;
  if (node.recursive) loop->recursive = &node;
  const auto loop_name = source_.ids.find("loop");
  for (std::size_t i = 0; i < loop->items.size(); ++i) {
    runtime_.step();
    loop->index = static_cast<std::int64_t>(i);
    scope_ = open_scope(outer);
    if (loop_name != source_.ids.end()) set(loop_name->second, Runtime::of(loop));
    assign(node.target, loop->items[i]);
    const Flow flow = execute(node.body);
    scope_ = outer;
    if (flow == Flow::stop_loop) break;
  }
  return Flow::next;
}

Evaluator::Flow Evaluator::execute(const If& node) {
  for (const auto& [condition, body] : node.branches) {
    if (truth(evaluate(*condition))) return execute(body);
  }
  return execute(node.otherwise);
}

Evaluator::Flow Evaluator::execute(const Set& node) {
  assign(node.target, evaluate(*node.value));
  return Flow::next;
}

Evaluator::Flow Evaluator::execute(const SetBlock& node) {
  assign(node.target, filter_body(node.filter, capture(node.body)));
  return Flow::next;
}

Evaluator::Flow Evaluator::execute(const MacroDefinition& node) {
  set(node.name, runtime_.macro({&node, scope_}));
  return Flow::next;
}

Evaluator::Flow Evaluator::execute(const CallBlock& node) {
  const Call& called = std::get<Call>(node.call->node);
  const Value callee = evaluate(*called.callee);
  CallArguments arguments = evaluate(called.arguments);
  arguments.named.emplace_back("caller", runtime_.macro({&node.caller, scope_}));
  print(runtime_, call_value(callee, std::move(arguments)), *out_);
  return Flow::next;
}

Evaluator::Flow Evaluator::execute(const FilterBlock& node) {
  print(runtime_, filter_body(node.filter, capture(node.body)), *out_);
  return Flow::next;
}

Evaluator::Flow Evaluator::execute(const With& node) {
  Scope* const outer = scope_;
  Values values;
  for (const auto& [target, value] : node.values) values.push_back(evaluate(*value));
  scope_ = open_scope(outer);
  for (std::size_t i = 0; i < values.size(); ++i) assign(node.values[i].first, values[i]);
  const Flow flow = execute(node.body);
  scope_ = outer;
  return flow;
}

Value Evaluator::capture(const Block& body) {
  Text text;
  Text* const outer_out = std::exchange(out_, &text);
  Scope* const outer = scope_;
  scope_ = open_scope(outer);
  execute(body);
  scope_ = outer;
  out_ = outer_out;
  return runtime_.text(std::move(text));
}

}  // namespace foreword::engine::jinja
