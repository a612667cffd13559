#pragma once
// Between the prefix tree and the prefix store: writes the pages of known texts down, one at a time, and brings back those
// of a prompt that the memory does not have. Engine desk only.

#include <chrono>
#include <functional>
#include <optional>

#include "engine/kv/kv_cache.h"
#include "engine/kv/prefix_store.h"
#include "engine/kv/prefix_tree.h"

namespace foreword::engine {

class PrefixKeeper {
 public:
  /// `root`: of all page ids (prefix_key.h). All must outlive the keeper.
  PrefixKeeper(KvCache& cache, PrefixTree& tree, PrefixStore& store, const PrefixId& root)
      : cache_(cache), tree_(tree), store_(store), root_(root) {}

  /// Lengthens a text in use by what the store has of `tokens`; how many it brought. `go_on` is asked at least every 50 ms,
  /// with the tokens that are known so far.
  std::int64_t restore(PrefixTree::Text& text, std::span<const std::int32_t> tokens,
                       const std::function<bool(std::int64_t)>& go_on);

  /// A page on its way to the store.
  struct Ticket {
    std::uint64_t text = 0;
    std::size_t page = 0;
  };
  /// Sends one page that the store does not have yet, of the chat used last. False: there is none. Nothing may be pending on
  /// the backend. `done` is called on the store's thread; settle() is to be called with what it was given.
  bool save_one(const std::function<void(Ticket, bool kept)>& done);
  void settle(const Ticket& ticket, bool kept);

 private:
  bool save_one_of(PrefixTree::Text& text, const std::function<void(Ticket, bool kept)>& done);

  KvCache& cache_;
  PrefixTree& tree_;
  PrefixStore& store_;
  PrefixId root_;
};

}  // namespace foreword::engine
