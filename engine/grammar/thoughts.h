#pragma once
// What a model may write before the answer that a grammar is for.

#include <memory>

#include "engine/grammar/grammar.h"

namespace foreword::engine {

/// Texts of the grammar, with or without thoughts before them: whatever stands between the tags of engine/base/reasoning.h, or in the
/// messages of gpt-oss before the final one. Marks may be control tokens or letters.
std::shared_ptr<const Grammar> behind_thoughts(const Grammar& grammar);

/// For a tokenizer that drops a text's first space: what becomes a text of the grammar when that is done. Models of such tokenizers begin with a
/// space nearly always.
std::shared_ptr<const Grammar> behind_dropped_space(const std::shared_ptr<const Grammar>& grammar);

}  // namespace foreword::engine
