#pragma once
// Draws a frame without a GPU: Dear ImGui's triangles into a picture, with the same bits on every machine. For tests of
// pixels; slow. One thread.

#include <cstdint>
#include <vector>

#include "ui/text/atlas.h"

struct ImDrawData;

namespace foreword::ui {

struct Picture {
  int width = 0, height = 0;
  std::vector<std::uint8_t> rgb;  // rows from top to bottom
};

/// Dear ImGui's own texture: coverage, one byte a pixel.
struct Coverage {
  const std::uint8_t* pixels = nullptr;
  int width = 0, height = 0;
};

/// `pages`: what Canvas::kPageTexture and up mean; any other texture is `own`. Corners lie on 1/256 pixels; a pixel belongs to
/// a triangle by its centre, and to one of two that share an edge.
Picture rasterise(const ImDrawData& data, const std::vector<text::AtlasPage>& pages, const Coverage& own);

}  // namespace foreword::ui
