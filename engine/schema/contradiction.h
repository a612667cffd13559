#pragma once
// Which schemas surely have no value in common: alternatives of which never two hold, and those that never do.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/schema/demands.h"
#include "engine/schema/judge.h"

namespace foreword::engine {

/// The values of the shortest enum or const among these that satisfy all of them; nullopt: there is no enum. `sure`: what is not among the
/// values surely fails (a keyword that cannot be judged leaves a value out). With `members_only`, of each of them only what it says itself
/// is asked; what they lead to are members as well, but for choices that nobody has made.
struct FiniteValues {
  std::vector<const Json*> values;
  bool sure = true;
};
std::optional<FiniteValues> finite_values(const Conjunction& members, Judge& judge, bool members_only = false);

class Contradiction {
 public:
  Contradiction(Reader& reader, Languages& languages, Judge& judge) : reader_(reader), languages_(languages), judge_(judge) {}

  /// True: no value satisfies all of these. False: perhaps one does, or too much has been looked at already. `only`: of an object, members of these names alone are looked at.
  bool is_certain(const Conjunction& conjunction, const std::vector<std::string>* only = nullptr) {
    work_ = 0;
    return is_certain(conjunction, only, 0);
  }

 private:
  bool is_certain(const Conjunction& conjunction, const std::vector<std::string>* only, int depth);
  bool find_out(const Conjunction& conjunction, const std::vector<std::string>* only, int depth);
  bool no_text(const Demands& demands) const;
  bool no_object(const Demands& demands, const std::vector<std::string>* only, int depth);
  bool no_array(const Demands& demands, int depth);

  Reader& reader_;
  Languages& languages_;
  Judge& judge_;
  std::map<Conjunction, bool> known_;  // by sorted members, without `only`
  int work_ = 0, all_work_ = 0;  // conjunctions looked at, for this answer and for all
};

}  // namespace foreword::engine
