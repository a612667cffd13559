#pragma once
// What the health page shows of suggestions (A57): numbers without text. The only thing of suggestions that is ever stored, by
// name and number; app/ stores them. One thread.

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>

#include "ui/autocomplete/letters.h"

namespace foreword::ui::autocomplete {

enum class Count : std::uint8_t {
  shown, accepted_word, accepted_line, accepted_all, accepted_strip, seen_rejection, blind_rejection, neutral, typed_through,
  accept_undone, tab_too_early, snoozes, asked, suggests, advances, extends, cancels, cache_hits, cache_misses, survivor_hits,
  survivor_misses, tokens_decoded, tokens_dropped, tier_down, tier_up, jobs_full, jobs_reduced, jobs_pause_only, jobs_manual, last,
};
/// Milliseconds; a bucket counts what is under its limit, the last one the rest.
enum class Latency : std::uint8_t { key_to_first_word, key_to_paint, cancel, last };
inline constexpr std::array<Ms, 12> kLatencyLimits = {5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 1e9};

class Counters {
 public:
  std::uint64_t operator[](Count count) const { return counts_[static_cast<std::size_t>(count)]; }
  std::uint64_t operator[](Reason reason) const { return reasons_[static_cast<std::size_t>(reason)]; }
  const std::array<std::uint64_t, 12>& operator[](Latency kind) const { return latencies_[static_cast<std::size_t>(kind)]; }

  void add(Count count, std::uint64_t n = 1) { counts_[static_cast<std::size_t>(count)] += n; }
  /// `none` is not counted.
  void add(Reason reason);
  void add(Latency kind, Ms value);
  void reset() { *this = {}; }

  /// Every number with its name ("shown", "reason.late", "key_to_paint.40": under 40 ms), zeros included.
  void each(const std::function<void(std::string_view name, std::uint64_t value)>& visit) const;
  /// Takes one number up, as `each` named it. False: no such name.
  bool set(std::string_view name, std::uint64_t value);

 private:
  void each_slot(const std::function<void(std::string_view name, std::uint64_t& value)>& visit);
  std::array<std::uint64_t, static_cast<std::size_t>(Count::last)> counts_{};
  std::array<std::uint64_t, kReasonNames.size()> reasons_{};
  std::array<std::array<std::uint64_t, 12>, static_cast<std::size_t>(Latency::last)> latencies_{};
};

}  // namespace foreword::ui::autocomplete
