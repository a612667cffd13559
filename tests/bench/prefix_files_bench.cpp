// Where stored pages should live: BLOBs in SQLite, or a file of their own that SQLite points into. Prints one row a way:
// seconds and written bytes for saving blocks one by one, durably, for reading them back from the disk, and for erasing
// half of them so that their bytes are gone. Usage: bench_prefix_files FOLDER [BLOCKS] [BLOCK_BYTES]
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace {

using Bytes = std::vector<char>;

void must(bool good, const std::string& what) {
  if (good) return;
  std::fprintf(stderr, "%s failed\n", what.c_str());
  std::exit(1);
}

/// Bytes that this process made the system write.
double written() {
  std::ifstream io("/proc/self/io");
  std::string key;
  double value = 0;
  while (io >> key >> value) {
    if (key == "write_bytes:") return value;
  }
  return 0;
}

class Sqlite {
 public:
  Sqlite(const std::string& path, const std::string& pragmas) {
    must(sqlite3_open(path.c_str(), &handle_) == SQLITE_OK, "opening " + path);
    run(pragmas + "PRAGMA synchronous = FULL;");
  }
  ~Sqlite() { sqlite3_close(handle_); }
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;
  void run(const std::string& sql) { must(sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK, sql); }
  void insert(int id, const Bytes& bytes) {
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(handle_, "INSERT INTO blocks VALUES (?, ?)", -1, &statement, nullptr);
    sqlite3_bind_int(statement, 1, id);
    sqlite3_bind_blob(statement, 2, bytes.data(), static_cast<int>(bytes.size()), SQLITE_STATIC);
    must(sqlite3_step(statement) == SQLITE_DONE, "insert");
    sqlite3_finalize(statement);
  }
  void read(int id, Bytes& bytes) {
    sqlite3_blob* blob = nullptr;
    must(sqlite3_blob_open(handle_, "main", "blocks", "bytes", id, 0, &blob) == SQLITE_OK, "blob");
    must(sqlite3_blob_read(blob, bytes.data(), static_cast<int>(bytes.size()), 0) == SQLITE_OK, "blob read");
    sqlite3_blob_close(blob);
  }

 private:
  sqlite3* handle_ = nullptr;
};

void forget_in_memory(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY);
  if (file < 0) return;
  fsync(file);
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  close(file);
}

struct Way {
  std::string name;
  std::function<void()> open, close;
  std::function<void(int, const Bytes&)> save;
  std::function<void(int, Bytes&)> read;
  std::function<void(int)> erase;
  std::string file;
};

void measure(const Way& way, int n, std::size_t size) {
  using Clock = std::chrono::steady_clock;
  const auto timed = [](const auto& work) {
    const double before = written();
    const auto start = Clock::now();
    work();
    return std::pair{std::chrono::duration<double>(Clock::now() - start).count(), written() - before};
  };
  std::mt19937_64 random(1);
  Bytes bytes(size), back(size);
  for (std::size_t i = 0; i + 8 <= size; i += 8) *reinterpret_cast<std::uint64_t*>(&bytes[i]) = random();
  const double payload = static_cast<double>(size) * n;
  way.open();
  const auto save = timed([&] {
    for (int i = 0; i < n; ++i) way.save(i, bytes);
  });
  way.close();
  forget_in_memory(way.file);
  way.open();
  const auto read = timed([&] {
    for (int i = 0; i < n; ++i) way.read(i, back);
  });
  must(back == bytes, "reading the same");
  const auto erase = timed([&] {
    for (int i = 0; i < n; i += 2) way.erase(i);
  });
  way.close();
  std::printf("| %-34s | %5.2f | %5.0f | %5.0f | %5.2f | %6.1f |\n", way.name.c_str(), save.second / payload, payload / save.first / 1e6,
              payload / read.first / 1e6, erase.second / (payload / 2), erase.first / (n / 2.0) * 1e3);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "Usage: bench_prefix_files FOLDER [BLOCKS] [BLOCK_BYTES]\n");
    return 2;
  }
  const std::filesystem::path folder = std::filesystem::path(argv[1]) / "prefix-files-bench";
  const int n = argc > 2 ? std::atoi(argv[2]) : 100;
  const auto size = static_cast<std::size_t>(argc > 3 ? std::atoll(argv[3]) : 2359296);
  std::printf("%d blocks of %zu bytes, each saved durably by itself\n\n", n, size);
  std::printf("| way                                | written / payload | save MB/s | read MB/s | written / erased | ms an erasure |\n");
  std::printf("|---|---|---|---|---|---|\n");
  for (const char* journal : {"TRUNCATE", "WAL"}) {
    for (const int page : {4096, 16384, 65536}) {
      std::filesystem::remove_all(folder);
      std::filesystem::create_directories(folder);
      const std::string path = folder / "blobs.db";
      std::unique_ptr<Sqlite> sqlite;
      measure({std::string("BLOBs, ") + journal + ", pages of " + std::to_string(page / 1024) + " KiB",
               [&] {
                 sqlite = std::make_unique<Sqlite>(path, "PRAGMA page_size = " + std::to_string(page) + "; PRAGMA journal_mode = " + journal +
                                                             "; PRAGMA secure_delete = ON;");
                 sqlite->run("CREATE TABLE IF NOT EXISTS blocks (id INTEGER PRIMARY KEY, bytes BLOB)");
               },
               [&] { sqlite.reset(); }, [&](int i, const Bytes& bytes) { sqlite->insert(i, bytes); },
               [&](int i, Bytes& bytes) { sqlite->read(i, bytes); },
               [&](int i) { sqlite->run("DELETE FROM blocks WHERE id = " + std::to_string(i)); }, path},
              n, size);
    }
  }
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const std::string path = folder / "pages", index_path = folder / "index.db";
  std::unique_ptr<Sqlite> sqlite;
  int file = -1;
  const off_t place = static_cast<off_t>((size + 4095) / 4096 * 4096);
  measure({"one file, index in SQLite (TRUNCATE)",
           [&] {
             sqlite = std::make_unique<Sqlite>(index_path, "PRAGMA journal_mode = TRUNCATE;");
             sqlite->run("CREATE TABLE IF NOT EXISTS blocks (id INTEGER PRIMARY KEY, place INTEGER)");
             file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
             must(file >= 0, "opening");
           },
           [&] {
             sqlite.reset();
             close(file);
           },
           [&](int i, const Bytes& bytes) {
             must(pwrite(file, bytes.data(), size, i * place) == static_cast<ssize_t>(size) && fdatasync(file) == 0, "writing");
             sqlite->run("INSERT INTO blocks VALUES (" + std::to_string(i) + ", " + std::to_string(i * place) + ")");
           },
           [&](int i, Bytes& bytes) { must(pread(file, bytes.data(), size, i * place) == static_cast<ssize_t>(size), "reading"); },
           [&](int i) {
             must(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, i * place, place) == 0, "punching a hole");
             sqlite->run("DELETE FROM blocks WHERE id = " + std::to_string(i));
           },
           path},
          n, size);
  std::filesystem::remove_all(folder);
}
