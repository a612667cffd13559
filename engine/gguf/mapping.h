#pragma once
// A whole file, mapped read-only. Private to engine/gguf.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include "engine/base/result.h"

namespace foreword::engine {

class FileMapping {
 public:
  /// `not_found`, `io` (no right to read it, a folder, a pipe, a device), `corrupt` if it is empty. Never waits for
  /// another process. The sentence names the file, not its folder.
  static Result<std::shared_ptr<const FileMapping>> open(const std::filesystem::path& path);

  FileMapping(const FileMapping&) = delete;
  FileMapping& operator=(const FileMapping&) = delete;
  ~FileMapping();

  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(address_), size_}; }

  /// See GgufFile::release_pages().
  void release_pages() const;

 private:
  FileMapping(void* address, std::size_t size) : address_(address), size_(size) {}

  void* address_;
  std::size_t size_;
};

}  // namespace foreword::engine
