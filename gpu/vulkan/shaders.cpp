#include "gpu/vulkan/shaders.h"

#include <algorithm>
#include <map>

#include "engine/base/check.h"

namespace foreword::gpu::vulkan {
namespace {

struct Module {
  std::string_view name;
  std::span<const std::uint32_t> code;
};

#include "generated/gpu/vulkan/shader_code.inl"  // made by the build: kModules

// Numbers of the SPIR-V specification, version 1.5.
enum Op : std::uint32_t { kTypeInt = 21, kTypeFloat = 22, kTypeVector = 23, kTypeArray = 28, kTypeStruct = 30, kTypePointer = 32,
                          kConstant = 43, kVariable = 59, kDecorate = 71, kMemberDecorate = 72 };
enum Decoration : std::uint32_t { kSpecId = 1, kArrayStride = 6, kNonWritable = 24, kNonReadable = 25, kBinding = 33, kDescriptorSet = 34, kOffset = 35 };
enum Storage : std::uint32_t { kPushConstant = 9, kStorageBuffer = 12 };

class Reader {
 public:
  explicit Reader(std::span<const std::uint32_t> code) {
    check(code.size() > 5 && code[0] == 0x07230203, "a SPIR-V module");
    for (std::size_t at = 5; at < code.size();) {
      const std::size_t length = code[at] >> 16;
      check(length > 0 && at + length <= code.size(), "a whole SPIR-V module");
      instruction(code[at] & 0xffff, code.subspan(at + 1, length - 1));
      at += length;
    }
  }

  ShaderFacts facts() const {
    ShaderFacts facts;
    facts.n_constants = n_constants_;
    for (const auto& [id, variable] : variables_) {
      const std::uint32_t block = pointee_.at(variable.type);
      if (variable.storage == kPushConstant) facts.push_bytes = size_of(block);
      if (variable.storage != kStorageBuffer) continue;
      const std::uint32_t binding = value(id, kBinding);
      check(value(id, kDescriptorSet) == 0, "buffers are in set 0");
      if (facts.bindings.size() <= binding) facts.bindings.resize(binding + 1, {false, false});
      const auto flagged = [&, variable_id = id](std::uint32_t what) { return has(variable_id, what) || member_has(block, what); };
      ShaderFacts::Binding& b = facts.bindings[binding];
      // Two views of one binding (words and vectors of them) count together.
      b.read = b.read || !flagged(kNonReadable);
      b.written = b.written || !flagged(kNonWritable);
    }
    return facts;
  }

 private:
  struct Variable {
    std::uint32_t type = 0, storage = 0;
  };

  void instruction(std::uint32_t op, std::span<const std::uint32_t> a) {
    if (op == kDecorate) {
      decorations_[{a[0], a[1]}] = a.size() > 2 ? a[2] : 1;
      if (a[1] == kSpecId) n_constants_ = std::max(n_constants_, a[2] + 1);
    }
    if (op == kMemberDecorate) members_[{a[0], a[1], a[2]}] = a.size() > 3 ? a[3] : 1;
    if (op == kTypePointer) pointee_[a[0]] = a[2];
    if (op == kTypeStruct) structs_[a[0]] = std::vector(a.begin() + 1, a.end());
    if (op == kTypeInt || op == kTypeFloat) sizes_[a[0]] = a[1] / 8;
    if (op == kTypeVector) sizes_[a[0]] = sizes_[a[1]] * a[2];
    if (op == kConstant) constants_[a[1]] = a[2];
    if (op == kTypeArray && decorations_.contains({a[0], kArrayStride})) sizes_[a[0]] = decorations_[{a[0], kArrayStride}] * constants_[a[2]];
    if (op == kVariable) variables_[a[1]] = {a[0], a[2]};
  }

  std::uint32_t size_of(std::uint32_t type) const {
    const auto it = structs_.find(type);
    if (it == structs_.end()) return sizes_.at(type);
    std::uint32_t end = 0;
    for (std::uint32_t i = 0; i < it->second.size(); ++i) end = std::max(end, members_.at({type, i, kOffset}) + size_of(it->second[i]));
    return (end + 3) / 4 * 4;
  }
  bool has(std::uint32_t id, std::uint32_t what) const { return decorations_.contains({id, what}); }
  bool member_has(std::uint32_t type, std::uint32_t what) const { return members_.contains({type, 0, what}); }
  std::uint32_t value(std::uint32_t id, std::uint32_t what) const { return has(id, what) ? decorations_.at({id, what}) : 0; }

  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> decorations_;
  std::map<std::array<std::uint32_t, 3>, std::uint32_t> members_;
  std::map<std::uint32_t, std::uint32_t> pointee_, sizes_, constants_;
  std::map<std::uint32_t, std::vector<std::uint32_t>> structs_;
  std::map<std::uint32_t, Variable> variables_;
  std::uint32_t n_constants_ = 0;
};

}  // namespace

std::string_view name_of(ShaderId id) { return kModules[static_cast<std::size_t>(id)].name; }
std::span<const std::uint32_t> code_of(ShaderId id) { return kModules[static_cast<std::size_t>(id)].code; }
ShaderFacts read_facts(std::span<const std::uint32_t> code) { return Reader(code).facts(); }

}  // namespace foreword::gpu::vulkan
