#include "gpu/device_check.h"

#include "tests/gpu/harness.h"

namespace foreword::gpu {
namespace {

/// The processor, but for one kind of op.
class Ill final : public Backend {
 public:
  enum class With { nothing, one_row, many_rows, attention, nan, allocation, submission };
  explicit Ill(With with) : with_(with), inner_(make_reference_backend()) {}

  DeviceInfo device() const override { return inner_->device(); }
  Result<std::unique_ptr<Buffer>> allocate(std::size_t n) override {
    if (with_ == With::allocation) return Error{ErrorCode::out_of_memory, "none"};
    return inner_->allocate(n);
  }
  Result<std::unique_ptr<Buffer>> import_weights(std::span<const std::byte> bytes) override { return inner_->import_weights(bytes); }
  void write(const Tensor& to, std::span<const std::byte> bytes) override { inner_->write(to, bytes); }
  void read(const Tensor& from, std::span<std::byte> bytes) override { inner_->read(from, bytes); }
  void embed(const WeightMatrix& t, const Tensor& i, const Tensor& o) override { inner_->embed(t, i, o); }
  void rms_norm(const Tensor& x, const Tensor& w, float e, std::int64_t g, const Tensor& o) override { inner_->rms_norm(x, w, e, g, o); }
  void layer_norm(const Tensor& x, const Tensor& w, const Tensor& b, float e, std::int64_t g, const Tensor& o) override {
    inner_->layer_norm(x, w, b, e, g, o);
  }
  void linear(const WeightMatrix& w, const Tensor& x, const Tensor& b, const Tensor& o) override {
    inner_->linear(w, x, b, o);
    if (with_ == With::one_row && x.rows == 1) inner_->scale(o, 1.1F);
    if (with_ == With::many_rows && x.rows > 16) inner_->scale(o.row_range(x.rows - 1, 1), -1);
    if (with_ == With::nan && w.format == Format::q6_k) inner_->scale(o.col_range(0, 1), NAN);
  }
  void linear_experts(const WeightMatrix& w, const Tensor& x, const Tensor& e, const Tensor& b, const Tensor& o) override {
    inner_->linear_experts(w, x, e, b, o);
  }
  void rope(const Tensor& x, std::int64_t d, std::int64_t n, RopePairs p, const Tensor& c) override { inner_->rope(x, d, n, p, c); }
  void store_kv(const Tensor& k, const Tensor& v, const KvLayer& l, const Tensor& s) override {
    inner_->store_kv(k, with_ == With::attention ? k : v, l, s);
  }
  void encode_pages(const KvLayer& l, const Tensor& f, const Tensor& t) override { inner_->encode_pages(l, f, t); }
  void copy_slots(const KvLayer& l, const Tensor& f, const Tensor& t) override { inner_->copy_slots(l, f, t); }
  void attention(const Tensor& q, const KvLayer& l, const AttentionRows& r, const AttentionParams& p, const Tensor& o) override {
    inner_->attention(q, l, r, p, o);
  }
  void glu(Activation a, const Tensor& g, const Tensor& u, const Tensor& o) override { inner_->glu(a, g, u, o); }
  void activate(Activation a, const Tensor& x, const Tensor& o) override { inner_->activate(a, x, o); }
  void add(const Tensor& x, const Tensor& y, float s, const Tensor& o) override { inner_->add(x, y, s, o); }
  void scale(const Tensor& x, float f) override { inner_->scale(x, f); }
  void softcap(const Tensor& x, float c) override { inner_->softcap(x, c); }
  void sigmoid_gate(const Tensor& x, const Tensor& g) override { inner_->sigmoid_gate(x, g); }
  void top_k(const Tensor& x, const Tensor& ids, const Tensor& values) override { inner_->top_k(x, ids, values); }
  void route(Routing r, const Tensor& l, const Tensor& e, const Tensor& w) override { inner_->route(r, l, e, w); }
  void combine_experts(const Tensor& y, const Tensor& w, const Tensor& o) override { inner_->combine_experts(y, w, o); }
  void gather_rows(const Tensor& x, const Tensor& r, const Tensor& o) override { inner_->gather_rows(x, r, o); }
  Result<void> submit() override {
    if (with_ == With::submission) return Error{ErrorCode::device_lost, "gone"};
    return inner_->submit();
  }

 private:
  With with_;
  std::unique_ptr<Backend> inner_;
};

TEST(DeviceCheck, EveryDeviceOfTheTestsIsWell) {
  const auto law = make_reference_backend();
  for (const Subject& subject : subjects()) EXPECT_TRUE(computes_as(*law, *subject.open(2)).value()) << subject.name;
}

TEST(DeviceCheck, OneThatComputesWrongIsFoundOut) {
  using With = Ill::With;
  const auto law = make_reference_backend();
  Ill well(With::nothing);
  EXPECT_TRUE(computes_as(*law, well).value());
  for (const With with : {With::one_row, With::many_rows, With::attention, With::nan}) {
    Ill ill(with);
    EXPECT_FALSE(computes_as(*law, ill).value()) << static_cast<int>(with);
  }
}

TEST(DeviceCheck, OneThatFailsSaysHow) {
  const auto law = make_reference_backend();
  Ill full(Ill::With::allocation), lost(Ill::With::submission);
  EXPECT_EQ(computes_as(*law, full).error().code, ErrorCode::out_of_memory);
  EXPECT_EQ(computes_as(*law, lost).error().code, ErrorCode::device_lost);
}

}  // namespace
}  // namespace foreword::gpu
