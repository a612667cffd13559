// Two backends as one: whatever lies where, the result is that of one.
#include "gpu/split.h"

#include "gpu/cpu/cpu_backend.h"
#include "tests/gpu/layer.h"

namespace foreword::gpu {
namespace {

/// A backend of plain loops that gives only so much memory.
std::unique_ptr<Backend> plain() { return make_reference_backend({}); }

TEST(Split, NoShareOfTheWeightsChangesABit) {
  Layer layer(11);
  const std::vector<float> expected = layer.run(*plain());
  ASSERT_FALSE(expected.empty());
  for (std::int64_t bytes = 0; bytes < 110000; bytes += 5000) {
    const auto both = make_split_backend(plain(), plain(), bytes);
    EXPECT_EQ(layer.run(*both), expected) << bytes;
    EXPECT_EQ(layer.run(*both), expected) << bytes << ", again";
  }
}

TEST(Split, RowsComeOverWhenTheyAreNeeded) {
  const auto both = make_split_backend(plain(), plain(), 70);  // the first of two weights of 64 bytes
  Harness h(*both, 5);
  WeightMatrix first = h.weight(Format::f32, 4, 4), second = h.weight(Format::f32, 4, 4);
  WeightMatrix* const weights[] = {&first, &second};
  const auto arranged = both->arrange(weights);
  const Tensor x = h.put(std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8}, 2, 4), y = h.empty(2, 4), z = h.empty(2, 4);
  both->linear(first, x, {}, y);
  both->linear(second, y, {}, z);  // y comes over
  both->scale(y.row_range(1, 1), 0);  // and is changed over there
  both->linear(first, y, {}, x);      // and goes back
  const std::vector<float> got = h.take(x);
  EXPECT_NE(got[0], 0);
  EXPECT_EQ(std::vector<float>(got.begin() + 4, got.end()), std::vector<float>(4)) << "the second row was made zero";
}

TEST(Split, ProgressGoesThroughBothSidesAndGivingUpChangesNothing) {
  const std::int64_t bytes = 4096 * row_bytes(Format::q4_0, 256);
  const auto both = make_split_backend(plain(), make_cpu_backend({1, best_isa()}), 2 * bytes);
  Harness h(*both, 6);
  std::vector<WeightMatrix> weights;
  std::vector<WeightMatrix*> all;
  for (int i = 0; i < 8; ++i) weights.push_back(h.weight(Format::q4_0, 4096, 256));
  for (WeightMatrix& w : weights) all.push_back(&w);
  const std::vector<const Buffer*> before{weights[0].buffer, weights[1].buffer, weights[7].buffer};
  const auto where = [&] { return std::vector<const Buffer*>{weights[0].buffer, weights[1].buffer, weights[7].buffer}; };
  std::vector<double> shares;
  for (const double limit : {0.1, 0.5, 2.0}) {
    shares.clear();
    const auto arranged = both->arrange(all, [&](double share) { return shares.push_back(share), share < limit; });
    EXPECT_TRUE(std::ranges::is_sorted(shares));
    EXPECT_EQ(arranged != nullptr, limit > 1);
    EXPECT_EQ(where() == before, limit < 1) << limit;
  }
  EXPECT_GT(std::ranges::count_if(shares, [](double share) { return share > 0.3; }), 2) << "the processor's part is told too";
  EXPECT_LE(shares.back(), 1);
}

}  // namespace
}  // namespace foreword::gpu
