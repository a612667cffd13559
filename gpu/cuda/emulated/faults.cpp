#include <charconv>

#include "gpu/cuda/emulated/plugin.h"

namespace foreword::gpu::cuda {
namespace {

struct NumberRow {
  std::string_view name;
  std::int64_t EmulatedFaults::*place;
};
constexpr NumberRow kNumbers[] = {
    {"fail-allocation", &EmulatedFaults::fail_allocation}, {"lose-at-submit", &EmulatedFaults::lose_at_submit}, {"memory", &EmulatedFaults::memory},
    {"shared-memory", &EmulatedFaults::shared_memory}};

struct StatusRow {
  std::string_view name;
  Status status;
};
constexpr StatusRow kStatuses[] = {{"no-driver", kNoDriver}, {"old-driver", kDriverTooOld}, {"driver-fails", kDriverFails}, {"no-device", kNoDevice}};

}  // namespace

EmulatedFaults faults_from_words(std::string_view words) {
  EmulatedFaults faults;
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(','));
    words.remove_prefix(word.size() < words.size() ? word.size() + 1 : words.size());
    const std::string_view name = word.substr(0, word.find('='));
    for (const StatusRow& row : kStatuses) {
      if (row.name == name) faults.status_of_count = row.status;
    }
    for (const NumberRow& row : kNumbers) {
      if (row.name == name && name.size() < word.size()) std::from_chars(word.data() + name.size() + 1, word.data() + word.size(), faults.*row.place);
    }
  }
  return faults;
}

}  // namespace foreword::gpu::cuda
