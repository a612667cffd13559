#pragma once
// The JSON text of a schema: read with limits, its nodes with their places, references between them. Schemas that are made of others while
// one is read (rewrite.h) live here as well.

#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/base/result.h"
#include "engine/schema/decimal.h"

namespace foreword::engine {

using Json = nlohmann::ordered_json;

/// Member names that begin so are ours; a document has none.
constexpr char kInternal = '\x01';

/// One thread; nodes stay where they are.
class Document {
 public:
  /// `invalid_argument`: no JSON, or no schema (an object, true or false); `unsupported`: nested deeper than kMostNested, an object of more
  /// than kMostNames members, a number that no double holds.
  static Result<std::unique_ptr<Document>> parse(std::string_view text);
  static constexpr int kMostNested = 128;
  static constexpr std::size_t kMostNames = 4'000;

  const Json& root() const { return root_; }
  /// A schema made of what stands at `from`, whose place and references it takes over.
  const Json& add(Json made, const Json& from);

  /// "#/properties/name", for messages.
  std::string place_of(const Json& node) const;
  /// What `$ref` of this schema leads to. `invalid_argument`: nothing is there; `unsupported`: another document.
  Result<const Json*> target(const Json& schema, const std::string& reference) const;

 private:
  struct Info {
    const Json* parent = nullptr;  // nullptr: a root, or made
    std::string step;              // from the parent to here
    const Json* resource = nullptr;  // the node with the $id that holds here, or the root
    const Json* from = nullptr;      // made of this one
  };

  Document() = default;
  void index(const Json& root, const Info& info);
  const Json* resource_named(std::string_view id) const;
  const Json* anchor(std::string_view name, const Json* resource) const;

  Json root_;
  std::deque<Json> made_;
  std::unordered_map<const Json*, Info> info_;  // of objects and arrays, and of true and false
};

/// The exact number.
Decimal decimal_of(const Json& number);
/// Whether JSON Schema takes them for the same value: 1 is 1.0, the order of members does not matter.
bool same_value(const Json& a, const Json& b);

}  // namespace foreword::engine
