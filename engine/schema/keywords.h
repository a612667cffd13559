#pragma once
// The table of keywords: which are known, what their values must be, what becomes of them. Pure.

#include <cstdint>
#include <string_view>

#include "engine/schema/document.h"

namespace foreword::engine {

/// Kinds of values, as a set. A number is whole or broken: 1.0 is whole.
enum ValueType : unsigned { kNull = 1, kBoolean = 2, kWhole = 4, kBroken = 8, kString = 16, kArray = 32, kObject = 64, kNumber = kWhole | kBroken, kAnyType = 127 };

/// 0: no name of a type.
unsigned type_named(std::string_view name);
unsigned type_of(const Json& value);

enum class Use : std::uint8_t {
  annotation,  // says nothing of what is valid
  kept,
  refused,  // where the types it is about are allowed
};

struct Keyword {
  std::string_view name;
  Use use;
  unsigned types;  // that it is about
  bool (*is_well_formed)(const Json& value);
};

/// nullptr: unknown, so an annotation as well.
const Keyword* find_keyword(std::string_view name);

/// It leads to schemas about the same value.
bool is_in_place(std::string_view keyword);

/// Nothing in it is kept: true, an empty object, annotations.
bool says_nothing(const Json& schema);
/// The keyword's value; nullptr: it is not there.
const Json* find(const Json& schema, std::string_view keyword);

// Keywords of our own, in schemas made of others.
inline constexpr std::string_view kOnlyTypes = "\1types";        // a set of ValueType
inline constexpr std::string_view kNotPattern = "\1notPattern";  // of strings
inline constexpr std::string_view kNotEnum = "\1notEnum";
inline constexpr std::string_view kAbsent = "\1absent";  // names of members
inline constexpr std::string_view kWith = "\1with";      // as `properties`, but other members than these stay possible

}  // namespace foreword::engine
