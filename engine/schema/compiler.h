#pragma once
// Writes a document's schema as a grammar: a rule for each conjunction of schemas that holds for some value.

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/schema/contradiction.h"
#include "engine/schema/demands.h"
#include "engine/schema/json_parts.h"
#include "engine/schema/judge.h"

namespace foreword::engine {

/// Once; one thread.
class Compiler {
 public:
  using Part = GrammarBuilder::Part;
  Compiler(Document& document, GrammarBuilder& builder)
      : builder_(builder), reader_(document), judge_(document, languages_), contradiction_(reader_, languages_, judge_), json_(builder) {}

  /// The document's own schema. Errors as json_form().
  Result<Part> root();
  const std::vector<std::string>& notes() const { return reader_.notes(); }

 private:
  static constexpr std::size_t kMostRules = 6'000;

  /// A value for which these hold; written later.
  Part value(const Conjunction& conjunction);
  Result<Part> written(const Conjunction& conjunction);
  Result<Part> alternatives(const Conjunction& members, const Pending& pending);
  Result<Conjunction> apart(const Conjunction& members, const Pending& pending, std::size_t chosen);
  Result<Part> typed(const Demands& demands);
  Result<Part> text(const Demands& demands);
  Result<std::optional<Regular>> text_language(const Demands& demands);
  Result<Part> number(const Demands& demands);
  Result<Part> object(const Demands& demands);
  Result<Part> array(const Demands& demands);
  Result<Part> different_items(const Demands& demands, const ItemSchemas& items);
  /// Names of members that are not told by name, by what holds for their values.
  Result<std::vector<Part>> other_members(const Demands& demands, const std::vector<std::string>& names);
  Result<std::optional<Regular>> names_allowed(const Demands& demands);
  Result<std::optional<Regular>> strings_of(const Conjunction& conjunction, int depth);
  Verdict may_be_named(const Demands& demands, const std::string& name);
  Part literal(const Json& value) { return builder_.text(value.dump()); }
  Result<Part> once(const std::string& key, const std::function<Result<Part>()>& make);

  GrammarBuilder& builder_;
  Reader reader_;
  Languages languages_;
  Judge judge_;
  Contradiction contradiction_;
  JsonParts json_;
  std::map<Conjunction, Part> known_;  // by sorted members
  std::deque<std::pair<GrammarBuilder::Rule, Conjunction>> waiting_;
  std::map<std::string, Part> strings_;  // and numbers, by what is asked of them
};

}  // namespace foreword::engine
