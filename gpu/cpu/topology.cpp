#include "gpu/cpu/topology.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

namespace foreword::gpu {
namespace {

constexpr std::size_t kMostProcessors = 4096;
constexpr double kNearTheLargest = 0.75;

std::string first_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::filesystem::path folder_of(int processor, const std::filesystem::path& sys) {
  return sys / "devices/system/cpu" / ("cpu" + std::to_string(processor));
}

// Keeps those for which `keep` holds, unless that would be none.
template <class Keep>
void narrow(std::vector<int>& processors, Keep keep) {
  std::vector<int> kept;
  std::ranges::copy_if(processors, std::back_inserter(kept), keep);
  if (!kept.empty()) processors = std::move(kept);
}

void keep_performance_cores(std::vector<int>& processors, const std::filesystem::path& sys) {
  const std::vector<int> fast = parse_processor_list(first_line(sys / "devices/cpu_core/cpus"));
  if (!fast.empty()) narrow(processors, [&](int p) { return std::ranges::find(fast, p) != fast.end(); });
  std::map<int, double> capacity;
  double largest = 0;
  for (const int processor : processors) {
    std::istringstream(first_line(folder_of(processor, sys) / "cpu_capacity")) >> capacity[processor];
    largest = std::max(largest, capacity[processor]);
  }
  if (largest > 0) narrow(processors, [&](int p) { return capacity[p] >= kNearTheLargest * largest; });
}

void keep_one_for_each_core(std::vector<int>& processors, const std::filesystem::path& sys) {
  std::vector<int> taken;
  narrow(processors, [&](int processor) {
    if (std::ranges::find(taken, processor) != taken.end()) return false;
    const std::vector<int> siblings =
        parse_processor_list(first_line(folder_of(processor, sys) / "topology/thread_siblings_list"));
    taken.insert(taken.end(), siblings.begin(), siblings.end());
    return true;
  });
}

/// "32768K" in bytes.
std::int64_t parse_size(const std::string& text) {
  std::istringstream words(text);
  std::int64_t size = 0;
  char unit = 0;
  words >> size >> unit;
  return size << (unit == 'K' ? 10 : unit == 'M' ? 20 : unit == 'G' ? 30 : 0);
}

struct Cache {
  int level = 0;
  std::int64_t bytes = 0;
  std::vector<int> processors;  // that share it
};

Cache last_cache(int processor, const std::filesystem::path& sys) {
  Cache last;
  for (int i = 0;; ++i) {
    const std::filesystem::path folder = folder_of(processor, sys) / "cache" / ("index" + std::to_string(i));
    int level = 0;
    if (!(std::istringstream(first_line(folder / "level")) >> level)) return last;
    if (level > last.level) last = {level, parse_size(first_line(folder / "size")), parse_processor_list(first_line(folder / "shared_cpu_list"))};
  }
}

}  // namespace

std::vector<int> parse_processor_list(const std::string& text) {
  std::vector<int> list;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    std::istringstream range(word);
    int first = 0, last = 0;
    char dash = 0;
    if (!(range >> first) || first < 0) break;
    if (!(range >> dash >> last)) last = first;
    for (int p = first; p <= last && list.size() < kMostProcessors; ++p) list.push_back(p);
  }
  return list;
}

std::vector<int> processors_worth_a_thread(std::vector<int> allowed, const std::filesystem::path& sys) {
  keep_performance_cores(allowed, sys);
  keep_one_for_each_core(allowed, sys);
  return allowed;
}

std::int64_t last_cache_bytes(const std::vector<int>& processors, const std::filesystem::path& sys) {
  std::int64_t all = 0;
  std::vector<int> counted;
  for (const int processor : processors) {
    if (std::ranges::find(counted, processor) != counted.end()) continue;
    const Cache cache = last_cache(processor, sys);
    counted.insert(counted.end(), cache.processors.begin(), cache.processors.end());
    all += cache.bytes;
  }
  return all;
}

}  // namespace foreword::gpu
