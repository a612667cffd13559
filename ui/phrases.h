#pragma once
// Text that lives for one frame: ids, labels and lines that are put together while it is drawn. The memory stays, so a
// frame that says what the one before said asks for none.

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace foreword::ui {

class Phrases {
 public:
  /// A piece of a phrase: text, or a whole number in decimal.
  class Part {
   public:
    Part(std::string_view text) : text_(text) {}
    Part(const char* text) : text_(text) {}
    Part(const std::string& text) : text_(text) {}
    Part(std::integral auto number) : n_digits_(static_cast<std::size_t>(std::to_chars(digits_.data(), digits_.data() + digits_.size(), number).ptr - digits_.data())) {}
    std::string_view text() const { return n_digits_ == 0 ? text_ : std::string_view(digits_.data(), n_digits_); }

   private:
    std::string_view text_;
    std::array<char, 20> digits_{};
    std::size_t n_digits_ = 0;
  };

  /// The parts behind one another. What is returned stays until clear().
  std::string_view join(std::initializer_list<Part> parts);
  /// `format` as of printf, for one number; at most 63 bytes.
  std::string_view format(const char* format, double value);
  /// Forgets all phrases.
  void clear();

 private:
  static constexpr std::size_t kFirstBlock = 4096;  // bytes

  char* room(std::size_t n);

  std::unique_ptr<char[]> block_;                // being filled
  std::size_t size_ = 0, used_ = 0;              // of the block
  std::vector<std::unique_ptr<char[]>> full_;    // since the last clear()
  std::size_t n_full_ = 0;                       // bytes of all of these
};

/// A few phrases, in order.
class PhraseList {
 public:
  void push_back(std::string_view phrase) { phrases_.at(n_++) = phrase; }
  const std::string_view* begin() const { return phrases_.data(); }
  const std::string_view* end() const { return phrases_.data() + n_; }
  bool empty() const { return n_ == 0; }

 private:
  std::array<std::string_view, 4> phrases_;
  std::size_t n_ = 0;
};

}  // namespace foreword::ui
