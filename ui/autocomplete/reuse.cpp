#include "ui/autocomplete/reuse.h"

#include <algorithm>

#include "ui/autocomplete/prose.h"

namespace foreword::ui::autocomplete {
namespace {

bool goes_on(const Draft& draft, std::string_view typed) {
  return draft.text.size() > typed.size() && continues_with(draft.text, typed);
}

}  // namespace

bool Survivors::follow(std::string_view typed) {
  bool kept_chosen = false;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < n_; ++i) {
    Survivor& each = slots_[i];
    if (!continues_with(each.rest(), typed) || (each.ended && each.rest().size() == typed.size())) continue;
    each.used += typed.size();
    if (i == chosen_) kept_chosen = true, chosen_ = kept;
    if (kept != i) std::swap(slots_[kept], each);
    ++kept;
  }
  n_ = kept;
  if (!kept_chosen) chosen_ = n_;
  return settle();
}

/// Brings those with something left to the front, in their order. False: the chosen one is not among them; now it is the first.
bool Survivors::settle() {
  n_left_ = 0;
  std::size_t chosen = n_;
  for (std::size_t i = 0; i < n_; ++i) {
    if (slots_[i].rest().empty()) continue;
    if (i == chosen_) chosen = n_left_;
    for (std::size_t k = i; k > n_left_; --k) std::swap(slots_[k], slots_[k - 1]);
    ++n_left_;
  }
  chosen_ = chosen < n_left_ ? chosen : 0;
  return chosen < n_left_;
}

void Survivors::push(const Draft& draft, std::string_view typed) {
  if (slots_.size() == n_) slots_.emplace_back();
  Survivor& slot = slots_[n_++];
  slot.id = draft.id;
  slot.text = draft.text;
  slot.used = typed.size();
  slot.ended = draft.ended;
  slot.mean_log_prob = draft.mean_log_prob;
}

bool Survivors::load(std::span<const Draft> drafts, std::string_view typed, std::size_t most) {
  if (std::none_of(drafts.begin(), drafts.end(), [&](const Draft& each) { return goes_on(each, typed); })) return false;
  clear();
  for (const Draft& draft : drafts) {
    if (n_ < most && goes_on(draft, typed)) push(draft, typed);
  }
  settle();
  return true;
}

/// The survivor that this draft makes longer: of the same id or words, beginning with all that it has left.
Survivors::Survivor* Survivors::known(const Draft& draft, std::string_view rest) {
  const auto end = slots_.begin() + static_cast<std::ptrdiff_t>(n_);
  const auto grown = [&](const Survivor& each) {
    const bool same = each.id == draft.id || !each.rest().empty();
    return same && continues_with(rest, each.rest()) && !inside_word(each.rest(), rest.substr(each.rest().size()));
  };
  auto found = std::find_if(slots_.begin(), end, [&](const Survivor& each) { return each.id == draft.id && grown(each); });
  if (found == end) found = std::find_if(slots_.begin(), end, grown);
  return found == end ? nullptr : &*found;
}

void Survivors::merge(std::span<const Draft> drafts, std::string_view typed, std::size_t most) {
  for (const Draft& draft : drafts) {
    if (!goes_on(draft, typed)) continue;
    const std::string_view rest = std::string_view(draft.text).substr(typed.size());
    if (Survivor* const same = known(draft, rest)) {
      same->id = draft.id;
      same->text = draft.text;
      same->used = typed.size();
      same->ended = draft.ended;
      same->mean_log_prob = draft.mean_log_prob;
      continue;
    }
    const bool taken = std::any_of(slots_.begin(), slots_.begin() + static_cast<std::ptrdiff_t>(n_), [&](const Survivor& each) {
      return same_folded(first_unit(each.rest()), first_unit(rest));
    });
    if (!taken && n_ < most) push(draft, typed);
  }
  settle();
}

int Survivors::fewest_words(int at_most) const {
  int fewest = at_most;
  for (const Survivor& each : all()) {
    if (!each.ended) fewest = std::min(fewest, count_words(each.rest(), at_most));
  }
  return fewest;
}

}  // namespace foreword::ui::autocomplete
