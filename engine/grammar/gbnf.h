#pragma once
// Grammars as people write them: GBNF, llama.cpp's notation. Rules are `name ::= ...` with "text", [a-z] (also [^a-z]), `.`, (groups), |, * + ?
// {m}, {m,}, {m,n}, # comments, and \n \r \t \\ \" \[ \] \xHH \uHHHH \UHHHHHHHH; `root` is where texts begin. A rule goes on over
// several lines inside brackets, behind an operator, and where the next line begins with white space or |.

#include <memory>
#include <string_view>

#include "engine/base/result.h"
#include "engine/grammar/grammar.h"

namespace foreword::engine {

/// source: UTF-8. `invalid_argument` names line and column, and what stands there; beside that what GrammarBuilder::build() says.
Result<std::shared_ptr<const Grammar>> parse_gbnf(std::string_view source);

}  // namespace foreword::engine
