#include "storage/types.h"

namespace foreword::storage {
namespace {

constexpr const char* kRoleNames[] = {"system", "user", "assistant", "tool"};
constexpr const char* kStatusNames[] = {"complete", "streaming", "stopped", "interrupted", "failed"};

}  // namespace

const char* name_of(Role role) { return kRoleNames[static_cast<int>(role)]; }
const char* name_of(Status status) { return kStatusNames[static_cast<int>(status)]; }

}  // namespace foreword::storage
