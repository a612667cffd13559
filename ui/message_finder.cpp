#include "ui/message_finder.h"

#include <algorithm>

#include "ui/message_card.h"

namespace foreword::ui {

void MessageFinder::look_for(std::string_view query) {
  if (query == query_) return;
  query_ = query;
  read_.clear();
  n_matches_ = 0;
  has_current_ = false;
}

bool MessageFinder::advance(const std::vector<MessageRow>& messages, std::size_t from) {
  if (query_.empty()) return true;
  for (std::size_t i = messages.size(); i < read_.size(); ++i) n_matches_ -= read_[i].places.size();
  read_.resize(messages.size());
  std::size_t n_bytes = 0;
  bool all = true;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const MessageRow& message = messages[i];
    Read& read = read_[i];
    if (read.done && read.id == message.id && read.revision == message.revision && read.size == message.text.size()) continue;
    if (n_bytes > kBytesAFrame) {
      all = false;
      break;
    }
    n_bytes += message.text.size() + 64;
    n_matches_ -= read.places.size();
    read = {message.id, message.revision, message.text.size(), true, {}};
    find_in_message(message, query_, read.places);
    n_matches_ += read.places.size();
  }
  check_current();
  if (has_current_) return all;
  for (std::size_t i = from; i < read_.size() && !has_current_; ++i) {
    if (!read_[i].places.empty()) make_current(i, 0);
  }
  for (std::size_t i = 0; all && i < std::min(from, read_.size()) && !has_current_; ++i) {
    if (!read_[i].places.empty()) make_current(i, 0);
  }
  return all;
}

std::span<const text::Range> MessageFinder::matches_in(std::size_t message) const {
  return message < read_.size() ? std::span<const text::Range>(read_[message].places) : std::span<const text::Range>();
}

void MessageFinder::make_current(std::size_t message, std::size_t index) {
  current_ = {message, read_[message].places[index]};
  has_current_ = true;
}

/// What it stood on may have changed.
void MessageFinder::check_current() {
  if (!has_current_) return;
  const auto places = matches_in(current_.message);
  has_current_ = std::find(places.begin(), places.end(), current_.places) != places.end();
}

std::size_t MessageFinder::current_number() const {
  if (!has_current_) return 0;
  std::size_t before = 0;
  for (std::size_t i = 0; i < current_.message; ++i) before += read_[i].places.size();
  const auto places = matches_in(current_.message);
  return before + static_cast<std::size_t>(std::find(places.begin(), places.end(), current_.places) - places.begin()) + 1;
}

void MessageFinder::step(bool forwards) {
  if (!has_current_) return;
  const auto places = matches_in(current_.message);
  const auto here = static_cast<std::size_t>(std::find(places.begin(), places.end(), current_.places) - places.begin());
  if (forwards && here + 1 < places.size()) return make_current(current_.message, here + 1);
  if (!forwards && here > 0) return make_current(current_.message, here - 1);
  const std::size_t n = read_.size();
  for (std::size_t away = 1; away <= n; ++away) {
    const std::size_t i = forwards ? (current_.message + away) % n : (current_.message + n - away) % n;
    if (!read_[i].places.empty()) return make_current(i, forwards ? 0 : read_[i].places.size() - 1);
  }
}

}  // namespace foreword::ui
