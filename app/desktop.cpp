#include "app/desktop.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <deque>
#include <fstream>
#include <nlohmann/json.hpp>

#include "app/desks.h"
#include "app/desktop_script.h"
#include "app/files.h"
#include "app/paths.h"
#include "app/window_reader.h"
#include "app/window_shape.h"
#include "engine/base/cache_file.h"
#include "ui/window.h"

namespace foreword::app {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uintmax_t kMostOfShape = 200;  // bytes

double resident_megabytes() {
  std::ifstream statm("/proc/self/statm");
  double total = 0, resident = 0;
  statm >> total >> resident;
  return resident * 4096 / 1e6;
}

/// Carries letters between the desks and the controller. The window exists before the desks speak to it and after.
class Desktop final : public ui::WindowClient {
 public:
  Desktop(ui::Window& window, const CommonOptions& common, const DesktopOptions& options, const Looks& seen, Clock::time_point started)
      : options_(options),
        started_(started),
        to_say_(options.say.begin(), options.say.end()),
        window_(window),
        desks_(common, options.limit, [&window] { window.wake(); }, options.server_port, options.announce_after_ms),
        controller_(desks_.controller) {
    desks_.on_clicked = [&window] { window.raise(); };
    desks_.on_reader = [this](bool there) { reader_.come(there); };
    desks_.on_wish = [&window](const AccessibleWish& wish) { window.push(ui::Wish{wish.id, wish.press}); };
    controller_.on_looks(seen);
    controller_.start(common.model.string());
    wait_for_start();
    if (!options.theme.empty()) {
      controller_.on(ui::UiEvent(ui::SetTheme{options.theme == "dark" ? ui::ThemeChoice::dark : ui::ThemeChoice::light}));
    }
    if (options.scale > 0) controller_.on(ui::UiEvent(ui::SetScale{options.scale}));
  }

  const ui::ViewState& refresh() override {
    controller_.on_watched(window_.focused());
    desks_.carry();
    if (!to_say_.empty() && controller_.settled() && controller_.view().model.state == ui::ModelState::ready) {
      controller_.on(ui::UiEvent(ui::SendMessage{to_say_.front()}));
      to_say_.pop_front();
    }
    reader_.follow(controller_.view());
    return controller_.view();
  }

  void handle(ui::UiEvent event) override {
    if (const auto* written = std::get_if<ui::DraftChanged>(&event); written != nullptr && options_.print_frames) draft_ = written->text;
    controller_.on(std::move(event));
  }
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

  void frame_drawn(bool focused, const ui::Interaction& items) override {
    if (reader_.there()) reader_.see(items, controller_.view(), window_.place(), focused);
    const double ms = std::chrono::duration<double, std::milli>(Clock::now() - started_).count();
    if (n_frames_++ == 0 && options_.print_start) std::fprintf(stderr, "first frame after %.0f ms, %.0f MB resident\n", ms, resident_megabytes());
    if (options_.print_frames) print_frame(ms / 1000, focused);
  }

  int exit_code() const { return exit_code_; }
  const Looks& system_looks() const { return controller_.system_looks(); }

 private:
  /// The first frame should have the right colours and say which model is loading; the storage desk has had the time in which the window was opened.
  void wait_for_start() {
    const auto deadline = Clock::now() + std::chrono::milliseconds(150);
    while (!controller_.start_known()) {
      auto event = desks_.from_storage.take_until(deadline);
      if (!event) return;
      controller_.on(*std::move(event));
    }
  }

  static std::vector<int> states_of(const std::vector<ui::DownloadView>& downloads) {
    std::vector<int> states;
    for (const ui::DownloadView& download : downloads) states.push_back(static_cast<int>(download.state));
    return states;
  }

  /// For scripts that wait for something on the screen.
  void print_frame(double seconds, bool focused) const {
    static constexpr const char* kModel[] = {"none", "loading", "ready", "failed"};
    const ui::ViewState& view = controller_.view();
    const nlohmann::ordered_json line{{"frame", n_frames_}, {"seconds", seconds}, {"focused", focused}, {"model", kModel[static_cast<int>(view.model.state)]}, {"dialogs", view.can_choose_files}, {"found", view.found_models.size()}, {"hub", view.hub.rows.size()}, {"judged", std::ranges::count_if(view.hub.rows, [](const ui::HubRow& row) { return row.fit.level != ui::FitLevel::unknown; })}, {"downloads", states_of(view.downloads)}, {"asked", view.network.rows.size()},
                                      {"chats", view.chats.size()}, {"messages", view.messages.size()}, {"dark", view.theme == ui::ThemeChoice::dark}, {"contrast", view.high_contrast}, {"still", view.less_motion}, {"scale", view.scale}, {"generating", view.generating}, {"server", view.server.url}, {"notice", view.notices.empty() ? std::string() : view.notices.back().text}, {"draft", draft_}};
    std::printf("%s\n", line.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace).c_str());
    std::fflush(stdout);
  }

  const DesktopOptions& options_;
  Clock::time_point started_;
  std::deque<std::string> to_say_;
  ui::Window& window_;
  Desks desks_;
  Controller& controller_;
  WindowReader reader_{{.show = [this](std::shared_ptr<const AccessibleWindow> window) { desks_.bus.show(std::move(window)); }, .say = [this](const char* sentence) { desks_.bus.say(sentence); }}};
  int settled_frames_ = 0;
  std::int64_t n_frames_ = 0;
  std::string draft_;  // known while frames are printed
  bool picture_done_ = false;
  int exit_code_ = kOk;
};

}  // namespace

void add_desktop_options(CLI::App& app, DesktopOptions& options) {
  const std::string hidden;  // for scripts that test the window and take its pictures
  app.add_option("--screenshot", options.screenshot)->group(hidden);
  app.add_option("--say", options.say)->expected(1)->take_all()->group(hidden);
  app.add_option("--limit", options.limit)->group(hidden);
  app.add_option("--server-port", options.server_port)->check(CLI::Range(0, 65535))->group(hidden);
  app.add_option("--theme", options.theme)->check(CLI::IsMember({"light", "dark"}))->group(hidden);
  app.add_option("--scale", options.scale)->check(CLI::Range(0.75, 3.0))->check(must_be_finite)->group(hidden);
  app.add_option("--announce-after", options.announce_after_ms)->group(hidden);
  app.add_option("--script", options.script)->group(hidden);
  app.add_flag("--print-start", options.print_start)->group(hidden);
  app.add_flag("--print-frames", options.print_frames)->group(hidden);
}

int run_desktop(const CommonOptions& common, const DesktopOptions& options) {
  if (!options.script.empty()) return run_script(common, options.limit, options.script);
  std::signal(SIGPIPE, SIG_IGN);  // a line for a terminal that is gone ends no window
  const auto started = Clock::now();
  const std::filesystem::path kept = find_paths(common.data_dir).window();
  const WindowShape shape = shape_from(read_file(kept, kMostOfShape, Readable::regular).value_or(std::string()));
  auto window = ui::Window::open(shape.window);
  if (!window) return fail(window.error());
  Desktop desktop(**window, common, options, shape.system, started);
  (*window)->run(desktop);
  write_cache_file(kept, shape_text({(*window)->options(), desktop.system_looks()}));
  return desktop.exit_code();
}

}  // namespace foreword::app
