#include "engine/schema/languages.h"

#include "engine/schema/regex.h"

namespace foreword::engine {
namespace {

Result<const Regular*> found(const Result<Regular>& language) {
  if (!language) return language.error();
  return &*language;
}

}  // namespace

Result<const Regular*> Languages::pattern(const std::string& pattern) {
  auto known = patterns_.find(pattern);
  if (known == patterns_.end()) known = patterns_.emplace(pattern, regex_language(pattern)).first;
  return found(known->second);
}

Result<const Regular*> Languages::format(const Format& format) {
  const std::string name(format.name);
  auto known = formats_.find(name);
  if (known == formats_.end()) known = formats_.emplace(name, language_of(format)).first;
  return found(known->second);
}

}  // namespace foreword::engine
