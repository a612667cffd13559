#include "app/terminal.h"

#include <unistd.h>

namespace foreword::app {

std::string for_terminal(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]), next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : ' ');
    const bool c1 = byte == 0xC2 && next >= 0x80 && next < 0xA0;
    const bool c0 = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F;
    safe += c0 || c1 ? '?' : text[i];
    if (c1) ++i;
  }
  return safe;
}

void print_text(std::FILE* to, std::string_view text) {
  std::string safe;
  if (isatty(fileno(to)) != 0) text = safe = for_terminal(text);
  std::fwrite(text.data(), 1, text.size(), to);
  std::fflush(to);
}

}  // namespace foreword::app
