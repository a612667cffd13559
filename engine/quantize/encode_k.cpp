// Blocks of 256 whose sub-blocks have scales of their own, themselves quantised.
//
// First every sub-block alone, with any real scale; then the block's common scale; then, a few times over: each sub-block's
// integer scale among its neighbours, and the common scale anew by least squares over all 256 values. A step is kept only
// if the whole block's error, with the numbers as they will be stored, is smaller.

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/quantize/encode_block.h"
#include "engine/quantize/fit.h"

namespace foreword::engine::encode_block {
namespace {

constexpr int kBlock = 256;
constexpr int kRounds = 3;

// ---- scale and minimum: x ~ d SC q - dmin MN, q in 0..high, SC and MN in 0..63 ----

constexpr int kSub = 32, kSubs = kBlock / kSub;
constexpr int kMostScale = 63;

struct ScalesAndMins {
  float d = 0, dmin = 0;
  std::array<int, kSubs> scale{}, min{};
  float error = 0;

  float scale_of(int s) const { return d * static_cast<float>(scale[static_cast<std::size_t>(s)]); }
  float offset_of(int s) const { return -dmin * static_cast<float>(min[static_cast<std::size_t>(s)]); }
};

class ScaleMinSearch {
 public:
  ScaleMinSearch(const float* x, const float* w, int high) : x_(x), w_(w), high_(high) {}

  ScalesAndMins run() {
    float most_scale = 0, most_min = 0;
    for (int s = 0; s < kSubs; ++s) {
      alone_[static_cast<std::size_t>(s)] = fit::affine(x_ + kSub * s, w_ + kSub * s, kSub, high_, true, nullptr);
      most_scale = std::max(most_scale, alone_[static_cast<std::size_t>(s)].scale);
      most_min = std::max(most_min, -alone_[static_cast<std::size_t>(s)].offset);
    }
    ScalesAndMins best = with(most_scale / kMostScale, most_min / kMostScale);
    for (int round = 0; round < kRounds; ++round) {
      const auto [d, dmin] = least_squares(best);
      ScalesAndMins next = with(d, dmin);
      if (!(next.error < best.error)) break;
      best = next;
    }
    return best;
  }

 private:
  /// The best integer scales for these common ones, as stored.
  ScalesAndMins with(float d, float dmin) const {
    ScalesAndMins all;
    all.d = fit::to_half(d);
    all.dmin = fit::to_half(dmin);
    for (int s = 0; s < kSubs; ++s) all.error += choose(s, all);
    return all;
  }

  /// Chooses the integers of one sub-block next to what it had alone: first a minimum, then for each minimum the scales
  /// around the one that suits it. Returns the error.
  float choose(int s, ScalesAndMins& all) const {
    const std::size_t at = static_cast<std::size_t>(s);
    const float *x = x_ + kSub * s, *w = w_ + kSub * s;
    const int scale = nearest(alone_[at].scale, all.d), min = nearest(-alone_[at].offset, all.dmin);
    float best = INFINITY;
    for (int m = std::max(min - 2, 0); m <= std::min(min + 2, kMostScale); ++m) {
      for (int c = std::max(scale - 1, 0); c <= std::min(scale + 1, kMostScale); ++c) {
        const float error = fit::error_of(x, w, kSub, all.d * static_cast<float>(c), -all.dmin * static_cast<float>(m), 0, high_);
        if (!(error < best)) continue;
        best = error;
        all.scale[at] = c;
        all.min[at] = m;
      }
    }
    return best;
  }

  static int nearest(float value, float unit) {
    if (!(unit > 0)) return 0;
    return static_cast<int>(std::lround(std::clamp(value / unit, 0.0F, static_cast<float>(kMostScale))));
  }

  /// The common scales that suit the codes and integers best: x ~ d (SC q) - dmin MN over all values.
  std::pair<float, float> least_squares(const ScalesAndMins& all) const {
    double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0;  // a = SC q, b = -MN
    float q[kSub], ones[kSub];
    std::fill(ones, ones + kSub, 1.0F);
    for (int s = 0; s < kSubs; ++s) {
      const float *x = x_ + kSub * s, *w = w_ + kSub * s;
      const double scale = all.scale[static_cast<std::size_t>(s)], min = -all.min[static_cast<std::size_t>(s)];
      fit::codes(x, kSub, all.scale_of(s), all.offset_of(s), 0, high_, q);
      aa += scale * scale * fit::dot(w, q, q, kSub);
      ab += scale * min * fit::dot(w, q, ones, kSub);
      bb += min * min * fit::dot(w, ones, ones, kSub);
      ax += scale * fit::dot(w, q, x, kSub);
      bx += min * fit::dot(w, x, ones, kSub);
    }
    const double determinant = aa * bb - ab * ab;
    if (determinant > 1e-12 * aa * bb) {
      const double d = (ax * bb - bx * ab) / determinant, dmin = (bx * aa - ax * ab) / determinant;
      if (d > 0 && dmin >= 0) return {static_cast<float>(d), static_cast<float>(dmin)};
    }
    return {aa > 0 ? static_cast<float>((ax - static_cast<double>(all.dmin) * ab) / aa) : all.d, all.dmin};
  }

  const float *x_, *w_;
  int high_;
  std::array<fit::Affine, kSubs> alone_;
};

/// Six bits each in 12 bytes.
void store_scales(const ScalesAndMins& all, std::uint8_t* sc) {
  for (std::size_t s = 0; s < 4; ++s) {
    sc[s] = static_cast<std::uint8_t>(all.scale[s] | (all.scale[s + 4] >> 4) << 6);
    sc[s + 4] = static_cast<std::uint8_t>(all.min[s] | (all.min[s + 4] >> 4) << 6);
    sc[s + 8] = static_cast<std::uint8_t>((all.scale[s + 4] & 15) | (all.min[s + 4] & 15) << 4);
  }
}

/// Head of Q4_K and Q5_K (f16 d, f16 dmin, u8 sc[12]); the codes of all values.
void encode_scale_min(const float* x, const float* w, int high, std::uint8_t* out, std::array<float, kBlock>& q) {
  const ScalesAndMins found = ScaleMinSearch(x, w, high).run();
  store_half(found.d, out);
  store_half(found.dmin, out + 2);
  store_scales(found, out + 4);
  for (int s = 0; s < kSubs; ++s) {
    fit::codes(x + kSub * s, kSub, found.scale_of(s), found.offset_of(s), 0, high, q.data() + kSub * s);
  }
}

// ---- scale alone: x ~ d SC q, q in -32..31, SC in -128..127 ----

constexpr int kSmall = 16, kSmalls = kBlock / kSmall;
constexpr int kLow = -32, kHigh = 31;

struct Scales {
  float d = 0;
  std::array<int, kSmalls> scale{};
  float error = 0;

  float scale_of(int s) const { return d * static_cast<float>(scale[static_cast<std::size_t>(s)]); }
};

class ScaleSearch {
 public:
  ScaleSearch(const float* x, const float* w) : x_(x), w_(w) {}

  Scales run() {
    float most = 0;
    for (int s = 0; s < kSmalls; ++s) {
      alone_[static_cast<std::size_t>(s)] =
          fit::symmetric(x_ + kSmall * s, w_ + kSmall * s, kSmall, kLow, kHigh, nullptr).scale;
      const float scale = alone_[static_cast<std::size_t>(s)];
      if (std::fabs(scale) > std::fabs(most)) most = scale;
    }
    // The largest scale becomes -128, which a byte holds while it does not hold 128.
    Scales best = with(most / -128.0F);
    for (int round = 0; round < kRounds; ++round) {
      Scales next = with(least_squares(best));
      if (!(next.error < best.error)) break;
      best = next;
    }
    return best;
  }

 private:
  Scales with(float d) const {
    Scales all;
    all.d = fit::to_half(d);
    for (int s = 0; s < kSmalls; ++s) all.error += choose(s, all);
    return all;
  }

  float choose(int s, Scales& all) const {
    const std::size_t at = static_cast<std::size_t>(s);
    const int scale = all.d == 0 ? 0 : static_cast<int>(std::lround(std::clamp(alone_[at] / all.d, -128.0F, 127.0F)));
    float best = INFINITY;
    for (int c = std::max(scale - 1, -128); c <= std::min(scale + 1, 127); ++c) {
      const float error =
          fit::error_of(x_ + kSmall * s, w_ + kSmall * s, kSmall, all.d * static_cast<float>(c), 0, kLow, kHigh);
      if (!(error < best)) continue;
      best = error;
      all.scale[at] = c;
    }
    return best;
  }

  float least_squares(const Scales& all) const {
    double aa = 0, ax = 0;
    float q[kSmall];
    for (int s = 0; s < kSmalls; ++s) {
      const float *x = x_ + kSmall * s, *w = w_ + kSmall * s;
      const double scale = all.scale[static_cast<std::size_t>(s)];
      fit::codes(x, kSmall, all.scale_of(s), 0, kLow, kHigh, q);
      aa += scale * scale * fit::dot(w, q, q, kSmall);
      ax += scale * fit::dot(w, q, x, kSmall);
    }
    return aa > 0 ? static_cast<float>(ax / aa) : all.d;
  }

  const float *x_, *w_;
  std::array<float, kSmalls> alone_{};
};

}  // namespace

void q4_k(const float* x, const float* w, std::uint8_t* out) {  // f16 d, f16 dmin, u8 sc[12], u8 qs[128]
  std::array<float, kBlock> q;
  encode_scale_min(x, w, 15, out, q);
  for (int i = 0; i < kBlock; ++i) {
    const int s = i / kSub;
    out[16 + 32 * (s / 2) + i % kSub] |= static_cast<std::uint8_t>(static_cast<int>(q[static_cast<std::size_t>(i)]) << 4 * (s % 2));
  }
}

void q5_k(const float* x, const float* w, std::uint8_t* out) {  // f16 d, f16 dmin, u8 sc[12], u8 qh[32], u8 qs[128]
  std::array<float, kBlock> q;
  encode_scale_min(x, w, 31, out, q);
  for (int i = 0; i < kBlock; ++i) {
    const int s = i / kSub, code = static_cast<int>(q[static_cast<std::size_t>(i)]);
    out[16 + i % kSub] |= static_cast<std::uint8_t>((code >> 4) << s);
    out[48 + 32 * (s / 2) + i % kSub] |= static_cast<std::uint8_t>((code & 15) << 4 * (s % 2));
  }
}

void q6_k(const float* x, const float* w, std::uint8_t* out) {  // u8 ql[128], u8 qh[64], i8 sc[16], f16 d
  const Scales found = ScaleSearch(x, w).run();
  std::array<float, kBlock> q;
  for (int s = 0; s < kSmalls; ++s) {
    fit::codes(x + kSmall * s, kSmall, found.scale_of(s), 0, kLow, kHigh, q.data() + kSmall * s);
    out[192 + s] = static_cast<std::uint8_t>(static_cast<std::int8_t>(found.scale[static_cast<std::size_t>(s)]));
  }
  for (int i = 0; i < kBlock; ++i) {
    const int n = i / 128, k = i % 128 / 32, l = i % 32, code = static_cast<int>(q[static_cast<std::size_t>(i)]) + 32;
    out[64 * n + 32 * (k % 2) + l] |= static_cast<std::uint8_t>((code & 15) << 4 * (k / 2));
    out[128 + 32 * n + l] |= static_cast<std::uint8_t>((code >> 4) << 2 * k);
  }
  store_half(found.d, out + 208);
}

}  // namespace foreword::engine::encode_block
