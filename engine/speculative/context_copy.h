#pragma once
// Copies what followed the same words before: in the prompt, an attached document, the answer itself. In source mode, for
// "correct this text", it copies the named text from its beginning and finds back after every change (input-guided;
// Ge et al. 2022, aggressive decoding).

#include <vector>

#include "engine/speculative/drafter.h"
#include "engine/speculative/suffix_automaton.h"

namespace foreword::engine {

class ContextCopy : public Drafter {
 public:
  void follow(std::span<const std::int32_t> text, std::size_t kept) override;
  void propose(const DraftRules& rules, std::uint8_t self, const Calibration& calibration, DraftTree& tree) override;
  void expect_copy_of(std::span<const std::int32_t> source) override;
  std::int64_t bytes() const override;

 private:
  void follow_source(std::int32_t token);
  /// Index in the source of the token after its only part that equals the text's end, or -1. One token first, then up to
  /// three where that is not enough.
  std::int64_t only_place() const;

  SuffixAutomaton past_;
  std::vector<std::int32_t> source_;
  std::int64_t source_next_ = 0;  // index of the source's token that is expected next
  int agreed_ = 0;                // tokens in a row that were as expected
};

}  // namespace foreword::engine
