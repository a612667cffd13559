#pragma once
// How an op becomes dispatches.
//
// To write one: a file op_NAME.cpp with `void lower(const SomeRecord&, Lowering&)` (declared at the end of this page), and its
// shaders in shaders/. A dispatch is put together in this order:
//
//   to.use(ShaderId::glu, {256, kind});            the module, and its specialisation constants, ids 0, 1, ..
//   const View x = to.bind(tensor);                its storage buffers, binding 0, 1, ..; absent tensors may be bound too
//   to.push(Push{x, out, n});                      its push constants, as the block in the shader says, 128 bytes at most
//   to.dispatch(groups_x, groups_y, groups_z, cost);
//
// A binding starts at an address that the device likes, so a View says how many elements further the tensor begins, and how far
// its rows are apart. Hazards: whether a shader reads or writes a binding is read off its code (write `readonly` and `writeonly`
// in the shader); a barrier goes before whatever overlaps, by bound bytes. Nothing else has to be done, and an op may emit as
// many dispatches as it likes, with scratch() between them.
//
// Shaders: shaders/NAME.comp gives ShaderId::NAME. Lines `// variant OTHER: -DFOO=1` in it give ShaderId::OTHER, .. instead, one module
// a line. `layout(local_size_x_id = 0)`: constant 0 is the size of a workgroup, by custom. shaders/common.glsl has View and the
// checks of sizes; no shader may assume a subgroup size, more than 16 KiB of shared memory, or more than 256 invocations. Bits: a
// row's result must not depend on the other rows or their number; write sums in a fixed order and `precise` where the compiler
// could contract.
//
// The first failure (no memory for a weight, a shader that the driver refuses) sticks: fail(), and submit() reports it.

#include <bit>
#include <cstring>
#include <initializer_list>
#include <optional>

#include "engine/base/check.h"
#include "gpu/records/records.h"
#include "gpu/vulkan/commands.h"
#include "gpu/vulkan/weights.h"

namespace foreword::gpu::vulkan {

/// Elements from the start of the binding to the tensor's first, and from row to row. (Also a struct of common.glsl.)
struct View {
  std::uint32_t offset = 0, stride = 0;
};

class Lowering {
 public:
  Lowering(const Device& device, Pipelines& pipelines, Weights& weights, Memory& memory, Transfer& transfer)
      : device_(device), pipelines_(pipelines), weights_(weights), memory_(memory), transfer_(transfer) {}

  const Features& features() const { return device_.features(); }

  void use(ShaderId shader, std::initializer_list<std::uint32_t> constants);
  View bind(const Tensor& tensor);
  /// Any memory, as elements of `element` bytes, which its offset has to be a multiple of; the stride comes out 0.
  View bind(const Range& range, std::uint32_t element);
  void bind_absent();
  template <class Push>
  void push(const Push& values) {
    static_assert(sizeof(Push) <= 4 * kPushWords && std::is_trivially_copyable_v<Push>);
    check(sizeof(Push) == command_.pipeline_push_bytes, "as many push constants as the shader has");
    std::memcpy(command_.command.push.data(), &values, sizeof values);
  }
  /// Workgroups. Bytes and operations of `cost` also say where command buffers may be cut; keep a dispatch below some 10^10
  /// operations (split by rows).
  void dispatch(std::int64_t x, std::int64_t y, std::int64_t z, const OpCost& cost);
  void copy(const Range& from, const Range& to);

  /// A weight's windows, brought to the device if it is not there yet. Empty after a failure.
  std::vector<WeightWindow> windows(const WeightMatrix& weight);
  /// Memory for this record alone; the next one may be given the same.
  Range scratch(std::uint64_t bytes);
  /// Constants that are the same for the life of the backend (tables of formats), filled at the first use.
  Range constant_table(const char* name, std::span<const std::uint32_t> words);
  /// Bytes of a tensor, and of all of a buffer.
  static Range range_of(const Tensor& tensor);
  static Range range_of(const Buffer& buffer);

  void fail(const Error& error) {
    if (!failure_) failure_ = error;
  }
  bool failed() const { return failure_.has_value(); }

  // The backend's side.
  void start(CommandList& list);
  void next_record();
  std::optional<Error> take_failure() { return std::exchange(failure_, std::nullopt); }
  Range staged;  // bytes of write()

 private:
  struct Building {
    Command command;
    std::size_t pipeline_push_bytes = 0;
    std::size_t n_bound = 0;
    const ShaderFacts* facts = nullptr;
  };

  const Device& device_;
  Pipelines& pipelines_;
  Weights& weights_;
  Memory& memory_;
  Transfer& transfer_;
  CommandList* list_ = nullptr;
  Building command_;
  std::optional<Error> failure_;
  std::vector<std::unique_ptr<DeviceBuffer>> scratch_;
  std::size_t scratch_chunk_ = 0;
  std::uint64_t scratch_used_ = 0;
  std::map<std::string, std::unique_ptr<DeviceBuffer>> tables_;
  std::unique_ptr<DeviceBuffer> absent_;
};

/// a / b, rounded up.
constexpr std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
constexpr std::uint32_t u32(std::int64_t value) { return static_cast<std::uint32_t>(value); }
/// Invocations of a workgroup whose invocations make a column each.
inline constexpr std::uint32_t kColumnGroup = 64;
/// In how many lanes a norm is summed (norm.glsl): by the width alone, so that a row's sums go the same way whatever is beside it.
constexpr std::uint32_t norm_lanes(std::int64_t group) { return group <= 64 ? 32 : 256; }
/// Columns that one of them reads before it uses the first, since memory takes long to answer: 1 to 16, which is a row of 4096.
constexpr std::uint32_t norm_at_once(std::int64_t group) { return std::clamp((u32(group) + norm_lanes(group) - 1) / norm_lanes(group), 1U, 16U); }
/// Bytes that a tensor's values have.
inline std::int64_t value_bytes(const Tensor& t) { return t ? t.rows * t.cols * bytes_of(t.dtype) : 0; }

void lower(const EmbedRecord&, Lowering&);           // op_embed.cpp
void lower(const NormRecord&, Lowering&);            // op_norm.cpp
void lower(const ElementwiseRecord&, Lowering&);     // op_elementwise.cpp
void lower(const GatherRowsRecord&, Lowering&);
void lower(const CombineExpertsRecord&, Lowering&);
void lower(const RopeRecord&, Lowering&);            // op_rope.cpp
void lower(const WriteRecord&, Lowering&);           // op_copy.cpp
void lower(const CopySlotsRecord&, Lowering&);
void lower(const LinearRecord&, Lowering&);          // op_linear.cpp
void lower(const LinearExpertsRecord&, Lowering&);   // op_experts.cpp
void lower(const RouteRecord&, Lowering&);           // op_route.cpp
void lower(const TopKRecord&, Lowering&);            // op_top_k.cpp
void lower(const StoreKvRecord&, Lowering&);         // op_kv.cpp
void lower(const EncodePagesRecord&, Lowering&);
void lower(const AttentionRecord&, Lowering&);       // op_attention.cpp

/// Reads all of a range once. (op_copy.cpp)
void lower_reading(const Range& range, Lowering& to);

}  // namespace foreword::gpu::vulkan
