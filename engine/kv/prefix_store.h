#pragma once
// What the engine asks of a place where pages outlive the program. It knows no database and never waits for a disk: saving
// is a letter, loading fills a mailbox. Nothing here can fail: what goes wrong is a page that is not there.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/base/mailbox.h"
#include "engine/kv/prefix_key.h"

namespace foreword::engine {

/// A page of all layers, 64 tokens or the fewer at a text's end. `bytes` come from prefix_page.h, whose checks tell whether
/// they came back whole.
struct StoredPage {
  PrefixId id, parent;
  std::vector<std::int32_t> tokens;
  std::vector<std::byte> bytes;
};

class PrefixStore {
 public:
  virtual ~PrefixStore() = default;

  /// The pages that follow `parent` in a text, as far as they are there: ids[i] is that of tokens [64 i, 64 i + 64), and
  /// behind the last one that is found the longest page with which the rest of the tokens begins. In order, one letter a
  /// page; then the mailbox is closed. Who closes it before wants no more.
  struct Wanted {
    PrefixId parent;
    std::vector<PrefixId> ids;
    std::vector<std::int32_t> tokens;
  };
  virtual void load(Wanted wanted, std::shared_ptr<Mailbox<StoredPage>> to) = 0;
  /// Keeps a page for a chat, in the place of what had its id. `done` is told whether it is kept, on the store's thread.
  virtual void save(StoredPage page, std::int64_t chat, std::function<void(bool kept)> done) = 0;
  /// The chat needs these pages, and no page at a text's end but the one among them.
  virtual void use(std::int64_t chat, std::vector<PrefixId> pages) = 0;
  /// Erases the bytes of all pages that no other chat uses.
  virtual void forget(std::int64_t chat) = 0;
  /// Erases the bytes of all pages that none of these chats uses.
  virtual void forget_all_but(std::vector<std::int64_t> chats) = 0;
};

}  // namespace foreword::engine
