#include "app/download/asked.h"

#include <algorithm>
#include <iterator>

namespace foreword::app {
namespace {

struct EndRow {
  WebEnd end;
  std::string_view name, words;  // without words: as the status says
};
constexpr EndRow kEnds[] = {
    {WebEnd::whole, "whole", ""},
    {WebEnd::stopped, "stopped", ""},  // by us: enough of it was there, or the user wanted no more
    {WebEnd::unreachable, "unreachable", "not reached"},
    {WebEnd::broken, "broken", "broke off"},
    {WebEnd::silent, "silent", "fell silent"},
    {WebEnd::untrusted, "untrusted", "its certificate could not be checked"},
    {WebEnd::unusable, "unusable", "its answer was no HTTP"},
};

struct StatusRow {
  int from;
  std::string_view words, stopped;  // when the answer came to its end, and when we wanted no more of it
};
constexpr StatusRow kStatuses[] = {{400, "refused", "refused"}, {300, "led on to another address", "led on to another address"}, {100, "answered", "answered in part"}, {0, "not answered", "stopped"}};

const EndRow& row_of(WebEnd end) { return *std::ranges::find(kEnds, end, &EndRow::end); }

}  // namespace

std::string_view name_of(WebEnd end) { return row_of(end).name; }

std::optional<WebEnd> end_from_name(std::string_view name) {
  const auto row = std::ranges::find(kEnds, name, &EndRow::name);
  return row == std::end(kEnds) ? std::nullopt : std::optional(row->end);
}

std::string outcome_words(const Asked& asked) {
  if (!asked.ended) return "not ended";
  const EndRow& row = row_of(asked.end);
  if (!row.words.empty()) return std::string(row.words);
  const StatusRow& status = *std::ranges::find_if(kStatuses, [&](const StatusRow& each) { return asked.status >= each.from || each.from == 0; });
  const std::string words(asked.end == WebEnd::stopped ? status.stopped : status.words);
  return asked.status < 400 ? words : words + " (" + std::to_string(asked.status) + ")";
}

}  // namespace foreword::app
