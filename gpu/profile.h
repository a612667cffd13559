#pragma once
// What the ops of a step cost, one by one, for a roofline: the least bytes and operations that each needs beside the time
// it took.

#include <cstdint>
#include <string_view>
#include <vector>

namespace foreword::gpu {

/// One kind of op. `name` and `format` live as long as the program.
struct OpCost {
  std::string_view name;           // "linear", "attention", "rms_norm", ...
  std::string_view format = {};    // of the weight, or empty
  std::int64_t bytes = 0;          // that have to be moved between memory and processor
  std::int64_t operations = 0;     // of products, a multiply-add being two
};

struct OpProfile {
  OpCost cost;  // all calls together
  std::int64_t calls = 0;
  double seconds = 0;
};

/// What a device was asked to do, counted. Zeros where the backend does not count.
struct DeviceCounts {
  std::int64_t dispatches = 0;
  std::int64_t barriers = 0;
  std::int64_t copies = 0;
  std::int64_t submissions = 0;
  std::int64_t reused = 0;  // submissions that the driver had seen before
  std::int64_t bytes = 0;   // that the ops have to move
  std::int64_t bytes_read_back = 0;  // by read()
};

/// Adds a call to the row of its name and format, a new one if there is none.
void add_call(std::vector<OpProfile>& profile, const OpCost& cost, double seconds);

}  // namespace foreword::gpu
