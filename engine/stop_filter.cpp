#include "engine/stop_filter.h"

#include <algorithm>
#include <utility>

namespace foreword::engine {

StopFilter::StopFilter(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
}

std::string StopFilter::push(std::string_view text) {
  if (hit_) return {};
  held_ += text;
  std::size_t first_hit = std::string::npos;
  for (const std::string& stop : stops_) first_hit = std::min(first_hit, held_.find(stop));
  if (first_hit != std::string::npos) {
    hit_ = true;
    std::string out = held_.substr(0, first_hit);
    held_.clear();
    return out;
  }
  std::size_t hold = 0;  // longest end of held_ that begins a stop text
  for (const std::string& stop : stops_) {
    for (std::size_t n = std::min(stop.size() - 1, held_.size()); n > hold; --n) {
      if (std::string_view(held_).substr(held_.size() - n) == std::string_view(stop).substr(0, n)) hold = n;
    }
  }
  std::string out = held_.substr(0, held_.size() - hold);
  held_.erase(0, held_.size() - hold);
  return out;
}

std::string StopFilter::finish() { return std::exchange(held_, {}); }

}  // namespace foreword::engine
