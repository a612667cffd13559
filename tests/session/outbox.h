#pragma once
// Events as they come, and what is sent to the engine while it tells them: by its own thread, so that a test that is kept waiting itself
// is not too late with it.

#include <functional>
#include <mutex>

#include "engine/session.h"

namespace foreword::engine {

class WithOutbox {
 protected:
  /// `action` runs on the engine's thread when it has told `n` things more, and before it does anything else.
  void after(int n, std::function<void()> action) {
    const std::lock_guard lock(mutex_);
    left_ = n;
    action_ = std::move(action);
  }

  Mailbox<Event> outbox_{[this] { told(); }};

 private:
  void told() {
    std::unique_lock lock(mutex_);
    if (left_ == 0 || --left_ > 0) return;
    const std::function<void()> action = std::move(action_);
    lock.unlock();
    action();
  }

  std::mutex mutex_;
  int left_ = 0;
  std::function<void()> action_;
};

}  // namespace foreword::engine
