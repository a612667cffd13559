#pragma once
// What tests of whole models share.

#include <gtest/gtest.h>

#include <filesystem>
#include <span>
#include <vector>

#include "engine/loaded_model.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {

inline std::filesystem::path builtin(const char* name) { return test::data_dir().parent_path().parent_path() / "assets/builtin" / name; }


/// The logits after these tokens, which are read behind what the sequence holds.
inline std::vector<float> last_row(LoadedModel& in, SequenceId id, std::span<const TokenId> tokens) {
  std::vector<float> logits;
  EXPECT_TRUE(in.read(id, tokens, [&](std::int64_t i) { return i + 1 == std::ssize(tokens); },
                         [&](std::int64_t, std::span<const float> row) { logits.assign(row.begin(), row.end()); }));
  return logits;
}

}  // namespace foreword::engine
