// Everything but products and attention: norms, elementwise ops, RoPE, routing, rows.

#include <limits>

#include "gpu/cpu/cpu_backend.h"
#include "tests/gpu/harness.h"

namespace foreword::gpu {
namespace {

constexpr double kTolerance = 1e-6;

struct Shape {
  std::int64_t rows, cols, padding;
};
const Shape kShapes[] = {{1, 1, 0}, {1, 7, 0}, {3, 16, 0}, {5, 33, 2}, {2, 172, 0}, {9, 64, 5}, {40, 2048, 0}, {1, 8192, 0}};

// Values that an op meets rarely: zeros, huge, tiny, the edges of the functions' ranges.
std::vector<float> adversarial(Harness& h, std::int64_t count) {
  static constexpr float kValues[] = {0.0F, -0.0F, 1e-30F, -1e-38F, 88.0F, -88.0F, -87.2F, 0.625F, -0.6249F, 7.0F, -7.0F, 1e4F, -1e4F, 20.0F};
  std::vector<float> values = h.normal(count, 3);
  for (std::size_t i = 0; i < values.size(); i += 3) values[i] = kValues[i / 3 % std::size(kValues)];
  return values;
}

void each_shape(const std::function<std::vector<float>(Harness&, const Shape&)>& op) {
  std::uint64_t seed = 1000;
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(testing::Message() << shape.rows << " x " << shape.cols);
    expect_conforms([&](Harness& h) { return op(h, shape); }, kTolerance, ++seed);
  }
}

Tensor rare(Harness& h, const Shape& s) { return h.put(adversarial(h, s.rows * s.cols), s.rows, s.cols, s.padding); }

TEST(Ops, Glu) {
  for (const Activation act : {Activation::silu, Activation::gelu, Activation::clamped_silu}) {
    each_shape([&](Harness& h, const Shape& s) {
      const Tensor gate = rare(h, s), up = h.floats(s.rows, s.cols), out = h.empty(s.rows, s.cols);
      h.backend.glu(act, gate, up, out);
      return h.take(out);
    });
    each_shape([&](Harness& h, const Shape& s) {
      const Tensor gate = h.floats(s.rows, s.cols), up = rare(h, s);
      h.backend.glu(act, gate, up, up);
      return h.take(up);
    });
  }
}

TEST(Ops, Activate) {
  for (const Activation act : {Activation::silu, Activation::gelu}) {
    each_shape([&](Harness& h, const Shape& s) {
      const Tensor x = rare(h, s);
      h.backend.activate(act, x, x);
      return h.take(x);
    });
  }
}

TEST(Ops, SmallResultsKeepTheirDigits) {
  // One number at a time, so that large neighbours cannot hide a relative error.
  for (const float x : {1e-6F, -3e-4F, 0.01F, -0.3F, 0.6249F, 0.6251F, -2.0F, 5.0F, -15.0F, 60.0F}) {
    SCOPED_TRACE(x);
    expect_conforms(
        [&](Harness& h) {
          const Tensor t = h.put(std::vector<float>{x}, 1, 1);
          h.backend.softcap(t, 30);
          return h.take(t);
        },
        3e-7);
    for (const Activation act : {Activation::silu, Activation::gelu}) {
      if (act == Activation::gelu && x < -3) continue;  // exp of a rounded argument; the result is nearly 0
      expect_conforms(
          [&](Harness& h) {
            const Tensor t = h.put(std::vector<float>{x}, 1, 1);
            h.backend.activate(act, t, t);
            return h.take(t);
          },
          2e-6);
    }
  }
}

TEST(Ops, NanStaysNan) {
  for (const Subject& subject : subjects()) {
    const auto backend = subject.open(1);
    Harness h(*backend, 1);
    const Tensor x = h.put(std::vector<float>{std::nanf(""), 1.0F}, 1, 2);
    backend->activate(Activation::silu, x, x);
    const std::vector<float> got = h.take(x);
    EXPECT_TRUE(std::isnan(got[0])) << subject.name;
    EXPECT_NEAR(got[1], 0.7310586F, 1e-6F) << subject.name;
  }
}

TEST(Ops, Arithmetic) {
  each_shape([](Harness& h, const Shape& s) {
    const Tensor x = h.floats(s.rows, s.cols, 1, s.padding), y = h.floats(s.rows, s.cols), gate = h.floats(s.rows, 1);
    h.backend.add(x, y, -0.37F, x);
    h.backend.add(x, y, 1.0F, y);
    h.backend.scale(y, 0.12F);
    h.backend.sigmoid_gate(y, gate);
    h.backend.softcap(x, 2.5F);
    h.backend.add(y, x, 1.0F, y);
    return h.take(y);
  });
}

TEST(Ops, Norms) {
  for (const bool whole_weight : {true, false}) {
    for (const std::int64_t groups : {1, 3}) {
      each_shape([&](Harness& h, const Shape& s) {
        const std::int64_t cols = s.cols * groups;
        const Tensor x = h.put(adversarial(h, s.rows * cols), s.rows, cols, s.padding);
        const Tensor weight = h.floats(1, whole_weight ? cols : s.cols), bias = h.floats(1, weight.cols);
        const Tensor a = h.empty(s.rows, cols), b = h.empty(s.rows, cols), c = h.empty(s.rows, cols);
        h.backend.rms_norm(x, weight, 1e-5F, s.cols, a);
        h.backend.layer_norm(a, weight, bias, 1e-5F, s.cols, b);
        h.backend.layer_norm(a, weight, {}, 1e-5F, s.cols, c);
        h.backend.rms_norm(c, weight, 1e-6F, s.cols, c);
        h.backend.add(b, c, 1.0F, a);
        return h.take(a);
      });
    }
  }
}

TEST(Ops, NormOfAShiftedRowKeepsItsDigits) {
  expect_conforms(
      [](Harness& h) {
        std::vector<float> values = h.normal(1000);
        for (float& value : values) value += 100;
        const Tensor x = h.put(values, 1, 1000), out = h.empty(1, 1000);
        h.backend.layer_norm(x, h.floats(1, 1000), {}, 1e-5F, 1000, out);
        return h.take(out);
      },
      1e-5);
}

TEST(Ops, Rope) {
  for (const RopePairs pairs : {RopePairs::adjacent, RopePairs::half_split}) {
    for (const auto& [head_dim, n_rot] : {std::pair{8, 8}, std::pair{64, 64}, std::pair{80, 32}, std::pair{128, 0}, std::pair{6, 2}}) {
      expect_conforms(
          [&](Harness& h) {
            const Tensor x = h.floats(5, 3 * head_dim, 1, 7), angles = h.floats(5, std::max(n_rot, 1));
            h.backend.rope(x, head_dim, n_rot, pairs, angles.col_range(0, n_rot));
            return h.take(x);
          },
          kTolerance);
    }
  }
}

TEST(Ops, Route) {
  struct Case {
    std::int64_t rows, experts, k;
  };
  for (const Routing routing : {Routing::softmax_top_k_renormalised, Routing::softmax_top_k, Routing::top_k_softmax}) {
    for (const Case& c : {Case{1, 4, 2}, Case{5, 8, 8}, Case{3, 128, 8}, Case{2, 3, 1}, Case{2, Backend::kMostExperts, 100}}) {
      expect_conforms(
          [&](Harness& h) {
            std::vector<float> logits = h.normal(c.rows * c.experts, 2);
            for (float& logit : logits) logit = std::round(logit * 4) / 4;  // ties
            const Tensor ids = h.empty(c.rows, c.k, DType::i32), weights = h.empty(c.rows, c.k);
            h.backend.route(routing, h.put(logits, c.rows, c.experts), ids, weights);
            std::vector<float> result = h.take(weights);
            for (const std::int32_t id : h.take_integers(ids)) result.push_back(static_cast<float>(id));
            return result;
          },
          kTolerance, 77);
    }
  }
}

TEST(Ops, RouteNeverLeavesTheRangeWhateverTheLogits) {
  const float nan = std::nanf(""), inf = HUGE_VALF;
  for (const Subject& subject : subjects()) {
    const auto backend = subject.open(1);
    Harness h(*backend, 1);
    const Tensor logits = h.put(std::vector<float>{nan, nan, nan, 1, nan, 2, inf, inf, -inf, -inf, -inf, -inf}, 3, 4);
    const Tensor ids = h.empty(3, 3, DType::i32), weights = h.empty(3, 3);
    backend->route(Routing::softmax_top_k, logits, ids, weights);
    for (const std::int32_t id : h.take_integers(ids)) EXPECT_TRUE(id >= 0 && id < 4) << subject.name << " " << id;
  }
}

TEST(Ops, RowsAndExperts) {
  expect_conforms(
      [](Harness& h) {
        const Tensor y = h.floats(12, 37), weights = h.floats(4, 3), out = h.empty(4, 37), picked = h.empty(3, 37);
        h.backend.combine_experts(y, weights, out);
        h.backend.gather_rows(out, h.put(std::vector<std::int32_t>{3, 0, 3}, 3, 1), picked);
        return h.take(picked);
      },
      kTolerance);
}

// Ids and values of the k best of each row, to the bit.
std::vector<float> best_of(Harness& h, const std::vector<float>& x, std::int64_t rows, std::int64_t k, std::int64_t padding) {
  const std::int64_t cols = std::ssize(x) / rows;
  const Tensor ids = h.empty(rows, k, DType::i32), values = h.empty(rows, k, DType::f32, padding);
  h.backend.top_k(h.put(x, rows, cols, padding), ids, values);
  std::vector<float> result = h.take(values);
  for (const std::int32_t id : h.take_integers(ids)) result.push_back(static_cast<float>(id));  // exact below 2^24
  return result;
}

void expect_best(const std::vector<float>& x, std::int64_t rows, std::int64_t k, std::int64_t padding = 0) {
  SCOPED_TRACE(testing::Message() << rows << " x " << std::ssize(x) / rows << ", k " << k);
  const auto reference = make_reference_backend();
  Harness law(*reference, 1);
  const std::vector<float> expected = best_of(law, x, rows, k, padding);
  for (const Subject& subject : subjects()) {
    const auto backend = subject.open(2);
    Harness h(*backend, 1);
    const std::vector<float> got = best_of(h, x, rows, k, padding);
    EXPECT_EQ(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)), 0) << subject.name;
  }
  expect_silence();
}

struct Width {
  std::int64_t rows, cols;
};
constexpr Width kWidths[] = {{1, 1}, {3, 32}, {16, 288}, {2, 8192}, {2, 8193}, {3, 32000}, {1, 262144}, {1, 300000}};

TEST(Ops, TopK) {
  std::mt19937_64 random(5);
  std::normal_distribution<float> normal;
  for (const Width& width : kWidths) {
    std::vector<float> x(static_cast<std::size_t>(width.rows * width.cols));
    for (const bool ties : {false, true}) {
      for (float& value : x) value = ties ? std::round(normal(random) * 4) / 4 : normal(random);
      for (const std::int64_t k : {1, 8, 64, 256}) {
        if (k <= width.cols) expect_best(x, width.rows, k, ties ? 3 : 0);
      }
    }
  }
}

TEST(Ops, TopKOfRareRows) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();
  for (const std::int64_t cols : {40, 20000}) {
    const auto n = static_cast<std::size_t>(cols);
    std::vector<std::vector<float>> rows{
        std::vector<float>(n, 0.5F),   // all equal
        std::vector<float>(n, -kInf),  // nothing possible
        std::vector<float>(n, kNan),   // nothing at all
        std::vector<float>(n), std::vector<float>(n), std::vector<float>(n), std::vector<float>(n),
    };
    for (std::size_t i = 0; i < n; ++i) {
      rows[3][i] = i % 3 == 0 ? kNan : i % 3 == 1 ? -kInf : static_cast<float>(i % 7);  // mixed
      rows[4][i] = i % 2 == 0 ? 0.0F : -0.0F;                                           // equal, though not in their bits
      rows[5][i] = i + 3 < n ? kNan : kInf - (i % 2 == 0 ? 0 : 1);                      // fewer numbers than wanted, at the end
      rows[6][i] = (i % 2 == 0 ? 1.0F : -1.0F) * std::ldexp(1.0F, -static_cast<int>(i % 149));  // down to the smallest
    }
    std::vector<float> x;
    for (const std::vector<float>& row : rows) x.insert(x.end(), row.begin(), row.end());
    for (const std::int64_t k : {1, 8, 40}) expect_best(x, std::ssize(rows), k);
    if (cols > 256) expect_best(x, std::ssize(rows), 256);
  }
}

// One row among many is what it is alone, for every op that works on rows.
TEST(Ops, BitsDependOnNeitherNeighboursNorThreads) {
  constexpr std::int64_t kRows = 64, kCols = 1100;
  const auto program = [](Backend& on, const Tensor& x, const Tensor& y, const Tensor& weight, const Tensor& out) {
    on.rms_norm(x, weight, 1e-5F, kCols, out);
    on.glu(Activation::gelu, out, y, out);
    on.add(out, y, 0.3F, out);
    on.layer_norm(out, weight, weight, 1e-5F, kCols / 11, out);
    on.activate(Activation::silu, out, out);
    on.softcap(out, 0.5F);
  };
  for (const Subject& subject : subjects()) {
    const auto many = subject.open(3), one = subject.open(1);
    Harness h(*many, 9);
    const Tensor x = h.floats(kRows, kCols), y = h.floats(kRows, kCols), weight = h.floats(1, kCols);
    const Tensor out = h.empty(kRows, kCols);
    program(*many, x, y, weight, out);
    const std::vector<float> expected = h.take(out);
    for (std::int64_t r = 0; r < kRows; r += 7) {
      const Tensor alone = h.empty(1, kCols);
      program(*one, x.row_range(r, 1), y.row_range(r, 1), weight, alone);
      const std::vector<float> got = values_of(*one, alone);
      ASSERT_EQ(std::memcmp(got.data(), expected.data() + r * kCols, kCols * sizeof(float)), 0) << subject.name << ", row " << r;
    }
  }
}

TEST(Memory, AllocationThatCannotBeHadIsASentence) {
  const auto backend = make_cpu_backend({.n_threads = 1});
  const auto buffer = backend->allocate(std::size_t{1} << 62);
  ASSERT_FALSE(buffer.has_value());
  EXPECT_EQ(buffer.error().code, ErrorCode::out_of_memory);
  EXPECT_NE(buffer.error().message.find("4194304.0 TiB"), std::string::npos) << buffer.error().message;
  EXPECT_TRUE(backend->allocate(0).has_value());
}

TEST(Memory, WeightsAreNotCopied) {
  const auto backend = make_cpu_backend({.n_threads = 1});
  const std::vector<std::byte> bytes(100);
  EXPECT_EQ(backend->import_weights(bytes).value()->host(), bytes.data());
}

}  // namespace
}  // namespace foreword::gpu
