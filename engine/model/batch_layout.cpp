#include "engine/model/batch_layout.h"

#include <algorithm>
#include <map>

namespace foreword::engine {

std::int64_t BatchLayout::max_slots(std::int64_t n) const {
  std::int32_t most = 0;
  for (std::size_t r = 0; r < static_cast<std::size_t>(n); ++r) most = std::max(most, prefix_slots[r] + extra_begin[r + 1] - extra_begin[r]);
  return most;
}

BatchLayout lay_out(const Batch& batch, const KvCache& cache) {
  const std::int64_t n = batch.size();
  BatchLayout layout;

  std::map<SequenceId, std::int32_t> index_of;
  std::vector<SequenceId> sequences;
  std::vector<std::int64_t> next_slot;
  for (const SequenceId id : batch.sequence) {
    if (index_of.contains(id)) continue;
    index_of[id] = static_cast<std::int32_t>(sequences.size());
    sequences.push_back(id);
    next_slot.push_back(cache.length(id));
    layout.max_blocks = std::max<std::int64_t>(layout.max_blocks, std::ssize(cache.blocks(id)));
  }
  layout.n_sequences = std::ssize(sequences);
  layout.table.assign(static_cast<std::size_t>(layout.n_sequences * layout.max_blocks), 0);
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    const auto& blocks = cache.blocks(sequences[s]);
    std::ranges::copy(blocks, layout.table.begin() + static_cast<std::ptrdiff_t>(s) * layout.max_blocks);
  }
  const bool windowed = cache.shape().n_windowed() > 0;
  if (windowed) {
    layout.window_table.assign(layout.table.size(), 0);  // what nothing sees stays 0
    for (std::size_t s = 0; s < sequences.size(); ++s) {
      std::ranges::transform(cache.blocks(sequences[s]), layout.window_table.begin() + static_cast<std::ptrdiff_t>(s) * layout.max_blocks,
                             [&](std::int32_t block) { return std::max(cache.window_block(block), 0); });
    }
  }

  std::vector<std::int32_t> own_slot(static_cast<std::size_t>(n));  // slot number in the row's sequence
  std::vector<std::uint8_t> contiguous(static_cast<std::size_t>(n));  // ancestors and row fill [0, own_slot] without a gap
  std::vector<std::int32_t> extras;
  layout.extra_begin.push_back(0);
  for (std::int64_t r = 0; r < n; ++r) {
    const auto i = static_cast<std::size_t>(r);
    const std::int32_t s = index_of[batch.sequence[i]];
    const std::int32_t parent = batch.parent[i];
    check(parent < r && parent >= -1, "a row's parent comes before it");
    const auto p = static_cast<std::size_t>(std::max(parent, 0));
    check(parent < 0 || batch.sequence[p] == batch.sequence[i], "a row has its parent's sequence");

    const std::int64_t base = cache.length(batch.sequence[i]);
    const std::int64_t slot = next_slot[static_cast<std::size_t>(s)]++;
    own_slot[i] = static_cast<std::int32_t>(slot);
    contiguous[i] = parent < 0 ? slot == base : contiguous[p] != 0 && slot == own_slot[p] + 1;
    layout.sequence.push_back(s);
    layout.position.push_back(static_cast<std::int32_t>(parent < 0 ? base : layout.position[p] + 1));
    const auto entry = static_cast<std::size_t>(s * layout.max_blocks + slot / gpu::kPageSlots);
    check(gpu::pool_of(layout.table[entry]) == 0, "rows are written into open pages");
    const auto place = [slot](std::int32_t block) { return static_cast<std::int32_t>(block * gpu::kPageSlots + slot % gpu::kPageSlots); };
    layout.slot.push_back(place(layout.table[entry]));
    if (windowed) layout.window_slot.push_back(place(layout.window_table[entry]));

    extras.clear();
    std::int32_t ancestor = static_cast<std::int32_t>(r);
    while (ancestor >= 0 && contiguous[static_cast<std::size_t>(ancestor)] == 0) {
      extras.push_back(own_slot[static_cast<std::size_t>(ancestor)]);
      ancestor = batch.parent[static_cast<std::size_t>(ancestor)];
    }
    const std::int64_t prefix = ancestor >= 0 ? own_slot[static_cast<std::size_t>(ancestor)] + 1 : base;
    layout.prefix_slots.push_back(static_cast<std::int32_t>(prefix));
    layout.extra_slots.insert(layout.extra_slots.end(), extras.rbegin(), extras.rend());
    layout.extra_begin.push_back(static_cast<std::int32_t>(layout.extra_slots.size()));
  }
  layout.watch.assign(static_cast<std::size_t>(n), -1);
  std::vector<std::size_t> last(sequences.size());
  for (std::size_t r = 0; r < layout.sequence.size(); ++r) last[static_cast<std::size_t>(layout.sequence[r])] = r;
  for (std::size_t s = 0; s < last.size(); ++s) layout.watch[last[s]] = static_cast<std::int32_t>(s);
  layout.sequences = std::move(sequences);
  return layout;
}

}  // namespace foreword::engine
