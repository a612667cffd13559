#include "app/desktop.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <deque>
#include <fstream>

#include "app/controller.h"
#include "app/files.h"
#include "app/kv_book.h"
#include "app/open_link.h"
#include "app/paths.h"
#include "app/prefix_cache.h"
#include "engine/base/mailbox.h"
#include "storage/desk.h"
#include "ui/window.h"

namespace foreword::app {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uintmax_t kMostImported = 256u << 20;  // bytes of a chat

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

double resident_megabytes() {
  std::ifstream statm("/proc/self/statm");
  double total = 0, resident = 0;
  statm >> total >> resident;
  return resident * 4096 / 1e6;
}

/// Carries letters between the desks and the controller. The window exists before the desks speak to it and after.
class Desktop final : public ui::WindowClient {
 public:
  Desktop(ui::Window& window, const CommonOptions& common, const DesktopOptions& options, Clock::time_point started)
      : options_(options),
        started_(started),
        to_say_(options.say.begin(), options.say.end()),
        from_engine_([&window] { window.wake(); }),
        from_storage_([&window] { window.wake(); }),
        window_(window),
        storage_(find_paths(common.data_dir).database(), [this](storage::Event event) { from_storage_.push(std::move(event)); }),
        prefixes_(open_prefix_cache(common)),
        engine_(from_engine_, {}, prefixes_.get()),
        controller_({.engine = [this](engine::Command command) { engine_.send(std::move(command)); },
                     .storage = [this](storage::Command command) { storage_.send(std::move(command)); },
                     .now_ms = now_ms,
                     .open_link = open_link,
                     .save_file = [](const std::string& name, const std::string& text) { return save_new(downloads_folder(), name, text); },
                     .read_file = [](const std::filesystem::path& path) { return read_at_most(path, kMostImported); }},
                    {.model = with_kv_book(common.engine, find_paths(common.data_dir)), .sampling = common.sampling, .max_tokens = options.limit, .same_seed = common.seed_given,
                     .builtin = common.builtin.string()}) {
    controller_.start(common.model.string());
    wait_for_start();
    if (!options.theme.empty()) {
      controller_.on(ui::UiEvent(ui::SetTheme{options.theme == "dark" ? ui::ThemeChoice::dark : ui::ThemeChoice::light}));
    }
    if (options.scale > 0) controller_.on(ui::UiEvent(ui::SetScale{options.scale}));
  }

  const ui::ViewState& refresh() override {
    while (auto event = from_storage_.try_take()) controller_.on(*std::move(event));
    while (auto event = from_engine_.try_take()) controller_.on(*std::move(event));
    if (!to_say_.empty() && controller_.settled() && controller_.view().model.state == ui::ModelState::ready) {
      controller_.on(ui::UiEvent(ui::SendMessage{to_say_.front()}));
      to_say_.pop_front();
    }
    return controller_.view();
  }

  void handle(ui::UiEvent event) override { controller_.on(std::move(event)); }
  bool finished() override { return controller_.quit() || picture_done_; }

  std::optional<std::filesystem::path> picture_wanted() override {
    constexpr int kFramesToSettle = 4;
    if (options_.screenshot.empty()) return std::nullopt;
    const bool said = to_say_.empty() || controller_.view().model.state != ui::ModelState::ready;
    settled_frames_ = said && controller_.settled() ? settled_frames_ + 1 : 0;
    window_.wake();
    if (settled_frames_ < kFramesToSettle) return std::nullopt;
    return options_.screenshot;
  }

  void picture_taken(Result<void> result) override {
    picture_done_ = true;
    if (!result) exit_code_ = fail(result.error());
  }

  void first_frame_drawn() override {
    if (!options_.print_start) return;
    const double ms = std::chrono::duration<double, std::milli>(Clock::now() - started_).count();
    std::fprintf(stderr, "first frame after %.0f ms, %.0f MB resident\n", ms, resident_megabytes());
  }

  int exit_code() const { return exit_code_; }

 private:
  /// The first frame should have the right colours and say which model is loading; the storage desk has had the time in which the window was opened.
  void wait_for_start() {
    const auto deadline = Clock::now() + std::chrono::milliseconds(150);
    while (!controller_.start_known()) {
      auto event = from_storage_.take_until(deadline);
      if (!event) return;
      controller_.on(*std::move(event));
    }
  }

  const DesktopOptions& options_;
  Clock::time_point started_;
  std::deque<std::string> to_say_;
  Mailbox<engine::Event> from_engine_;
  Mailbox<storage::Event> from_storage_;
  ui::Window& window_;
  storage::StorageDesk storage_;
  std::unique_ptr<engine::PrefixStore> prefixes_;
  engine::Session engine_;
  Controller controller_;
  int settled_frames_ = 0;
  bool picture_done_ = false;
  int exit_code_ = kOk;
};

}  // namespace

void add_desktop_options(CLI::App& app, DesktopOptions& options) {
  const std::string hidden;  // for scripts that test the window and take its pictures
  app.add_option("--screenshot", options.screenshot)->group(hidden);
  app.add_option("--say", options.say)->expected(1)->take_all()->group(hidden);
  app.add_option("--limit", options.limit)->group(hidden);
  app.add_option("--theme", options.theme)->check(CLI::IsMember({"light", "dark"}))->group(hidden);
  app.add_option("--scale", options.scale)->check(CLI::Range(0.75, 3.0))->group(hidden);
  app.add_flag("--print-start", options.print_start)->group(hidden);
}

int run_desktop(const CommonOptions& common, const DesktopOptions& options) {
  const auto started = Clock::now();
  auto window = ui::Window::open({});
  if (!window) return fail(window.error());
  Desktop desktop(**window, common, options, started);
  (*window)->run(desktop);
  return desktop.exit_code();
}

}  // namespace foreword::app
