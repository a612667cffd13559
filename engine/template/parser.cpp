#include "engine/template/parser.h"

#include <algorithm>
#include <array>

namespace foreword::engine::jinja {
namespace {

constexpr int kMaxDepth = 200;
constexpr std::size_t kMaxSourceBytes = 1u << 20;

struct CompareRow {
  std::string_view symbol;
  CompareOperator op;
};
constexpr std::array<CompareRow, 6> kCompares = {{{"==", CompareOperator::equal},
                                                  {"!=", CompareOperator::not_equal},
                                                  {"<", CompareOperator::less},
                                                  {"<=", CompareOperator::less_equal},
                                                  {">", CompareOperator::greater},
                                                  {">=", CompareOperator::greater_equal}}};

struct BinaryRow {
  std::string_view symbol;
  BinaryOperator op;
};
constexpr std::array<BinaryRow, 2> kSums = {{{"+", BinaryOperator::add}, {"-", BinaryOperator::subtract}}};
constexpr std::array<BinaryRow, 4> kProducts = {{{"*", BinaryOperator::multiply},
                                                 {"/", BinaryOperator::divide},
                                                 {"//", BinaryOperator::floor_divide},
                                                 {"%", BinaryOperator::modulo}}};

template <class Rows>
auto find_row(const Rows& rows, const Token& token) {
  return std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return token.is_symbol(row.symbol); });
}

}  // namespace

void parse(std::string_view source, Template& out) {
  if (source.size() > kMaxSourceBytes) {
    throw Failure{Failure::Kind::limit, "it is longer than 1 MiB"};
  }
  out.body = Parser(tokenize(source), out).parse_template();
}

const Expression* Parser::make(int line, ExpressionNode node) {
  const int below = depth_below(node);
  if (below >= kMaxDepth) throw Failure{Failure::Kind::limit, "it nests too deeply", line};
  return &out_.expressions.emplace_back(Expression{line, std::move(node), below + 1});
}

Parser::Level::Level(Parser& owner) : parser(owner) {
  if (parser.depth_ >= kMaxDepth) {
    throw Failure{Failure::Kind::limit, "it nests too deeply", parser.current().line};
  }
  ++parser.depth_;
}

void Parser::fail_here(std::string message) const {
  throw Failure{Failure::Kind::syntax, std::move(message), current().line};
}

void Parser::unexpected() const {
  fail_here(current().kind == TokenKind::end ? "it ends too early" : "unexpected '" + current().text + "'");
}

bool Parser::skip_symbol(std::string_view symbol) {
  if (!current().is_symbol(symbol)) return false;
  ++at_;
  return true;
}

bool Parser::skip_name(std::string_view name) {
  if (!current().is_name(name)) return false;
  ++at_;
  return true;
}

void Parser::expect_symbol(std::string_view symbol) {
  if (!skip_symbol(symbol)) unexpected();
}

void Parser::expect_name(std::string_view name) {
  if (!skip_name(name)) unexpected();
}

std::string Parser::expect_any_name() {
  if (current().kind != TokenKind::name) unexpected();
  return take().text;
}

const Expression* Parser::parse_tuple(bool with_condition, bool in_parentheses) {
  const int line = current().line;
  Expressions items;
  bool is_tuple = false;
  while (true) {
    const bool ends = current().kind == TokenKind::print_end || current().kind == TokenKind::block_end ||
                      current().is_symbol(")");
    if (ends) break;
    items.push_back(with_condition ? parse_expression() : parse_or());
    if (!skip_symbol(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && !items.empty()) return items.front();
  if (!is_tuple && !in_parentheses) unexpected();
  return make(line, ListLiteral{std::move(items), true});
}

const Expression* Parser::parse_expression() {
  const Level level(*this);
  const Expression* left = parse_or();
  while (skip_name("if")) {
    const Expression* condition = parse_or();
    const Expression* otherwise = skip_name("else") ? parse_expression() : nullptr;
    left = make(left->line, Conditional{condition, left, otherwise});
  }
  return left;
}

const Expression* Parser::parse_or() {
  const Expression* left = parse_and();
  while (skip_name("or")) left = make(left->line, Logic{false, left, parse_and()});
  return left;
}

const Expression* Parser::parse_and() {
  const Expression* left = parse_not();
  while (skip_name("and")) left = make(left->line, Logic{true, left, parse_not()});
  return left;
}

const Expression* Parser::parse_not() {
  const Level level(*this);
  const int line = current().line;
  if (skip_name("not")) return make(line, Not{parse_not()});
  return parse_compare();
}

const Expression* Parser::parse_compare() {
  const Expression* first = parse_sum();
  Compare compare{first, {}};
  while (true) {
    const auto row = find_row(kCompares, current());
    if (row != kCompares.end()) {
      ++at_;
      compare.rest.emplace_back(row->op, parse_sum());
    } else if (skip_name("in")) {
      compare.rest.emplace_back(CompareOperator::in, parse_sum());
    } else if (current().is_name("not") && next().is_name("in")) {
      at_ += 2;
      compare.rest.emplace_back(CompareOperator::not_in, parse_sum());
    } else {
      break;
    }
  }
  return compare.rest.empty() ? first : make(first->line, std::move(compare));
}

const Expression* Parser::parse_sum() {
  const Expression* left = parse_concat();
  for (auto row = find_row(kSums, current()); row != kSums.end(); row = find_row(kSums, current())) {
    ++at_;
    left = make(left->line, Binary{row->op, left, parse_concat()});
  }
  return left;
}

const Expression* Parser::parse_concat() {
  const Expression* first = parse_product();
  if (!current().is_symbol("~")) return first;
  Concat concat{{first}};
  while (skip_symbol("~")) concat.parts.push_back(parse_product());
  return make(first->line, std::move(concat));
}

const Expression* Parser::parse_product() {
  const Expression* left = parse_power();
  for (auto row = find_row(kProducts, current()); row != kProducts.end(); row = find_row(kProducts, current())) {
    ++at_;
    left = make(left->line, Binary{row->op, left, parse_power()});
  }
  return left;
}

const Expression* Parser::parse_power() {
  const Expression* left = parse_unary(true);
  while (skip_symbol("**")) left = make(left->line, Binary{BinaryOperator::power, left, parse_unary(true)});
  return left;
}

const Expression* Parser::parse_unary(bool with_filters) {
  const Level level(*this);
  const int line = current().line;
  const Expression* left = nullptr;
  if (skip_symbol("-")) {
    left = make(line, Sign{true, parse_unary(false)});
  } else if (skip_symbol("+")) {
    left = make(line, Sign{false, parse_unary(false)});
  } else {
    left = parse_primary();
  }
  left = parse_postfix(left);
  return with_filters ? parse_filters(left) : left;
}

const Expression* Parser::parse_primary() {
  const Token& token = current();
  const int line = token.line;
  switch (token.kind) {
    case TokenKind::name: {
      const std::string name = take().text;
      if (name == "true" || name == "True") return make(line, Literal{Value::of(true)});
      if (name == "false" || name == "False") return make(line, Literal{Value::of(false)});
      if (name == "none" || name == "None") return make(line, Literal{Value::none()});
      saw_list_ = saw_list_ || name == "varargs";
      saw_dict_ = saw_dict_ || name == "kwargs";
      return make(line, Name{out_.intern(name)});
    }
    case TokenKind::string: {
      std::string value;
      while (current().kind == TokenKind::string) value += take().text;
      return make(line, Literal{Value::of(out_.keep(value))});
    }
    case TokenKind::integer:
      return make(line, Literal{Value::of(take().integer)});
    case TokenKind::real:
      return make(line, Literal{Value::of(take().real)});
    default:
      break;
  }
  if (token.is_symbol("[")) return parse_literal_list();
  if (token.is_symbol("{")) return parse_literal_dict();
  if (!skip_symbol("(")) unexpected();
  const Expression* inner = parse_tuple(true, true);
  expect_symbol(")");
  return inner;
}

const Expression* Parser::parse_literal_list() {
  ListLiteral list{{}, false};
  const int line = take().line;
  while (!current().is_symbol("]")) {
    list.items.push_back(parse_expression());
    if (!skip_symbol(",")) break;
  }
  expect_symbol("]");
  return make(line, std::move(list));
}

const Expression* Parser::parse_literal_dict() {
  DictLiteral dict;
  const int line = take().line;
  while (!current().is_symbol("}")) {
    const Expression* key = parse_expression();
    expect_symbol(":");
    dict.entries.emplace_back(key, parse_expression());
    if (!skip_symbol(",")) break;
  }
  expect_symbol("}");
  return make(line, std::move(dict));
}

const Expression* Parser::parse_postfix(const Expression* left) {
  while (true) {
    const int line = current().line;
    if (skip_symbol(".")) {
      if (current().kind == TokenKind::integer) {
        left = make(line, Item{left, make(line, Literal{Value::of(take().integer)})});
      } else {
        left = make(line, Attribute{left, out_.keep(expect_any_name())});
      }
    } else if (skip_symbol("[")) {
      left = parse_subscript(left);
    } else if (current().is_symbol("(")) {
      left = make(line, Call{left, parse_arguments()});
    } else {
      return left;
    }
  }
}

const Expression* Parser::parse_subscript(const Expression* left) {
  const int line = current().line;
  Expressions parts;  // null where a slice leaves one out
  bool is_slice = false;
  const auto part_is_missing = [&] { return current().is_symbol(":") || current().is_symbol("]"); };
  parts.push_back(part_is_missing() ? nullptr : parse_expression());
  while (parts.size() < 3 && skip_symbol(":")) {
    is_slice = true;
    parts.push_back(part_is_missing() ? nullptr : parse_expression());
  }
  expect_symbol("]");
  if (!is_slice && parts.front() == nullptr) fail_here("a subscript is empty");
  if (!is_slice) return make(line, Item{left, parts.front()});
  parts.resize(3, nullptr);
  return make(line, Slice{left, parts[0], parts[1], parts[2]});
}

const Expression* Parser::parse_filters(const Expression* left) {
  while (true) {
    const int line = current().line;
    if (skip_symbol("|")) {
      left = parse_filter_chain(left, true);
    } else if (skip_name("is")) {
      left = parse_test(left);
    } else if (current().is_symbol("(")) {
      left = make(line, Call{left, parse_arguments()});
    } else {
      return left;
    }
  }
}

const Expression* Parser::parse_filter_chain(const Expression* left, bool at_name) {
  while (at_name || skip_symbol("|")) {
    at_name = false;
    const int line = current().line;
    Filter filter{left, parse_dotted_name(), {}};
    if (current().is_symbol("(")) filter.arguments = parse_arguments();
    left = make(line, std::move(filter));
  }
  return left;
}

const Expression* Parser::parse_test(const Expression* left) {
  const int line = current().line;
  const bool is_negated = skip_name("not");
  Test test{left, parse_dotted_name(), {}};
  const Token& token = current();
  const bool is_operator = token.is_name("else") || token.is_name("or") || token.is_name("and");
  const bool begins_value = token.kind == TokenKind::name || token.kind == TokenKind::string ||
                            token.kind == TokenKind::integer || token.kind == TokenKind::real ||
                            token.is_symbol("[") || token.is_symbol("{");
  if (token.is_symbol("(")) {
    test.arguments = parse_arguments();
  } else if (begins_value && !is_operator) {
    if (token.is_name("is")) fail_here("tests cannot be chained with 'is'");
    test.arguments.positional.push_back(parse_postfix(parse_primary()));
  }
  const Expression* result = make(line, std::move(test));
  return is_negated ? make(line, Not{result}) : result;
}

Arguments Parser::parse_arguments() {
  const Level level(*this);
  Arguments arguments;
  expect_symbol("(");
  while (!current().is_symbol(")")) {
    const bool is_last_kind = arguments.dict != nullptr;
    if (current().kind == TokenKind::name && next().is_symbol("=") && !is_last_kind) {
      const Text* name = out_.keep(take().text);
      ++at_;
      arguments.named.emplace_back(name, parse_expression());
    } else if (!is_last_kind && arguments.list == nullptr && skip_symbol("*")) {
      arguments.list = parse_expression();
    } else if (!is_last_kind && skip_symbol("**")) {
      arguments.dict = parse_expression();
    } else {
      if (is_last_kind || arguments.list != nullptr || !arguments.named.empty()) unexpected();
      arguments.positional.push_back(parse_expression());
    }
    if (!skip_symbol(",")) break;
  }
  expect_symbol(")");
  return arguments;
}

std::string Parser::parse_dotted_name() {
  std::string name = expect_any_name();
  while (skip_symbol(".")) name += "." + expect_any_name();
  return name;
}

}  // namespace foreword::engine::jinja
