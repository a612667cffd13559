#pragma once
// Writes down, while nothing runs, what was read for chats: a few pages at a time are on their way to the prefix store, whose answers
// come as letters to the desk.

#include <memory>

#include "engine/inbox.h"
#include "engine/kv/prefix_keeper.h"
#include "engine/loaded_model.h"

namespace foreword::engine {

class PageSaver {
 public:
  /// `model` and `store` must outlive it. number: of the loading of this model; letters about others are not for it.
  PageSaver(LoadedModel& model, PrefixStore& store, std::shared_ptr<Inbox> inbox, std::uint64_t number);

  PrefixKeeper& keeper() { return keeper_; }
  /// One step; the next one is due when the store has answered.
  void save_some();
  void settle(const PageSettled& page);
  /// All that is not there yet, as far as a few seconds go.
  void save_the_rest();

 private:
  PrefixKeeper keeper_;
  std::shared_ptr<Inbox> inbox_;
  std::uint64_t number_;
  int n_unsettled_ = 0;
};

}  // namespace foreword::engine
