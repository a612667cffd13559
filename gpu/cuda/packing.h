#pragma once
// How the weights of products lie on the device: the numbers of the file in another order, so that every load of a kernel is wide,
// aligned, and followed by its neighbour's. Host and device read sizes here; gpu/cuda/units.cuh reads the weights, pack.cu makes them.
//
// 16 rows make a tile, 256 columns of it a unit. The 16 runs of 16 columns of a unit are dealt to four chunks: chunk q has the runs
// 2q, 2q + 1, 2q + 8, 2q + 9, that is sub-blocks q and q + 4 of 32 columns. Units of a tile follow each other, tiles of an expert, experts.
// A unit is its four chunks of codes and then the scales of its 16 rows. Rows and columns that are not there are zeros.

#include <cstdint>

#include "gpu/format.h"

namespace foreword::gpu::cuda {

inline constexpr std::int64_t kTileRows = 16, kUnitColumns = 256;

/// Bytes of a unit; 0: products read the format as it lies in the file.
constexpr std::int64_t unit_bytes(Format format) {
  switch (format) {  // 16 rows of 256 columns cost what they do in the file
    case Format::q4_0:
    case Format::iq4_nl: return 16 * 8 * 18;
    case Format::q4_1: return 16 * 8 * 20;
    case Format::q5_0: return 16 * 8 * 22;
    case Format::q5_1: return 16 * 8 * 24;
    case Format::q8_0: return 16 * 8 * 34;
    case Format::q2_k: return 16 * 84;
    case Format::q3_k: return 16 * 110;
    case Format::q4_k: return 16 * 144;
    case Format::q5_k: return 16 * 176;
    case Format::q6_k: return 16 * 210;
    case Format::iq4_xs: return 16 * 136;
    case Format::mxfp4: return 16 * 8 * 17;
    case Format::nvfp4: return 16 * 4 * 36;
    default: return 0;
  }
}

constexpr std::int64_t units_of(std::int64_t cols) { return (cols + kUnitColumns - 1) / kUnitColumns; }
constexpr std::int64_t tiles_of(std::int64_t rows) { return (rows + kTileRows - 1) / kTileRows; }
/// Of one expert.
constexpr std::int64_t packed_bytes(Format format, std::int64_t rows, std::int64_t cols) { return tiles_of(rows) * units_of(cols) * unit_bytes(format); }

}  // namespace foreword::gpu::cuda
