#pragma once
// Keywords that are said by others: `not`, `if` and what depends on the presence of a member become anyOf.

#include <map>
#include <utility>

#include "engine/schema/document.h"

namespace foreword::engine {

/// Each schema is rewritten once: the same node comes back. One thread.
class Rewriter {
 public:
  explicit Rewriter(Document& document) : document_(document) {}

  /// What is valid if this schema is not. `unsupported`: that cannot be said; the message names the keyword.
  Result<const Json*> negation(const Json& schema) { return negation(schema, 0); }
  /// `if`, `then` and `else` of this schema; nullptr: it has none that say anything.
  const Json* condition(const Json& schema);
  /// `dependentRequired`, `dependentSchemas` and `dependencies` of this schema; nullptr likewise.
  const Json* dependencies(const Json& schema);

 private:
  enum class What : std::uint8_t { negation, condition, dependencies };

  Result<const Json*> negation(const Json& schema, int depth);
  Result<Json> opposites(const Json& schema, const std::string& keyword, int depth);
  template <class Make>
  const Json* once(const Json& schema, What what, Make make);

  Document& document_;
  std::map<std::pair<const Json*, What>, const Json*> made_;
};

}  // namespace foreword::engine
