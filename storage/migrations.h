#pragma once
// The steps from an empty file to today's schema. A row is never changed once a release has carried it: the next change
// is the next row.

#include <span>

namespace foreword::storage {

struct Migration {
  int version;      // user_version after this step; rows count 1, 2, 3, ...
  const char* sql;  // runs inside one transaction
};

/// "FwSt", the application_id in the file's header: how a database of ours is told from anybody else's.
inline constexpr int kApplicationId = 0x46775374;

extern const std::span<const Migration> kMigrations;

}  // namespace foreword::storage
