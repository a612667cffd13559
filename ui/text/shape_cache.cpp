#include "ui/text/shape_cache.h"

#include <algorithm>

#include "ui/text/utf8.h"

namespace foreword::ui::text {

ShapeCache::Entry& ShapeCache::entry(Font font) {
  for (auto& known : entries_) {
    if (known->font == font) {
      if (&known != &entries_.front()) std::swap(known, entries_.front());
      return *entries_.front();
    }
  }
  auto fresh = std::make_unique<Entry>();
  fresh->font = font;
  fresh->metrics = source_.metrics(font);
  for (char c = ' '; c < 0x7F; ++c) fresh->ascii[static_cast<unsigned>(c)] = source_.shape(font, {&c, 1});
  entries_.insert(entries_.begin(), std::move(fresh));
  return *entries_.front();
}

const Shape& ShapeCache::shape(Font font, std::string_view cluster) {
  Entry& e = entry(font);
  if (cluster.size() == 1 && static_cast<unsigned char>(cluster[0]) < 0x80) {
    return e.ascii[static_cast<unsigned char>(cluster[0])];
  }
  if (const auto found = e.clusters.find(cluster); found != e.clusters.end()) return found->second;
  if (e.clusters.size() >= kMaxClusters) e.clusters.clear();
  return e.clusters.emplace(cluster, source_.shape(font, cluster)).first->second;
}

float ShapeCache::width(Font font, std::string_view text) {
  float sum = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t next = next_cluster(text, at);
    sum += advance(font, text.substr(at, next - at));
    at = next;
  }
  return sum;
}

}  // namespace foreword::ui::text
