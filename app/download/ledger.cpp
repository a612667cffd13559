#include "app/download/ledger.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "app/files.h"

namespace foreword::app {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::size_t kLongestWords = 300;  // bytes of a host or a purpose

class OpenFile {
 public:
  explicit OpenFile(int file) : file_(file) {}
  ~OpenFile() {
    if (file_ >= 0) ::close(file_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int get() const { return file_; }

 private:
  int file_;
};

Error cannot(const char* what, const fs::path& file, const std::string& why) {
  return {ErrorCode::io, "The list of what was asked of the internet cannot be " + std::string(what) + " (" + file.string() + ": " + why + ")."};
}

std::string hex_of(std::uint64_t id) {
  char text[16];
  const auto end = std::to_chars(text, text + sizeof text, id, 16).ptr;
  return {text, end};
}

/// Whole characters.
std::string cut(std::string text) {
  if (text.size() <= kLongestWords) return text;
  std::size_t end = kLongestWords;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "\u2026";
}

std::string line_of(const Asked& asked) {
  Json json{{"id", hex_of(asked.id)}, {"at", asked.at_ms}, {"host", cut(asked.host)}, {"for", cut(asked.purpose)}, {"received", asked.received}};
  if (asked.sent >= 0) json["sent"] = asked.sent;
  if (asked.status > 0) json["status"] = asked.status;
  if (asked.ended) json["end"] = name_of(asked.end);
  return json.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
}

std::optional<Asked> asked_from(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto text = [&](const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const auto number = [&](const char* key, std::int64_t otherwise) {
    const auto found = json.find(key);
    return found != json.end() && found->is_number_integer() ? found->get<std::int64_t>() : otherwise;
  };
  Asked asked{.at_ms = number("at", -1), .host = text("host"), .purpose = text("for"), .received = number("received", 0), .sent = number("sent", -1)};
  asked.status = static_cast<int>(std::clamp<std::int64_t>(number("status", 0), 0, 999));
  const std::string id = text("id"), end = text("end");
  const auto [after, code] = std::from_chars(id.data(), id.data() + id.size(), asked.id, 16);
  if (id.empty() || code != std::errc() || after != id.data() + id.size() || asked.at_ms < 0 || asked.host.empty() || asked.received < 0) return std::nullopt;
  const auto ended = end_from_name(end);
  asked.ended = ended.has_value();
  asked.end = ended.value_or(WebEnd::whole);
  return asked.ended || end.empty() ? std::optional(std::move(asked)) : std::nullopt;
}

/// What a file's lines add; how many of them are damaged.
std::size_t add_lines(std::string_view text, std::vector<Asked>& rows, std::map<std::uint64_t, std::size_t>& known) {
  std::size_t n_damaged = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    auto asked = asked_from(line);
    if (!asked) {
      ++n_damaged;
      continue;
    }
    const auto [place, is_new] = known.try_emplace(asked->id, rows.size());
    if (is_new) rows.push_back(*std::move(asked));
    else rows[place->second] = *std::move(asked);
  }
  return n_damaged;
}

}  // namespace

fs::path Ledger::older() const {
  fs::path path = file_;
  return path += ".1";
}

/// The full file becomes the older one, once, whoever else is at it: the name must still be this file's while it is locked. A line that is being
/// added by another process lands in it all the same.
void Ledger::turn_over(int file) const {
  struct stat opened {}, named {};
  if (::flock(file, LOCK_EX | LOCK_NB) != 0 || ::fstat(file, &opened) != 0 || ::stat(file_.c_str(), &named) != 0) return;
  if (opened.st_ino != named.st_ino || opened.st_dev != named.st_dev) return;
  std::error_code ignored;
  fs::rename(file_, older(), ignored);  // else it grows on, and is tried again with the next line
}

Result<void> Ledger::write(const Asked& asked) const {
  std::error_code ignored;
  fs::create_directories(file_.parent_path(), ignored);
  const OpenFile file(::open(file_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0600));
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return cannot("written", file_, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return cannot("written", file_, "it is no file");
  std::string line = line_of(asked);
  char last = '\n';
  if (status.st_size > 0 && ::pread(file.get(), &last, 1, status.st_size - 1) == 1 && last != '\n') line.insert(0, 1, '\n');  // what was cut off, or is half written just now, harms no other line
  const ssize_t n = ::write(file.get(), line.data(), line.size());
  if (n != static_cast<ssize_t>(line.size())) return cannot("written", file_, n < 0 ? std::strerror(errno) : "the disk is full");
  if (status.st_size + n >= most_bytes_) turn_over(file.get());
  return {};
}

Ledger::Page Ledger::read() const {
  Page page;
  std::map<std::uint64_t, std::size_t> known;
  std::size_t n_damaged = 0;
  for (const fs::path& path : {older(), file_}) {
    std::error_code none;
    if (fs::symlink_status(path, none).type() == fs::file_type::not_found) continue;
    const auto text = read_file(path, static_cast<std::uintmax_t>(2 * kMostBytes), Readable::regular);
    if (!text) page.problem = cannot("read", path, text.error().message).message;
    else n_damaged += add_lines(*text, page.rows, known);
  }
  if (n_damaged > 0) page.problem = "Some of what was asked of the internet cannot be read any more (" + file_.string() + "), and is missing here.";
  std::ranges::reverse(page.rows);
  std::ranges::stable_sort(page.rows, std::ranges::greater(), &Asked::at_ms);
  if (page.rows.size() > kMostRows) page.rows.resize(kMostRows);
  return page;
}

Result<void> Ledger::clear() const {
  for (const fs::path& path : {older(), file_}) {
    std::error_code code;
    fs::remove(path, code);
    if (code) return cannot("cleared", path, code.message());
  }
  return {};
}

}  // namespace foreword::app
