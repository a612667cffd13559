#include "app/history.h"
#include "app/prefix_cache.h"

namespace foreword::app {

Result<std::unique_ptr<History>> open_history(const std::filesystem::path&, std::optional<std::int64_t>,
                                              const std::optional<std::string>&, const std::filesystem::path&) {
  return Error{ErrorCode::unsupported, "This build keeps no chats, because it was made without storage."};
}

Result<std::string> export_stored_chat(const std::filesystem::path&, std::int64_t, const std::string&) {
  return Error{ErrorCode::unsupported, "This build keeps no chats, because it was made without storage."};
}

std::unique_ptr<engine::PrefixStore> open_prefix_cache(const CommonOptions&) { return nullptr; }

}  // namespace foreword::app
