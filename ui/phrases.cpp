#include "ui/phrases.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace foreword::ui {

std::string_view Phrases::join(std::initializer_list<Part> parts) {
  std::size_t n = 0;
  for (const Part& part : parts) n += part.text().size();
  char* const begin = room(n);
  char* at = begin;
  for (const Part& part : parts) at = std::copy(part.text().begin(), part.text().end(), at);
  return {begin, n};
}

std::string_view Phrases::format(const char* format, double value) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, value);
  return join({buffer.data()});
}

/// A frame that needed several blocks gets one of their size for the next.
void Phrases::clear() {
  if (!full_.empty()) {
    size_ += n_full_;
    block_ = std::make_unique_for_overwrite<char[]>(size_);
    full_.clear();
    n_full_ = 0;
  }
  used_ = 0;
}

char* Phrases::room(std::size_t n) {
  if (used_ + n > size_) {
    if (block_ != nullptr) full_.push_back(std::move(block_)), n_full_ += size_;
    size_ = std::max({kFirstBlock, 2 * size_, n});
    block_ = std::make_unique_for_overwrite<char[]>(size_);
    used_ = 0;
  }
  return block_.get() + std::exchange(used_, used_ + n);
}

}  // namespace foreword::ui
