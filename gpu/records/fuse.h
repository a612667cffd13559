#pragma once
// Which runs of ops one dispatch does: a table of rules, each for two records that follow each other.

#include "gpu/records/records.h"

namespace foreword::gpu {

/// Joins what can be joined, in place and in order; what the records do, to the byte, stays. norms_into_products: the norm of one row goes
/// with the products of it (LinearRecord::norm).
void fuse(std::vector<Record>& records, bool norms_into_products);

}  // namespace foreword::gpu
