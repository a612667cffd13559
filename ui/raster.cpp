#include "ui/raster.h"

#include <imgui.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "ui/canvas.h"

namespace foreword::ui {
namespace {

constexpr std::int64_t kStep = 256;  // parts of a pixel

struct Rgba {
  double r = 255, g = 255, b = 255, a = 255;
};

struct Corner {
  std::int64_t x, y;
  double u, v;
  Rgba color;
};

Corner corner_of(const ImDrawVert& v) {
  const auto fixed = [](float value) { return static_cast<std::int64_t>(std::lround(static_cast<double>(value) * kStep)); };
  const auto channel = [&](int shift) { return static_cast<double>((v.col >> shift) & 0xFF); };
  return {fixed(v.pos.x), fixed(v.pos.y), static_cast<double>(v.uv.x), static_cast<double>(v.uv.y),
          {channel(IM_COL32_R_SHIFT), channel(IM_COL32_G_SHIFT), channel(IM_COL32_B_SHIFT), channel(IM_COL32_A_SHIFT)}};
}

/// Twice the area of the triangle that an edge and a point make; its sign says on which side the point is.
std::int64_t side(const Corner& a, const Corner& b, std::int64_t x, std::int64_t y) { return (b.x - a.x) * (y - a.y) - (b.y - a.y) * (x - a.x); }

/// Points on these edges belong to the triangle, those on the others to its neighbour.
bool owns_edge(const Corner& a, const Corner& b) { return b.y < a.y || (b.y == a.y && b.x > a.x); }

class Painter {
 public:
  Painter(Picture& picture, const std::vector<text::AtlasPage>& pages, const Coverage& own) : picture_(picture), pages_(pages), own_(own) {}

  void set_texture(ImTextureID id) {
    const auto number = reinterpret_cast<std::uintptr_t>(id);
    const bool page = number >= Canvas::kPageTexture && number - Canvas::kPageTexture < pages_.size();
    page_ = page ? &pages_[number - Canvas::kPageTexture] : nullptr;
  }
  void set_clip(const ImVec4& clip) {
    left_ = std::max(0, static_cast<int>(clip.x));
    top_ = std::max(0, static_cast<int>(clip.y));
    right_ = std::min(picture_.width, static_cast<int>(clip.z));
    bottom_ = std::min(picture_.height, static_cast<int>(clip.w));
  }
  void triangle(Corner a, Corner b, Corner c) {
    std::int64_t area = side(a, b, c.x, c.y);
    if (area == 0) return;
    if (area < 0) std::swap(b, c), area = -area;
    const auto [low_x, high_x] = std::minmax({a.x, b.x, c.x});
    const auto [low_y, high_y] = std::minmax({a.y, b.y, c.y});
    const int from_x = std::max<int>(left_, static_cast<int>(low_x / kStep) - 1), to_x = std::min<int>(right_, static_cast<int>(high_x / kStep) + 1);
    const int from_y = std::max<int>(top_, static_cast<int>(low_y / kStep) - 1), to_y = std::min<int>(bottom_, static_cast<int>(high_y / kStep) + 1);
    const std::int64_t bias_a = owns_edge(b, c) ? 0 : -1, bias_b = owns_edge(c, a) ? 0 : -1, bias_c = owns_edge(a, b) ? 0 : -1;
    for (int y = from_y; y < to_y; ++y) {
      for (int x = from_x; x < to_x; ++x) {
        const std::int64_t px = x * kStep + kStep / 2, py = y * kStep + kStep / 2;
        const std::int64_t wa = side(b, c, px, py), wb = side(c, a, px, py), wc = side(a, b, px, py);
        if (wa + bias_a < 0 || wb + bias_b < 0 || wc + bias_c < 0) continue;
        const double total = static_cast<double>(area), ka = static_cast<double>(wa) / total, kb = static_cast<double>(wb) / total, kc = static_cast<double>(wc) / total;
        const auto mix = [&](double p, double q, double r) { return ka * p + kb * q + kc * r; };
        const Rgba texel = sample(mix(a.u, b.u, c.u), mix(a.v, b.v, c.v));
        blend(x, y, {mix(a.color.r, b.color.r, c.color.r) * texel.r / 255, mix(a.color.g, b.color.g, c.color.g) * texel.g / 255,
                     mix(a.color.b, b.color.b, c.color.b) * texel.b / 255, mix(a.color.a, b.color.a, c.color.a) * texel.a / 255});
      }
    }
  }

 private:
  Rgba sample(double u, double v) const {
    if (page_ == nullptr) return {255, 255, 255, smooth(u * own_.width - 0.5, v * own_.height - 0.5)};
    const int x = std::clamp(static_cast<int>(u * page_->size), 0, page_->size - 1), y = std::clamp(static_cast<int>(v * page_->size), 0, page_->size - 1);
    const std::size_t at = static_cast<std::size_t>(y) * static_cast<std::size_t>(page_->size) + static_cast<std::size_t>(x);
    if (!page_->color) return {255, 255, 255, static_cast<double>(page_->pixels[at])};
    const std::uint8_t* p = &page_->pixels[4 * at];
    return {static_cast<double>(p[0]), static_cast<double>(p[1]), static_cast<double>(p[2]), static_cast<double>(p[3])};
  }
  /// Between four pixels of Dear ImGui's texture, in which lines of several widths are drawn.
  double smooth(double x, double y) const {
    const int x0 = static_cast<int>(std::floor(x)), y0 = static_cast<int>(std::floor(y));
    const double fx = x - x0, fy = y - y0;
    const auto at = [&](int i, int j) {
      i = std::clamp(i, 0, own_.width - 1), j = std::clamp(j, 0, own_.height - 1);
      return static_cast<double>(own_.pixels[static_cast<std::size_t>(j) * static_cast<std::size_t>(own_.width) + static_cast<std::size_t>(i)]);
    };
    const double upper = at(x0, y0) * (1 - fx) + at(x0 + 1, y0) * fx, lower = at(x0, y0 + 1) * (1 - fx) + at(x0 + 1, y0 + 1) * fx;
    return upper * (1 - fy) + lower * fy;
  }
  void blend(int x, int y, const Rgba& color) {
    std::uint8_t* p = &picture_.rgb[3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(picture_.width) + static_cast<std::size_t>(x))];
    const double alpha = color.a / 255;
    const std::array<double, 3> channels{color.r, color.g, color.b};
    for (std::size_t i = 0; i < 3; ++i) p[i] = static_cast<std::uint8_t>(std::clamp(channels[i] * alpha + p[i] * (1 - alpha) + 0.5, 0.0, 255.0));
  }

  Picture& picture_;
  const std::vector<text::AtlasPage>& pages_;
  const Coverage& own_;
  const text::AtlasPage* page_ = nullptr;
  int left_ = 0, top_ = 0, right_ = 0, bottom_ = 0;
};

}  // namespace

Picture rasterise(const ImDrawData& data, const std::vector<text::AtlasPage>& pages, const Coverage& own) {
  Picture picture{static_cast<int>(data.DisplaySize.x), static_cast<int>(data.DisplaySize.y), {}};
  picture.rgb.assign(static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.height) * 3, 0);
  Painter painter(picture, pages, own);
  for (int l = 0; l < data.CmdListsCount; ++l) {
    const ImDrawList& list = *data.CmdLists[l];
    for (const ImDrawCmd& command : list.CmdBuffer) {
      painter.set_texture(command.GetTexID());
      painter.set_clip(command.ClipRect);
      for (unsigned i = 0; i + 2 < command.ElemCount; i += 3) {
        const auto corner = [&](unsigned k) {
          return corner_of(list.VtxBuffer[static_cast<int>(command.VtxOffset + list.IdxBuffer[static_cast<int>(command.IdxOffset + i + k)])]);
        };
        painter.triangle(corner(0), corner(1), corner(2));
      }
    }
  }
  return picture;
}

}  // namespace foreword::ui
