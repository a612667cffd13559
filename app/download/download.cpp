#include "app/download/download.h"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

namespace foreword::app {
namespace {

namespace fs = std::filesystem;

constexpr int kMostAnew = 3;

/// By what a server can tell whether it is still the same file: a strong tag, else the time of its last change (RFC 9110, section 13.1.5).
std::string validator_of(const WebHeaders& headers) {
  const std::string etag = header_of(headers, "etag");
  return etag.empty() || etag.starts_with("W/") ? header_of(headers, "last-modified") : etag;
}

/// Looks at an answer's head and wants no more of it.
class LengthSink final : public WebSink {
 public:
  bool head(int status, const WebHeaders& headers) override {
    if (status == 200) bytes_ = byte_count(header_of(headers, "content-length"));
    is_good_ = status == 200;
    return false;
  }
  bool body(std::string_view) override { return false; }
  bool wanted() override { return true; }

  bool is_good() const { return is_good_; }
  std::int64_t bytes() const { return bytes_; }

 private:
  bool is_good_ = false;
  std::int64_t bytes_ = -1;
};

Error another_one(const std::string& name) {
  return {ErrorCode::invalid_argument, name + " is there already with other bytes; move it away, or choose another folder."};
}

}  // namespace

/// One answer on its way into the part.
class Download::Sink final : public WebSink {
 public:
  Sink(Download& download, PartFile& part, const DownloadFile& file) : download_(download), part_(part), file_(file) {}

  bool head(int status, const WebHeaders& headers) override {
    if (status == 200) return take(whole(headers));
    if (status == 206) return take(rest(headers));
    if (status == 416) {
      // Nothing follows what is there: it is whole already, or longer than the file.
      const std::string range = header_of(headers, "content-range");
      const std::int64_t total = byte_count(std::string_view(range).substr(std::min(range.size(), std::string_view("bytes */").size())));
      is_whole_ = total == part_.size();
      begins_anew_ = !is_whole_;
    }
    return false;
  }
  bool body(std::string_view bytes) override {
    const std::int64_t total = part_.of().bytes;
    if (total >= 0 && static_cast<std::int64_t>(bytes.size()) > total - part_.size()) {
      error_ = Error{ErrorCode::corrupt, download_.subject(file_).what + " is longer than was announced; try again later."};
      return false;
    }
    if (!take(part_.append(bytes))) return false;
    n_bytes_ += static_cast<std::int64_t>(bytes.size());
    download_.tell(DownloadPhase::loading, part_.size());
    download_.keep_pace(static_cast<std::int64_t>(bytes.size()));
    return true;
  }
  bool wanted() override { return true; }

  const std::optional<Error>& error() const { return error_; }
  bool begins_anew() const { return begins_anew_; }
  bool is_whole() const { return is_whole_; }
  std::int64_t n_bytes() const { return n_bytes_; }

 private:
  bool take(const Result<void>& result) {
    if (!result) error_ = result.error();
    return result.has_value() && !begins_anew_;
  }
  /// From the first byte, asked for or not.
  Result<void> whole(const WebHeaders& headers) {
    const std::int64_t length = byte_count(header_of(headers, "content-length"));
    if (file_.bytes >= 0 && length >= 0 && length != file_.bytes) {
      const std::string sizes = std::to_string(length) + " bytes on the server, and " + std::to_string(file_.bytes) + " in the hub's list";
      return Error{ErrorCode::corrupt, download_.subject(file_).what + " has " + sizes + "; try again later."};
    }
    if (part_.size() > 0) download_.events_.note(file_.name.string() + " begins anew, because the server sends all of it.");
    else if (file_.digest.kind != DigestKind::none) return {};  // as it was begun
    return part_.begin({file_.url.text(), file_.commit, validator_of(headers), file_.bytes >= 0 ? file_.bytes : length, file_.digest});
  }
  /// The rest, as asked for, of the same file.
  Result<void> rest(const WebHeaders& headers) {
    const std::string etag = validator_of(headers);
    const auto range = content_range(header_of(headers, "content-range"));
    const PartOf& of = part_.of();
    const bool same = range && part_.size() > 0 && range->first == part_.size() && (range->total < 0 || of.bytes < 0 || range->total == of.bytes) &&
                      (of.digest.kind != DigestKind::none || etag.empty() || etag == of.etag);
    if (!same) begins_anew_ = true;
    return {};
  }

  Download& download_;
  PartFile& part_;
  const DownloadFile& file_;
  std::optional<Error> error_;
  bool begins_anew_ = false, is_whole_ = false;
  std::int64_t n_bytes_ = 0;
};

std::int64_t DownloadPlan::bytes() const {
  std::int64_t sum = 0;
  for (const DownloadFile& file : files) {
    if (file.bytes < 0 || file.bytes > INT64_MAX - sum) return -1;
    sum += file.bytes;
  }
  return sum;
}

Download::Download(Client& client, DownloadPlan plan, DownloadEvents events, DiskGate gate)
    : client_(client), plan_(std::move(plan)), events_(std::move(events)), gate_(std::move(gate)) {}

Result<std::vector<DownloadedFile>> Download::run() {
  FW_TRY(check_room());
  std::vector<DownloadedFile> files;
  for (const DownloadFile& file : plan_.files) {
    FW_ASSIGN(DownloadedFile loaded, load(file));
    done_before_ += loaded.bytes;
    ++index_;
    files.push_back(std::move(loaded));
  }
  return files;
}

/// For all files at once: the last one should not find the disk full.
Result<void> Download::check_room() const {
  std::int64_t missing = 0;
  for (const DownloadFile& file : plan_.files) {
    const std::int64_t bytes = missing_bytes(plan_.folder / file.name, std::max<std::int64_t>(file.bytes, 0));
    missing += std::min(bytes, INT64_MAX - missing);
  }
  const std::int64_t free = free_bytes(plan_.folder);
  if (missing <= free) return {};
  return no_room(plan_.repo.empty() ? plan_.files[0].name.string() : plan_.repo, plan_.folder, missing, free);
}

Result<DownloadedFile> Download::load(const DownloadFile& file) {
  const fs::path target = plan_.folder / file.name;
  FW_ASSIGN(const bool there, is_there(file, target));
  if (!there) {
    FW_ASSIGN(const std::unique_ptr<PartFile> part, PartFile::open(target, client_.web(), gate_));
    // Another Foreword may have finished it since.
    FW_ASSIGN(const bool there_now, is_there(file, target));
    if (!there_now) {
      const bool had_some = part->size() > 0;
      FW_TRY(prepare(*part, file));
      FW_TRY(fetch(*part, file));
      Result<void> finished = part->finish();
      if (!finished && finished.error().code == ErrorCode::corrupt && had_some) {
        events_.note(file.name.string() + " had wrong bytes, and begins anew, because some of them were from another time.");
        FW_ASSIGN(const std::unique_ptr<PartFile> anew, PartFile::open(target, client_.web(), gate_));
        FW_TRY(fetch(*anew, file));
        finished = anew->finish();
      }
      FW_TRY(finished);
      std::error_code code;
      return DownloadedFile{target, static_cast<std::int64_t>(fs::file_size(target, code)), file.digest.kind, false};
    }
  }
  std::error_code code;
  return DownloadedFile{target, static_cast<std::int64_t>(fs::file_size(target, code)), file.digest.kind, true};
}

/// Whether the file is whole and right. `invalid_argument`: it is another one, which is not touched.
Result<bool> Download::is_there(const DownloadFile& file, const fs::path& target) {
  std::error_code code;
  const fs::file_status status = fs::status(target, code);
  if (!fs::exists(status)) return false;
  if (!fs::is_regular_file(status)) return Error{ErrorCode::invalid_argument, target.string() + " is there already and is no file; choose another folder."};
  const auto bytes = static_cast<std::int64_t>(fs::file_size(target, code));
  if (code) return Error{ErrorCode::io, target.string() + " cannot be looked at: " + code.message() + "."};
  FW_ASSIGN(const std::int64_t wanted, file.bytes >= 0 ? Result<std::int64_t>(file.bytes) : announced_bytes(file));
  if (wanted >= 0 && bytes != wanted) return another_one(target.string());
  FW_ASSIGN(const std::string hex, digest_of_file(target, file.digest.kind, bytes, client_.web(), checking(bytes)));
  if (hex != file.digest.hex) return another_one(target.string());
  return true;
}

/// What the server says that the file has; -1: it does not.
Result<std::int64_t> Download::announced_bytes(const DownloadFile& file) {
  Retries retries(client_, kAsking);
  for (;;) {
    LengthSink sink;
    FW_ASSIGN(const WebAnswer answer, client_.ask(file.url, {}, subject(file), sink));
    if (sink.is_good()) return sink.bytes();
    FW_TRY(retries.after(answer, subject(file)));
  }
}

/// Goes on with the part if it is this file's.
Result<void> Download::prepare(PartFile& part, const DownloadFile& file) {
  const bool had_some = part.size() > 0;
  if (const PartOf* before = part.before()) {
    const bool known = file.digest.kind != DigestKind::none;
    const bool same = known ? before->digest == file.digest && before->bytes == file.bytes
                            : before->url == file.url.text() && !before->etag.empty() && (file.bytes < 0 || before->bytes == file.bytes);
    if (same) return part.go_on(checking(part.size()));
    if (known || before->url != file.url.text() || !before->etag.empty()) events_.note(file.name.string() + " is another file now than the one that was begun, so it begins anew.");
    else events_.note(file.name.string() + " begins anew, because the server does not say whether it is still the same file.");
  } else if (had_some) {
    events_.note(file.name.string() + " begins anew, because nothing says what its part is the beginning of.");
  }
  return part.begin({file.url.text(), file.commit, {}, file.bytes, file.digest});
}

Result<void> Download::fetch(PartFile& part, const DownloadFile& file) {
  Retries retries(client_, kFetching);
  int n_anew = 0;
  if (part.of().url.empty()) FW_TRY(part.begin({file.url.text(), file.commit, {}, file.bytes, file.digest}));
  tell(DownloadPhase::loading, part.size());
  while (part.of().bytes < 0 || part.size() < part.of().bytes) {
    WebHeaders headers;
    if (part.size() > 0) headers.emplace_back("Range", "bytes=" + std::to_string(part.size()) + "-");
    if (part.size() > 0 && file.digest.kind == DigestKind::none) headers.emplace_back("If-Range", part.of().etag);
    Sink sink(*this, part, file);
    FW_ASSIGN(const WebAnswer answer, client_.ask(file.url, headers, subject(file), sink));
    if (sink.error()) return *sink.error();
    if (sink.is_whole()) return {};
    if (sink.n_bytes() > 0) retries.progress();
    if (sink.begins_anew()) {
      if (++n_anew > kMostAnew) return Error{ErrorCode::io, answer.at.host + " does not send the parts of " + subject(file).what + " that it is asked for; try again later."};
      events_.note(file.name.string() + " begins anew, because the server does not go on where it ended.");
      FW_TRY(part.begin({file.url.text(), file.commit, {}, file.bytes, file.digest}));
      continue;
    }
    if (answer.is_good() && (part.of().bytes < 0 || part.size() == part.of().bytes)) {
      return {};
    }
    tell(DownloadPhase::waiting, part.size());
    FW_TRY(retries.after(answer, subject(file)));
  }
  return {};
}

std::function<bool(std::int64_t)> Download::checking(std::int64_t total) {
  return [this, total, done = std::int64_t{0}](std::int64_t bytes) mutable {
    done += bytes;
    events_.progress({DownloadPhase::checking, index_, plan_.files.size(), done, total, 0});
    return !client_.around().stopped();
  };
}

void Download::tell(DownloadPhase phase, std::int64_t done) {
  done += done_before_;
  speed_.see(client_.around().now(), done);
  events_.progress({phase, index_, plan_.files.size(), done, plan_.bytes(), speed_.bytes_per_second()});
}

/// While this waits nothing is read from the connection, so that who sends waits, too.
void Download::keep_pace(std::int64_t bytes) {
  const Surroundings& around = client_.around();
  if (const double wait = pace_.take(around.now(), bytes, events_.limit()); wait > 0) around.wait(wait);
}

WebSubject Download::subject(const DownloadFile& file) const {
  const std::string what = plan_.repo.empty() ? file.name.string() : file.name.string() + " of " + plan_.repo;
  return {what, plan_.page, "Downloading " + what};
}

}  // namespace foreword::app
