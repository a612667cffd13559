#include "ui/icons.h"

#include <array>
#include <cmath>
#include <numbers>
#include <vector>

namespace foreword::ui {
namespace {

using Points = std::vector<Vec>;
struct Drawing {
  std::vector<Points> lines;
  std::vector<bool> closed;
  std::vector<Stroke> strokes;

  Drawing& line(Points points, bool close = false) {
    lines.push_back(std::move(points));
    closed.push_back(close);
    return *this;
  }
  /// Part of a circle; degrees, 0 is right, clockwise.
  Drawing& arc(Vec center, float radius, float from, float to) {
    Points points;
    const int n = 20;
    for (int i = 0; i <= n; ++i) {
      const float angle = (from + (to - from) * static_cast<float>(i) / static_cast<float>(n)) * std::numbers::pi_v<float> / 180;
      points.push_back({center.x + radius * std::cos(angle), center.y + radius * std::sin(angle)});
    }
    return line(std::move(points));
  }
  void finish() {
    for (std::size_t i = 0; i < lines.size(); ++i) strokes.push_back({lines[i], closed[i]});
  }
};

std::vector<Drawing> draw_all() {
  std::vector<Drawing> all(static_cast<std::size_t>(Icon::clip) + 1);
  const auto at = [&](Icon icon) -> Drawing& { return all[static_cast<std::size_t>(icon)]; };
  at(Icon::plus).line({{12, 5}, {12, 19}}).line({{5, 12}, {19, 12}});
  at(Icon::search).arc({11, 11}, 6, 0, 360).line({{15.5f, 15.5f}, {20, 20}});
  at(Icon::pencil).line({{4, 20}, {5, 15.5f}, {16, 4.5f}, {19.5f, 8}, {8.5f, 19}}, true).line({{13.5f, 7}, {17, 10.5f}});
  at(Icon::trash).line({{4.5f, 6.5f}, {19.5f, 6.5f}}).line({{9, 6.5f}, {9.5f, 4}, {14.5f, 4}, {15, 6.5f}})
      .line({{6.5f, 6.5f}, {7.3f, 20}, {16.7f, 20}, {17.5f, 6.5f}}).line({{10.3f, 10.5f}, {10.5f, 16}}).line({{13.7f, 10.5f}, {13.5f, 16}});
  at(Icon::cross).line({{6.5f, 6.5f}, {17.5f, 17.5f}}).line({{17.5f, 6.5f}, {6.5f, 17.5f}});
  at(Icon::send).line({{12, 19}, {12, 5.5f}}).line({{6, 11.5f}, {12, 5.5f}, {18, 11.5f}});
  at(Icon::stop).line({{8, 8}, {16, 8}, {16, 16}, {8, 16}}, true);
  at(Icon::copy).line({{9, 9}, {19, 9}, {19, 20}, {9, 20}}, true).line({{15, 5}, {5, 5}, {5, 16}});
  at(Icon::retry).arc({12, 12.5f}, 7, -20, 300).line({{19.5f, 4.5f}, {19, 10.2f}, {13.4f, 9.6f}});
  at(Icon::sun).arc({12, 12}, 4, 0, 360);
  for (int i = 0; i < 8; ++i) {
    const float angle = static_cast<float>(i) * std::numbers::pi_v<float> / 4, c = std::cos(angle), s = std::sin(angle);
    at(Icon::sun).line({{12 + 7 * c, 12 + 7 * s}, {12 + 9 * c, 12 + 9 * s}});
  }
  at(Icon::moon).arc({12, 12}, 8, 10, 260).arc({15.2f, 8.6f}, 6.4f, 217, 50);
  at(Icon::chevron_down).line({{7, 10}, {12, 15}, {17, 10}});
  at(Icon::chevron_right).line({{10, 7}, {15, 12}, {10, 17}});
  at(Icon::arrow_down).line({{12, 5}, {12, 18.5f}}).line({{6, 12.5f}, {12, 18.5f}, {18, 12.5f}});
  at(Icon::check).line({{5, 12.5f}, {10, 17.5f}, {19, 7}});
  at(Icon::folder).line({{3.5f, 19}, {3.5f, 5.5f}, {9.5f, 5.5f}, {11.5f, 8}, {20.5f, 8}, {20.5f, 19}}, true);
  at(Icon::warning).line({{12, 4}, {21, 19.5f}, {3, 19.5f}}, true).line({{12, 10}, {12, 14.5f}}).line({{12, 16.6f}, {12, 17.2f}});
  at(Icon::chevron_left).line({{14, 7}, {9, 12}, {14, 17}});
  at(Icon::play).line({{8, 5.5f}, {18.5f, 12}, {8, 18.5f}}, true);
  at(Icon::fork).arc({7, 5.5f}, 2, 0, 360).arc({7, 18.5f}, 2, 0, 360).arc({17, 7.5f}, 2, 0, 360).line({{7, 7.5f}, {7, 16.5f}})
      .line({{17, 9.5f}, {16.4f, 11.6f}, {14.6f, 12.8f}, {9.4f, 13.6f}, {7.6f, 14.8f}, {7, 16.5f}});
  at(Icon::pin).line({{8.5f, 4}, {15.5f, 4}}).line({{9.5f, 4}, {9.5f, 10}, {6.5f, 14}, {17.5f, 14}, {14.5f, 10}, {14.5f, 4}}).line({{12, 14}, {12, 20}});
  at(Icon::lock).line({{6, 11}, {18, 11}, {18, 20}, {6, 20}}, true).line({{8.5f, 11}, {8.5f, 8}}).line({{15.5f, 11}, {15.5f, 8}}).arc({12, 8}, 3.5f, 180, 360);
  at(Icon::undo).line({{8.5f, 5}, {4.5f, 9}, {8.5f, 13}}).line({{4.5f, 9}, {14, 9}}).arc({14, 14}, 5, -90, 90).line({{14, 19}, {9, 19}});
  at(Icon::save).line({{12, 4}, {12, 15}}).line({{7, 10.5f}, {12, 15.5f}, {17, 10.5f}}).line({{5, 19.5f}, {19, 19.5f}});
  at(Icon::help).arc({12, 12}, 8.5f, 0, 360).arc({12, 9.8f}, 2.6f, 180, 405).line({{13.8f, 11.6f}, {12, 13.2f}, {12, 14.2f}}).line({{12, 16.5f}, {12, 17}});
  at(Icon::file).line({{6, 3.5f}, {13.5f, 3.5f}, {18.5f, 8.5f}, {18.5f, 20.5f}, {6, 20.5f}}, true).line({{13.5f, 3.5f}, {13.5f, 8.5f}, {18.5f, 8.5f}});
  at(Icon::arrow_up).line({{12, 19}, {12, 5.5f}}).line({{6, 11.5f}, {12, 5.5f}, {18, 11.5f}});
  at(Icon::history).arc({12.5f, 12}, 7.5f, -150, 150).line({{4.6f, 4.6f}, {5.4f, 9.2f}, {10, 8.4f}}).line({{12.5f, 7.8f}, {12.5f, 12.3f}, {15.6f, 14}});
  at(Icon::sort).line({{4, 6.5f}, {20, 6.5f}}).line({{4, 12}, {15, 12}}).line({{4, 17.5f}, {10, 17.5f}});
  at(Icon::menu).line({{4, 6.5f}, {20, 6.5f}}).line({{4, 12}, {20, 12}}).line({{4, 17.5f}, {20, 17.5f}});
  at(Icon::minus).line({{5, 12}, {19, 12}});
  Points teeth;
  for (int i = 0; i < 32; ++i) {  // eight of them, four corners each
    const float angle = (static_cast<float>(i) + (i % 2 == 0 ? 0.1f : -0.1f)) * std::numbers::pi_v<float> / 16, radius = i % 4 < 2 ? 8.8f : 6.6f;
    teeth.push_back({12 + radius * std::cos(angle), 12 + radius * std::sin(angle)});
  }
  at(Icon::gear).line(std::move(teeth), true).arc({12, 12}, 2.9f, 0, 360);
  at(Icon::sliders).line({{4, 7}, {12.5f, 7}}).arc({15, 7}, 2.5f, 0, 360).line({{17.5f, 7}, {20, 7}})
      .line({{4, 17}, {6.5f, 17}}).arc({9, 17}, 2.5f, 0, 360).line({{11.5f, 17}, {20, 17}});
  // On axes that are turned by 45 degrees.
  const auto from = [](Vec point, float right_up, float left_up) {
    const float side = std::numbers::sqrt2_v<float> / 2;
    return Vec{point.x + side * (right_up - left_up), point.y - side * (right_up + left_up)};
  };
  const Vec bend{8.8f, 15.2f}, top = from(bend, 9.2f, 1.6f);
  at(Icon::clip).line({from(bend, 9.6f, -5), from(bend, 0, -5)}).arc(bend, 5, 45, 225).line({from(bend, 0, 5), from(top, 0, 3.4f)}).arc(top, 3.4f, 225, 405)
      .line({from(top, 0, -3.4f), from(bend, 0, -1.8f)}).arc(bend, 1.8f, 45, 225).line({from(bend, 0, 1.8f), from(bend, 7, 1.8f)});
  for (Drawing& drawing : all) drawing.finish();
  return all;
}

}  // namespace

std::span<const Stroke> strokes_of(Icon icon) {
  static const std::vector<Drawing> kAll = draw_all();
  return kAll[static_cast<std::size_t>(icon)].strokes;
}

}  // namespace foreword::ui
