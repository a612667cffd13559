#pragma once
// Finds what a model thought before it answered (D63). Pure.

#include <span>
#include <string>
#include <string_view>

#include "engine/base/range.h"

namespace foreword {

struct AnswerParts {
  Range reasoning;    // without its tags; empty: there is none
  Range answer;
  bool thinking = false;  // the reasoning has begun and not ended
};

/// What stands around thoughts.
struct ThoughtTags {
  std::string_view open, close;
};
std::span<const ThoughtTags> thought_tags();

/// Reasoning stands at the beginning, between tags such as <think> and </think>; templates may have written the first one. An answer of
/// gpt-oss has it in messages before the final one (engine/base/harmony.h): from the first to the last of them, and what stands between.
AnswerParts split_reasoning(std::string_view text);
/// What is said, without reasoning and tags: a part of `text`.
std::string_view said_in(std::string_view text);

/// The same while the answer comes, for whoever cannot take back what was passed on: each part of it once, in order. What may be the
/// beginning of a tag waits until that is known.
class AnswerStream {
 public:
  struct Part {
    std::string thought, said;
    std::size_t said_begin = 0;  // where what is said stands in text()
  };
  /// What is known with this piece.
  Part add(std::string_view piece);
  /// What waited, when nothing more comes.
  Part end();
  const std::string& text() const { return text_; }

 private:
  Part take(bool whole);

  std::string text_;
  std::size_t thought_ = 0, said_ = 0;  // bytes of the parts that were passed on
  bool plain_ = false;                  // it began without thoughts
};

}  // namespace foreword
