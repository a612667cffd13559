#include <algorithm>

#include "engine/template/parser.h"

namespace foreword::engine::jinja {

const Parser::StatementRow Parser::kStatements[] = {
    {"for", &Parser::parse_for},           {"if", &Parser::parse_if},
    {"set", &Parser::parse_set},           {"macro", &Parser::parse_macro},
    {"call", &Parser::parse_call_block},   {"filter", &Parser::parse_filter_block},
    {"with", &Parser::parse_with},         {"generation", &Parser::parse_generation},
    {"break", &Parser::parse_break},       {"continue", &Parser::parse_continue},
};

Block Parser::parse_template() { return parse_body({}); }

void Parser::end_of_tag() {
  if (current().kind != TokenKind::block_end) unexpected();
  ++at_;
}

Block Parser::parse_body(std::initializer_list<std::string_view> ends) {
  const Level level(*this);
  Block body;
  Output output{{}};
  const auto flush = [&] {
    if (output.parts.empty()) return;
    const int line = output.parts.front()->line;
    body.push_back(make_statement(line, std::exchange(output, {})));
  };
  while (true) {
    const int line = current().line;
    switch (current().kind) {
      case TokenKind::data:
        output.parts.push_back(make(line, Literal{Value::of(out_.keep(take().text))}));
        break;
      case TokenKind::print_begin:
        ++at_;
        output.parts.push_back(parse_tuple(true));
        if (current().kind != TokenKind::print_end) unexpected();
        ++at_;
        break;
      case TokenKind::block_begin:
        ++at_;
        if (std::any_of(ends.begin(), ends.end(), [&](std::string_view end) { return current().is_name(end); })) {
          flush();
          return body;
        }
        flush();
        body.push_back(parse_statement());
        end_of_tag();
        break;
      default:
        flush();
        if (ends.size() != 0) fail_here("it ends before '" + std::string(*(ends.end() - 1)) + "'");
        return body;
    }
  }
}

Block Parser::parse_closed_body(std::string_view end) {
  const int outer = std::exchange(loop_depth_, 0);
  Block body = parse_body({end});
  loop_depth_ = outer;
  ++at_;
  return body;
}

const Statement* Parser::parse_statement() {
  if (current().kind != TokenKind::name) unexpected();
  for (const StatementRow& row : kStatements) {
    if (current().text == row.tag) return (this->*row.parse)();
  }
  fail_here("unknown tag '" + current().text + "'");
}

const Statement* Parser::parse_for() {
  const int line = take().line;
  For loop{parse_target(false), nullptr, nullptr, {}, {}};
  expect_name("in");
  loop.items = parse_tuple(false);
  if (skip_name("if")) loop.filter = parse_expression();
  loop.recursive = skip_name("recursive");
  end_of_tag();
  ++loop_depth_;
  loop.body = parse_body({"else", "endfor"});
  --loop_depth_;
  if (skip_name("else")) {
    end_of_tag();
    loop.otherwise = parse_body({"endfor"});
  }
  expect_name("endfor");
  return make_statement(line, std::move(loop));
}

const Statement* Parser::parse_if() {
  const int line = current().line;
  If branches;
  do {
    ++at_;
    const Expression* condition = parse_tuple(false);
    end_of_tag();
    branches.branches.emplace_back(condition, parse_body({"elif", "else", "endif"}));
  } while (current().is_name("elif"));
  if (skip_name("else")) {
    end_of_tag();
    branches.otherwise = parse_body({"endif"});
  }
  expect_name("endif");
  return make_statement(line, std::move(branches));
}

const Statement* Parser::parse_set() {
  const int line = take().line;
  Target target = parse_target(true);
  if (skip_symbol("=")) return make_statement(line, Set{std::move(target), parse_tuple(true)});
  const Expression* filter = parse_filter_chain(nullptr, false);
  end_of_tag();
  return make_statement(line, SetBlock{std::move(target), filter, parse_closed_body("endset")});
}

const Statement* Parser::parse_macro() {
  const int line = take().line;
  MacroDefinition macro;
  macro.name = out_.intern(expect_any_name());
  parse_parameters(macro);
  parse_macro_body(macro, "endmacro");
  return make_statement(line, std::move(macro));
}

void Parser::parse_parameters(MacroDefinition& macro) {
  expect_symbol("(");
  while (!current().is_symbol(")")) {
    macro.parameters.push_back(out_.intern(expect_any_name()));
    if (skip_symbol("=")) {
      macro.defaults.push_back(parse_expression());
    } else if (!macro.defaults.empty()) {
      fail_here("a parameter without a default follows one with a default");
    }
    if (!skip_symbol(",")) break;
  }
  expect_symbol(")");
}

void Parser::parse_macro_body(MacroDefinition& macro, std::string_view end) {
  end_of_tag();
  const bool outer_list = std::exchange(saw_list_, false);
  const bool outer_dict = std::exchange(saw_dict_, false);
  macro.body = parse_closed_body(end);
  macro.takes_list = std::exchange(saw_list_, outer_list);
  macro.takes_dict = std::exchange(saw_dict_, outer_dict);
}

const Statement* Parser::parse_call_block() {
  const int line = take().line;
  CallBlock block{nullptr, {}};
  block.caller.name = out_.intern("caller");
  if (current().is_symbol("(")) parse_parameters(block.caller);
  block.call = parse_expression();
  if (!std::holds_alternative<Call>(block.call->node)) fail_here("a call block needs a call");
  parse_macro_body(block.caller, "endcall");
  return make_statement(line, std::move(block));
}

const Statement* Parser::parse_filter_block() {
  const int line = take().line;
  const Expression* filter = parse_filter_chain(nullptr, true);
  end_of_tag();
  return make_statement(line, FilterBlock{filter, parse_closed_body("endfilter")});
}

const Statement* Parser::parse_with() {
  const int line = take().line;
  With with;
  while (current().kind != TokenKind::block_end) {
    Target target = parse_target(false);
    expect_symbol("=");
    with.values.emplace_back(std::move(target), parse_expression());
    if (!skip_symbol(",")) break;
  }
  end_of_tag();
  with.body = parse_body({"endwith"});
  expect_name("endwith");
  return make_statement(line, std::move(with));
}

const Statement* Parser::parse_generation() {
  With scope;
  const int line = take().line;
  end_of_tag();
  scope.body = parse_body({"endgeneration"});
  expect_name("endgeneration");
  return make_statement(line, std::move(scope));
}

const Statement* Parser::parse_break() {
  if (loop_depth_ == 0) fail_here("'break' stands outside a loop");
  return make_statement(take().line, Break{});
}

const Statement* Parser::parse_continue() {
  if (loop_depth_ == 0) fail_here("'continue' stands outside a loop");
  return make_statement(take().line, Continue{});
}

Target Parser::parse_target(bool allow_attribute) {
  if (allow_attribute && current().kind == TokenKind::name && next().is_symbol(".")) {
    Target target;
    target.name = out_.intern(take().text);
    ++at_;
    target.attribute = out_.keep(expect_any_name());
    return target;
  }
  Target tuple;
  bool is_tuple = false;
  do {
    const bool ends = current().kind == TokenKind::block_end || current().is_name("in") || current().is_symbol("=") ||
                      current().is_symbol(")");
    if (ends) break;
    tuple.parts.push_back(parse_target_part());
    is_tuple = is_tuple || current().is_symbol(",");
  } while (skip_symbol(","));
  if (tuple.parts.empty()) unexpected();
  if (!is_tuple) return std::move(tuple.parts.front());
  return tuple;
}

Target Parser::parse_target_part() {
  const Level level(*this);
  if (skip_symbol("(")) {
    Target inner = parse_target(false);
    expect_symbol(")");
    return inner;
  }
  static constexpr std::string_view kConstants[] = {"true", "false", "none", "True", "False", "None"};
  for (const std::string_view constant : kConstants) {
    if (current().is_name(constant)) fail_here("cannot assign to '" + current().text + "'");
  }
  Target target;
  target.name = out_.intern(expect_any_name());
  return target;
}

}  // namespace foreword::engine::jinja
