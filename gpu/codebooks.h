#pragma once
// The lattice points that the IQ formats index (I. Kawrakow's choice; constants of the format, published in ggml's
// ggml-common.h). 33 KiB, built from bit maps at the first use.

#include <array>
#include <cstdint>

namespace foreword::gpu {

struct Codebooks {
  template <int kEntries, int kWidth>
  using Table = std::array<std::array<std::int8_t, kWidth>, kEntries>;

  Table<256, 8> iq2_xxs;  // values 8, 25, 43
  Table<512, 8> iq2_xs;
  Table<1024, 8> iq2_s;
  Table<2048, 8> iq1;  // values -1, 0, 1; for IQ1_S and IQ1_M
  Table<256, 4> iq3_xxs;  // values 4, 12, 20, 28, 36, 44, 52, 62
  Table<512, 4> iq3_s;    // values 1, 3, ..., 15
};

/// Thread-safe; the first call builds the tables.
const Codebooks& codebooks();

}  // namespace foreword::gpu
