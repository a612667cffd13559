#include "ui/text/shape_cache.h"

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
  fresh->space = source_.shape(font, " ", false).advance;
  entries_.insert(entries_.begin(), std::move(fresh));
  return *entries_.front();
}

const Shape& ShapeCache::shape(Font font, std::string_view run, bool rtl) {
  auto& runs = entry(font).runs[rtl ? 1 : 0];
  if (const auto found = runs.find(run); found != runs.end()) return found->second;
  if (runs.size() >= kMaxRuns) runs.clear();
  return runs.emplace(run, source_.shape(font, run, rtl)).first->second;
}

}  // namespace foreword::ui::text
