// Which runs of ops become one record, and which do not. What a fused record computes is held against the single ops on a
// device, where there is one (vulkan_test.cpp).
#include <gtest/gtest.h>

#include "gpu/records/fuse.h"

namespace foreword::gpu {
namespace {

class Room final : public Buffer {
 public:
  std::size_t bytes() const override { return 1 << 20; }
  std::byte* host() const override { return nullptr; }
};

class Fuse : public testing::Test {
 protected:
  Tensor tensor(std::int64_t cols) {
    Tensor t{&room_, next_, 2, cols, cols, DType::f32};
    next_ += t.rows * t.cols * 4;
    return t;
  }
  void linear(const Tensor& in, const Tensor& out) {
    LinearRecord record;
    record.x = in;
    record.parts[0].weight.buffer = &room_;
    record.parts[0].out = out;
    records.push_back(record);
  }
  void rope(const Tensor& heads, std::int64_t n_rot = 4) {
    records.push_back(RopeRecord{{heads, {}}, 1, 4, n_rot, RopePairs::adjacent, angles});
  }
  void store(const Tensor& keys, const Tensor& values) {
    KvLayer layer{&room_, 0, 1, keys.cols / 4, 4};
    records.push_back(StoreKvRecord{keys, values, layer, {}});
  }
  std::size_t fused(bool norms_into_products = false) { return fuse(records, norms_into_products), records.size(); }

  Room room_;
  std::int64_t next_ = 0;
  std::vector<Record> records;
  Tensor x = tensor(8), q = tensor(8), k = tensor(4), v = tensor(4), stream = tensor(8), wide = tensor(16), wide2 = tensor(16), angles = tensor(4);
};

TEST_F(Fuse, ALayerIsEightRecords) {
  records.push_back(NormRecord{false, stream, x, {}, 1e-5F, 8, x});
  linear(x, q), linear(x, k), linear(x, v);
  rope(q), rope(k);
  store(k, v);
  records.push_back(AttentionRecord{});
  linear(x, q);
  records.push_back(ElementwiseRecord{Elementwise::add, stream, q, 1, stream});
  records.push_back(NormRecord{false, stream, x, {}, 1e-5F, 8, x});
  linear(x, wide), linear(x, wide2);
  records.push_back(ElementwiseRecord{Elementwise::gelu_glu, wide, wide2, 1, wide2});
  linear(wide2, q);
  records.push_back(ElementwiseRecord{Elementwise::add, stream, q, 0.5F, stream});
  ASSERT_EQ(fused(), 8U);
  EXPECT_EQ(std::get<LinearRecord>(records[1]).n_parts, 3);
  EXPECT_EQ(std::get<StoreKvRecord>(records[2]).rope.n, 2);
  EXPECT_EQ(std::get<LinearRecord>(records[4]).after, LinearRecord::After::add);
  EXPECT_EQ(std::get<LinearRecord>(records[6]).after, LinearRecord::After::glu);
  EXPECT_EQ(std::get<LinearRecord>(records[6]).act, Activation::gelu);
  EXPECT_EQ(std::get<LinearRecord>(records[7]).residual_scale, 0.5F);
}

TEST_F(Fuse, WhereProductsCanNormTheirInputTheNormOfARowGoesWithThem) {
  const Tensor row = stream.row_range(0, 1), normed = x.row_range(0, 1), weight = q.row_range(1, 1);
  const auto norm_and_products = [&](const Tensor& of, const Tensor& norm_weight, const Tensor& bias, const Tensor& out, const Tensor& product, bool may = true) {
    records.clear();
    records.push_back(NormRecord{false, of, norm_weight, bias, 1e-5F, 8, out});
    linear(out, product), linear(out, v.row_range(0, 1));
    return fused(may);
  };
  const Tensor product = k.row_range(0, 1);
  ASSERT_EQ(norm_and_products(row, weight, {}, normed, product), 1U);
  EXPECT_EQ(std::get<LinearRecord>(records[0]).n_parts, 2);
  EXPECT_TRUE(std::get<LinearRecord>(records[0]).norm.x);
  EXPECT_EQ(norm_and_products(row, weight, {}, normed, product, false), 2U);
  EXPECT_EQ(norm_and_products(stream, weight, {}, x, k), 2U) << "two rows";
  EXPECT_EQ(norm_and_products(row, weight, stream.row_range(1, 1), normed, product), 2U) << "a bias";
  EXPECT_EQ(norm_and_products(row, weight, {}, row, product), 2U) << "in place";
  EXPECT_EQ(norm_and_products(row, weight, {}, normed, row.col_range(0, 4)), 2U) << "a product over what is normed";
  EXPECT_EQ(norm_and_products(row, weight, {}, normed, weight.col_range(0, 4)), 2U) << "a product over the norm's weight";
}

TEST_F(Fuse, NormsOfQueriesAndKeysAreOne) {
  const Tensor weight = tensor(4).row_range(0, 1);
  records.push_back(NormRecord{false, q, weight, {}, 1e-5F, 4, q});
  records.push_back(NormRecord{false, k, weight, {}, 1e-5F, 4, k});
  ASSERT_EQ(fused(), 1U);
  records.clear();
  records.push_back(NormRecord{false, q, weight, {}, 1e-5F, 4, k.row_range(0, 1)});  // the second one's input
  records.push_back(NormRecord{false, k, weight, {}, 1e-5F, 4, k});
  EXPECT_EQ(fused(), 2U);
}

TEST_F(Fuse, ANormAndItsSumAreOne) {
  records.push_back(NormRecord{false, q, x, {}, 1e-5F, 8, q});
  records.push_back(ElementwiseRecord{Elementwise::add, stream, q, 0.5F, stream});
  ASSERT_EQ(fused(), 1U);
  EXPECT_EQ(std::get<NormRecord>(records[0]).residual_scale, 0.5F);
  records.clear();
  records.push_back(NormRecord{false, q, x, {}, 1e-5F, 8, q});
  records.push_back(ElementwiseRecord{Elementwise::add, stream, q, 0.5F, q});  // over the norm itself
  EXPECT_EQ(fused(), 2U);
}

TEST_F(Fuse, ProductsOfDifferentInputsStayApart) {
  linear(x, q), linear(stream, k);
  EXPECT_EQ(fused(), 2U);
}

TEST_F(Fuse, AProductThatOverwritesTheInputStaysApart) {
  linear(x, q), linear(x, x);
  EXPECT_EQ(fused(), 2U);
}

TEST_F(Fuse, OutputsThatOverlapStayApart) {
  linear(x, q), linear(x, q.col_range(4, 4));
  EXPECT_EQ(fused(), 2U);
}

TEST_F(Fuse, AFourthProductBeginsAnew) {
  linear(x, q), linear(x, k), linear(x, v), linear(x, wide);
  EXPECT_EQ(fused(), 2U);
}

TEST_F(Fuse, SumsOfSomethingElseStayApart) {
  linear(x, q);
  records.push_back(ElementwiseRecord{Elementwise::add, q, stream, 1, stream});  // the product is the first summand
  EXPECT_EQ(fused(), 2U);
  records.clear();
  linear(x, q);
  records.push_back(ElementwiseRecord{Elementwise::add, stream, q, 1, q});  // the sum overwrites the product
  EXPECT_EQ(fused(), 2U);
}

TEST_F(Fuse, GateAndUpTheOtherWayRoundStayApart) {
  linear(x, wide), linear(x, wide2);
  records.push_back(ElementwiseRecord{Elementwise::silu_glu, wide2, wide, 1, wide2});
  EXPECT_EQ(fused(), 2U);
}

TEST_F(Fuse, RotationsByOtherColumnsStayApart) {
  rope(q), rope(k, 2), store(k, v);
  EXPECT_EQ(fused(), 3U);
}

TEST_F(Fuse, NormsOfHeadsGoWithTheirRotationAndStore) {
  const Tensor weight = tensor(4).row_range(0, 1);
  const auto norms = [&](const Tensor& of_q) {
    records.clear();
    records.push_back(NormRecord{false, q, weight, {}, 1e-5F, 4, of_q});
    records.push_back(NormRecord{false, k, weight, {}, 1e-5F, 4, k});
  };
  norms(q), rope(q), rope(k), store(k, v);
  ASSERT_EQ(fused(), 1U);
  EXPECT_EQ(std::get<StoreKvRecord>(records[0]).rope.n, 2);
  EXPECT_TRUE(std::get<StoreKvRecord>(records[0]).norm.second.x);
  norms(q), store(k, v);
  EXPECT_EQ(fused(), 1U) << "without a rotation";
  norms(wide.col_range(0, 8)), rope(q), rope(k), store(k, v);
  EXPECT_EQ(fused(), 2U) << "what is turned is not what was normed";
}

TEST_F(Fuse, ASumAndItsNormAreOne) {
  const auto chain = [&](const Tensor& normed, const Tensor& of) {
    records.clear();
    records.push_back(NormRecord{false, q, x, {}, 1e-5F, 8, q});
    records.push_back(ElementwiseRecord{Elementwise::add, stream, q, 0.5F, stream});
    records.push_back(NormRecord{false, of, x, {}, 1e-6F, 8, normed});
    return fused();
  };
  ASSERT_EQ(chain(wide.col_range(0, 8), stream), 1U);
  EXPECT_EQ(std::get<NormRecord>(records[0]).next.eps, 1e-6F);
  EXPECT_EQ(chain(wide.col_range(0, 8), q), 2U) << "of something else";
  EXPECT_EQ(chain(q, stream), 2U) << "over what the first norm made";
}

class FuseExperts : public Fuse {
 protected:
  void experts(const Tensor& in, const Tensor& out) {
    LinearExpertsRecord record;
    record.x = in;
    record.experts = ids;
    record.parts[0].weight.buffer = &room_;
    record.parts[0].out = out;
    records.push_back(record);
  }
  void router(Format format, std::int64_t rows = 4) {
    linear(x, logits);
    WeightMatrix& weight = std::get<LinearRecord>(records.back()).parts[0].weight;
    weight.format = format, weight.rows = rows, weight.cols = 8;
  }
  Tensor many(std::int64_t rows, std::int64_t cols) {
    Tensor t = tensor(cols * rows / 2);
    t.rows = rows, t.cols = t.stride = cols;
    return t;
  }

  Tensor logits = tensor(4), ids = tensor(2), shares = tensor(2), gate = many(4, 16), up = many(4, 16), both = many(4, 32), each = many(4, 8), y = tensor(8);
};

TEST_F(FuseExperts, AMixtureIsThreeRecords) {
  records.push_back(NormRecord{false, stream, v, {}, 1e-5F, 8, x});
  router(Format::f32);
  records.push_back(RouteRecord{Routing::softmax_top_k, logits, ids, shares});
  experts(x, gate), experts(x, up);
  records.push_back(ElementwiseRecord{Elementwise::silu_glu, gate, up, 1, up});
  experts(up, each);
  records.push_back(CombineExpertsRecord{each, shares, y});
  records.push_back(ElementwiseRecord{Elementwise::add, stream, y, 0.5F, stream});
  ASSERT_EQ(fused(), 3U);
  EXPECT_TRUE(std::get<RouteRecord>(records[0]).norm.x);
  EXPECT_EQ(std::get<LinearExpertsRecord>(records[1]).after, LinearExpertsRecord::After::glu);
  EXPECT_EQ(std::get<LinearExpertsRecord>(records[2]).residual_scale, 0.5F);
}

TEST_F(FuseExperts, HalvesOfOneMatrixAreGateAndUp) {
  experts(x, both);
  records.push_back(ElementwiseRecord{Elementwise::gelu_glu, both.col_range(0, 16), both.col_range(16, 16), 1, up});
  EXPECT_EQ(fused(), 1U);
  records.clear();
  experts(x, both);
  records.push_back(ElementwiseRecord{Elementwise::gelu_glu, both.col_range(16, 16), both.col_range(0, 16), 1, up});
  EXPECT_EQ(fused(), 2U);
}

TEST_F(FuseExperts, ManyRowsAreSortedByExpertAndStayApart) {
  gate = many(18, 16), up = many(18, 16);
  experts(x, gate), experts(x, up);
  records.push_back(ElementwiseRecord{Elementwise::silu_glu, gate, up, 1, up});
  EXPECT_EQ(fused(), 3U);
}

TEST_F(FuseExperts, RoutersThatAreQuantisedOrLargeStayApart) {
  router(Format::q8_0);
  records.push_back(RouteRecord{Routing::softmax_top_k, logits, ids, shares});
  EXPECT_EQ(fused(), 2U);
  records.clear();
  router(Format::f32, 1 << 16);
  records.push_back(RouteRecord{Routing::softmax_top_k, logits, ids, shares});
  EXPECT_EQ(fused(), 2U);
}

TEST_F(FuseExperts, ASharedExpertIsTwoRecords) {
  const Tensor factor = tensor(1);
  linear(x, gate), linear(x, up), linear(x, factor);
  records.push_back(ElementwiseRecord{Elementwise::silu_glu, gate, up, 1, gate});
  linear(gate, q);
  records.push_back(ElementwiseRecord{Elementwise::sigmoid_gate, q, factor, 1, q});
  records.push_back(ElementwiseRecord{Elementwise::add, y, q, 1, y});
  records.push_back(ElementwiseRecord{Elementwise::add, stream, y, 0.5F, stream});
  ASSERT_EQ(fused(), 2U);
  EXPECT_EQ(std::get<LinearRecord>(records[0]).n_parts, 3);
  EXPECT_EQ(std::get<LinearRecord>(records[1]).outer_scale, 0.5F);
}

}  // namespace
}  // namespace foreword::gpu
