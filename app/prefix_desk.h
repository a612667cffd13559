#pragma once
// The desk of stored prefixes: a thread of its own beside the storage desk, so that chats never wait for it. To the engine
// it is the PrefixStore; what it cannot do is told once in the log, and is a page that is not there.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

#include "engine/base/mailbox.h"
#include "engine/base/result.h"
#include "engine/kv/prefix_store.h"

namespace foreword::storage {
class PrefixStore;
}

namespace foreword::app {

class PrefixDesk final : public engine::PrefixStore {
 public:
  /// `folder` and what is in it are made when they are needed. `budget` in bytes; nothing: the standard one.
  PrefixDesk(std::filesystem::path folder, std::optional<std::int64_t> budget);
  /// Does what was asked before. The engine must be gone.
  ~PrefixDesk() override;

  void load(Wanted wanted, std::shared_ptr<Mailbox<engine::StoredPage>> to) override;
  void save(engine::StoredPage page, std::int64_t chat, std::function<void(bool kept)> done) override;
  void use(std::int64_t chat, std::vector<engine::PrefixId> pages) override;
  void forget(std::int64_t chat) override;
  void forget_all_but(std::vector<std::int64_t> chats) override;

 private:
  struct Load {
    Wanted wanted;
    std::shared_ptr<Mailbox<engine::StoredPage>> to;
  };
  struct Save {
    engine::StoredPage page;
    std::int64_t chat;
    std::function<void(bool kept)> done;
  };
  struct Use {
    std::int64_t chat;
    std::vector<engine::PrefixId> pages;
  };
  struct Forget {
    std::int64_t chat;
  };
  struct ForgetAllBut {
    std::vector<std::int64_t> chats;
  };
  using Letter = std::variant<Load, Save, Use, Forget, ForgetAllBut>;

  void run();
  void handle(Load& letter);
  void handle(Save& letter);
  void handle(Use& letter);
  void handle(Forget& letter);
  void handle(ForgetAllBut& letter);
  void open();
  bool good(const Result<void>& result);

  std::filesystem::path folder_;
  std::optional<std::int64_t> budget_;
  std::unique_ptr<storage::PrefixStore> store_;  // null: it cannot be opened
  bool told_ = false;
  Mailbox<Letter> inbox_;
  std::thread thread_;
};

}  // namespace foreword::app
