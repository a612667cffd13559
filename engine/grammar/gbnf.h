#pragma once
// Grammars as people write them: GBNF, llama.cpp's notation. Rules are `name ::= ...` with "text", [a-z] (also [^a-z]), `.` for any character,
// names of rules, (groups), |, * + ? {m} {m,} {m,n}, # comments, and \n \r \t \\ \" \[ \] \^ \- \xHH \uHHHH \UHHHHHHHH. `root` is where texts
// begin. Line ends are white space: a rule goes to where the next one begins.

#include <memory>
#include <string_view>

#include "engine/base/result.h"
#include "engine/grammar/grammar.h"

namespace foreword::engine {

/// source: UTF-8. `invalid_argument` names the line and what is wrong there; beside that what GrammarBuilder::build() says.
Result<std::shared_ptr<const Grammar>> parse_gbnf(std::string_view source);

}  // namespace foreword::engine
