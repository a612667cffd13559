#pragma once
// What the KV cache still holds of texts that were read: any prompt goes on from the longest beginning that is known. Texts
// with a common beginning share its blocks, which the cache counts; so the tree is kept as its leaves. A text that nobody
// uses stays until the cache needs its room; the one unused for longest loses its last page first. Engine desk only.

#include <cstdint>
#include <list>
#include <span>
#include <vector>

#include "engine/kv/kv_cache.h"

namespace foreword::engine {

/// Whose text it is. Above 0: a chat that is stored, by its number; 0: not known (yet); below 0: nobody else may go on
/// from it, and nothing of it is written down.
using TextOwner = std::int64_t;
inline constexpr TextOwner kNobody = INT64_MIN;  // of a text that was forgotten while it was in use

class PrefixTree {
 public:
  /// How a page was written down: so many of its tokens, and whether from the open pool.
  struct StoredAs {
    std::int32_t n_tokens = 0;
    bool open = false;
  };
  struct Text {
    std::uint64_t serial = 0;          // no other text of the tree has it
    SequenceId sequence = 0;
    TextOwner owner = 0;
    std::uint64_t request = 0;         // a number of its user's
    std::vector<std::int32_t> tokens;  // of the sequence, in order
    bool in_use = true;
    std::int64_t n_sent = 0;           // of its first tokens, which are worth writing down: not what was only being typed
    std::vector<StoredAs> stored;      // of its first pages
    std::int64_t n_restored = 0;       // tokens that have come back from the store since this was last taken to 0
    bool written_down = false;         // all of it, or it was refused; prefix_keeper.h

    /// Only its first `length` tokens are left.
    void cut(std::int64_t length);
  };

  /// The cache, which must outlive the tree, gives blocks back through it from now on.
  explicit PrefixTree(KvCache& cache);
  ~PrefixTree();
  PrefixTree(const PrefixTree&) = delete;
  PrefixTree& operator=(const PrefixTree&) = delete;

  /// How many of `tokens` an open() would find. Changes nothing.
  std::int64_t known(std::span<const std::int32_t> tokens, TextOwner owner) const;
  /// A text that holds as many of `tokens` as any known one does, and nothing else: a known one of the same owner that loses
  /// less than a page by it, or a fork. Its tokens say how far it got; whoever reads on adds to them. Valid until forgotten.
  Text& open(std::span<const std::int32_t> tokens, TextOwner owner);
  /// Its user is done with it: it stays known as far as the cache has its tokens, and what is nothing but its beginning goes.
  void close(Text& text);
  /// Drops an owner's texts; those in use only become nobody's.
  void forget(TextOwner owner);
  /// The owner's texts count as not written down, and are not to be until they are used again.
  void keep_unwritten(TextOwner owner);

  /// Latest used last.
  std::list<Text>& texts() { return texts_; }

 private:
  using Place = std::list<Text>::iterator;
  struct Match {
    std::list<Text>::const_iterator text;
    std::int64_t length = 0;
  };
  Match find(std::span<const std::int32_t> tokens, TextOwner owner) const;
  Text& fork(const Match& match, TextOwner owner);
  void drop(Place text);
  bool reclaim(bool open_pool);

  KvCache& cache_;
  std::list<Text> texts_;  // by last use
  std::uint64_t next_serial_ = 1;
};

/// A text that is being read or written; known to the tree when this ends.
class TextInUse {
 public:
  TextInUse(PrefixTree& tree, PrefixTree::Text& text) : tree_(tree), text_(text) {}
  ~TextInUse() { tree_.close(text_); }
  TextInUse(const TextInUse&) = delete;
  TextInUse& operator=(const TextInUse&) = delete;

 private:
  PrefixTree& tree_;
  PrefixTree::Text& text_;
};

}  // namespace foreword::engine
