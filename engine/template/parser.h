#pragma once
// Tokens to nodes, by recursive descent with Jinja's precedences (its parser.py names the same levels).

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/template/ast.h"
#include "engine/template/lexer.h"

namespace foreword::engine::jinja {

class Parser {
 public:
  Parser(std::vector<Token> tokens, Template& out) : tokens_(std::move(tokens)), out_(out) {}
  Block parse_template();

 private:
  // Statements (parser_statements.cpp).
  /// Up to a tag that begins with one of `ends`, which stays the current token. No ends: up to the end of the source.
  Block parse_body(std::initializer_list<std::string_view> ends);
  /// The same in a function or a buffer of its own, where no surrounding loop can be left.
  Block parse_closed_body(std::string_view end);
  const Statement* parse_statement();
  const Statement* parse_for();
  const Statement* parse_if();
  const Statement* parse_set();
  const Statement* parse_macro();
  const Statement* parse_call_block();
  const Statement* parse_filter_block();
  const Statement* parse_with();
  const Statement* parse_generation();
  const Statement* parse_break();
  const Statement* parse_continue();
  void parse_parameters(MacroDefinition& macro);
  void parse_macro_body(MacroDefinition& macro, std::string_view end);
  Target parse_target(bool allow_attribute);
  Target parse_target_part();
  void end_of_tag();

  // Expressions (parser.cpp), from the loosest binding to the tightest.
  const Expression* parse_tuple(bool with_condition, bool in_parentheses = false);
  const Expression* parse_expression();  // a if b else c
  const Expression* parse_or();
  const Expression* parse_and();
  const Expression* parse_not();
  const Expression* parse_compare();
  const Expression* parse_sum();
  const Expression* parse_concat();
  const Expression* parse_product();
  const Expression* parse_power();
  const Expression* parse_unary(bool with_filters);
  const Expression* parse_primary();
  const Expression* parse_literal_list();
  const Expression* parse_literal_dict();
  const Expression* parse_postfix(const Expression* left);
  const Expression* parse_subscript(const Expression* left);
  const Expression* parse_filters(const Expression* left);
  const Expression* parse_filter_chain(const Expression* left, bool at_name);  // left may be null
  const Expression* parse_test(const Expression* left);
  Arguments parse_arguments();
  std::string parse_dotted_name();

  const Token& current() const { return tokens_[at_]; }
  const Token& next() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  Token take() { return at_ + 1 < tokens_.size() ? std::move(tokens_[at_++]) : tokens_[at_]; }
  bool skip_symbol(std::string_view symbol);
  bool skip_name(std::string_view name);
  void expect_symbol(std::string_view symbol);
  void expect_name(std::string_view name);
  std::string expect_any_name();
  [[noreturn]] void fail_here(std::string message) const;
  [[noreturn]] void unexpected() const;

  const Expression* make(int line, ExpressionNode node);
  template <class Node>
  const Statement* make_statement(int line, Node node) {
    return &out_.statements.emplace_back(Statement{line, std::move(node)});
  }

  /// One level of nesting of the source while it lives.
  struct Level {
    explicit Level(Parser& owner);
    ~Level() { --parser.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    Parser& parser;
  };

  struct StatementRow {
    std::string_view tag;
    const Statement* (Parser::*parse)();
  };
  static const StatementRow kStatements[];

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  Template& out_;
  int depth_ = 0;
  int loop_depth_ = 0;
  bool saw_list_ = false, saw_dict_ = false;  // varargs, kwargs since the last macro began
};

}  // namespace foreword::engine::jinja
