#pragma once
// JSON Schema to grammars. Every text of the grammar validates under draft 2020-12 (the forms of drafts 4 to 2019-09 are read as well): a
// keyword that constrains and cannot be kept is refused by name, never left out. Texts are fewer than the schema allows, where that costs
// nothing that people ask for:
//   - members stand in the order of the schema; where `properties` are named and `additionalProperties` is not, there are no others, and
//     likewise no items behind those of `prefixItems` where `items` is not said, as far as minItems permits;
//   - values of enum and const are written compact; strings that have to match something have no escape that is not needed;
//   - numbers with bounds have no exponent, and no number is endless (numbers.h, json_parts.h);
//   - a format has the texts that everybody takes for valid (formats.cpp); of long texts with a pattern and a maxLength perhaps only the shorter;
//   - white space is as json_parts.h says, with none around the whole.
// Refused are, where their type is allowed: unevaluatedProperties and unevaluatedItems, contains (but for trivial ones), uniqueItems of items
// that are no small enumeration, $dynamicRef, $recursiveRef, references to other documents, formats that are not known, what regex.h refuses of
// patterns, minProperties that needs two members without a name, opposites (not, else, alternatives of oneOf that overlap) of what rewrite.h lists.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/grammar/grammar.h"

namespace foreword::engine {

struct JsonForm {
  std::shared_ptr<const Grammar> grammar;
  std::vector<std::string> notes;  // sentences: keywords that are not known and so change nothing
};

/// `invalid_argument`: no JSON, no schema, or one that nothing satisfies; `unsupported`: a keyword that cannot be kept (the message names it and
/// its place), or a schema that is too large. Ends in time for every text.
Result<JsonForm> json_form(std::string_view schema);
/// Any JSON object.
std::shared_ptr<const Grammar> any_json_object();

}  // namespace foreword::engine
