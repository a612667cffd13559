#include "gpu/profile.h"

#include <algorithm>

namespace foreword::gpu {

void add_call(std::vector<OpProfile>& profile, const OpCost& cost, double seconds) {
  auto row = std::find_if(profile.begin(), profile.end(), [&](const OpProfile& old) {
    return old.cost.name == cost.name && old.cost.format == cost.format;
  });
  if (row == profile.end()) row = profile.insert(profile.end(), {{cost.name, cost.format, 0, 0}, 0, 0});
  row->cost.bytes += cost.bytes;
  row->cost.operations += cost.operations;
  row->calls += 1;
  row->seconds += seconds;
}

}  // namespace foreword::gpu
