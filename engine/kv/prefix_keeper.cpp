#include "engine/kv/prefix_keeper.h"

#include <algorithm>

#include "engine/kv/prefix_page.h"

namespace foreword::engine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kLongestWait{10};  // for one page; a disk that is slower is no help

constexpr auto kSlots = static_cast<std::size_t>(gpu::kPageSlots);

}  // namespace

PrefixKeeper::Restoration::Restoration(PrefixKeeper& keeper, PrefixTree::Text& text, std::span<const std::int32_t> tokens)
    : keeper_(&keeper), text_(&text), tokens_(tokens), before_(text.tokens.size()), page_(before_ / kSlots), last_(Clock::now()) {
  if (before_ == tokens.size()) return;
  ids_ = page_ids(keeper.root_, tokens);
  const auto rest = tokens.subspan(page_ * kSlots);
  arriving_ = std::make_shared<Mailbox<StoredPage>>();
  keeper.store_.load({page_ == 0 ? keeper.root_ : ids_[page_ - 1], {ids_.begin() + static_cast<std::ptrdiff_t>(page_), ids_.end()}, {rest.begin(), rest.end()}},
                     arriving_);
}

bool PrefixKeeper::Restoration::step(std::chrono::milliseconds patience) {
  if (!arriving_) return false;
  const bool ended = arriving_->closed();  // before looking, since the last pages come right before the end
  const auto arrived = arriving_->take_until(Clock::now() + patience);
  if (arrived) last_ = Clock::now();
  const bool may_come = arrived ? take(*arrived) : !ended && Clock::now() < last_ + kLongestWait;
  if (may_come) return true;
  arriving_->close();
  arriving_.reset();
  KvCache& cache = keeper_->cache_;
  text_->cut(cache.truncate(text_->sequence, cache.length(text_->sequence)));
  return false;
}

/// False: nothing can follow.
bool PrefixKeeper::Restoration::take(const StoredPage& arrived) {
  KvCache& cache = keeper_->cache_;
  PrefixTree::Text& text = *text_;
  const std::size_t first = page_ * kSlots, n = arrived.tokens.size();
  if (n == 0 || n > kSlots || first + n > tokens_.size() || first + n <= before_) return false;
  const auto own = tokens_.subspan(first, n);
  const PrefixId id = n == kSlots ? ids_[page_] : page_id(page_ == 0 ? keeper_->root_ : ids_[page_ - 1], own);
  const auto unpacked = unpack_page(cache, arrived, id, own);
  if (!unpacked) return false;
  if (text.tokens.size() > first) text.cut(cache.truncate(text.sequence, static_cast<std::int64_t>(first)));  // a part of this page that was in memory
  if (text.tokens.size() != first) return false;
  if (!cache.append_page(text.sequence, unpacked->encoding, static_cast<std::int64_t>(n), unpacked->bytes)) return false;
  text.tokens.insert(text.tokens.end(), own.begin(), own.end());
  text.n_sent = std::ssize(text.tokens);
  text.n_restored += static_cast<std::int64_t>(n);
  text.stored.resize(page_ + 1);
  text.stored[page_] = {static_cast<std::int32_t>(n), unpacked->encoding == cache.shape().open()};
  ++page_;
  return n == kSlots;
}

bool PrefixKeeper::save_one(const std::function<void(Ticket, bool kept)>& done) {
  for (auto text = tree_.texts().rbegin(); text != tree_.texts().rend(); ++text) {
    if (!text->in_use && text->owner > 0 && !text->written_down && save_one_of(*text, done)) return true;
  }
  return false;
}

bool PrefixKeeper::save_one_of(PrefixTree::Text& text, const std::function<void(Ticket, bool kept)>& done) {
  const auto sent = std::span(text.tokens).first(static_cast<std::size_t>(text.n_sent));
  const std::vector<PrefixId> ids = page_ids(root_, sent);
  const std::vector<std::int32_t>& blocks = cache_.blocks(text.sequence);
  text.stored.resize(std::max(text.stored.size(), ids.size()));
  for (std::size_t page = 0; page < ids.size(); ++page) {
    const auto tokens = sent.subspan(page * kSlots).first(std::min(kSlots, sent.size() - page * kSlots));
    const bool open = gpu::pool_of(blocks[page]) == 0;
    const PrefixTree::StoredAs& stored = text.stored[page];
    if (stored.n_tokens == std::ssize(tokens) && stored.open <= open) continue;
    const bool lost = cache_.shape().n_windowed() > 0 && cache_.window_block(blocks[page]) == kNoBlock;
    // What is being typed behind it has closed it, so that it cannot be cut any more; or the next token would miss what is lost.
    if (tokens.size() < kSlots && (!open || lost)) continue;
    auto packed = pack_page(cache_, blocks[page], ids[page], std::ssize(tokens));
    if (!packed) {
      text.written_down = true;  // the device is gone, and the next pass will say so
      return false;
    }
    StoredPage whole{ids[page], page == 0 ? root_ : ids[page - 1], {tokens.begin(), tokens.end()}, std::move(*packed)};
    text.stored[page] = {static_cast<std::int32_t>(tokens.size()), open};  // settle() takes it back
    store_.save(std::move(whole), text.owner, [ticket = Ticket{text.serial, page}, done](bool kept) { done(ticket, kept); });
    return true;
  }
  if (!ids.empty()) store_.use(text.owner, ids);
  text.written_down = true;
  return false;
}

void PrefixKeeper::settle(const Ticket& ticket, bool kept) {
  if (kept) return;
  for (PrefixTree::Text& text : tree_.texts()) {
    if (text.serial != ticket.text) continue;
    text.written_down = true;  // not again, until more is read
    if (ticket.page < text.stored.size()) text.stored[ticket.page] = {};
  }
}

void PrefixKeeper::save_all(Clock::time_point end) {
  struct Settled {
    Ticket ticket;
    bool kept;
  };
  const auto answers = std::make_shared<Mailbox<Settled>>();
  const auto settled = [answers](const Ticket& ticket, bool kept) { answers->push({ticket, kept}); };
  while (Clock::now() < end && save_one(settled)) {
    const auto answer = answers->take_until(end);
    if (!answer) return;
    settle(answer->ticket, answer->kept);
  }
}

}  // namespace foreword::engine
