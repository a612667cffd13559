#include "storage/file_header.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

namespace foreword::storage {
namespace {

constexpr std::size_t kHeaderBytes = 100;
constexpr std::size_t kFirstPageBytes = kHeaderBytes + 8;  // the header and that of the b-tree page after it
constexpr char kMagic[16] = "SQLite format 3";
constexpr std::size_t kUserVersionAt = 60;
constexpr std::size_t kApplicationIdAt = 68;
constexpr std::size_t kPageTypeAt = 100;
constexpr std::size_t kCellCountAt = 103;
constexpr unsigned char kTableLeaf = 13;

constexpr std::size_t kWalHeaderBytes = 32;
constexpr std::size_t kFrameHeaderBytes = 24;
constexpr std::uint32_t kWalMagic = 0x377f0682;  // the lowest bit says: checksums over big-endian words

using Bytes = std::vector<unsigned char>;

std::uint32_t big_endian(const unsigned char* at) {
  return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 | at[3];
}

std::uint32_t little_endian(const unsigned char* at) {
  return std::uint32_t{at[3]} << 24 | std::uint32_t{at[2]} << 16 | std::uint32_t{at[1]} << 8 | at[0];
}

bool read(std::ifstream& file, Bytes& bytes) {
  return static_cast<bool>(
      file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size())));
}

/// The running checksum of a WAL.
struct Checksum {
  bool is_big_endian;
  std::uint32_t first = 0;
  std::uint32_t second = 0;

  void add(const unsigned char* at, std::size_t n_bytes) {
    const auto word = is_big_endian ? big_endian : little_endian;
    for (std::size_t i = 0; i + 8 <= n_bytes; i += 8) {
      first += word(at + i) + second;
      second += word(at + i + 4) + first;
    }
  }
  bool equals(const unsigned char* at) const { return first == big_endian(at) && second == big_endian(at + 4); }
};

/// The start of page 1 in the last transaction of the WAL that has it; empty if none has.
Bytes first_page_in_wal(const std::filesystem::path& path) {
  std::error_code unknown;
  if (!std::filesystem::is_regular_file(path, unknown)) return {};
  std::ifstream file(path, std::ios::binary);
  Bytes header(kWalHeaderBytes);
  if (!file || !read(file, header)) return {};
  const std::uint32_t magic = big_endian(header.data());
  const std::size_t page_bytes = big_endian(header.data() + 8);
  if ((magic & ~1u) != kWalMagic || page_bytes < 512 || page_bytes > 65536) return {};
  Checksum checksum{(magic & 1) != 0};
  checksum.add(header.data(), 24);
  if (!checksum.equals(header.data() + 24)) return {};

  Bytes frame(kFrameHeaderBytes + page_bytes);
  Bytes written, committed;
  while (read(file, frame)) {
    const bool same_salt = std::memcmp(frame.data() + 8, header.data() + 16, 8) == 0;
    checksum.add(frame.data(), 8);
    checksum.add(frame.data() + kFrameHeaderBytes, page_bytes);
    if (!same_salt || !checksum.equals(frame.data() + 16)) break;
    const auto page = frame.begin() + kFrameHeaderBytes;
    if (big_endian(frame.data()) == 1) written.assign(page, page + kFirstPageBytes);
    const bool ends_transaction = big_endian(frame.data() + 4) != 0;
    if (ends_transaction && !written.empty()) committed = written;
  }
  return committed;
}

}  // namespace

Result<std::optional<FileHeader>> read_file_header(const std::filesystem::path& path) {
  std::error_code failure;
  const auto status = std::filesystem::status(path, failure);
  if (status.type() == std::filesystem::file_type::not_found) return std::optional<FileHeader>{};
  if (!failure && !std::filesystem::is_regular_file(status)) {  // the reader of a pipe would wait for a writer
    return Error{ErrorCode::io, "The chat database " + path.string() + " is a folder, a device or a pipe, not a file. Move it away, or choose another data folder."};
  }
  if (!failure && std::filesystem::file_size(path, failure) == 0) return std::optional<FileHeader>{};
  std::ifstream file(path, std::ios::binary);
  if (failure || !file) {
    const std::string reason = failure ? failure.message() : std::generic_category().message(errno);
    return Error{ErrorCode::io, "The chat database " + path.string() + " cannot be read (" + reason +
                                    "). Check the permissions of the file and its folder."};
  }
  Bytes page(kFirstPageBytes);
  if (!read(file, page) || std::memcmp(page.data(), kMagic, sizeof kMagic) != 0) {
    return Error{ErrorCode::corrupt, "The file " + path.string() +
                                         " is not a chat database. Move it away, or choose another data folder."};
  }
  if (Bytes newer = first_page_in_wal(path.string() + "-wal"); !newer.empty()) page = std::move(newer);
  FileHeader header;
  header.user_version = static_cast<int>(big_endian(page.data() + kUserVersionAt));
  header.application_id = static_cast<int>(big_endian(page.data() + kApplicationIdAt));
  header.is_blank = page[kPageTypeAt] == kTableLeaf && page[kCellCountAt] == 0 && page[kCellCountAt + 1] == 0;
  return std::optional<FileHeader>(header);
}

}  // namespace foreword::storage
