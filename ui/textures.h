#pragma once
// Atlas pages as OpenGL textures. Main thread, with the context current.

#include <vector>

#include "ui/text/atlas.h"

struct ImDrawData;

namespace foreword::ui {

class Textures {
 public:
  Textures() = default;
  ~Textures();
  Textures(const Textures&) = delete;
  Textures& operator=(const Textures&) = delete;

  /// Uploads what changed on the pages and puts the textures' names into the draw data.
  void prepare(std::vector<text::AtlasPage>& pages, ImDrawData& data);

 private:
  struct Texture {
    unsigned name = 0;
    std::uint64_t generation = 0;
  };
  void upload(text::AtlasPage& page, Texture& texture);

  std::vector<Texture> textures_;
};

}  // namespace foreword::ui
