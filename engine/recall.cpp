#include "engine/recall.h"

#include <utility>

namespace foreword::engine {

Recall::Recall(PrefixTree& tree, PrefixKeeper& keeper, std::vector<TokenId> tokens, TextOwner chat)
    : chat_(chat), tokens_(std::move(tokens)), text_(tree.open(tokens_, chat)), in_use_(tree, text_), restoration_(keeper.restore(text_, tokens_)) {}

}  // namespace foreword::engine
