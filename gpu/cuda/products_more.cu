// Products of the formats whose codes fit into int8 and whose inputs are rounded in three terms.

#include "gpu/cuda/product_launch.cuh"

namespace foreword::gpu::cuda {

const ProductRow* more_product_row(Format format) {
  static constexpr ProductRow kRows[] = {
      {Format::q4_1, launch_product<Format::q4_1>},     {Format::q5_1, launch_product<Format::q5_1>},     {Format::q2_k, launch_product<Format::q2_k>},
      {Format::q3_k, launch_product<Format::q3_k>},     {Format::iq4_nl, launch_product<Format::iq4_nl>}, {Format::iq4_xs, launch_product<Format::iq4_xs>},
      {Format::mxfp4, launch_product<Format::mxfp4>}, {Format::nvfp4, launch_product<Format::nvfp4>},
  };
  for (const ProductRow& row : kRows) {
    if (row.format == format) return &row;
  }
  return nullptr;
}

}  // namespace foreword::gpu::cuda
