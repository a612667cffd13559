#include <cstdlib>

#include "app/desks.h"
#include "app/files.h"
#include "app/kv_book.h"
#include "app/open_link.h"
#include "app/paths.h"
#include "app/prefix_cache.h"
#include "storage/chat_store.h"

namespace foreword::app {
namespace {

constexpr std::uintmax_t kMostImported = 256u << 20;  // bytes of a chat

std::int64_t bytes_of(const std::filesystem::path& file) {
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(file, error);
  return error ? 0 : static_cast<std::int64_t>(bytes);
}

}  // namespace

Desks::Desks(const CommonOptions& common, std::int64_t limit, const std::function<void()>& wake)
    : from_engine(wake),
      from_helper(wake),
      from_storage(wake),
      from_side(wake),
      storage(find_paths(common.data_dir).database(), [this](storage::Event event) { from_storage.push(std::move(event)); }),
      prefixes(open_prefix_cache(common)),
      engine(from_engine, {}, prefixes.get()),
      helper(from_helper),
      controller({.engine = [this](engine::Command command) { engine.send(std::move(command)); },
                  .helper = [this](engine::Command command) { helper.send(std::move(command)); },
                  .storage = [this](storage::Command command) { storage.send(std::move(command)); },
                  .now_ms = storage::system_milliseconds,
                  .open_link = open_link,
                  .aside = [this](SideWork work) { side.send(std::move(work)); },
                  .save_file = [](const std::string& name, const std::string& text) { return save_new(downloads_folder(), name, text); },
                  .read_file = [](const std::filesystem::path& path) { return read_file(path, kMostImported, Readable::regular); },
                  .find_models = [](const std::vector<std::filesystem::path>& known) { return find_models(model_places([](const char* name) { return std::getenv(name); }), known); },
                  .read_power = [] { return read_power(); }},
                 {.model = with_kv_book(common.engine, find_paths(common.data_dir)), .sampling = common.sampling, .sampling_named = common.sampling_named, .max_tokens = limit, .kv_given = common.kv_given, .same_seed = common.seed_given,
                  .builtin = common.builtin.string(), .builtin_bytes = bytes_of(common.builtin)}),
      side(from_side) {}

void Desks::carry() {
  while (auto event = from_storage.try_take()) controller.on(*std::move(event));
  while (auto event = from_engine.try_take()) controller.on(*std::move(event));
  while (auto event = from_helper.try_take()) controller.on_helper(*std::move(event));
  while (auto afterwards = from_side.try_take()) (*afterwards)();
}

}  // namespace foreword::app
