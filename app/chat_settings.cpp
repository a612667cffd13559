#include "app/chat_settings.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace foreword::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kOverflow = "overflow";
constexpr const char* kSummary = "summary";

constexpr std::array<std::pair<ui::Overflow, const char*>, 5> kNames{{{ui::Overflow::ask, "ask"},
                                                                     {ui::Overflow::drop_oldest, "drop_oldest"},
                                                                     {ui::Overflow::summarise, "summarise"},
                                                                     {ui::Overflow::larger_context, "larger_context"},
                                                                     {ui::Overflow::stop, "stop"}}};

}  // namespace

ChatSettings read_chat_settings(const std::string& json) {
  ChatSettings settings;
  const Json object = settings_object(json);
  settings.sampling = sampling_in(object);
  if (const auto name = object.find(kOverflow); name != object.end() && name->is_string()) {
    for (const auto& [overflow, word] : kNames) {
      if (*name == word) settings.overflow = overflow;
    }
  }
  const auto summary = object.find(kSummary);
  if (summary == object.end() || !summary->is_object()) return settings;
  const auto text = summary->find("text"), until = summary->find("until");
  if (text == summary->end() || !text->is_string() || until == summary->end() || !until->is_number_integer()) return settings;
  settings.summary = text->get<std::string>();
  settings.summarised_until = until->get<storage::Id>();
  return settings;
}

std::string write_chat_settings(const std::string& json, const ChatSettings& settings) {
  Json object = settings_object(json);
  for (const auto& [overflow, word] : kNames) {
    if (overflow == settings.overflow) object[kOverflow] = word;
  }
  put_sampling(object, settings.sampling);
  object.erase(kSummary);
  if (settings.summarised_until != 0) object[kSummary] = {{"until", settings.summarised_until}, {"text", settings.summary}};
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace foreword::app
