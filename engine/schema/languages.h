#pragma once
// Languages of the patterns and formats of one schema, each made once.

#include <map>
#include <string>

#include "engine/schema/formats.h"
#include "engine/schema/regular.h"

namespace foreword::engine {

/// One thread; languages stay where they are.
class Languages {
 public:
  /// Texts in which the pattern is found.
  Result<const Regular*> pattern(const std::string& pattern);
  /// Texts that surely have the format, which has an expression.
  Result<const Regular*> format(const Format& format);

 private:
  std::map<std::string, Result<Regular>> patterns_, formats_;
};

}  // namespace foreword::engine
