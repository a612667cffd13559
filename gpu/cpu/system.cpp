#include "gpu/cpu/system.h"

#include <sched.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <string_view>
#include <thread>
#include <vector>

#include "gpu/cpu/topology.h"

namespace foreword::gpu {
namespace {

#if defined(__x86_64__)
// Asked of the processor itself: clang 14 does not know this name.
bool has_f16c() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c(); }
// Named by neither of our compilers' oldest versions. Its registers are those of AVX2.
bool has_avxvnni() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kAvxVnni = 1U << 4;
  return has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & kAvxVnni) != 0;
}
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vnni");
}
bool is_intel() { return __builtin_cpu_is("intel"); }
#else
bool has_avx2() { return false; }
bool has_avxvnni() { return false; }
bool has_avx512() { return false; }
bool is_intel() { return false; }
#endif

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Our cgroups in this process's /proc/self/cgroup: visit(controllers, path), v2 with no controllers; "" is the root.
template <class Visit>
void each_cgroup(Visit visit) {
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::string path = line.substr(second + 1);
    if (path == "/") path.clear();
    visit(line.substr(first + 1, second - first - 1), path);
  }
}

// The folders of a v2 group and of all above it.
template <class Visit>
void each_folder_up(std::string path, Visit visit) {
  for (;;) {
    visit("/sys/fs/cgroup" + path);
    if (path.empty()) return;
    path.erase(path.rfind('/'));
  }
}

// The smallest quota on the way from our cgroup up to the root (v2), or the v1 quota; 0 = none.
double cgroup_processors() {
  double quota = 0;
  const auto lower = [&quota](double found) {
    if (found > 0 && (quota == 0 || found < quota)) quota = found;
  };
  each_cgroup([&](const std::string& controllers, const std::string& path) {
    if (controllers.empty()) {
      each_folder_up(path, [&](const std::string& folder) {
        lower(processors_from_cpu_max(first_line(folder + "/cpu.max")));
      });
    } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
      for (const std::string& at : {path, std::string()}) {
        const std::string folder = "/sys/fs/cgroup/cpu" + at;
        const double used = std::atof(first_line(folder + "/cpu.cfs_quota_us").c_str());
        const double period = std::atof(first_line(folder + "/cpu.cfs_period_us").c_str());
        if (used > 0 && period > 0) lower(used / period);
      }
    }
  });
  return quota;
}

std::string whole_text(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::int64_t memory_left(const std::string& folder, const char* limit_name, const char* used_name) {
  return memory_left_in_cgroup(first_line(folder + limit_name), first_line(folder + used_name), whole_text(folder + "/memory.stat"));
}

std::int64_t cgroup_memory_left() {
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  each_cgroup([&](const std::string& controllers, const std::string& path) {
    if (controllers.empty()) {
      each_folder_up(path, [&](const std::string& folder) {
        least = std::min(least, memory_left(folder, "/memory.max", "/memory.current"));
      });
    } else if (controllers == "memory") {
      for (const std::string& at : {path, std::string()}) {
        least = std::min(least, memory_left("/sys/fs/cgroup/memory" + at, "/memory.limit_in_bytes", "/memory.usage_in_bytes"));
      }
    }
  });
  return least;
}

std::vector<int> allowed_processors() {
  std::vector<int> allowed;
  cpu_set_t mask;
  if (::sched_getaffinity(0, sizeof mask, &mask) == 0) {
    for (int p = 0; p < CPU_SETSIZE; ++p) {
      if (CPU_ISSET(p, &mask)) allowed.push_back(p);
    }
  } else {
    for (int p = 0; p < static_cast<int>(std::thread::hardware_concurrency()); ++p) allowed.push_back(p);
  }
  return allowed;
}

}  // namespace

const char* name_of(Isa isa) {
  static constexpr const char* kNames[] = {"generic", "avx2", "avxvnni", "avx512"};
  return kNames[static_cast<std::size_t>(isa)];
}

bool supported(Isa isa) {
  switch (isa) {
    case Isa::generic: return true;
    case Isa::avx2: return has_avx2();
    case Isa::avxvnni: return has_avxvnni();
    case Isa::avx512: return has_avx512();
  }
  return false;
}

Isa best_isa() {
  Isa best = Isa::generic;
  for (const Isa isa : kIsas) {
    if (supported(isa)) best = isa;
  }
  return best;
}

Isa isa_from_environment(Isa best) {
  const char* wish = std::getenv("FOREWORD_ISA");
  for (const Isa isa : kIsas) {
    if (wish != nullptr && std::string_view(wish) == name_of(isa) && supported(isa)) return std::min(isa, best);
  }
  return best;
}

double processors_from_cpu_max(const std::string& line) {
  std::istringstream words(line);
  double quota = 0, period = 0;
  if (!(words >> quota >> period) || quota <= 0 || period <= 0) return 0;
  return quota / period;
}

std::int64_t memory_left_in_cgroup(const std::string& limit_line, const std::string& used_line, const std::string& stat) {
  std::int64_t limit = 0, used = 0, files = 0, with_children = 0;
  if (!(std::istringstream(limit_line) >> limit)) return std::numeric_limits<std::int64_t>::max();
  std::istringstream(used_line) >> used;
  std::istringstream words(stat);
  std::string key;
  for (std::int64_t value = 0; words >> key >> value;) {
    if (key == "inactive_file" || key == "active_file") files += value;
    if (key == "total_inactive_file" || key == "total_active_file") with_children += value;
  }
  return std::max(limit - std::max(used - std::max(files, with_children), std::int64_t{0}), std::int64_t{0});
}

std::int64_t fetch_ahead_bytes() { return is_intel() ? 3072 : 8192; }

std::int64_t cache_bytes() {
  static const std::int64_t bytes = last_cache_bytes(allowed_processors(), "/sys");
  return bytes;
}

int usable_processors() {
  int count = static_cast<int>(processors_worth_a_thread(allowed_processors(), "/sys").size());
  const double quota = cgroup_processors();
  if (quota > 0) count = std::min(count, static_cast<int>(std::ceil(quota)));
  return std::max(count, 1);
}

int processor_here() { return ::sched_getcpu(); }

bool keep_off(std::thread& thread, int processor) {
  cpu_set_t others;
  if (processor < 0 || processor >= CPU_SETSIZE || ::sched_getaffinity(0, sizeof others, &others) != 0) return false;
  CPU_CLR(static_cast<std::size_t>(processor), &others);
  return CPU_COUNT(&others) > 0 && ::pthread_setaffinity_np(thread.native_handle(), sizeof others, &others) == 0;
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "processor";
}

std::vector<std::string> processor_features() {
  std::vector<std::string> features;
  if (has_avx2()) features.insert(features.end(), {"avx2", "fma", "f16c"});
  if (has_avxvnni()) features.push_back("avxvnni");
  if (has_avx512()) features.insert(features.end(), {"avx512", "avx512vnni"});
  return features;
}

MemoryInfo memory_info() {
  MemoryInfo memory;
  std::ifstream file("/proc/meminfo");
  std::string key, unit;
  for (std::int64_t kib = 0; file >> key >> kib; std::getline(file, unit)) {
    if (key == "MemTotal:") memory.total_bytes = kib * 1024;
    if (key == "MemAvailable:") memory.available_bytes = kib * 1024;
  }
  memory.available_bytes = std::min(memory.available_bytes, cgroup_memory_left());
  return memory;
}

}  // namespace foreword::gpu
