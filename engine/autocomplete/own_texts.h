#pragma once
// What the user has said in his chats, for suggestions that say it again (A35): the newest texts, and what follows what in them.
// In memory only; as text, so that it outlives a change of the model. One thread.

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "engine/autocomplete/ngrams.h"
#include "engine/kv/prefix_tree.h"

namespace foreword::engine {

struct OwnText {
  TextOwner chat = 0;
  std::string text;  // UTF-8
};

class OwnTexts {
 public:
  /// So many texts are kept, of each so many bytes.
  static constexpr std::size_t kMostTexts = 2000, kMostBytes = 2000;

  /// The oldest first.
  void learn(std::vector<OwnText> texts);
  void forget(TextOwner chat);
  void forget_all();
  /// Other tokens than those of before are meant: another model.
  void forget_tokens();
  std::size_t size() const { return texts_.size(); }

  /// Counts kAtOnce of the texts that are not counted yet, which takes some hundredths of a second at most. False: all are.
  bool count_some(const Tokenizer& tokenizer) { return count(tokenizer, kAtOnce); }
  /// Of the texts that are counted; the object stays the same.
  const Ngrams& counted() const { return ngrams_; }
  /// Of all texts: a second, where there are as many as there can be.
  const Ngrams& ngrams(const Tokenizer& tokenizer) {
    count(tokenizer, texts_.size());
    return ngrams_;
  }

 private:
  static constexpr std::size_t kAtOnce = 50;
  bool count(const Tokenizer& tokenizer, std::size_t most);

  std::deque<OwnText> texts_;
  std::size_t n_counted_ = 0;  // of them, from the front
  Ngrams ngrams_;
};

}  // namespace foreword::engine
