#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <memory>
#include <optional>
#include <utility>

#include "app/builtin.h"
#include "app/command.h"
#include "app/kv_book.h"
#include "app/message_settings.h"
#include "app/option_checks.h"
#include "app/paths.h"
#include "app/report.h"
#include "app/server/key.h"
#include "app/server/local_server.h"
#include "app/terminal.h"

namespace foreword::app {
namespace {

struct Options {
  std::string address = "127.0.0.1";
  int port = kServerPort;
  std::string key;
  bool no_key = false;
  std::vector<std::string> origins, hosts;
};

void say(const std::string& line) { print_text(stderr, line + "\n"); }

/// What ends the server, waiting until somebody asks for it; not what the caller had ignored. Before any thread begins, so that none gets it.
sigset_t ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction now;
    if (sigaction(signal, nullptr, &now) == 0 && now.sa_handler != SIG_IGN) sigaddset(&signals, signal);
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

/// Desk, engine and server.
class Serving {
 public:
  explicit Serving(const Options& options)
      : desk_([this](engine::Command command) { session_->send(std::move(command)); }, {.awaits_model = true}), outbox_([this] { deal(); }), session_(std::in_place, outbox_), server_(desk_, options.address, options.port) {}
  ~Serving() {
    server_.stop();
    desk_.close();
    session_.reset();
  }
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;

  /// Where it answers. Requests wait until the model is open.
  Result<std::string> start(const CommonOptions& common, const Options& options) {
    FW_ASSIGN(std::string url, server_.start({{options.key, options.origins, options.hosts}, common.sampling, common.sampling_named, common.seed_given, say}));
    session_->send(engine::LoadModel{common.model, with_kv_book(with_sibling(common.model, common.builtin, common.engine), find_paths(common.data_dir))});
    return url;
  }
  /// Once the model is open, or cannot be.
  std::optional<Result<engine::ModelSummary>> loaded() { return loaded_.try_take(); }

 private:
  /// On the engine's thread.
  void deal() {
    while (auto event = outbox_.try_take()) {
      if (const auto* ready = std::get_if<engine::ModelReady>(&*event)) loaded_.push(ready->model);
      if (const auto* failed = std::get_if<engine::ModelFailed>(&*event)) loaded_.push(failed->error);
      desk_.deliver(std::move(*event));
    }
  }

  ServerDesk desk_;
  Mailbox<Result<engine::ModelSummary>> loaded_;
  Mailbox<engine::Event> outbox_;
  std::optional<engine::Session> session_;
  LocalServer server_;
};

void tell(const CommonOptions& common, const Options& options, const engine::ModelSummary& model, const std::string& url) {
  if (common.json) {
    Report report;
    report.set("url", url).set("key", options.key).set("model", model.name).set("device", model.device).set("context", model.context).print();
    std::fflush(stdout);
    return;
  }
  say(model.name + " on " + model.device + ", " + std::to_string(model.context) + " tokens of context.");
  if (const std::string advice = advice_words(model.sampling, common.sampling_named); !advice.empty()) say(advice);
  say("It answers at " + url + (options.key.empty() ? ", whoever asks." : " with the key " + options.key));
  if (!is_loopback(options.address)) say("Other computers can reach it, and what is sent can be read on the way: use it in networks that you trust.");
  say("Ctrl-C ends it.");
}

/// The key that counts, and that nobody is let in unawares.
Result<void> settle_key(const CommonOptions& common, Options& options) {
  const bool open = !is_loopback(options.address) || std::ranges::find(options.origins, "*") != options.origins.end();
  if (options.no_key && open) return Error{ErrorCode::invalid_argument, "Where others can reach the server it must have a key: leave --no-key out."};
  if (options.no_key) {
    options.key.clear();
    return {};
  }
  if (!options.key.empty()) {
    if (can_be_key(options.key)) return {};
    return Error{ErrorCode::invalid_argument, "A key has 8 to 256 letters, digits and signs, and no spaces."};
  }
  const auto stored = stored_key(find_paths(common.data_dir).server_key());
  options.key = stored ? *stored : fresh_key();
  if (!stored) say("foreword: " + stored.error().message + " This key is for this time.");
  return {};
}

int run(const CommonOptions& common, Options options) {
  if (const int code = need_model(common); code != kOk) return code;
  if (const Result<void> settled = settle_key(common, options); !settled) return wrong_use(settled.error().message);
  const sigset_t signals = ending_signals();
  Serving serving(options);
  const auto url = serving.start(common, options);
  if (!url) return fail(url.error());
  constexpr timespec kLook{0, 100'000'000};
  for (;;) {
    if (sigtimedwait(&signals, nullptr, &kLook) > 0) return kOk;
    const auto model = serving.loaded();
    if (!model) continue;
    if (!*model) return fail(model->error());
    tell(common, options, **model, *url);
    break;
  }
  int signal = 0;
  sigwait(&signals, &signal);
  return kOk;
}

}  // namespace

std::function<int()> add_serve(CLI::App& app, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  app.add_option("--host", options->address, "Address that the server takes; any other than this computer's own lets others in")->check(must_be_named)->type_name("ADDRESS")->capture_default_str();
  app.add_option("--port", options->port, "Port; 0 takes any free one")->check(CLI::Range(0, 65535))->type_name("N")->capture_default_str();
  CLI::Option* const key = app.add_option("--key", options->key, "Key that requests must bear; without it, one is drawn and kept")->check(must_be_named)->envname("FOREWORD_SERVER_KEY")->type_name("TEXT");
  app.add_flag("--no-key", options->no_key, "Answer every program on this computer")->excludes(key);
  app.add_option("--allow-origin", options->origins, "Origin of web pages that may ask, for example https://app.example; may be given more than once")->check(must_be_named)->type_name("ORIGIN");
  app.add_option("--allow-host", options->hosts, "Name under which the server is asked, besides localhost and addresses")->check(must_be_named)->type_name("NAME");
  return [&common, options] { return run(common, *options); };
}

}  // namespace foreword::app
