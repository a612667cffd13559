#include "engine/schema/contradiction.h"

#include <algorithm>

#include "engine/schema/keywords.h"

namespace foreword::engine {
namespace {

constexpr int kDeepest = 12;      // members of members
constexpr int kMostWork = 2'000;      // conjunctions looked at for one answer
constexpr int kMostAllWork = 60'000;  // and for all

}  // namespace

std::optional<FiniteValues> finite_values(const Conjunction& members, Judge& judge, bool members_only) {
  std::vector<const Json*> shortest;
  bool found = false;
  const auto take = [&](std::vector<const Json*> values) {
    if (!found || values.size() < shortest.size()) shortest = std::move(values);
    found = true;
  };
  for (const Member& member : members) {
    if (const Json* one = find(*member.schema, "const")) take({one});
    const Json* some = find(*member.schema, "enum");
    if (some == nullptr) continue;
    std::vector<const Json*> values;
    for (const Json& value : *some) values.push_back(&value);
    take(std::move(values));
  }
  if (!found) return std::nullopt;
  FiniteValues finite;
  for (const Json* value : shortest) {
    Verdict verdict = Verdict::yes;
    for (const Member& member : members) {
      verdict = std::min(verdict, members_only ? judge.judge_itself(*member.schema, *value) : judge.judge(*member.schema, *value));
    }
    if (verdict == Verdict::yes) finite.values.push_back(value);
    finite.sure &= verdict != Verdict::unsure;
  }
  return finite;
}

bool Contradiction::is_certain(const Conjunction& conjunction, const std::vector<std::string>* only, int depth) {
  if (only != nullptr) return find_out(conjunction, only, depth);
  Conjunction sorted = conjunction;
  std::ranges::sort(sorted);
  if (const auto known = known_.find(sorted); known != known_.end()) return known->second;
  const bool certain = find_out(conjunction, nullptr, depth);
  // What was not found out deep inside may be found out from nearer.
  if (certain || depth == 0) known_.emplace(std::move(sorted), certain);
  return certain;
}

bool Contradiction::find_out(const Conjunction& conjunction, const std::vector<std::string>* only, int depth) {
  if (depth > kDeepest || ++work_ > kMostWork || ++all_work_ > kMostAllWork) return false;
  const auto expansion = reader_.expand(conjunction);
  if (!expansion) return false;
  if (expansion->never) return true;
  const Conjunction& members = expansion->members;
  if (const Pending pending = Reader::pending(members); pending.alternatives != nullptr) {
    return std::ranges::all_of(*pending.alternatives, [&](const Json& alternative) { return is_certain(Reader::with_choice(members, pending, alternative), only, depth + 1); });
  }
  // Not the members as a whole: a oneOf that is being taken apart would say that it holds already.
  if (const auto finite = finite_values(members, judge_, true)) return finite->values.empty() && finite->sure;
  const auto demands = demands_of(members, reader_, languages_);
  if (!demands) return false;
  if ((demands->types & kNull) != 0 || ((demands->types & kBoolean) != 0 && !(demands->no_true && demands->no_false))) return false;
  if ((demands->types & kNumber) != 0 && !demands->number.contradicts_itself()) return false;
  if ((demands->types & kString) != 0 && !no_text(*demands)) return false;
  if ((demands->types & kArray) != 0 && !no_array(*demands, depth)) return false;
  return (demands->types & kObject) == 0 || no_object(*demands, only, depth);
}

/// Formats are not looked at: their languages are too small for this.
bool Contradiction::no_text(const Demands& demands) const {
  if (demands.length.impossible()) return true;
  if (demands.patterns.empty()) return false;
  Regular all = *demands.patterns.front();
  for (const Regular* pattern : demands.patterns) {
    auto both = all.common(*pattern);
    if (!both) return false;
    all = *std::move(both);
  }
  for (const Regular* pattern : demands.no_patterns) {
    auto rest = all.without(*pattern);
    if (!rest) return false;
    all = *std::move(rest);
  }
  if (all.empty() || (demands.length.most >= 0 && all.shortest() > demands.length.most)) return true;
  const auto longest = all.longest();
  return longest && *longest < demands.length.least;
}

bool Contradiction::no_object(const Demands& demands, const std::vector<std::string>* only, int depth) {
  if (demands.n_members.impossible()) return true;
  if (demands.n_members.most >= 0 && demands.n_members.most < static_cast<std::int64_t>(demands.required.size())) return true;
  for (const std::string& name : demands.required) {
    if (std::ranges::find(demands.absent, name) != demands.absent.end()) return true;
    if (only != nullptr && std::ranges::find(*only, name) == only->end()) return true;
    const auto schemas = member_schemas(demands, name, languages_);
    if (schemas && is_certain(*schemas, nullptr, depth + 1)) return true;
  }
  return false;
}

bool Contradiction::no_array(const Demands& demands, int depth) {
  if (demands.n_items.impossible()) return true;
  const ItemSchemas items = item_schemas(demands);
  const auto n_first = std::min(static_cast<std::int64_t>(items.first.size()), demands.n_items.least);
  for (std::int64_t i = 0; i < n_first; ++i) {
    if (is_certain(items.first[static_cast<std::size_t>(i)], nullptr, depth + 1)) return true;
  }
  return n_first < demands.n_items.least && is_certain(items.rest, nullptr, depth + 1);
}

}  // namespace foreword::engine
