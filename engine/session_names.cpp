#include "engine/session.h"

namespace foreword::engine {
namespace {

constexpr std::string_view kSuggestReasons[] = {"running", "done", "cancelled", "busy", "no_model", "failed"};
constexpr std::string_view kStopReasons[] = {"eos", "stop", "length", "context", "cancelled"};

}  // namespace

std::string_view name_of(SuggestReason reason) { return kSuggestReasons[static_cast<int>(reason)]; }
std::string_view name_of(StopReason reason) { return kStopReasons[static_cast<int>(reason)]; }

}  // namespace foreword::engine
