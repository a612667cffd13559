#pragma once
// Mailbox<T>: the only way in which desks (threads) speak to each other. Unbounded first-in first-out queue.
// Any thread may push; one desk takes. After close() pushes are dropped and takers get what is left, then nothing.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

namespace foreword {

template <class T>
class Mailbox {
 public:
  /// `on_push` runs after every push, outside the lock, on the pushing thread (wakes a window's event loop).
  explicit Mailbox(std::function<void()> on_push = {}) : on_push_(std::move(on_push)) {}
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  void push(T letter) {
    {
      std::lock_guard lock(mutex_);
      if (closed_) return;
      letters_.push_back(std::move(letter));
    }
    ready_.notify_one();
    if (on_push_) on_push_();
  }

  /// The next letter if there is one; never waits.
  std::optional<T> try_take() {
    std::lock_guard lock(mutex_);
    return take_locked();
  }

  /// Waits for a letter; nothing means closed and empty.
  std::optional<T> take() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return closed_ || !letters_.empty(); });
    return take_locked();
  }

  /// Waits until `deadline`; nothing means time-out, or closed and empty.
  std::optional<T> take_until(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    ready_.wait_until(lock, deadline, [this] { return closed_ || !letters_.empty(); });
    return take_locked();
  }

  /// Waits until fewer than `most` letters lie here, or it is closed: for who sends faster than is taken.
  void wait_for_room(std::size_t most) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || letters_.size() < most; });
  }

  bool closed() const {
    std::lock_guard lock(mutex_);
    return closed_;
  }

  void close() {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    ready_.notify_all();
    room_.notify_all();
  }

 private:
  std::optional<T> take_locked() {
    if (letters_.empty()) return std::nullopt;
    std::optional<T> letter(std::move(letters_.front()));
    letters_.pop_front();
    room_.notify_all();
    return letter;
  }

  mutable std::mutex mutex_;
  std::condition_variable ready_, room_;
  std::deque<T> letters_;
  bool closed_ = false;
  std::function<void()> on_push_;
};

}  // namespace foreword
