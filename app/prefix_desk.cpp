#include "app/prefix_desk.h"

#include <cstring>
#include <fstream>
#include <utility>

#include "app/paths.h"
#include "app/prefix_cache.h"
#include "engine/base/log.h"
#include "gpu/kv_format.h"
#include "storage/prefix_store.h"

namespace foreword::app {
namespace {

/// Pages that wait to be taken: their memory is used again and again, and fresh memory is what takes longest.
constexpr std::size_t kMostAhead = 4;

constexpr auto kPageTokens = static_cast<std::size_t>(gpu::kPageSlots);

std::string bytes_of(const engine::PrefixId& id) { return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()}; }

std::string bytes_of(std::span<const std::int32_t> tokens) { return {reinterpret_cast<const char*>(tokens.data()), tokens.size_bytes()}; }

engine::PrefixId id_of(const std::string& bytes) {
  engine::PrefixId id;
  if (bytes.size() == id.bytes.size()) std::memcpy(id.bytes.data(), bytes.data(), bytes.size());
  return id;
}

engine::StoredPage page_of(storage::PrefixPage&& row) {
  engine::StoredPage page{id_of(row.hash), id_of(row.parent), std::vector<std::int32_t>(row.tokens.size() / sizeof(std::int32_t)), std::move(row.bytes)};
  std::memcpy(page.tokens.data(), row.tokens.data(), page.tokens.size() * sizeof(std::int32_t));
  return page;
}

/// Tells backup programs to leave the folder out (https://bford.info/cachedir/).
void mark_as_cache(const std::filesystem::path& folder) {
  const std::filesystem::path tag = folder / "CACHEDIR.TAG";
  std::error_code code;
  if (std::filesystem::exists(tag, code)) return;
  std::ofstream(tag) << "Signature: 8a477f597d28d172789f06886806bc55\n# What Foreword can compute anew. It may be deleted at any time.\n";
}

}  // namespace

PrefixDesk::PrefixDesk(std::filesystem::path folder, std::optional<std::int64_t> budget)
    : folder_(std::move(folder)), budget_(budget), thread_([this] { run(); }) {}

PrefixDesk::~PrefixDesk() {
  inbox_.close();
  thread_.join();
}

void PrefixDesk::load(Wanted wanted, std::shared_ptr<Mailbox<engine::StoredPage>> to) { inbox_.push(Load{std::move(wanted), std::move(to)}); }
void PrefixDesk::save(engine::StoredPage page, std::int64_t chat, std::function<void(bool kept)> done) {
  inbox_.push(Save{std::move(page), chat, std::move(done)});
}
void PrefixDesk::use(std::int64_t chat, std::vector<engine::PrefixId> pages) { inbox_.push(Use{chat, std::move(pages)}); }
void PrefixDesk::forget(std::int64_t chat) { inbox_.push(Forget{chat}); }
void PrefixDesk::forget_all_but(std::vector<std::int64_t> chats) { inbox_.push(ForgetAllBut{std::move(chats)}); }

void PrefixDesk::open() {
  auto opened = storage::PrefixStore::open(folder_, budget_.value_or(storage::PrefixStore::standard_budget(folder_)));
  if (!opened) {
    store_.reset();
    good(opened.error());
    return;
  }
  store_ = std::move(*opened);
  mark_as_cache(folder_);
}

void PrefixDesk::run() {
  open();
  while (auto letter = inbox_.take()) {
    std::visit([this](auto& one) { handle(one); }, *letter);
  }
}

/// A store that turns out to be damaged is begun anew. Everything else may pass.
bool PrefixDesk::good(const Result<void>& result) {
  if (result) return true;
  if (!std::exchange(told_, true)) log(LogLevel::info, "Prefixes are not stored: " + result.error().message);
  if (store_ != nullptr && result.error().code == ErrorCode::corrupt) {
    store_.reset();
    std::error_code code;
    std::filesystem::remove_all(folder_, code);
    open();
  }
  return false;
}

void PrefixDesk::handle(Load& letter) {
  const auto tokens = std::span(letter.wanted.tokens);
  std::size_t page = 0;
  engine::PrefixId parent = letter.wanted.parent;
  while (store_ != nullptr && !letter.to->closed()) {
    const std::size_t first = page * kPageTokens;
    const bool whole = first + kPageTokens <= tokens.size() && page < letter.wanted.ids.size();
    auto found = whole ? store_->find(bytes_of(letter.wanted.ids[page]), bytes_of(tokens.subspan(first, kPageTokens)))
                       : Result<std::optional<storage::PrefixPage>>(std::optional<storage::PrefixPage>());
    const bool missing = found && !*found;
    if (missing && first < tokens.size()) found = store_->longest_child(bytes_of(parent), bytes_of(tokens.subspan(first)));
    if (!found) good(found.error());
    if (!found || !*found) break;
    letter.to->push(page_of(std::move(**found)));
    letter.to->wait_for_room(kMostAhead);
    if (missing) break;
    parent = letter.wanted.ids[page++];
  }
  letter.to->close();
}

void PrefixDesk::handle(Save& letter) {
  const storage::PrefixPage page{bytes_of(letter.page.id), bytes_of(letter.page.parent), bytes_of(letter.page.tokens), std::move(letter.page.bytes)};
  letter.done(store_ != nullptr && good(store_->save(page, letter.chat)));
}

void PrefixDesk::handle(Use& letter) {
  if (store_ == nullptr) return;
  std::vector<std::string> hashes;
  for (const engine::PrefixId& id : letter.pages) hashes.push_back(bytes_of(id));
  good(store_->use(letter.chat, hashes, kPageTokens * sizeof(std::int32_t)));
}

void PrefixDesk::handle(Forget& letter) {
  if (store_ != nullptr) good(store_->forget(letter.chat));
}

void PrefixDesk::handle(ForgetAllBut& letter) {
  if (store_ != nullptr) good(store_->forget_all_but(letter.chats));
}

std::unique_ptr<engine::PrefixStore> open_prefix_cache(const CommonOptions& options) {
  if (!options.keeps_prefixes) return nullptr;
  return std::make_unique<PrefixDesk>(find_paths(options.data_dir).prefixes(), options.prefix_budget);
}

}  // namespace foreword::app
