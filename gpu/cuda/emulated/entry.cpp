#include "gpu/cuda/emulated/plugin.h"

extern "C" __attribute__((visibility("default"))) const foreword::gpu::cuda::Api* foreword_cuda_plugin();

const foreword::gpu::cuda::Api* foreword_cuda_plugin() { return &foreword::gpu::cuda::emulated_plugin_by_environment(); }
