// Draws the window in many states, and each panel over one of them, and writes a picture of each: what only eyes can judge.
// usage: ui_gallery FOLDER [NAME]... (needs a display, Xvfb will do); names: those states alone

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/ui/panels.h"
#include "tests/ui/states.h"
#include "ui/png.h"
#include "ui/text/freetype_fonts.h"
#include "ui/window.h"

namespace foreword::ui {
namespace {

class Gallery final : public WindowClient {
 public:
  Gallery(std::filesystem::path folder, std::vector<std::pair<std::string, State>> pages) : folder_(std::move(folder)), pages_(std::move(pages)) {}
  const ViewState& refresh() override { return pages_[page_].second; }
  void handle(UiEvent) override {}
  bool finished() override { return done_; }
  std::optional<std::filesystem::path> picture_wanted() override {
    window->wake();
    if (++frame_ < 3) return std::nullopt;
    return folder_ / (pages_[page_].first + ".png");
  }
  void picture_taken(Result<void> result) override {
    if (!result) std::fprintf(stderr, "%s\n", result.error().message.c_str());
    frame_ = 0;
    done_ = ++page_ == pages_.size();
    if (done_) --page_;
  }
  Window* window = nullptr;

 private:
  std::filesystem::path folder_;
  std::vector<std::pair<std::string, State>> pages_;
  std::size_t page_ = 0;
  int frame_ = 0;
  bool done_ = false;
};

std::string file_name(std::string name, ThemeChoice theme, float scale) {
  std::replace(name.begin(), name.end(), ' ', '_');
  return name + (theme == ThemeChoice::dark ? "-dark" : "-light") + (scale > 1 ? "-150" : "-100");
}

/// The panels that a key or a button opens, drawn without a display.
bool draw_panels(const std::filesystem::path& folder, text::GlyphSource& fonts, const std::vector<std::string>& names) {
  for (const Panel& panel : panels()) {
    const std::string name = std::string("panel ") + panel.name;
    if (&panel == &panels().front() || (!names.empty() && std::find(names.begin(), names.end(), panel.name) == names.end())) continue;
    for (const ThemeChoice theme : {ThemeChoice::light, ThemeChoice::dark}) {
      for (const float scale : {1.0f, 1.5f}) {
        Headless drive({1120 * scale, 760 * scale}, &fonts);
        drive.state = versions();
        drive.state.theme = theme;
        drive.state.scale = scale;
        drive.frames(2);
        panel.open(drive);
        drive.frames(4);
        const Picture picture = drive.picture();
        if (auto written = write_png(folder / (file_name(name, theme, scale) + ".png"), picture.width, picture.height, picture.rgb); !written) {
          std::fprintf(stderr, "%s\n", written.error().message.c_str());
          return false;
        }
      }
    }
  }
  return true;
}

int run(const std::filesystem::path& folder, const std::vector<std::string>& names) {
  std::filesystem::create_directories(folder);
  auto fonts = text::FreeTypeFonts::open();
  if (!fonts) {
    std::fprintf(stderr, "%s\n", fonts.error().message.c_str());
    return 1;
  }
  if (!draw_panels(folder, **fonts, names)) return 1;
  std::vector<std::pair<std::string, State>> pages;
  for (const NamedState& state : kStates) {
    if (!state.picture || (!names.empty() && std::find(names.begin(), names.end(), state.name) == names.end())) continue;
    for (const ThemeChoice theme : {ThemeChoice::light, ThemeChoice::dark}) {
      for (const float scale : {1.0f, 1.5f}) {
        State s = state.make();
        const auto offset = static_cast<std::int64_t>(100 * pages.size());
        for (MessageRow& row : s.messages) row.id += offset;  // no page continues another
        if (s.context.first_kept != 0) s.context.first_kept += offset;
        s.theme = theme;
        s.scale = scale;
        pages.emplace_back(file_name(state.name, theme, scale), std::move(s));
      }
    }
  }
  if (pages.empty()) return 0;
  auto window = Window::open({});
  if (!window) {
    std::fprintf(stderr, "%s\n", window.error().message.c_str());
    return 1;
  }
  Gallery gallery(folder, std::move(pages));
  gallery.window = window->get();
  (*window)->run(gallery);
  return 0;
}

}  // namespace
}  // namespace foreword::ui

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: ui_gallery FOLDER [NAME]...\n");
    return 2;
  }
  return foreword::ui::run(argv[1], std::vector<std::string>(argv + 2, argv + argc));
}
