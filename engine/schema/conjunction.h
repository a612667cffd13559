#pragma once
// Schemas that hold for one value at the same time. Everything that says something about the same value ($ref, allOf, not, if, what depends
// on members) is brought to one level; of anyOf and oneOf one alternative at a time is chosen.

#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/schema/document.h"
#include "engine/schema/rewrite.h"

namespace foreword::engine {

enum Chosen : unsigned { kNoneChosen = 0, kAnyOfChosen = 1, kOneOfChosen = 2 };

struct Member {
  const Json* schema;
  unsigned chosen = kNoneChosen;  // of these the alternative that holds is another member
  auto operator<=>(const Member&) const = default;
};
using Conjunction = std::vector<Member>;  // in the order in which they were found; no schema twice

/// Alternatives that wait for a choice.
struct Pending {
  std::size_t member;
  Chosen what;
  const Json* alternatives;
};

/// One thread.
class Reader {
 public:
  explicit Reader(Document& document) : document_(document), rewriter_(document) {}

  struct Expansion {
    Conjunction members;
    bool never = false;  // `false` is among them
  };
  /// All that holds together with these. `invalid_argument`: a value that its keyword cannot have, a schema that refers to itself without end;
  /// `unsupported`: what rewrite.h refuses, a keyword that is known but not kept, too much at once.
  Result<Expansion> expand(const Conjunction& conjunction);
  /// The next choice: anyOf before oneOf. nullptr alternatives: none.
  static Pending pending(const Conjunction& members);
  /// These members, where that alternative holds.
  static Conjunction with_choice(const Conjunction& members, const Pending& pending, const Json& alternative);

  /// What holds where this schema does not; `unsupported`: rewrite.h.
  Result<const Json*> opposite(const Json& schema) { return rewriter_.negation(schema); }

  const Document& document() const { return document_; }
  Error refusal(ErrorCode code, const Json& schema, std::string_view keyword, std::string_view why) const;
  /// Notes the unknown keywords of a schema that is not expanded, because it says nothing.
  void note(const Json& schema);
  /// One sentence for each unknown keyword.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  enum class Colour : std::uint8_t { open, done };

  /// What holds together with this schema, found when it is first met.
  Result<const std::vector<const Json*>*> companions(const Json& schema);
  Result<void> read(const Json& schema);
  Result<void> find_loop(const Json& schema, int depth);

  Document& document_;
  Rewriter rewriter_;
  std::unordered_map<const Json*, std::vector<const Json*>> companions_;
  std::unordered_map<const Json*, Colour> colours_;
  std::vector<std::string> notes_;
  std::set<std::string> noted_;
};

}  // namespace foreword::engine
