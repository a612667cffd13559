#include "app/answers_page.h"

#include <array>
#include <cstdio>
#include <iterator>

#include "app/message_settings.h"

namespace foreword::app {
namespace {

/// The numbers that matter most come first; each section ends with the row of its name.
struct Section {
  const char* name;
  std::string_view last;
};
constexpr Section kSections[] = {{"Randomness", "min_p"}, {"Repetition", "dry_window"}, {"Others", "seed"}};

std::string number(double value) {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.15g", value);
  return buffer.data();
}

/// What the sampler keeps as a float has no more digits than that.
std::string usual_words(const SamplingKind& kind, const Drawing& usual) {
  const auto value = kind.usual(usual);
  if (value) return number(kind.whole ? *value : rounded(*value));
  return kind.key == "seed" ? "any" : "no limit";
}

}  // namespace

std::vector<ui::SamplingRow> sampling_page(const Drawing& usual, std::span<const engine::SamplerParam* const> named, const ChatSampling& chosen) {
  std::vector<ui::SamplingRow> rows;
  const Section* section = std::begin(kSections);
  for (const SamplingKind& kind : sampling_kinds()) {
    const bool given = named_by_flag(kind, usual, named);
    ui::SamplingRow& row = rows.emplace_back();
    row = {.key = std::string(kind.key), .section = section->name, .label = std::string(kind.label), .help = std::string(kind.help),
           .minimum = kind.minimum, .maximum = kind.maximum, .step = kind.step, .whole = kind.whole, .start = kind.usual(usual).value_or(kind.start), .usual = usual_words(kind, usual)};
    if (!row.help.ends_with('.')) row.help += '.';
    if (given) row.reason = "Set by " + std::string(kind.flag) + " on the command line.";
    if (const auto value = chosen.find(kind.key); value != chosen.end() && !given) row.chosen = number(value->second);
    if (kind.key == section->last && section + 1 != std::end(kSections)) ++section;
  }
  return rows;
}

}  // namespace foreword::app
