#pragma once
// A stored chat on its way back from the prefix store before anybody asks for its next answer: while the line is typed, what
// lies in front of it is fetched, so that sending it finds everything in memory. Gives way to whatever is asked for; as far as
// it got, it got. Engine desk only.

#include <chrono>
#include <vector>

#include "engine/kv/prefix_keeper.h"
#include "engine/kv/prefix_tree.h"
#include "engine/tokenizer/tokenizer.h"

namespace foreword::engine {

class Recall {
 public:
  /// Tree and keeper must outlive it. tokens: what the next prompt will begin with, as far as that is known.
  Recall(PrefixTree& tree, PrefixKeeper& keeper, std::vector<TokenId> tokens, TextOwner chat);
  Recall(const Recall&) = delete;
  Recall& operator=(const Recall&) = delete;

  TextOwner chat() const { return chat_; }
  /// One page, if it comes within so long. False: that was the last.
  bool step(std::chrono::milliseconds patience) { return restoration_.step(patience); }

 private:
  TextOwner chat_;
  std::vector<TokenId> tokens_;
  PrefixTree::Text& text_;
  TextInUse in_use_;
  PrefixKeeper::Restoration restoration_;  // into the text, which stays known when this is over
};

}  // namespace foreword::engine
