#include "ui/headless.h"

#include <imgui.h>

#include <cmath>

#include "ui/text/cluster_shape.h"

namespace foreword::ui {

text::LineMetrics BoxFont::metrics(text::Font font) {
  return {static_cast<float>(font.size) * 0.8f, static_cast<float>(font.size) * 0.2f};
}

text::Shape BoxFont::shape(text::Font font, std::string_view run, bool rtl) {
  return text::shape_by_clusters(run, rtl, [&](std::string_view cluster) {
    const char32_t c = text::decode(cluster, 0).value;
    text::Shape shape;
    shape.advance = static_cast<float>(font.size) * (c >= 0x2E80 ? 1.0f : 0.5f);
    if (c != ' ') shape.glyphs.push_back({0, c >= 0x2E80 ? 2u : 1u, 0, 0});
    return shape;
  });
}

text::Bitmap BoxFont::rasterise(text::Font font, std::uint16_t, std::uint32_t index, int) {
  text::Bitmap bitmap;
  bitmap.width = std::max(1, font.size * static_cast<int>(index) / 2 - 2);
  bitmap.height = std::max(1, font.size / 2);
  bitmap.left = 1;
  bitmap.top = bitmap.height;
  bitmap.pixels.assign(static_cast<std::size_t>(bitmap.width) * static_cast<std::size_t>(bitmap.height), 255);
  return bitmap;
}

class Headless::Pocket final : public Clipboard {
 public:
  Pocket(std::string& copied, std::string& selected) : copied_(copied), selected_(selected) {}
  std::string read(Board board) override { return on(board); }
  void write(const std::string& text, Board board) override { on(board) = text; }

 private:
  std::string& on(Board board) { return board == Board::copied ? copied_ : selected_; }

  std::string& copied_;
  std::string& selected_;
};

Headless::Headless(Vec size, text::GlyphSource* source)
    : pocket_(std::make_unique<Pocket>(clipboard, selected_board)), imgui_(ImGui::CreateContext()), size_(size) {
  ImGui::SetCurrentContext(imgui_);
  ImGuiIO& io = ImGui::GetIO();
  io.IniFilename = nullptr;
  io.DisplaySize = {size.x, size.y};
  io.DeltaTime = 1.0f / 60;
  io.BackendFlags |= ImGuiBackendFlags_RendererHasVtxOffset;
  unsigned char* pixels = nullptr;
  int width = 0, height = 0;
  io.Fonts->GetTexDataAsAlpha8(&pixels, &width, &height);
  root_ = std::make_unique<Root>(source == nullptr ? boxes_ : *source, *pocket_);
}

Headless::~Headless() {
  root_.reset();
  ImGui::DestroyContext(imgui_);
}

void Headless::push(InputEvent event) { queue_.push_back(std::move(event)); }

void Headless::key(Key key, Mods mods) { push(KeyPress{key, mods}); }

void Headless::wheel(Vec at, float notches) { push(Wheel{at, 0, notches}); }

void Headless::type(std::string_view utf8) {
  for (std::size_t at = 0; at < utf8.size();) {
    const text::CodePoint c = text::decode(utf8, at);
    push(Character{c.value});
    at += c.n_bytes;
  }
}

void Headless::press(Vec at, int button, Mods mods) { push(MouseButton{button, true, at, mods, now}); }
void Headless::release(Vec at, int button) { push(MouseButton{button, false, at, {}, now}); }

bool Headless::click(std::string_view id) {
  const Item* item = find(id);
  if (item == nullptr || item->rect.empty()) return false;
  const Vec at = item->rect.center();
  now += 1;  // far from the last click
  push(MouseMove{at});
  press(at);
  release(at);
  frames(2);
  return true;
}

void Headless::frames(int n) {
  draw_one();
  while (more_) draw_one();
  for (int i = 1; i < n; ++i) draw_one();
}

Picture Headless::picture() const {
  ImGui::SetCurrentContext(imgui_);
  unsigned char* pixels = nullptr;
  Coverage own;
  ImGui::GetIO().Fonts->GetTexDataAsAlpha8(&pixels, &own.width, &own.height);
  own.pixels = pixels;
  return rasterise(*ImGui::GetDrawData(), root_->canvas().atlas().pages(), own);
}

void Headless::draw_one() {
  ImGui::SetCurrentContext(imgui_);
  ImGui::NewFrame();
  Root::Outcome outcome = root_->frame(state, queue_, ImGui::GetBackgroundDrawList(), size_, 1, now);
  ImGui::Render();
  triangles_ = ImGui::GetDrawData()->TotalIdxCount / 3;
  for (UiEvent& event : outcome.events) events.push_back(std::move(event));
  more_ = outcome.more_input;
  wake_at_ = outcome.wake_at;
}

}  // namespace foreword::ui
