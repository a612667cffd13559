#include "app/bus/systemd/looks_reader.h"

#include <cstring>
#include <utility>

namespace foreword::app {
namespace {

constexpr const char* kSettings = "org.freedesktop.portal.Settings";
constexpr const char* kAppearance = "org.freedesktop.appearance";
constexpr int kMostNested = 2;  // the older Read wraps its value twice

/// The number in the variant that comes next.
std::optional<std::uint32_t> read_number(sd_bus_message* message) {
  for (int depth = 0; depth <= kMostNested; ++depth) {
    char type = 0;
    const char* contents = nullptr;
    if (sd_bus_message_peek_type(message, &type, &contents) <= 0) return std::nullopt;
    if (type == SD_BUS_TYPE_VARIANT && sd_bus_message_enter_container(message, type, contents) > 0) continue;
    std::uint32_t number = 0;
    return type == SD_BUS_TYPE_UINT32 && sd_bus_message_read_basic(message, type, &number) > 0 ? std::optional(number) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

LooksReader::LooksReader(sd_bus* bus, std::function<void(const Looks&)> tell) : bus_(bus), tell_(std::move(tell)) {
  for (std::size_t row = 0; row < kRows; ++row) readings_[row] = {.reader = this, .row = row};
  changes_ = listen(bus, kPortal, kPortalPath, kSettings, "SettingChanged", heard<&LooksReader::changed, LooksReader>, this);
}

void LooksReader::read() {
  n_reading_ = kRows;
  for (Reading& reading : readings_) {
    reading.older = false;
    ask(reading);
  }
}

void LooksReader::ask(Reading& reading) {
  const Message call = new_call(bus_, kPortal, kPortalPath, kSettings, reading.older ? "Read" : "ReadOne");
  if (call) sd_bus_message_append(call.get(), "ss", kAppearance, look_rows()[reading.row].key);
  reading.slot = send(bus_, call, heard<&Reading::answered, Reading>, &reading);
  if (!reading.slot) take(reading.row, std::nullopt);
}

void LooksReader::Reading::answered(sd_bus_message* answer) {
  if (!older && sd_bus_message_is_method_error(answer, SD_BUS_ERROR_UNKNOWN_METHOD) > 0) {
    older = true;
    return reader->ask(*this);
  }
  reader->take(row, sd_bus_message_is_method_error(answer, nullptr) > 0 ? std::nullopt : read_number(answer));
}

void LooksReader::take(std::size_t row, std::optional<std::uint32_t> value) {
  take_look(looks_, look_rows()[row].key, value);
  if (--n_reading_ == 0) tell_(looks_);
}

/// What cannot be understood changes nothing.
void LooksReader::changed(sd_bus_message* signal) {
  const char *space = nullptr, *key = nullptr;
  if (sd_bus_message_read(signal, "ss", &space, &key) <= 0 || std::strcmp(space, kAppearance) != 0) return;
  const auto value = read_number(signal);
  if (!value) return;
  take_look(looks_, key, value);
  if (n_reading_ == 0) tell_(looks_);
}

}  // namespace foreword::app
