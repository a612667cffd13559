// Any bytes as a file to import: a chat, whose every message stands after its parent and which is written and read again
// without a change, or an Error with a sentence.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "app/chat_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace foreword;
  const auto tree = app::chat_from_json({reinterpret_cast<const char*>(data), size});
  if (!tree) {
    if (tree.error().message.empty() || tree.error().message.back() != '.') std::abort();
    return 0;
  }
  storage::Id last = 0;
  for (const auto& entry : tree->messages) {
    if (entry.message.id != ++last || entry.message.parent_id < 0 || entry.message.parent_id >= last) std::abort();
  }
  const std::string json = app::chat_to_json(*tree);
  const auto again = app::chat_from_json(json);
  if (!again || app::chat_to_json(*again) != json) std::abort();
  return 0;
}
