#pragma once
// Drafts by the place in the text where they were made: a radix tree over the text before the caret, each place told apart by
// a hash of the text behind it. Least recently used places go first. Lives in memory only, for one context at a time. One thread.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ui/autocomplete/letters.h"

namespace foreword::ui::autocomplete {

/// Whether `rest` begins with `typed` and can be parted there: whole grapheme clusters only (A7).
bool continues_with(std::string_view rest, std::string_view typed);

class DraftCache {
 public:
  DraftCache();
  ~DraftCache();

  /// Forgets everything if this is another context than before.
  void enter(std::uint64_t context);
  std::uint64_t context() const { return context_; }
  void clear();

  /// Remembers what may follow `before`, instead of what was known there. Drafts of another context are not taken.
  void put(std::uint64_t context, std::string_view before, std::string_view after, std::span<const Draft> drafts);

  struct Hit {
    std::span<const Draft> drafts;  // of the place; until the next put(). At least one goes on behind `typed`
    std::string_view typed;         // the end of `before` that was typed since, "" for the very place
  };
  /// The nearest place at or before the caret, at most look_back characters away, with a draft that covers what was typed since.
  Hit find(std::string_view before, std::string_view after);

  std::size_t size() const { return entries_.size(); }
  /// Nodes of the tree, the root included: at most 2 for each place, and 1.
  std::size_t n_nodes() const;

 private:
  struct Node;
  struct Entry {
    Node* node = nullptr;
    std::uint64_t after = 0;  // hash
    std::uint64_t used = 0;   // when
    std::vector<Draft> drafts;
  };
  Node& node_for(std::string_view before);
  void evict();
  void prune(Node* node);

  std::uint64_t context_ = 0, clock_ = 0;
  std::unique_ptr<Node> root_;
  std::vector<Entry> entries_;
  struct Place {
    const Node* node;
    std::size_t depth;
  };
  std::vector<Place> path_;  // scratch of find()
};

}  // namespace foreword::ui::autocomplete
