#include "gpu/cpu/activations.h"
#include "tests/gpu/harness.h"

namespace foreword::gpu {
namespace {

constexpr double kTolerance = 1e-5;

class LinearTest : public testing::TestWithParam<Format> {
 protected:
  std::int64_t block() const { return info(GetParam()).block_length; }
  // Whole blocks, more columns than a kernel takes at once.
  std::int64_t wide() const { return (512 / block() + 1) * block(); }
};

TEST_P(LinearTest, MatchesTheReference) {
  struct Shape {
    std::int64_t w_rows, blocks, rows;
  };
  const Shape shapes[] = {{1, 1, 1}, {5, 2, 3}, {16, 1, 4}, {17, 3, 5}, {37, 2, 9}, {64, 4, 2}, {48, 1, 33}, {3, 9, 8}};
  std::uint64_t seed = 100;
  for (int i = 0; i < 2 * static_cast<int>(std::size(shapes)); ++i) {
    const Shape& s = shapes[i / 2];
    const std::int64_t cols = i % 2 == 0 ? s.blocks * block() : wide() + (s.blocks - 1) * block();
    SCOPED_TRACE(testing::Message() << s.w_rows << " x " << cols << ", rows " << s.rows);
    expect_conforms(
        [&](Harness& h) {
          const WeightMatrix w = h.weight(GetParam(), s.w_rows, cols);
          const Tensor x = h.floats(s.rows, w.cols, 1, s.rows % 2 * 32), out = h.empty(s.rows, s.w_rows);
          h.backend.linear(w, x, s.rows % 2 == 0 ? h.floats(1, s.w_rows) : Tensor{}, out);
          return h.take(out);
        },
        kTolerance, ++seed);
  }
}

TEST_P(LinearTest, HostileInputs) {
  // A large outlier, all equal (the sums of the codes are as large as they get), zeros, tiny and subnormal values.
  expect_conforms(
      [&](Harness& h) {
        const std::int64_t cols = wide();
        const WeightMatrix w = h.weight(GetParam(), 20, cols);
        std::vector<float> x = h.normal(6 * cols);
        for (std::int64_t c = 0; c < cols; ++c) {
          const auto at = [&](std::int64_t r) -> float& { return x[static_cast<std::size_t>(r * cols + c)]; };
          at(1) = 100;
          at(2) = -3;
          at(3) = 0;
          at(4) *= 1e-20F;
          if (c % 64 == 5) at(0) *= 1000;
          at(5) = c % 2 == 0 ? 1e-39F : -1e-39F;
        }
        const Tensor out = h.empty(6, 20);
        h.backend.linear(w, h.put(x, 6, cols), {}, out);
        std::vector<float> y = h.take(out);
        for (std::size_t i = 0; i < y.size(); ++i) y[i] *= i / 20 == 4 ? 1e20F : 1;  // every row counts
        return y;
      },
      kTolerance, 7);
}

// A value that is no number is seen in its whole row of the product, wherever it stands, and in no other row; so is one that
// is infinite.
TEST_P(LinearTest, WhatIsNoNumberStaysNone) {
  const std::int64_t cols = wide() + (95 / block() + 1) * block();
  for (const Subject& subject : subjects()) {
    const auto backend = subject.open(2);
    Harness h(*backend, 9);
    WeightMatrix w = h.weight(GetParam(), 20, cols);
    const std::vector<float> x = h.normal(3 * cols);
    for (const bool precise : {false, true}) {
      w.precise = precise;
      for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        for (std::int64_t c = 0; c < cols; c += 13) {  // all places in a run
          std::vector<float> changed = x;
          changed[static_cast<std::size_t>(cols + c)] = value;
          const Tensor out = h.empty(3, 20);
          backend->linear(w, h.put(changed, 3, cols), {}, out);
          const std::vector<float> y = h.take(out);
          for (std::size_t i = 0; i < y.size(); ++i) {
            ASSERT_EQ(std::isfinite(y[i]), i / 20 != 1) << subject.name << ", " << value << " in column " << c << " gives " << y[i] << " in row " << i / 20;
            if (std::isnan(value) && i / 20 == 1) {
              ASSERT_TRUE(std::isnan(y[i])) << subject.name << ", column " << c;
            }
          }
        }
      }
    }
  }
}

// A row's bits, computed by one thread among n rows, are those it has among 64 rows and three threads: for every n, and
// for every place among them, since each of the n rows is compared.
void expect_same_bits(Format format, std::int64_t cols, const Subject& subject) {
  constexpr std::int64_t kRows = 64;
  const auto many = subject.open(3), one = subject.open(1);
  Harness h(*many, 11);
  const WeightMatrix w = h.weight(format, 21, cols);
  const Tensor x = h.floats(kRows, w.cols), all = h.empty(kRows, w.rows);
  h.backend.linear(w, x, {}, all);
  const std::vector<float> expected = h.take(all);
  for (std::int64_t n = 1; n <= kRows; ++n) {
    const std::int64_t first = (n * 7) % (kRows - n + 1);
    const Tensor out = h.empty(n, w.rows);
    one->linear(w, x.row_range(first, n), {}, out);
    const std::vector<float> got = values_of(*one, out);
    ASSERT_EQ(std::memcmp(got.data(), expected.data() + first * w.rows, got.size() * sizeof(float)), 0)
        << subject.name << ", " << cols << " columns, " << n << " rows from " << first;
  }
}

TEST_P(LinearTest, BitsDependOnNeitherNeighboursNorThreads) {
  for (const Subject& subject : subjects()) {
    expect_same_bits(GetParam(), (95 / block() + 1) * block(), subject);
    expect_same_bits(GetParam(), wide(), subject);
  }
}

// Many rows go through tiles of sizes that depend on how many there are, 16 and fewer do not: each row has the same bits, at the tiles'
// borders too, and so have the rows of an expert.
TEST_P(LinearTest, ManyRowsHaveTheBitsOfFew) {
  struct Shape {
    std::int64_t w_rows, rows;
  };
  constexpr Shape kShapes[] = {{1, 17}, {33, 31}, {63, 33}, {1000, 32}, {515, 63}, {515, 65}, {1000, 65}, {1025, 127}, {1100, 129}, {4100, 255}};
  constexpr std::int64_t kFew = 16;
  const std::int64_t cols = (335 / block() + (block() > 1 ? 1 : 0)) * block();
  for (const Subject& subject : subjects()) {
    const auto backend = subject.open(2);
    for (const Shape& s : kShapes) {
      Harness h(*backend, 15);
      const WeightMatrix w = h.weight(GetParam(), s.w_rows, cols), experts = h.weight(GetParam(), std::min<std::int64_t>(s.w_rows, 200), cols, 3);
      const Tensor x = h.floats(s.rows, cols), ids = h.put(std::vector<std::int32_t>(static_cast<std::size_t>(s.rows), 1), s.rows, 1);
      const Tensor bias = h.floats(1, s.w_rows), biases = h.floats(3, experts.rows);
      const auto products = [&](std::int64_t at_once) {
        const Tensor out = h.empty(s.rows, w.rows), of_expert = h.empty(s.rows, experts.rows);
        for (std::int64_t first = 0; first < s.rows; first += at_once) {
          const std::int64_t n = std::min(at_once, s.rows - first);
          backend->linear(w, x.row_range(first, n), bias, out.row_range(first, n));
          backend->linear_experts(experts, x.row_range(first, n), ids.row_range(first, n), biases, of_expert.row_range(first, n));
        }
        return std::pair(h.take(out), h.take(of_expert));
      };
      EXPECT_EQ(products(s.rows), products(kFew)) << subject.name << ", " << s.w_rows << " x " << cols << ", rows " << s.rows;
    }
  }
}

// Arranged for the device, dense and with experts, last tiles filled up: the very bits of the weights as they lay.
TEST_P(LinearTest, ArrangingChangesNoBit) {
  for (const Subject& subject : subjects()) {
    for (const std::int64_t w_rows : {1, 21, 64, 77}) {
      const auto backend = subject.open(2);
      Harness h(*backend, 31);
      const WeightMatrix dense = h.weight(GetParam(), w_rows, wide()), experts = h.weight(GetParam(), w_rows, wide(), 3);
      const Tensor x = h.floats(5, wide()), ids = h.put(std::vector<std::int32_t>{2, 0, 1, 2, 1, 1, 0, 2, 0, 1}, 5, 2);
      const auto products = [&](const WeightMatrix& one, const WeightMatrix& many) {
        const Tensor out = h.empty(15, w_rows);
        backend->linear(one, x, {}, out.row_range(0, 5));
        backend->linear_experts(many, x, ids, {}, out.row_range(5, 10));
        return h.take(out);
      };
      const std::vector<float> expected = products(dense, experts);
      WeightMatrix arranged = dense, arranged_experts = experts;
      WeightMatrix* const all[] = {&arranged, &arranged_experts};
      const auto buffer = backend->arrange(all);
      EXPECT_EQ(buffer != nullptr, subject.arranges && quantises_activations(GetParam()));
      EXPECT_EQ(arranged.tile_rows > 1, subject.arranges && quantises_activations(GetParam()));
      const std::vector<float> got = products(arranged, arranged_experts);
      EXPECT_EQ(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)), 0)
          << subject.name << ", " << w_rows << " rows";
      for (std::int64_t n = 1; n < 5; ++n) {  // a few have loops of their own
        const Tensor out = h.empty(n, w_rows);
        backend->linear(arranged, x.row_range(5 - n, n), {}, out);
        const std::vector<float> few = h.take(out);
        EXPECT_EQ(std::memcmp(few.data(), expected.data() + (5 - n) * w_rows, few.size() * sizeof(float)), 0)
            << subject.name << ", " << w_rows << " rows, of x the last " << n;
      }
    }
  }
}

TEST_P(LinearTest, Experts) {
  struct Shape {
    std::int64_t rows, n_experts, k;
    bool one_input;
  };
  for (const Shape& s : {Shape{1, 4, 2, true}, Shape{7, 4, 2, true}, Shape{5, 3, 3, false}, Shape{9, 8, 1, true}, Shape{150, 2, 1, true}}) {
    expect_conforms(
        [&](Harness& h) {
          WeightMatrix w = h.weight(GetParam(), 19, s.k == 2 ? wide() : std::max<std::int64_t>(block(), 64), s.n_experts);
          std::vector<std::int32_t> ids;
          for (std::int64_t i = 0; i < s.rows * s.k; ++i) {
            ids.push_back(static_cast<std::int32_t>(h.random() % static_cast<std::uint64_t>(s.n_experts)));
          }
          const Tensor x = h.floats(s.one_input ? s.rows : s.rows * s.k, w.cols), out = h.empty(s.rows * s.k, w.rows);
          const Tensor bias = h.floats(s.n_experts, w.rows);
          w.scale = h.floats(1, s.k == 2 ? s.n_experts : 1);
          w.precise = s.rows % 2 == 1;
          h.backend.linear_experts(w, x, h.put(ids, s.rows, s.k), bias, out);
          return h.take(out);
        },
        kTolerance, 23, s.rows % 2 == 1);
  }
}

TEST_P(LinearTest, Embed) {
  expect_conforms(
      [&](Harness& h) {
        const WeightMatrix table = h.weight(GetParam(), 9, 2 * block());
        const Tensor out = h.empty(4, table.cols);
        h.backend.embed(table, h.put(std::vector<std::int32_t>{8, 0, 3, 3}, 4, 1), out);
        return h.take(out);
      },
      0, 5);
}

INSTANTIATE_TEST_SUITE_P(Formats, LinearTest, testing::ValuesIn(weight_formats()),
                         [](const auto& test) { return name_of_format(test.param); });

TEST(LinearShapes, FloatColumnsNeedNoBlocks) {
  std::uint64_t seed = 50;
  for (const Format format : {Format::f32, Format::f16, Format::bf16}) {
    for (const std::int64_t cols : {1, 3, 8, 15, 16, 17, 31, 33, 100, 172, 257}) {
      for (const std::int64_t rows : {1, 2, 4, 5, 8, 9}) {
        SCOPED_TRACE(testing::Message() << name_of_format(format) << " cols " << cols << " rows " << rows);
        expect_conforms(
            [&](Harness& h) {
              const WeightMatrix w = h.weight(format, 11, cols);
              const Tensor x = h.floats(rows, cols, 1, 3), out = h.empty(rows, 11, DType::f32, 5);
              h.backend.linear(w, x, h.floats(1, 11), out);
              return h.take(out);
            },
            kTolerance, ++seed);
      }
    }
  }
}

TEST(LinearShapes, ManyRowsAndScale) {
  for (const Format format : {Format::q4_0, Format::q4_k, Format::q6_k, Format::f16, Format::iq4_xs}) {
    SCOPED_TRACE(name_of_format(format));
    expect_conforms(
        [&](Harness& h) {
          WeightMatrix w = h.weight(format, 33, 768);
          w.scale = h.floats(1, 1);
          const Tensor x = h.floats(300, 768), out = h.empty(300, 33);
          h.backend.linear(w, x, {}, out);
          return h.take(out);
        },
        kTolerance, 3);
  }
}

/// What rounding the input costs: nothing where it is not rounded, little with two terms, and with one no more than runs
/// of 16 should (0.57 % of the size of a product of normal values; runs of 32 would cost 0.67 %).
TEST_P(LinearTest, RoundingCostsWhatItShould) {
  const std::int64_t cols = 8 * wide();
  const auto error_of = [&](bool precise) {
    const Program program = [&](Harness& h) {
      WeightMatrix w = h.weight(GetParam(), 64, cols);
      w.precise = precise;
      const Tensor x = h.floats(8, cols), out = h.empty(8, 64);
      h.backend.linear(w, x, {}, out);
      return h.take(out);
    };
    const auto exact = make_reference_backend();
    Harness truth(*exact, 77);
    const std::vector<float> expected = program(truth);
    const auto backend = subjects().front().open(2);
    Harness harness(*backend, 77);
    return relative_rms(program(harness), expected);
  };
  if (!subjects().front().rounds_inputs || !quantises_activations(GetParam())) {
    EXPECT_LE(error_of(false), 1e-5);
    return;
  }
  EXPECT_GE(error_of(false), 3e-3) << "is the input rounded at all?";
  EXPECT_LE(error_of(false), 6.2e-3);
  EXPECT_LE(error_of(true), 5e-5);
}

// Two products of one input, a change of it between, and a third: the rounded copy must not outlive the change.
TEST(LinearShapes, RoundedInputIsForgottenWhenItChanges) {
  expect_conforms(
      [&](Harness& h) {
        const WeightMatrix a = h.weight(Format::q4_0, 8, 544), b = h.weight(Format::q8_0, 8, 544);
        const Tensor x = h.floats(3, 544), out = h.empty(9, 8);
        h.backend.linear(a, x, {}, out.row_range(0, 3));
        h.backend.linear(b, x, {}, out.row_range(3, 3));
        h.backend.scale(x.col_range(32, 32), 3);
        h.backend.linear(b, x, {}, out.row_range(6, 3));
        return h.take(out);
      },
      kTolerance, 4);
}

}  // namespace
}  // namespace foreword::gpu
