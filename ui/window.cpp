#include "ui/window.h"

#define GL_GLEXT_PROTOTYPES
#define GLFW_INCLUDE_NONE
#include <GL/glcorearb.h>
#include <GLFW/glfw3.h>
#include <backends/imgui_impl_opengl3.h>
#include <imgui.h>

#include <array>
#include <atomic>
#include <clocale>
#include <cmath>
#include <thread>
#include <vector>

#include "engine/base/log.h"
#include "ui/builtin_font.h"
#include "ui/glfw_input.h"
#include "ui/pacing.h"
#include "ui/png.h"
#include "ui/root.h"
#include "ui/text/freetype_fonts.h"
#include "ui/textures.h"
#include "ui/theme.h"

namespace foreword::ui {
namespace {

/// Nobody sees an iconified window; letters of an answer must not keep its loop busy.
constexpr auto kIconifiedPause = std::chrono::milliseconds(100);

Error no_window(const std::string& why) {
  return {ErrorCode::unsupported, "No window can be opened (" + why + "); use `foreword chat` to talk in the terminal."};
}

std::string glfw_reason() {
  const char* text = nullptr;
  glfwGetError(&text);
  return text == nullptr ? "unknown reason" : text;
}

std::unique_ptr<text::GlyphSource> open_fonts() {
  auto fonts = text::FreeTypeFonts::open();
  if (fonts) return std::move(fonts).value();
  log(LogLevel::warning, fonts.error().message);
  return std::make_unique<BuiltinFont>();
}

}  // namespace

struct Window::Impl {
  struct Library {  // GLFW itself: outlives all that uses it
    ~Library() { glfwTerminate(); }
  } library;
  GLFWwindow* window = nullptr;
  std::unique_ptr<GlfwInput> input;
  std::unique_ptr<GlfwClipboard> clipboard;
  std::unique_ptr<text::GlyphSource> fonts;
  std::unique_ptr<Root> root;
  std::unique_ptr<Textures> textures;
  std::array<GLFWcursor*, 2> cursors{};  // text, hand
  GLFWcursor* cursor = nullptr;
  ImGuiContext* imgui = nullptr;
  Pacer pacer;
  std::atomic<bool> woken{false};
  WindowOptions options;  // with the size of now
  double last_frame = 0;
  std::string title;

  ~Impl() {
    textures.reset();
    if (imgui != nullptr) {
      ImGui_ImplOpenGL3_Shutdown();
      ImGui::DestroyContext(imgui);
    }
    for (GLFWcursor* c : cursors) {
      if (c != nullptr) glfwDestroyCursor(c);
    }
    if (window != nullptr) glfwDestroyWindow(window);
  }

  float monitor_scale() const {
    float x = 1, y = 1;
    glfwGetWindowContentScale(window, &x, &y);
    return x > 0.1f ? x : 1;
  }

  void update_cursor() {
    GLFWcursor* wanted = nullptr;
    for (const Item& item : root->interaction().items()) {
      if (!root->interaction().hovered(item.id)) continue;
      const bool text = item.role == ItemRole::text_field || item.role == ItemRole::document;
      wanted = text ? cursors[0] : item.focusable ? cursors[1] : nullptr;
    }
    if (wanted != cursor) glfwSetCursor(window, wanted);
    cursor = wanted;
  }

  void show_title(const ViewState& state) {
    std::string wanted = window_title(state);
    if (wanted == title) return;
    title = std::move(wanted);
    glfwSetWindowTitle(window, title.c_str());
  }

  void draw(WindowClient& client, const ViewState& state);
  Result<void> save_picture(const std::filesystem::path& path, int width, int height);
};

Window::Window(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Window::~Window() = default;

Result<std::unique_ptr<Window>> Window::open(const WindowOptions& options) {
  std::setlocale(LC_CTYPE, "");  // input methods need it before GLFW starts; LC_NUMERIC stays "C"
  if (glfwInit() != GLFW_TRUE) return no_window(glfw_reason());
  auto impl = std::make_unique<Impl>();
  glfwWindowHint(GLFW_CONTEXT_VERSION_MAJOR, 3);
  glfwWindowHint(GLFW_CONTEXT_VERSION_MINOR, 3);
  glfwWindowHint(GLFW_OPENGL_PROFILE, GLFW_OPENGL_CORE_PROFILE);
  glfwWindowHint(GLFW_OPENGL_FORWARD_COMPAT, GLFW_TRUE);
  glfwWindowHint(GLFW_SCALE_TO_MONITOR, GLFW_TRUE);
  glfwWindowHint(GLFW_VISIBLE, options.visible ? GLFW_TRUE : GLFW_FALSE);
  glfwWindowHint(GLFW_MAXIMIZED, options.maximized ? GLFW_TRUE : GLFW_FALSE);
  glfwWindowHint(GLFW_DEPTH_BITS, 0);
  glfwWindowHint(GLFW_STENCIL_BITS, 0);
  glfwWindowHintString(GLFW_X11_CLASS_NAME, "foreword");
  glfwWindowHintString(GLFW_X11_INSTANCE_NAME, "foreword");
  impl->options = options;
  impl->title = window_title({});
  impl->window = glfwCreateWindow(options.width, options.height, impl->title.c_str(), nullptr, nullptr);
  if (impl->window == nullptr) return no_window(glfw_reason());
  glfwSetWindowSizeLimits(impl->window, 360, 320, GLFW_DONT_CARE, GLFW_DONT_CARE);
  glfwMakeContextCurrent(impl->window);
  glfwSwapInterval(1);
  impl->imgui = ImGui::CreateContext();
  ImGui::GetIO().IniFilename = nullptr;
  if (!ImGui_ImplOpenGL3_Init("#version 330 core")) return no_window("OpenGL 3.3 is missing");
  impl->input = std::make_unique<GlfwInput>(impl->window);
  impl->clipboard = std::make_unique<GlfwClipboard>(impl->window);
  impl->cursors = {glfwCreateStandardCursor(GLFW_IBEAM_CURSOR), glfwCreateStandardCursor(GLFW_HAND_CURSOR)};
  impl->fonts = open_fonts();
  impl->root = std::make_unique<Root>(*impl->fonts, *impl->clipboard);
  impl->textures = std::make_unique<Textures>();
  return std::unique_ptr<Window>(new Window(std::move(impl)));
}

const WindowOptions& Window::options() const { return impl_->options; }

bool Window::focused() const { return impl_->input->focused && !impl_->input->iconified; }

void Window::raise() {
  if (glfwGetWindowAttrib(impl_->window, GLFW_ICONIFIED) == GLFW_TRUE) glfwRestoreWindow(impl_->window);
  glfwFocusWindow(impl_->window);
  glfwRequestWindowAttention(impl_->window);
}

void Window::push(InputEvent event) {
  impl_->input->queue.push_back(std::move(event));
  impl_->input->touched = true;
  wake();
}

Rect Window::place() const {
  int left = 0, top = 0, width = 0, height = 0;
  glfwGetWindowPos(impl_->window, &left, &top);
  glfwGetFramebufferSize(impl_->window, &width, &height);
  return {static_cast<float>(left), static_cast<float>(top), static_cast<float>(left + width), static_cast<float>(top + height)};
}

void Window::wake() {
  if (!impl_->woken.exchange(true)) glfwPostEmptyEvent();
}

void Window::run(WindowClient& client) {
  Impl& impl = *impl_;
  while (!client.finished()) {
    if (glfwWindowShouldClose(impl.window) != GLFW_FALSE) {
      glfwSetWindowShouldClose(impl.window, GLFW_FALSE);
      client.handle(Quit{});
      impl.pacer.input();  // it may say why not
      continue;
    }
    const double now = glfwGetTime(), keys = impl.input->advance(now) - now;
    if (std::exchange(impl.input->touched, false)) impl.pacer.input();
    const double wait = std::min(impl.pacer.wait(now), std::max(keys, 0.0));
    if (wait <= 0) {
      glfwPollEvents();
    } else if (wait > 3600) {
      glfwWaitEvents();
    } else {
      glfwWaitEventsTimeout(wait);
    }
    if (impl.woken.exchange(false)) impl.pacer.letter();
    if (std::exchange(impl.input->touched, false)) impl.pacer.input();
    impl.pacer.set_focused(impl.input->focused);
    impl.pacer.set_iconified(impl.input->iconified);
    const ViewState& state = client.refresh();
    impl.show_title(state);
    if (impl.input->iconified) std::this_thread::sleep_for(kIconifiedPause);
    if (impl.pacer.wait(glfwGetTime()) <= 0) impl.draw(client, state);
  }
  client.handle(impl.root->draft());
}

void Window::Impl::draw(WindowClient& client, const ViewState& state) {
  int width = 0, height = 0;
  glfwGetFramebufferSize(window, &width, &height);
  const double now = glfwGetTime();
  if (width <= 0 || height <= 0) return pacer.drawn(now, std::numeric_limits<double>::infinity(), false);
  options.maximized = glfwGetWindowAttrib(window, GLFW_MAXIMIZED) == GLFW_TRUE;
  if (!options.maximized) {
    options.width = static_cast<int>(std::lround(static_cast<float>(width) / monitor_scale()));
    options.height = static_cast<int>(std::lround(static_cast<float>(height) / monitor_scale()));
  }
  ImGuiIO& io = ImGui::GetIO();
  io.DisplaySize = {static_cast<float>(width), static_cast<float>(height)};
  io.DeltaTime = static_cast<float>(std::max(1e-4, now - std::exchange(last_frame, now)));
  ImGui_ImplOpenGL3_NewFrame();
  ImGui::NewFrame();
  Root::Outcome outcome = root->frame(state, input->queue, ImGui::GetBackgroundDrawList(), {io.DisplaySize.x, io.DisplaySize.y}, monitor_scale(), now);
  ImGui::Render();
  textures->prepare(root->canvas().atlas().pages(), *ImGui::GetDrawData());
  glViewport(0, 0, width, height);
  ImGui_ImplOpenGL3_RenderDrawData(ImGui::GetDrawData());
  if (const auto path = client.picture_wanted()) client.picture_taken(save_picture(*path, width, height));
  glfwSwapBuffers(window);
  update_cursor();
  pacer.drawn(now, outcome.wake_at, outcome.more_input);
  client.frame_drawn(input->focused, root->interaction());
  for (UiEvent& event : outcome.events) client.handle(std::move(event));
  if (!outcome.events.empty()) pacer.input();
}

Result<void> Window::Impl::save_picture(const std::filesystem::path& path, int width, int height) {
  const std::size_t row = static_cast<std::size_t>(width) * 3;
  std::vector<std::uint8_t> upside_down(row * static_cast<std::size_t>(height)), rgb;
  glPixelStorei(GL_PACK_ALIGNMENT, 1);
  glReadPixels(0, 0, width, height, GL_RGB, GL_UNSIGNED_BYTE, upside_down.data());
  rgb.reserve(upside_down.size());
  for (int y = height - 1; y >= 0; --y) {
    const auto begin = upside_down.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(y) * row);
    rgb.insert(rgb.end(), begin, begin + static_cast<std::ptrdiff_t>(row));
  }
  return write_png(path, width, height, rgb);
}

}  // namespace foreword::ui
