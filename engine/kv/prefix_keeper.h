#pragma once
// Between the prefix tree and the prefix store: writes the pages of known texts down, one at a time, and brings back those
// of a prompt that the memory does not have. Engine desk only.

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/base/mailbox.h"
#include "engine/kv/kv_cache.h"
#include "engine/kv/prefix_store.h"
#include "engine/kv/prefix_tree.h"

namespace foreword::engine {

class PrefixKeeper {
 public:
  /// `root`: of all page ids (prefix_key.h). All must outlive the keeper.
  PrefixKeeper(KvCache& cache, PrefixTree& tree, PrefixStore& store, const PrefixId& root)
      : cache_(cache), tree_(tree), store_(store), root_(root) {}

  /// Pages on their way from the store into a text in use.
  class Restoration {
   public:
    Restoration(Restoration&&) = default;
    Restoration& operator=(Restoration&&) = delete;
    ~Restoration() {
      if (arriving_) arriving_->close();
    }
    /// Takes the next page if it comes within so long. False: that was the last; what windowed layers lack is cut off then.
    bool step(std::chrono::milliseconds patience);

   private:
    friend class PrefixKeeper;
    Restoration(PrefixKeeper& keeper, PrefixTree::Text& text, std::span<const std::int32_t> tokens);
    bool take(const StoredPage& page);

    PrefixKeeper* keeper_;
    PrefixTree::Text* text_;
    std::span<const std::int32_t> tokens_;
    std::size_t before_;  // tokens known without it
    std::size_t page_;    // the next one
    std::vector<PrefixId> ids_;
    std::shared_ptr<Mailbox<StoredPage>> arriving_;
    std::chrono::steady_clock::time_point last_;
  };
  /// Lengthens a text in use by what the store has of `tokens`, page by page. The keeper, text and tokens must outlive it.
  Restoration restore(PrefixTree::Text& text, std::span<const std::int32_t> tokens) { return {*this, text, tokens}; }

  /// A page on its way to the store.
  struct Ticket {
    std::uint64_t text = 0;
    std::size_t page = 0;
  };
  /// Sends one page that the store does not have yet, of the chat used last. False: there is none. Nothing may be pending on
  /// the backend. `done` is called on the store's thread; settle() is to be called with what it was given.
  bool save_one(const std::function<void(Ticket, bool kept)>& done);
  void settle(const Ticket& ticket, bool kept);
  /// One page after the other as long as there are some and until then; waits for the store's answers itself.
  void save_all(std::chrono::steady_clock::time_point end);

 private:
  bool save_one_of(PrefixTree::Text& text, const std::function<void(Ticket, bool kept)>& done);

  KvCache& cache_;
  PrefixTree& tree_;
  PrefixStore& store_;
  PrefixId root_;
};

}  // namespace foreword::engine
