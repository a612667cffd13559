#include <cstdlib>

#include "app/bus/bus_plugin.h"
#include "app/desks.h"
#include "app/files.h"
#include "app/kv_book.h"
#include "app/model_fit.h"
#include "app/open_link.h"
#include "app/paths.h"
#include "app/prefix_cache.h"
#include "app/server/key.h"
#include "storage/chat_store.h"

namespace foreword::app {
namespace {

constexpr std::uintmax_t kMostImported = 256u << 20;  // bytes of a chat

std::int64_t bytes_of(const std::filesystem::path& file) {
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(file, error);
  return error ? 0 : static_cast<std::int64_t>(bytes);
}

/// On the side desk's thread.
ui::ServerView serve(LocalServer& server, const CommonOptions& common, bool on) {
  server.stop();
  if (!on) return {};
  const auto key = stored_key(find_paths(common.data_dir).server_key());
  if (!key) return {.trouble = key.error().message};
  auto url = server.start({{.key = *key}, common.sampling, common.sampling_named, common.seed_given});
  return url ? ui::ServerView{.on = true, .url = std::move(*url), .key = *key} : ui::ServerView{.trouble = url.error().message};
}

HubWays ways_to(HubDesk& hub, const Paths& paths) {
  const Ledger ledger(paths.network());
  HubWays ways{.get = [&hub](GetOrder order) { hub.get(std::move(order)); },
               .next = [&hub](std::int64_t id) { hub.next(id); },
               .stop = [&hub](std::int64_t id) { hub.stop(id); },
               .limit = [&hub](std::int64_t bytes) { hub.limit(bytes); },
               .find_unfinished = [models = paths.models()] { return unfinished_downloads(models); },
               .read_ledger = [ledger] { return ledger.read(); },
               .clear_ledger = [ledger] { return ledger.clear(); }};
  if (can_download()) ways.ask = [&hub](HubAsk ask, std::function<void(HubAnswer)> tell) { hub.ask(std::move(ask), std::move(tell)); };
  return ways;
}

/// On the engine's thread: a server's request is no business of the window's, and would only wake it.
void deal(Mailbox<engine::Event>& outbox, ServerDesk& server, Mailbox<engine::Event>& window) {
  while (auto event = outbox.try_take()) {
    if (server_request(*event)) {
      server.deliver(std::move(*event));
      continue;
    }
    const bool of_model = std::holds_alternative<engine::ModelReady>(*event) || std::holds_alternative<engine::ModelFailed>(*event) ||
                          std::holds_alternative<engine::ModelLoading>(*event) || std::holds_alternative<engine::ModelUnloaded>(*event);
    if (of_model) server.deliver(*event);
    window.push(std::move(*event));
  }
}

}  // namespace

Desks::Desks(const CommonOptions& common, std::int64_t limit, const std::function<void()>& wake, int server_port, std::optional<std::int64_t> long_answer_ms)
    : from_engine(wake),
      from_helper(wake),
      from_storage(wake),
      from_server(wake),
      from_side(wake),
      storage(find_paths(common.data_dir).database(), [this](storage::Event event) { from_storage.push(std::move(event)); }),
      prefixes(open_prefix_cache(common)),
      server_desk([this](engine::Command command) { engine.send(std::move(command)); }, {.for_others = true, .on_running = [this](int running) { from_server.push(running); }}),
      engine_outbox([this] { deal(engine_outbox, server_desk, from_engine); }),
      engine(engine_outbox, {}, prefixes.get()),
      server(server_desk, "127.0.0.1", server_port),
      helper(from_helper),
      controller({.engine = [this](engine::Command command) { engine.send(std::move(command)); },
                  .helper = [this](engine::Command command) { helper.send(std::move(command)); },
                  .storage = [this](storage::Command command) { storage.send(std::move(command)); },
                  .now_ms = storage::system_milliseconds,
                  .open_link = open_link,
                  .aside = [this](SideWork work) { side.send(std::move(work)); },
                  .save_file = [](const std::string& name, const std::string& text) { return save_new(downloads_folder(), name, text); },
                  .read_file = [](const std::filesystem::path& path) { return read_file(path, kMostImported, Readable::regular); },
                  .replace_file = replace_file,
                  .ask_file = [this](FileQuestion question, std::function<void(const FileChoice&)> tell) { dialogs.ask(std::move(question), std::move(tell)); },
                  .announce = has_desktop_bus() ? [this](std::string sentence) { bus.announce(std::move(sentence)); } : std::function<void(std::string)>(),
                  .keep_awake = [this](bool on) { bus.keep_awake(on, "An answer is being written, or a model downloaded."); },
                  .find_models = [own = find_paths(common.data_dir).models()](const std::vector<std::filesystem::path>& known) {
                    return find_models(model_places([](const char* name) { return std::getenv(name); }, own), known);
                  },
                  // With a book of its own: the engine's is the engine's.
                  .fit_of = [paths = find_paths(common.data_dir)](const std::filesystem::path& model, const engine::ModelOptions& options, const engine::MemoryThere& memory) {
                    return fit_of(model, with_kv_book(options, paths), memory);
                  },
                  .hub = ways_to(hub, find_paths(common.data_dir)),
                  .serve = [this, &common](bool on) { return serve(server, common, on); },
                  .read_power = [] { return read_power(); }},
                 {.model = with_kv_book(common.engine, find_paths(common.data_dir)), .sampling = common.sampling, .sampling_named = common.sampling_named, .max_tokens = limit, .kv_given = common.kv_given, .same_seed = common.seed_given,
                  .builtin = common.builtin.string(), .builtin_bytes = bytes_of(common.builtin), .long_answer_ms = long_answer_ms.value_or(Controller::Options{}.long_answer_ms)}),
      hub(find_paths(common.data_dir).models(), Ledger(find_paths(common.data_dir).network()), from_side,
          [this](const Asked& asked, const std::string& problem) { from_side.push([this, asked, problem] { controller.on_asked(asked, problem); }); }),
      bus({.looks = [this](const Looks& looks) { controller.on_looks(looks); }, .dialogs = [this](bool there) { controller.on_dialogs(there || dialogs.has_own()); }, .clicked = [this] { on_clicked(); }, .reader = [this](bool there) { on_reader(there); }, .wished = [this](const AccessibleWish& wish) { on_wish(wish); }}, from_side),
      dialogs(bus, from_side),
      side(from_side) {}

// The server first: who waits for it is told while the engine can still hear of it.
Desks::~Desks() {
  hub.end();
  dialogs.end();
  bus.end();
  side.end();
  server.stop();
  server_desk.close();
}

void Desks::carry() {
  while (auto event = from_storage.try_take()) controller.on(*std::move(event));
  while (auto event = from_engine.try_take()) controller.on(*std::move(event));
  while (auto running = from_server.try_take()) controller.on_server(*running);
  while (auto event = from_helper.try_take()) controller.on_helper(*std::move(event));
  while (auto afterwards = from_side.try_take()) (*afterwards)();
}

}  // namespace foreword::app
