#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <system_error>

#include "app/command.h"
#include "app/download/hub_client.h"
#include "app/download/ledger.h"
#include "app/download/web_plugin.h"
#include "app/option_checks.h"
#include "app/paths.h"
#include "app/progress.h"
#include "app/report.h"
#include "app/terminal.h"

namespace foreword::app {
namespace {

struct Options {
  std::string target, search, revision, file;
  std::filesystem::path folder;
  bool list = false;
  int most = 20;
  std::int64_t bytes_per_second = 0;  // that it may take; 0: all that come
};

constexpr std::int64_t kLeastRate = 10'000;  // bytes a second; connections end that take a minute for one piece

std::atomic<bool> g_stop{false};  // a signal handler can reach nothing else
extern "C" void on_stop(int) { g_stop.store(true, std::memory_order_relaxed); }

/// What would end the program ends the download; not what the caller had ignored.
void stop_at_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    if (sigaction(signal, nullptr, &action) != 0 || action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = on_stop;
    sigaction(signal, &action, nullptr);
  }
}

std::string size_words(std::int64_t bytes) {
  if (bytes < 0) return "?";
  constexpr std::int64_t kSmall = 100'000'000;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), bytes < kSmall ? "%.1f MB" : "%.2f GB", static_cast<double>(bytes) / (bytes < kSmall ? 1e6 : 1e9));
  return text.data();
}

std::string time_words(double seconds) {
  std::array<char, 64> text{};
  if (seconds < 60) std::snprintf(text.data(), text.size(), "%.0f s", seconds);
  else if (seconds < 3600) std::snprintf(text.data(), text.size(), "%.0f min", std::ceil(seconds / 60));
  else std::snprintf(text.data(), text.size(), "%.1f hours", seconds / 3600);
  return text.data();
}

/// "model-00001-of-00002.gguf  1.20 of 4.90 GB (24 %), 31.0 MB/s, 2 min left"
std::string progress_words(const DownloadPlan& plan, const DownloadProgress& progress) {
  constexpr std::array kPhases{"checking ", "", "waiting for "};
  std::string text = kPhases[static_cast<std::size_t>(progress.phase)] + for_terminal(plan.files[progress.file].name.filename().string());
  if (progress.n_files > 1) text += " (" + std::to_string(progress.file + 1) + " of " + std::to_string(progress.n_files) + ")";
  text += "  " + size_words(progress.done);
  const double share = static_cast<double>(progress.done) / static_cast<double>(std::max<std::int64_t>(progress.total, 1));
  if (progress.total > 0) text += " of " + size_words(progress.total) + " (" + std::to_string(static_cast<int>(100 * share)) + " %)";
  if (progress.phase != DownloadPhase::loading || progress.bytes_per_second <= 0) return text;
  std::array<char, 32> speed{};
  std::snprintf(speed.data(), speed.size(), ", %.1f MB/s", progress.bytes_per_second / 1e6);
  text += speed.data();
  if (progress.total > progress.done) text += ", " + time_words(static_cast<double>(progress.total - progress.done) / progress.bytes_per_second) + " left";
  return text;
}

std::string padded(const std::string& text, std::size_t width) { return text + std::string(width - std::min(width, text.size()) + 2, ' '); }

int show_offer(const CommonOptions& common, const Offer& offer) {
  std::vector<Report> rows;
  std::size_t names = 0, quants = 0;  // bytes of the longest
  for (const OfferedModel& model : offer.models) names = std::max(names, model.name.size()), quants = std::max(quants, model.quant.size());
  const auto usual = choose_model(offer.models, offer.repo, {}, {});
  for (const OfferedModel& model : offer.models) {
    const bool is_usual = usual && usual->name == model.name && usual->files[0].path == model.files[0].path;
    Report& row = rows.emplace_back().set("name", model.name);
    model.quant.empty() ? row.set_null("quantisation") : row.set("quantisation", model.quant);
    model.bytes < 0 ? row.set_null("bytes") : row.set("bytes", model.bytes);
    std::vector<std::string> files;
    for (const HubFile& file : model.files) files.push_back(file.path);
    row.set("files", files).set("usual", is_usual);
    if (common.json) continue;
    print_text(stdout, padded(model.name, names) + padded(model.quant, quants) + size_words(model.bytes) + (is_usual ? "  taken if none is named" : "") + "\n");
  }
  if (common.json) Report().set("repository", offer.repo).set("revision", offer.revision).set("models", rows).print();
  else if (rows.empty()) print_text(stderr, offer.repo + " has no language model in GGUF.\n");
  return kOk;
}

int show_hits(const CommonOptions& common, const std::vector<HubHit>& hits) {
  std::vector<Report> rows;
  std::size_t names = 0;
  for (const HubHit& hit : hits) names = std::max(names, hit.repo.size());
  for (const HubHit& hit : hits) {
    rows.emplace_back().set("repository", hit.repo).set("downloads", hit.downloads).set("likes", hit.likes).set("gated", hit.gated);
    const std::string numbers = std::to_string(hit.downloads) + " downloads, " + std::to_string(hit.likes) + " likes";
    if (!common.json) print_text(stdout, padded(hit.repo, names) + numbers + (hit.gated ? ", licence to be accepted" : "") + "\n");
  }
  if (common.json) Report().set("repositories", rows).print();
  else if (rows.empty()) print_text(stderr, "The hub finds no GGUF models by these words.\n");
  return kOk;
}

int show_downloaded(const CommonOptions& common, const DownloadPlan& plan, const std::vector<DownloadedFile>& files) {
  constexpr std::array kChecked{"size", "sha256", "git-sha1"};
  std::int64_t bytes = 0;
  std::vector<Report> rows;
  bool was_there = true, digested = true;
  for (const DownloadedFile& file : files) {
    rows.emplace_back().set("path", file.path.string()).set("bytes", file.bytes).set("checked", kChecked[static_cast<std::size_t>(file.checked)]).set("was_there", file.was_there);
    bytes += file.bytes;
    was_there &= file.was_there;
    digested &= file.checked != DigestKind::none;
  }
  const std::string path = files[0].path.string();
  if (common.json) {
    Report report;
    plan.repo.empty() ? report.set_null("repository") : report.set("repository", plan.repo);
    report.set("path", path).set("bytes", bytes).set("was_there", was_there).set("files", rows).print();
    return kOk;
  }
  const std::string checked = digested ? "every byte checked" : "only the size checked, for who gives it tells no digest";
  print_text(stdout, path + (was_there ? " was there already, " : ", ") + size_words(bytes) + ", " + checked + ".\n");
  return kOk;
}

int load(const CommonOptions& common, Client& client, DownloadPlan plan, std::int64_t limit) {
  ProgressLine line;
  DownloadEvents events;
  events.progress = [&](const DownloadProgress& progress) { line.show(progress_words(plan, progress)); };
  events.note = [&](const std::string& sentence) {
    line.clear();
    print_text(stderr, "foreword: " + sentence + "\n");
  };
  events.limit = [limit] { return limit; };
  Download download(client, plan, events);
  auto files = download.run();
  line.clear();
  if (files) return show_downloaded(common, plan, *files);
  const bool stopped = files.error().code == ErrorCode::cancelled;
  return fail(stopped ? Error{ErrorCode::cancelled, "The download was stopped; what has come stays, and the same command goes on with it."} : files.error());
}

int ask(const CommonOptions& common, const Options& options, Client& client) {
  if (!options.search.empty()) {
    const auto hits = search_hub(client, options.search, options.most);
    return hits ? show_hits(common, *hits) : fail(hits.error());
  }
  auto target = read_target(options.target, client.settings());
  if (!target) return wrong_use(for_terminal(target.error().message));
  if (!options.revision.empty()) target->revision = options.revision;
  if (!options.file.empty()) target->file = options.file;
  if (target->url && (options.list || !options.file.empty() || !options.revision.empty())) return wrong_use("--list, --file and --revision are for repositories of the hub.");
  if (options.list) {
    const auto offer = offer_of(client, *target);
    return offer ? show_offer(common, *offer) : fail(offer.error());
  }
  std::error_code ignored;
  const auto folder = options.folder.empty() ? options.folder : std::filesystem::absolute(options.folder, ignored);
  auto plan = plan_of(client, *target, find_paths(common.data_dir).models(), folder);
  return plan ? load(common, client, *std::move(plan), options.bytes_per_second) : fail(plan.error());
}

int run(const CommonOptions& common, const Options& options) {
  if (options.target.empty() == options.search.empty()) return wrong_use("Say what to download, ORG/REPO or an address, or what to --search for.");
  auto settings = hub_settings([](const char* name) { return std::getenv(name); });
  if (!settings) return wrong_use(settings.error().message);
  std::string unwritten;
  const auto web = open_web(settings->web, recorder([&unwritten, ledger = Ledger(find_paths(common.data_dir).network())](const Asked& asked) {
                              if (const auto written = ledger.write(asked); !written) unwritten = written.error().message;
                            }));
  if (!web) return fail(web.error());
  stop_at_signals();
  Client client(**web, *std::move(settings), real_surroundings(g_stop));
  const int code = ask(common, options, client);
  if (!unwritten.empty()) print_text(stderr, "foreword: warning: " + unwritten + "\n");  // else it would look as if nothing had been asked
  return code;
}

}  // namespace

std::function<int()> add_download(CLI::App& app, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  app.add_option("model", options->target,
                 "ORG/REPO or ORG/REPO:QUANT of the hub, for example bartowski/Qwen2.5-7B-Instruct-GGUF:Q4_K_M, or the address of a repository or of a GGUF file")
      ->check(must_be_named)
      ->type_name("MODEL");
  app.add_option("--file", options->file, "File of the repository, instead of a quantisation")->check(must_be_named)->type_name("NAME");
  app.add_option("--revision", options->revision, "Branch, tag or commit of the repository; main otherwise")->check(must_be_named)->type_name("REV");
  app.add_option("--to", options->folder, "Folder for the file; otherwise where `foreword models` finds it")->check(must_be_named)->type_name("FOLDER");
  app.add_option_function<std::string>(
         "--limit-rate",
         [options](const std::string& rate) {
           std::string bytes = rate;
           const std::string trouble = CLI::AsSizeValue(true)(bytes);
           if (!trouble.empty()) throw CLI::ValidationError("--limit-rate", trouble);
           options->bytes_per_second = static_cast<std::int64_t>(whole_number("--limit-rate", bytes, kMostInteger));
           if (options->bytes_per_second < kLeastRate) throw CLI::ValidationError("--limit-rate", rate + " is too little; 10K is the least.");
         },
         "Bytes that it may take in a second, 500K or 2M; all that come otherwise")
      ->type_name("RATE");
  app.add_flag("--list", options->list, "List the repository's models and download none");
  app.add_option("--search", options->search, "List repositories with GGUF models by these words, the most downloaded first")->check(must_be_named)->type_name("WORDS");
  app.add_option("--most", options->most, "Repositories that --search lists")->check(CLI::Range(1, 100))->type_name("N")->capture_default_str();
  return [&common, options] { return run(common, *options); };
}

}  // namespace foreword::app
