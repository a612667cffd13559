#include "ui/textures.h"

#define GL_GLEXT_PROTOTYPES
#include <GL/glcorearb.h>
#include <imgui.h>

#include <array>

#include "ui/canvas.h"

namespace foreword::ui {

Textures::~Textures() {
  for (const Texture& texture : textures_) glDeleteTextures(1, &texture.name);
}

void Textures::upload(text::AtlasPage& page, Texture& texture) {
  const GLenum format = page.color ? GL_RGBA : GL_RED;
  const bool fresh = texture.name == 0;
  if (fresh) {
    glGenTextures(1, &texture.name);
    glBindTexture(GL_TEXTURE_2D, texture.name);
    // Glyph quads lie on whole pixels, so no filter is wanted.
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
    glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
    if (!page.color) {
      const std::array<GLint, 4> swizzle{GL_ONE, GL_ONE, GL_ONE, GL_RED};
      glTexParameteriv(GL_TEXTURE_2D, GL_TEXTURE_SWIZZLE_RGBA, swizzle.data());
    }
    glTexImage2D(GL_TEXTURE_2D, 0, page.color ? GL_RGBA8 : GL_R8, page.size, page.size, 0, format, GL_UNSIGNED_BYTE, nullptr);
  }
  if (fresh || texture.generation != page.generation) {
    page.dirty_begin = 0;
    page.dirty_end = page.size;
    texture.generation = page.generation;
  }
  if (page.dirty_begin == page.dirty_end) return;
  glBindTexture(GL_TEXTURE_2D, texture.name);
  glPixelStorei(GL_UNPACK_ALIGNMENT, 1);
  const std::size_t row = static_cast<std::size_t>(page.size) * (page.color ? 4 : 1);
  glTexSubImage2D(GL_TEXTURE_2D, 0, 0, page.dirty_begin, page.size, page.dirty_end - page.dirty_begin, format, GL_UNSIGNED_BYTE,
                  page.pixels.data() + static_cast<std::size_t>(page.dirty_begin) * row);
  page.dirty_begin = page.dirty_end = 0;
}

void Textures::prepare(std::vector<text::AtlasPage>& pages, ImDrawData& data) {
  textures_.resize(pages.size());
  for (std::size_t i = 0; i < pages.size(); ++i) upload(pages[i], textures_[i]);
  for (int l = 0; l < data.CmdListsCount; ++l) {
    for (ImDrawCmd& command : data.CmdLists[l]->CmdBuffer) {
      const auto id = reinterpret_cast<std::uintptr_t>(command.TextureId);
      if (id < Canvas::kPageTexture || id - Canvas::kPageTexture >= textures_.size()) continue;
      command.TextureId = reinterpret_cast<ImTextureID>(static_cast<std::uintptr_t>(textures_[id - Canvas::kPageTexture].name));
    }
  }
}

}  // namespace foreword::ui
