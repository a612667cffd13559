#include "gpu/split_buffer.h"

#include <algorithm>

namespace foreword::gpu {

void SplitBuffer::mark(std::int64_t begin, std::int64_t end, bool on_device, bool on_processor) {
  if (begin >= end) return;
  cut(begin);
  cut(end);
  runs_.erase(runs_.lower_bound(begin), runs_.lower_bound(end));
  runs_[begin] = {end, {on_device, on_processor}};
}

std::vector<std::pair<std::int64_t, std::int64_t>> SplitBuffer::missing(std::int64_t begin, std::int64_t end, Side side) const {
  std::vector<std::pair<std::int64_t, std::int64_t>> parts;
  auto it = runs_.upper_bound(begin);
  if (it != runs_.begin()) --it;
  for (; it != runs_.end() && it->first < end; ++it) {
    const std::int64_t from = std::max(begin, it->first), to = std::min(end, it->second.end);
    if (from >= to || it->second.valid[index(side)]) continue;
    if (!parts.empty() && parts.back().second == from) parts.back().second = to;
    else parts.emplace_back(from, to);
  }
  return parts;
}

void SplitBuffer::cut(std::int64_t at) {
  auto it = runs_.upper_bound(at);
  if (it == runs_.begin()) return;
  --it;
  if (it->first >= at || it->second.end <= at) return;
  Run rest = it->second;
  it->second.end = at;
  runs_[at] = rest;
}

}  // namespace foreword::gpu
