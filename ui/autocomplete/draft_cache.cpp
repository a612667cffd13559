#include "ui/autocomplete/draft_cache.h"

#include <algorithm>
#include <functional>

#include "engine/base/check.h"
#include "ui/autocomplete/constants.h"
#include "ui/autocomplete/prose.h"

namespace foreword::ui::autocomplete {
namespace {

std::uint64_t hash_of(std::string_view text) { return std::hash<std::string_view>()(text); }

}  // namespace

/// A piece of text, and what may follow it. A node without an entry has two children or more, the root aside.
struct DraftCache::Node {
  std::string edge;
  Node* parent = nullptr;
  std::vector<std::unique_ptr<Node>> children;  // begin with different bytes
  int n_entries = 0;

  Node* child(char first) const {
    const auto found = std::find_if(children.begin(), children.end(), [&](const auto& each) { return each->edge[0] == first; });
    return found == children.end() ? nullptr : found->get();
  }
  std::unique_ptr<Node>& slot_of(const Node* node) {
    return *std::find_if(children.begin(), children.end(), [&](const auto& each) { return each.get() == node; });
  }
  std::size_t count() const {
    std::size_t n = 1;
    for (const auto& each : children) n += each->count();
    return n;
  }
};

bool continues_with(std::string_view rest, std::string_view typed) {
  if (!rest.starts_with(typed)) return false;
  if (typed.empty() || typed.size() == rest.size()) return true;
  const bool plain = static_cast<unsigned char>(rest[typed.size()]) < 0x80;  // nothing of ASCII joins what is before it
  return plain || text::cluster_begin(rest, typed.size()) == typed.size();
}

DraftCache::DraftCache() : root_(std::make_unique<Node>()) {}
DraftCache::~DraftCache() = default;

std::size_t DraftCache::n_nodes() const { return root_->count(); }

void DraftCache::enter(std::uint64_t context) {
  if (context == context_) return;
  clear();
  context_ = context;
}

void DraftCache::clear() {
  entries_.clear();
  root_ = std::make_unique<Node>();
}

/// The node of this very text, made if there is none.
DraftCache::Node& DraftCache::node_for(std::string_view before) {
  Node* node = root_.get();
  while (!before.empty()) {
    Node* next = node->child(before[0]);
    if (next == nullptr) {
      auto leaf = std::make_unique<Node>();
      leaf->edge = before;
      leaf->parent = node;
      node->children.push_back(std::move(leaf));
      return *node->children.back();
    }
    const auto [in_edge, in_text] = std::mismatch(next->edge.begin(), next->edge.end(), before.begin(), before.end());
    const auto common = static_cast<std::size_t>(in_edge - next->edge.begin());
    if (common < next->edge.size()) {  // part the edge
      std::unique_ptr<Node>& slot = node->slot_of(next);
      auto upper = std::make_unique<Node>();
      upper->edge = next->edge.substr(0, common);
      upper->parent = node;
      next->edge.erase(0, common);
      next->parent = upper.get();
      upper->children.push_back(std::move(slot));
      slot = std::move(upper);
      next = slot.get();
    }
    before.remove_prefix(common);
    node = next;
  }
  return *node;
}

/// Takes away what no entry needs any more, upwards from `node`.
void DraftCache::prune(Node* node) {
  while (node->parent != nullptr && node->n_entries == 0 && node->children.size() < 2) {
    Node* const parent = node->parent;
    std::unique_ptr<Node>& slot = parent->slot_of(node);
    if (node->children.size() == 1) {
      std::unique_ptr<Node> only = std::move(node->children[0]);
      only->edge.insert(0, node->edge);
      only->parent = parent;
      slot = std::move(only);
      return;
    }
    std::swap(slot, parent->children.back());
    parent->children.pop_back();
    node = parent;
  }
}

void DraftCache::evict() {
  const auto oldest = std::min_element(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.used < b.used; });
  Node* const node = oldest->node;
  std::swap(*oldest, entries_.back());
  entries_.pop_back();
  --node->n_entries;
  prune(node);
}

void DraftCache::put(std::uint64_t context, std::string_view before, std::string_view after, std::span<const Draft> drafts) {
  if (context != context_ || drafts.empty()) return;
  const std::uint64_t hash = hash_of(after);
  Node& node = node_for(before);
  auto entry = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.node == &node && e.after == hash; });
  if (entry == entries_.end()) {
    ++node.n_entries;  // before the eviction, which may prune the way to it
    if (entries_.size() == tuned_count("cache_entries")) evict();
    entries_.push_back({&node, hash, 0, {}});
    entry = std::prev(entries_.end());
  }
  entry->drafts.assign(drafts.begin(), drafts.end());
  entry->used = ++clock_;
}

DraftCache::Hit DraftCache::find(std::string_view before, std::string_view after) {
  const std::size_t nearest = last_characters(before, tuned_count("look_back"));
  path_.clear();
  const Node* node = root_.get();
  for (std::size_t depth = 0;;) {
    if (depth >= nearest && node->n_entries > 0) path_.push_back({node, depth});
    node = depth < before.size() ? node->child(before[depth]) : nullptr;
    if (node == nullptr || !before.substr(depth).starts_with(node->edge)) break;
    depth += node->edge.size();
  }
  if (path_.empty()) return {};
  const std::uint64_t hash = hash_of(after);
  for (; !path_.empty(); path_.pop_back()) {
    const std::string_view typed = before.substr(path_.back().depth);
    for (Entry& entry : entries_) {
      if (entry.node != path_.back().node || entry.after != hash) continue;
      const bool covers = std::any_of(entry.drafts.begin(), entry.drafts.end(), [&](const Draft& draft) {
        return draft.text.size() > typed.size() && continues_with(draft.text, typed);
      });
      if (!covers) continue;
      entry.used = ++clock_;
      return {entry.drafts, typed};
    }
  }
  return {};
}

}  // namespace foreword::ui::autocomplete
