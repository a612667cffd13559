#pragma once
// Reads how the desktop wants things to look from the portal's settings, and hears of changes.

#include <array>
#include <functional>

#include "app/bus/looks.h"
#include "app/bus/systemd/line.h"

namespace foreword::app {

class LooksReader {
 public:
  /// Nothing is read yet. `tell`: once all has been answered or given up, and after every change.
  LooksReader(sd_bus* bus, std::function<void(const Looks&)> tell);
  LooksReader(const LooksReader&) = delete;
  LooksReader& operator=(const LooksReader&) = delete;

  void read();

 private:
  static constexpr std::size_t kRows = 3;
  struct Reading {
    LooksReader* reader = nullptr;
    std::size_t row = 0;
    bool older = false;  // the portal knows no ReadOne
    Slot slot{};
    void answered(sd_bus_message* answer);
  };

  void ask(Reading& reading);
  void changed(sd_bus_message* signal);
  void take(std::size_t row, std::optional<std::uint32_t> value);

  sd_bus* bus_;
  std::function<void(const Looks&)> tell_;
  std::array<Reading, kRows> readings_;
  std::size_t n_reading_ = 0;
  Looks looks_;
  Slot changes_;
};

}  // namespace foreword::app
