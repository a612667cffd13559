#include "app/commands/bench_roofline.h"

#include <algorithm>
#include <cstdio>
#include <string>

namespace foreword::app {
namespace {

// The ops of a step, the longest first.
std::vector<gpu::OpProfile> by_time(std::vector<gpu::OpProfile> ops) {
  std::ranges::sort(ops, [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
  return ops;
}

double rate(std::int64_t amount, double seconds) { return seconds > 0 ? static_cast<double>(amount) / seconds : 0; }
double share(double part, double of) { return of > 0 ? part / of : 0; }

std::string name_of(const gpu::OpProfile& op) {
  return std::string(op.cost.name) + (op.cost.format.empty() ? "" : " " + std::string(op.cost.format));
}

}  // namespace

void Roofline::print() const {
  std::printf("\nA step of %lld rows, op by op (each alone, a barrier behind it); memory %.1f GB/s, products %.0f Gop/s\n",
              static_cast<long long>(n_rows), bandwidth / 1e9, peak / 1e9);
  std::printf("  %-22s %5s %9s %6s %8s %8s %8s %8s\n", "op", "calls", "ms", "time", "GB/s", "memory", "Gop/s", "products");
  double all = 0;
  for (const gpu::OpProfile& op : ops) all += op.seconds;
  for (const gpu::OpProfile& op : by_time(ops)) {
    const double bytes = rate(op.cost.bytes, op.seconds), operations = rate(op.cost.operations, op.seconds);
    std::printf("  %-22s %5lld %9.3f %5.1f%% %8.2f %7.0f%%", name_of(op).c_str(), static_cast<long long>(op.calls / n_steps),
                1e3 * op.seconds / n_steps, 100 * share(op.seconds, all), bytes / 1e9, 100 * share(bytes, bandwidth));
    if (op.cost.operations > 0) std::printf(" %8.1f %7.0f%%", operations / 1e9, 100 * share(operations, peak));
    std::printf("\n");
  }
  std::printf("  %-22s %5s %9.3f\n", "all", "", 1e3 * all / n_steps);
}

Report Roofline::report() const {
  std::vector<Report> rows;
  for (const gpu::OpProfile& op : by_time(ops)) {
    const double bytes = rate(op.cost.bytes, op.seconds), operations = rate(op.cost.operations, op.seconds);
    rows.push_back(Report()
                       .set("op", op.cost.name)
                       .set("format", op.cost.format)
                       .set("calls", op.calls / n_steps)
                       .set("seconds", op.seconds / n_steps)
                       .set("bytes", op.cost.bytes / n_steps)
                       .set("operations", op.cost.operations / n_steps)
                       .set("bandwidth_share", share(bytes, bandwidth))
                       .set("peak_share", share(operations, peak)));
  }
  return Report().set("rows", n_rows).set("bandwidth", bandwidth).set("peak_operations", peak).set("ops", rows);
}

}  // namespace foreword::app
