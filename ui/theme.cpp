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

// For eyes that need more: black and white, text pairs of at least 7:1.
constexpr Theme kLightContrast{
    .page = Color::hex(0xFFFFFF), .side = Color::hex(0xFFFFFF), .raised = Color::hex(0xFFFFFF), .line = Color::hex(0x5A5A5A),
    .border_focus = Color::hex(0x00418F), .ink = Color::hex(0x000000), .ink_soft = Color::hex(0x303030), .ghost = Color::hex(0x575757),
    .accent = Color::hex(0x003E4F), .on_accent = Color::hex(0xFFFFFF), .hover = Color::hex(0xE4E4E4),
    .chosen = Color::hex(0xD2D2D2), .bubble = Color::hex(0xECECEC), .code = Color::hex(0xF4F4F4), .chip = Color::hex(0xE4E4E4),
    .selection = Color::hex(0xA9D4FF), .found = Color::hex(0xFFEC80), .found_here = Color::hex(0xFFB52E), .danger = Color::hex(0x8A0000), .on_danger = Color::hex(0xFFFFFF),
    .danger_soft = Color::hex(0xFFECEA), .scrim = Color{0, 0, 0, 150},
    .tokens = {Color::hex(0x000000), Color::hex(0x5E1566), Color::hex(0x004555), Color::hex(0x0F3A80), Color::hex(0x234A06),
               Color::hex(0x6E2E00), Color::hex(0x424242), Color::hex(0x543300), Color::hex(0x0C4A0C), Color::hex(0x8A0000),
               Color::hex(0x3F2E80)}};

constexpr Theme kDarkContrast{
    .page = Color::hex(0x000000), .side = Color::hex(0x000000), .raised = Color::hex(0x0C0C0C), .line = Color::hex(0x9C9C9C),
    .border_focus = Color::hex(0xFFDD57), .ink = Color::hex(0xFFFFFF), .ink_soft = Color::hex(0xD6D6D6), .ghost = Color::hex(0x9F9F9F),
    .accent = Color::hex(0x8CE3F5), .on_accent = Color::hex(0x000000), .hover = Color::hex(0x2A2A2A),
    .chosen = Color::hex(0x3A3A3A), .bubble = Color::hex(0x1F1F1F), .code = Color::hex(0x0C0C0C), .chip = Color::hex(0x2A2A2A),
    .selection = Color::hex(0x0B4A7A), .found = Color::hex(0x564700), .found_here = Color::hex(0x6B4800), .danger = Color::hex(0xFFB4AB), .on_danger = Color::hex(0x2A0000),
    .danger_soft = Color::hex(0x2B0B08), .scrim = Color{0, 0, 0, 190},
    .tokens = {Color::hex(0xFFFFFF), Color::hex(0xF0B8F4), Color::hex(0x8CE3F5), Color::hex(0xB8D0FF), Color::hex(0xC9E6A0),
               Color::hex(0xFFC79A), Color::hex(0xC4C4C4), Color::hex(0xF5D699), Color::hex(0xB5EBA8), Color::hex(0xFFB4AB),
               Color::hex(0xD3C9FF)}};

double linear(std::uint8_t channel) {
  const double c = channel / 255.0;
  return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
}

double luminance(Color c) { return 0.2126 * linear(c.r) + 0.7152 * linear(c.g) + 0.0722 * linear(c.b); }

}  // namespace

const Theme& theme_of(ThemeChoice choice, bool high_contrast) {
  if (choice == ThemeChoice::dark) return high_contrast ? kDarkContrast : kDark;
  return high_contrast ? kLightContrast : kLight;
}

double contrast(Color a, Color b) {
  const double x = luminance(a), y = luminance(b);
  return (std::max(x, y) + 0.05) / (std::min(x, y) + 0.05);
}

}  // namespace foreword::ui
