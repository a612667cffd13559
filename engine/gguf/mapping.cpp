#include "engine/gguf/mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <string>
#include <system_error>

#include "engine/gguf/text.h"

namespace foreword::engine {
namespace {

/// The sentence for errno after a failed call on the file.
Error failed(const std::string& name, int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return {ErrorCode::not_found, name + " was not found; check its path."};
    case EACCES:
    case EPERM:
      return {ErrorCode::io, name + " may not be read; give yourself the permission to read it."};
    case ENXIO:  // a socket, or a device that is not there
      return {ErrorCode::io, name + " is not an ordinary file; choose a GGUF file."};
    case ENOMEM:
      return {ErrorCode::out_of_memory, name + " does not fit into this process's address space."};
    default:
      return {ErrorCode::io, name + " cannot be read: " + std::generic_category().message(error_number) + "."};
  }
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int number) : number_(number) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

}  // namespace

Result<std::shared_ptr<const FileMapping>> FileMapping::open(const std::filesystem::path& path) {
  const std::string name = printable(path.filename().empty() ? path.string() : path.filename().string());
  // Without O_NONBLOCK, opening a pipe would wait for a writer.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.number() < 0) return failed(name, errno);

  struct stat status {};
  if (::fstat(file.number(), &status) != 0) return failed(name, errno);
  if (S_ISDIR(status.st_mode)) return Error{ErrorCode::io, name + " is a folder; choose a GGUF file in it."};
  if (!S_ISREG(status.st_mode)) return failed(name, ENXIO);
  if (status.st_size == 0) return Error{ErrorCode::corrupt, name + " is empty. Download it again."};
  if (static_cast<std::uintmax_t>(status.st_size) > std::numeric_limits<std::size_t>::max()) {
    return failed(name, ENOMEM);
  }

  // No advice to the kernel: `inspect` and `tokenize` read a few pages of a large file, a loader reads front to back,
  // and the default read-ahead serves both.
  const auto size = static_cast<std::size_t>(status.st_size);
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.number(), 0);
  if (address == MAP_FAILED) return failed(name, errno);
  return std::shared_ptr<const FileMapping>(new FileMapping(address, size));
}

void FileMapping::release_pages() const { ::madvise(address_, size_, MADV_DONTNEED); }

FileMapping::~FileMapping() { ::munmap(address_, size_); }

}  // namespace foreword::engine
