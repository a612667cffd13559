#pragma once
// From dispatches and copies to command buffers: barriers go where ranges overlap, and a list that came before word for word
// runs again from the command buffers made then.

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <utility>
#include <vector>

#include "gpu/profile.h"
#include "gpu/vulkan/memory.h"
#include "gpu/vulkan/pipelines.h"

namespace foreword::gpu::vulkan {

inline constexpr std::size_t kMaxBindings = 16;
inline constexpr std::size_t kPushWords = 32;

/// A dispatch, or a copy where there is no pipeline: ranges[0] to ranges[1].
struct Command {
  const Pipeline* pipeline = nullptr;
  std::array<Range, kMaxBindings> ranges{};  // as bound
  std::array<std::uint32_t, kPushWords> push{};
  std::array<std::uint32_t, 3> groups{1, 1, 1};
  bool barrier = false;  // before it
  bool cut = false;      // begins a new command buffer

  bool operator==(const Command&) const = default;
};

class CommandList {
 public:
  /// Takes the command in; decides about its barrier and whether the driver should see what came before by itself, so that no
  /// command buffer runs longer than about 50 ms on a slow device.
  void add(Command command, const OpCost& cost);
  void clear();
  bool empty() const { return commands_.empty(); }
  const std::vector<Command>& commands() const { return commands_; }
  const std::vector<OpCost>& costs() const { return costs_; }  // of each command
  std::int64_t bytes() const { return bytes_; }

 private:
  struct Use {
    Range range;
    bool written = false;
  };

  std::vector<Command> commands_;
  std::vector<OpCost> costs_;
  std::vector<Use> uses_;  // since the last barrier
  std::int64_t bytes_ = 0;
  double seconds_ = 0;  // of the command buffer under way, guessed
};

class CommandRunner {
 public:
  explicit CommandRunner(std::shared_ptr<Device> device) : device_(std::move(device)) {}
  CommandRunner(const CommandRunner&) = delete;
  CommandRunner& operator=(const CommandRunner&) = delete;
  ~CommandRunner();

  /// Runs the list and waits. Nothing of it is kept but the command buffers.
  Result<void> run(const CommandList& list);
  DeviceCounts take_counts() { return std::exchange(counts_, {}); }

 private:
  struct Program {
    std::vector<Command> commands;
    VkDescriptorPool pool = VK_NULL_HANDLE;
    std::vector<VkCommandBuffer> buffers;
  };

  Result<void> make(Program& program);
  Result<void> make_pool(Program& program);
  Result<VkCommandBuffer> begin(Program& program);
  void destroy(Program& program);

  std::shared_ptr<Device> device_;
  VkCommandPool pool_ = VK_NULL_HANDLE;
  std::list<Program> programs_;  // the latest first
  DeviceCounts counts_;
};

}  // namespace foreword::gpu::vulkan
