#pragma once
// How things shall look: what the desktop says (org.freedesktop.appearance), what the user has chosen, and what comes of both. Pure.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace foreword::app {

/// Without a value: the desktop does not say, or the user leaves it to the desktop.
struct Looks {
  std::optional<bool> dark{}, high_contrast{}, less_motion{};
  bool operator==(const Looks&) const = default;
};

/// A thing of which the desktop can say how it shall look.
struct LookRow {
  const char* key;                  // within org.freedesktop.appearance
  std::uint32_t wanted;             // its value that means yes; every other one means no
  std::optional<bool> Looks::*look;
  const char *yes, *no;             // as words that are kept
};
std::span<const LookRow> look_rows();

/// What the desktop says of this key. Without a value: it says nothing that can be understood. A key that is none of ours changes nothing.
void take_look(Looks& looks, std::string_view key, std::optional<std::uint32_t> value);

/// What the user has chosen, and for the rest what the desktop says.
Looks looks_of(const Looks& chosen, const Looks& system);

/// As words, "dark usual-contrast": what has no value is left out. Reading ignores words that are none of these.
std::string looks_text(const Looks& looks);
void take_look_word(Looks& looks, std::string_view word);

}  // namespace foreword::app
