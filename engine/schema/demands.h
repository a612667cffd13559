#pragma once
// What the keywords of a conjunction ask of a value, type by type, put together.

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "engine/schema/conjunction.h"
#include "engine/schema/languages.h"
#include "engine/schema/numbers.h"

namespace foreword::engine {

/// least to most; most < 0: no limit.
struct Count {
  std::int64_t least = 0, most = -1;
  void at_least(std::int64_t n) { least = std::max(least, n); }
  void at_most(std::int64_t n) { most = most < 0 ? n : std::min(most, n); }
  bool impossible() const { return most >= 0 && most < least; }
};

/// Of the types that are left; what is said of others is not looked at.
struct Demands {
  unsigned types = 0;  // set of ValueType
  bool no_true = false, no_false = false;

  Count length;                             // characters
  std::vector<const Regular*> patterns;     // each of them
  std::vector<const Regular*> formats;      // likewise; these have fewer texts than the format
  std::vector<const Regular*> no_patterns;  // none of them
  std::vector<std::string> no_texts;

  NumberForm number;
  std::vector<Decimal> no_numbers;

  Count n_members, n_items;
  std::vector<const Json*> objects, arrays;  // schemas with keywords about members and items
  std::vector<std::string> required, absent;
  bool unique = false;
};

/// `unsupported`: a keyword about a type that is left cannot be kept. Of members without pending choices.
Result<Demands> demands_of(const Conjunction& members, Reader& reader, Languages& languages);

/// The schemas that hold for the member of this name.
Result<Conjunction> member_schemas(const Demands& demands, const std::string& name, Languages& languages);
/// Names of members that the schemas tell, in their order; the required ones last that are nowhere else.
std::vector<std::string> member_names(const Demands& demands);
/// Whether other members than the named ones, and than those a pattern tells, are left out: where `properties` say what there is and
/// `additionalProperties` says nothing, JSON Schema would allow any.
bool leaves_others_out(const Demands& demands);

/// Items at the first places, each with its schemas, and those of all behind.
struct ItemSchemas {
  std::vector<Conjunction> first;
  Conjunction rest;
  bool only_first = false;  // JSON Schema allows others, but nothing is said of them
};
ItemSchemas item_schemas(const Demands& demands);

}  // namespace foreword::engine
