#include "engine/kv/prefix_keeper.h"

#include <algorithm>

#include "engine/kv/prefix_page.h"

namespace foreword::engine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPatience{50};
constexpr std::chrono::seconds kLongestWait{10};  // for one page; a disk that is slower is no help

constexpr auto kSlots = static_cast<std::size_t>(gpu::kPageSlots);

}  // namespace

std::int64_t PrefixKeeper::restore(PrefixTree::Text& text, std::span<const std::int32_t> tokens,
                                   const std::function<bool(std::int64_t)>& go_on) {
  const std::size_t before = text.tokens.size();
  if (before == tokens.size()) return 0;
  std::size_t page = before / kSlots;
  const std::vector<PrefixId> ids = page_ids(root_, tokens);
  const auto id_before = [&](std::size_t i) { return i == 0 ? root_ : ids[i - 1]; };
  const auto rest = tokens.subspan(page * kSlots);
  const auto arriving = std::make_shared<Mailbox<StoredPage>>();
  store_.load({id_before(page), {ids.begin() + static_cast<std::ptrdiff_t>(page), ids.end()}, {rest.begin(), rest.end()}}, arriving);
  Clock::time_point last = Clock::now();
  while (go_on(std::ssize(text.tokens))) {
    const auto arrived = arriving->take_until(Clock::now() + kPatience);
    if (!arrived) {
      if (arriving->closed() || Clock::now() > last + kLongestWait) break;
      continue;
    }
    last = Clock::now();
    const std::size_t first = page * kSlots, n = arrived->tokens.size();
    if (n == 0 || n > kSlots || first + n > tokens.size() || first + n <= before) break;
    const auto own = tokens.subspan(first, n);
    const PrefixId id = n == kSlots ? ids[page] : page_id(id_before(page), own);
    const auto unpacked = unpack_page(cache_, *arrived, id, own);
    if (!unpacked) break;
    if (text.tokens.size() > first) text.cut(cache_.truncate(text.sequence, static_cast<std::int64_t>(first)));  // a part of this page that was in memory
    if (text.tokens.size() != first) break;
    if (!cache_.append_page(text.sequence, unpacked->encoding, static_cast<std::int64_t>(n), unpacked->bytes)) break;
    text.tokens.insert(text.tokens.end(), own.begin(), own.end());
    text.n_sent = std::ssize(text.tokens);
    text.stored.resize(page + 1);
    text.stored[page] = {static_cast<std::int32_t>(n), unpacked->encoding == cache_.shape().open()};
    ++page;
    if (n < kSlots) break;
  }
  arriving->close();
  text.cut(cache_.truncate(text.sequence, cache_.length(text.sequence)));  // as far as windowed layers have what they need
  return std::max<std::int64_t>(0, std::ssize(text.tokens) - static_cast<std::int64_t>(before));
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
    if (!open && tokens.size() < kSlots) continue;  // what is being typed behind it has closed it: it cannot be cut any more
    StoredPage whole{ids[page], page == 0 ? root_ : ids[page - 1], {tokens.begin(), tokens.end()}, {}};
    whole.bytes = pack_page(cache_, blocks[page], ids[page], std::ssize(tokens));
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

}  // namespace foreword::engine
