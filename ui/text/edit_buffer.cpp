#include "ui/text/edit_buffer.h"

#include <algorithm>
#include <utility>

namespace foreword::ui::text {
namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t'; }

}  // namespace

Range EditBuffer::selection() const { return {std::min(caret_, anchor_), std::max(caret_, anchor_)}; }

std::string_view EditBuffer::selected_text() const {
  const Range range = selection();
  return std::string_view(text_).substr(range.begin, range.end - range.begin);
}

void EditBuffer::set_text(std::string_view text) {
  std::string fresh = one_line_ ? clean_line(text) : clean(text);
  note_change({0, text_.size(), fresh.size()});
  text_ = std::move(fresh);
  caret_ = anchor_ = text_.size();
  forget_history();
}

void EditBuffer::forget_history() {
  steps_.assign(1, Step{});
  here_ = 0;
  history_bytes_ = 0;
  last_kind_ = Kind::none;
}

void EditBuffer::insert(std::string_view bytes) {
  std::string inserted = one_line_ ? clean_line(bytes) : clean(bytes);
  const Range range = selection();
  if (inserted.empty() && range.empty()) return;
  const bool typed = decode(inserted, 0).n_bytes == inserted.size();  // one character: a key, not a paste
  replace(range.begin, range.end - range.begin, std::move(inserted), typed ? Kind::typing : Kind::other);
}

void EditBuffer::erase_left(Motion motion) { erase(selection().empty() ? Range{target(motion, false), caret_} : selection()); }

void EditBuffer::erase_right(Motion motion) { erase(selection().empty() ? Range{caret_, target(motion, true)} : selection()); }

void EditBuffer::erase(Range range) {
  if (!range.empty()) replace(range.begin, range.end - range.begin, {}, selection().empty() ? Kind::erasing : Kind::other);
}

void EditBuffer::move_to(std::size_t offset, bool extend) {
  offset = std::min(offset, text_.size());
  offset = cluster_begin(text_, offset);
  caret_ = offset;
  if (!extend) anchor_ = caret_;
  last_kind_ = Kind::none;
}

void EditBuffer::move_left(Motion motion, bool extend) {
  const bool collapse = !extend && motion == Motion::cluster && !selection().empty();
  move_to(collapse ? selection().begin : target(motion, false), extend);
}

void EditBuffer::move_right(Motion motion, bool extend) {
  const bool collapse = !extend && motion == Motion::cluster && !selection().empty();
  move_to(collapse ? selection().end : target(motion, true), extend);
}

void EditBuffer::select(Range range) {
  anchor_ = std::min(range.begin, text_.size());
  caret_ = std::min(range.end, text_.size());
  last_kind_ = Kind::none;
}

std::size_t EditBuffer::target(Motion motion, bool right) const {
  switch (motion) {
    case Motion::cluster: return right ? next_cluster(text_, caret_) : previous_cluster(text_, caret_);
    case Motion::word: return right ? next_word(text_, caret_) : previous_word(text_, caret_);
    case Motion::paragraph: return right ? paragraph_at(text_, caret_).end : paragraph_at(text_, caret_).begin;
    case Motion::all: return right ? text_.size() : 0;
  }
  return caret_;
}

bool EditBuffer::grow_last_step(std::size_t at, std::string_view removed, std::string_view inserted, Kind kind) {
  if (here_ == 0 || kind != last_kind_) return false;
  Step& last = steps_[here_];
  if (kind == Kind::typing && removed.empty() && at == last.at + last.inserted.size() && !last.inserted.empty()) {
    if (!is_space(inserted.front()) && is_space(last.inserted.back())) return false;  // a new word is a new step
    last.inserted += inserted;
    return true;
  }
  if (kind == Kind::erasing && at + removed.size() == last.at) {  // backspace
    last.removed.insert(0, removed);
    last.at = at;
    return true;
  }
  if (kind == Kind::erasing && at == last.at) {  // delete
    last.removed += removed;
    return true;
  }
  return false;
}

void EditBuffer::replace(std::size_t at, std::size_t n_removed, std::string inserted, Kind kind) {
  if (history_bytes_ > kMaxHistoryBytes) forget_history();
  history_bytes_ += n_removed + inserted.size() + sizeof(Step);
  const std::string_view removed = std::string_view(text_).substr(at, n_removed);
  if (kind == Kind::other || !grow_last_step(at, removed, inserted, kind)) {
    steps_[here_].last_child = steps_.size();
    steps_.push_back({here_, 0, at, std::string(removed), inserted, caret_, anchor_});
    here_ = steps_.size() - 1;
  }
  last_kind_ = kind;
  apply(at, n_removed, inserted);
  caret_ = anchor_ = at + inserted.size();
  // What was typed may have joined with its neighbours (a combining mark, a joiner): stand behind the whole.
  if (caret_ > 0 && caret_ < text_.size()) {
    const std::size_t cluster = previous_cluster(text_, caret_);
    caret_ = anchor_ = std::max(caret_, next_cluster(text_, cluster));
  }
}

void EditBuffer::apply(std::size_t at, std::size_t n_removed, std::string_view inserted) {
  text_.replace(at, n_removed, inserted);
  note_change({at, n_removed, inserted.size()});
}

void EditBuffer::note_change(Change change) {
  ++revision_;
  if (!change_) {
    change_ = change;
    return;
  }
  // Joined in the coordinates between the two: [begin, end) covers what the first wrote and the second replaces.
  const std::size_t begin = std::min(change_->at, change.at);
  const std::size_t end = std::max(change_->at + change_->inserted, change.at + change.removed);
  const std::size_t removed = end - begin + change_->removed - change_->inserted;
  change_ = Change{begin, removed, end - begin - change.removed + change.inserted};
}

bool EditBuffer::undo() {
  if (here_ == 0) return false;
  const Step& step = steps_[here_];
  apply(step.at, step.inserted.size(), step.removed);
  caret_ = step.caret_before;
  anchor_ = step.anchor_before;
  last_kind_ = Kind::none;
  steps_[step.parent].last_child = here_;
  here_ = step.parent;
  return true;
}

bool EditBuffer::redo() {
  const std::size_t child = steps_[here_].last_child;
  if (child == 0) return false;
  const Step& step = steps_[child];
  apply(step.at, step.removed.size(), step.inserted);
  caret_ = anchor_ = step.at + step.inserted.size();
  last_kind_ = Kind::none;
  here_ = child;
  return true;
}

bool EditBuffer::go_to_step(std::size_t step) {
  if (step >= steps_.size()) return false;
  // Up to where both ways meet, then down; a parent's number is smaller than its children's.
  std::vector<std::size_t> down;
  for (std::size_t below = step, above = here_; below != above;) {
    if (below > above) {
      down.push_back(below);
      below = steps_[below].parent;
    } else {
      above = steps_[above].parent;
      undo();
    }
  }
  for (auto next = down.rbegin(); next != down.rend(); ++next) {
    steps_[here_].last_child = *next;
    redo();
  }
  return true;
}

std::optional<Change> EditBuffer::take_change() { return std::exchange(change_, std::nullopt); }

}  // namespace foreword::ui::text
