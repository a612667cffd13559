#pragma once
// What the storage tests share: a store in a fresh folder, with a clock that counts.

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include "storage/chat_store.h"
#include "tests/support/fixtures.h"

namespace foreword::storage {

/// The value of a Result, or a failed test with its sentence.
template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}
inline void must(Result<void> result) {
  if (!result) throw std::runtime_error(result.error().message);
}

class StoreTest : public testing::Test {
 protected:
  std::filesystem::path file() const { return folder_.path() / "foreword.db"; }

  std::unique_ptr<ChatStore> open() {
    return must(ChatStore::open(file(), [this] { return ++now_; }));
  }

  static NewMessage said(Id chat, Id parent, std::string text, Role role = Role::user) {
    NewMessage message;
    message.chat_id = chat;
    message.parent_id = parent;
    message.role = role;
    message.content = std::move(text);
    return message;
  }
  static NewMessage answer(Id chat, Id parent) {
    NewMessage message = said(chat, parent, "", Role::assistant);
    message.status = Status::streaming;
    return message;
  }

  test::TempDir folder_;
  std::int64_t now_ = 1'700'000'000'000;
};

}  // namespace foreword::storage
