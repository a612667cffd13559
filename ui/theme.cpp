#include "ui/theme.h"

#include <cmath>

namespace foreword::ui {
namespace {

// Warm paper and ink; one blue-green accent.
constexpr Theme kLight{
    .page = Color::hex(0xFCFBF9), .side = Color::hex(0xF4F2EE), .raised = Color::hex(0xFFFFFF), .line = Color::hex(0xE3DFD8),
    .border_focus = Color::hex(0x4F8A96), .ink = Color::hex(0x23211E), .ink_soft = Color::hex(0x69655E), .ghost = Color::hex(0x75726C),
    .accent = Color::hex(0x1F6472), .on_accent = Color::hex(0xFFFFFF), .hover = Color::hex(0xEAE7E1),
    .chosen = Color::hex(0xE3DFD7), .bubble = Color::hex(0xEFECE6), .code = Color::hex(0xF4F2EE), .chip = Color::hex(0xECE9E2),
    .selection = Color::hex(0xBFDDE3), .found = Color::hex(0xF6E7B0), .found_here = Color::hex(0xF0BE58), .danger = Color::hex(0xA8322A), .on_danger = Color::hex(0xFFFFFF),
    .danger_soft = Color::hex(0xFBEBE8), .scrim = Color{30, 27, 22, 90},
    .tokens = {Color::hex(0x23211E), Color::hex(0x86398C), Color::hex(0x1F6472), Color::hex(0x2B579F), Color::hex(0x3F671E),
               Color::hex(0x97490F), Color::hex(0x69655E), Color::hex(0x7A4E0A), Color::hex(0x2C6A2C), Color::hex(0xA8322A),
               Color::hex(0x6350A0)}};

constexpr Theme kDark{
    .page = Color::hex(0x1C1D1F), .side = Color::hex(0x161719), .raised = Color::hex(0x26282B), .line = Color::hex(0x34373B),
    .border_focus = Color::hex(0x5E97A4), .ink = Color::hex(0xE8E5DF), .ink_soft = Color::hex(0xA5A199), .ghost = Color::hex(0x93908A),
    .accent = Color::hex(0x8CC3CF), .on_accent = Color::hex(0x10262B), .hover = Color::hex(0x25272A),
    .chosen = Color::hex(0x2D3034), .bubble = Color::hex(0x2A2D31), .code = Color::hex(0x141517), .chip = Color::hex(0x2D3034),
    .selection = Color::hex(0x2F5560), .found = Color::hex(0x4A4122), .found_here = Color::hex(0x7A5F14), .danger = Color::hex(0xF29A90), .on_danger = Color::hex(0x3A0F0B),
    .danger_soft = Color::hex(0x3A2422), .scrim = Color{0, 0, 0, 140},
    .tokens = {Color::hex(0xE8E5DF), Color::hex(0xD8A3DC), Color::hex(0x8CC3CF), Color::hex(0x9DBBF0), Color::hex(0xB4CD8F),
               Color::hex(0xE8B48A), Color::hex(0x9B978F), Color::hex(0xE2C48C), Color::hex(0xA5D39A), Color::hex(0xF29A90),
               Color::hex(0xBFB4F0)}};

double linear(std::uint8_t channel) {
  const double c = channel / 255.0;
  return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
}

double luminance(Color c) { return 0.2126 * linear(c.r) + 0.7152 * linear(c.g) + 0.0722 * linear(c.b); }

}  // namespace

const Theme& theme_of(ThemeChoice choice) { return choice == ThemeChoice::dark ? kDark : kLight; }

double contrast(Color a, Color b) {
  const double x = luminance(a), y = luminance(b);
  return (std::max(x, y) + 0.05) / (std::min(x, y) + 0.05);
}

}  // namespace foreword::ui
