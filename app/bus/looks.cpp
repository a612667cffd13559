#include "app/bus/looks.h"

namespace foreword::app {
namespace {

// https://flatpak.github.io/xdg-desktop-portal: what a desktop may say that is not listed here counts as no preference.
constexpr LookRow kRows[] = {
    {"color-scheme", 1, &Looks::dark, "dark", "light"},
    {"contrast", 1, &Looks::high_contrast, "high-contrast", "usual-contrast"},
    {"reduced-motion", 1, &Looks::less_motion, "less-motion", "usual-motion"},
};

}  // namespace

std::span<const LookRow> look_rows() { return kRows; }

void take_look(Looks& looks, std::string_view key, std::optional<std::uint32_t> value) {
  for (const LookRow& row : kRows) {
    if (key == row.key) looks.*row.look = value ? std::optional(*value == row.wanted) : std::nullopt;
  }
}

Looks looks_of(const Looks& chosen, const Looks& system) {
  Looks looks = system;
  for (const LookRow& row : kRows) {
    if (chosen.*row.look) looks.*row.look = chosen.*row.look;
  }
  return looks;
}

std::string looks_text(const Looks& looks) {
  std::string text;
  for (const LookRow& row : kRows) {
    if (const auto& look = looks.*row.look) text.append(text.empty() ? "" : " ").append(*look ? row.yes : row.no);
  }
  return text;
}

void take_look_word(Looks& looks, std::string_view word) {
  for (const LookRow& row : kRows) {
    if (word == row.yes || word == row.no) looks.*row.look = word == row.yes;
  }
}

}  // namespace foreword::app
