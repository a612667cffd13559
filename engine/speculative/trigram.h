#pragma once
// Counts which tokens followed which two, in all texts of the session (after ADED; Liu et al. 2024). A table of fixed size;
// pairs that meet in one place push each other out, the rarer first.

#include <array>
#include <vector>

#include "engine/speculative/drafter.h"

namespace foreword::engine {

class Trigram : public Drafter {
 public:
  Trigram() : rows_(kRows) {}

  void follow(std::span<const std::int32_t> text, std::size_t kept) override;
  void propose(const DraftRules& rules, std::uint8_t self, const Calibration& calibration, DraftTree& tree) override;
  std::int64_t bytes() const override { return static_cast<std::int64_t>(rows_.capacity() * sizeof(Row)); }

 private:
  static constexpr std::size_t kRows = 1 << 16;
  static constexpr std::size_t kFollowers = 4;
  struct Row {
    std::int32_t first = -1, second = -1;
    std::array<std::int32_t, kFollowers> token{};
    std::array<std::uint16_t, kFollowers> count{};  // 0: unused
  };
  static std::size_t row_of(std::int32_t first, std::int32_t second);
  void count(std::int32_t first, std::int32_t second, std::int32_t token);

  std::vector<Row> rows_;
  std::int32_t before_ = -1;  // the text's token before its last
};

}  // namespace foreword::engine
