#include "engine/kv/prefix_tree.h"

#include <algorithm>

namespace foreword::engine {
namespace {

std::int64_t common_length(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
  return std::ranges::mismatch(a, b).in1 - a.begin();
}

bool may_see(TextOwner owner, const PrefixTree::Text& text) {
  return text.owner >= 0 || (text.owner == owner && owner != kNobody);
}

}  // namespace

void PrefixTree::Text::cut(std::int64_t length) {
  if (length == std::ssize(tokens)) return;
  tokens.resize(static_cast<std::size_t>(length));
  n_sent = std::min(n_sent, length);
  const auto n_pages = static_cast<std::size_t>((length + gpu::kPageSlots - 1) / gpu::kPageSlots);
  if (stored.size() >= n_pages && length % gpu::kPageSlots != 0) stored[n_pages - 1] = {};
  stored.resize(std::min(stored.size(), n_pages));
}

PrefixTree::PrefixTree(KvCache& cache) : cache_(cache) {
  cache.set_reclaimer([this](bool open_pool) { return reclaim(open_pool); });
}

PrefixTree::~PrefixTree() {
  cache_.set_reclaimer({});
  while (!texts_.empty()) drop(texts_.begin());
}

PrefixTree::Match PrefixTree::find(std::span<const std::int32_t> tokens, TextOwner owner) const {
  Match best{texts_.end(), 0};
  for (auto text = texts_.begin(); text != texts_.end(); ++text) {
    if (!may_see(owner, *text)) continue;
    const std::int64_t length = std::min(common_length(text->tokens, tokens), cache_.length(text->sequence));
    const bool own_one = length == best.length && length > 0 && text->owner == owner;
    if (length > best.length || own_one) best = {text, length};
  }
  return best;
}

std::int64_t PrefixTree::known(std::span<const std::int32_t> tokens, TextOwner owner) const { return find(tokens, owner).length; }

PrefixTree::Text& PrefixTree::fork(const Match& match, TextOwner owner) {
  const bool anew = match.text == texts_.end();
  Text& text = texts_.emplace_back();
  text.serial = next_serial_++;
  text.owner = owner;
  text.sequence = anew ? cache_.add_sequence() : cache_.fork(match.text->sequence);
  if (!anew) {
    text.tokens = match.text->tokens;
    text.n_sent = match.text->n_sent;
    text.stored = match.text->stored;
  }
  return text;
}

PrefixTree::Text& PrefixTree::open(std::span<const std::int32_t> tokens, TextOwner owner) {
  const Match match = find(tokens, owner);
  const auto may_become_it = [&](const Text& text) {
    const std::int64_t rest = std::ssize(text.tokens) - match.length;
    return !text.in_use && text.owner == owner && (rest == 0 || (owner != 0 && rest < gpu::kPageSlots));
  };
  if (match.text != texts_.end() && may_become_it(*match.text)) {
    texts_.splice(texts_.end(), texts_, match.text);
    texts_.back().in_use = true;
  } else {
    fork(match, owner);
  }
  Text& text = texts_.back();
  text.written_down = false;
  text.cut(cache_.truncate(text.sequence, match.length));
  return text;
}

void PrefixTree::close(Text& text) {
  text.in_use = false;
  text.cut(std::min(cache_.length(text.sequence), std::ssize(text.tokens)));
  text.cut(cache_.truncate(text.sequence, std::ssize(text.tokens)));
  for (auto other = texts_.begin(); other != texts_.end();) {
    const auto at = other++;
    const bool same_owner = at->owner == text.owner || (at->owner == 0 && text.owner > 0);
    if (&*at == &text || at->in_use || !same_owner) continue;
    if (common_length(at->tokens, text.tokens) == std::ssize(at->tokens)) drop(at);
  }
}

void PrefixTree::forget(TextOwner owner) {
  for (auto text = texts_.begin(); text != texts_.end();) {
    const auto at = text++;
    if (at->owner != owner) continue;
    if (at->in_use) at->owner = kNobody;
    else drop(at);
  }
}

void PrefixTree::keep_unwritten(TextOwner owner) {
  for (Text& text : texts_) {
    if (text.owner != owner) continue;
    text.stored.clear();
    text.written_down = true;
  }
}

void PrefixTree::drop(Place text) {
  cache_.remove_sequence(text->sequence);
  texts_.erase(text);
}

/// Takes the last page of the text that was not used for longest. If open blocks are wanted, then rather one that ends in
/// such a block and does not begin with it: a text without its first page is nothing.
bool PrefixTree::reclaim(bool open_pool) {
  const auto idle = [](const Text& text) { return !text.in_use; };
  const auto ends_open = [&](const Text& text) {
    const auto& blocks = cache_.blocks(text.sequence);
    return idle(text) && blocks.size() > 1 && gpu::pool_of(blocks.back()) == 0;
  };
  Place oldest = std::find_if(texts_.begin(), texts_.end(), idle);
  if (oldest == texts_.end()) return false;
  if (open_pool) {
    const Place better = std::find_if(texts_.begin(), texts_.end(), ends_open);
    if (better != texts_.end()) oldest = better;
  }
  const std::int64_t length = std::ssize(oldest->tokens), rest = (length - 1) / gpu::kPageSlots * gpu::kPageSlots;
  if (length == 0 || rest == 0) {
    drop(oldest);
  } else {
    oldest->cut(cache_.truncate(oldest->sequence, rest));
  }
  return true;
}

}  // namespace foreword::engine
