#pragma once
// Whether a value that is at hand satisfies a schema: what becomes of the values of enum and const.

#include <string>

#include "engine/schema/document.h"
#include "engine/schema/languages.h"

namespace foreword::engine {

enum class Verdict : std::uint8_t { no, unsure, yes };

class Judge {
 public:
  Judge(Document& document, Languages& languages) : document_(document), languages_(languages) {}

  /// `unsure`: a keyword that is not looked at, or a limit of depth or work.
  Verdict judge(const Json& schema, const Json& value);
  /// The same of what the schema says itself, without the schemas that it leads to for the same value.
  Verdict judge_itself(const Json& schema, const Json& value);

 private:
  Verdict judge(const Json& schema, const Json& value, int depth, bool in_place = true);
  Verdict keyword(const Json& schema, const std::string& name, const Json& wanted, const Json& value, int depth);
  Verdict led_to(const Json& schema, const std::string& name, const Json& wanted, const Json& value, int depth);
  Verdict text(const std::string& name, const Json& wanted, const std::string& value);
  Verdict number(const Json& schema, const std::string& name, const Json& wanted, const Json& value);
  Verdict array(const Json& schema, const std::string& name, const Json& wanted, const Json& value, int depth);
  Verdict object(const Json& schema, const std::string& name, const Json& wanted, const Json& value, int depth);

  Document& document_;
  Languages& languages_;
  int work_ = 0;  // schemas looked at
};

}  // namespace foreword::engine
