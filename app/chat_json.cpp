#include "app/chat_json.h"

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

namespace foreword::app {
namespace {

using Json = nlohmann::ordered_json;
using storage::Id;

constexpr int kMostNested = 8;  // deeper JSON is not ours
constexpr const char* kFormat = "foreword-chat";
constexpr int kVersion = 1;

bool is_utf8(const std::string& text) {
  try {
    Json(text).dump();
    return true;
  } catch (const Json::exception&) {
    return false;
  }
}

Json json_of(const std::string& text) {
  if (is_utf8(text)) return text;
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : text) {
    hex += kDigits[static_cast<unsigned char>(c) >> 4];
    hex += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return Json{{"hex", hex}};
}

/// Reads fields of one object; the first that is wrong is kept as an error with its place.
class Reader {
 public:
  Reader(const Json& object, std::string place) : object_(object), place_(std::move(place)) {
    if (!object.is_object()) fail("", "is no object");
  }
  const std::optional<Error>& error() const { return error_; }

  void read(const char* name, std::string& value) {
    const Json* field = find(name);
    if (field == nullptr) return;
    if (field->is_string()) {
      value = field->get<std::string>();
    } else if (!read_hex(*field, value)) {
      fail(name, "is no text");
    }
  }
  void read(const char* name, std::int64_t& value) {
    const Json* field = find(name);
    if (field == nullptr) return;
    const bool fits = field->is_number_integer() && (!field->is_number_unsigned() || field->get<std::uint64_t>() <= INT64_MAX);
    if (!fits) return fail(name, "is no whole number");
    value = field->get<std::int64_t>();
  }
  void read(const char* name, double& value) {
    const Json* field = find(name);
    if (field == nullptr) return;
    if (!field->is_number()) return fail(name, "is no number");
    value = field->get<double>();
  }
  void read(const char* name, bool& value) {
    const Json* field = find(name);
    if (field == nullptr) return;
    if (!field->is_boolean()) return fail(name, "is neither true nor false");
    value = field->get<bool>();
  }
  template <class Enum>
  void read_name(const char* name, Enum& value, Enum last) {
    std::string word;
    read(name, word);
    if (error_) return;
    for (int i = 0; i <= static_cast<int>(last); ++i) {
      if (word == storage::name_of(static_cast<Enum>(i))) return void(value = static_cast<Enum>(i));
    }
    fail(name, "has an unknown value");
  }
  void fail(const std::string& name, const std::string& why) {
    if (!error_) error_ = Error{ErrorCode::corrupt, "The chat cannot be read: " + place_ + (name.empty() ? "" : "." + name) + " " + why + "."};
  }

 private:
  const Json* find(const char* name) {
    if (error_) return nullptr;
    const auto field = object_.find(name);
    if (field != object_.end()) return &*field;
    fail(name, "is missing");
    return nullptr;
  }
  static bool read_hex(const Json& field, std::string& value) {
    if (!field.is_object() || field.size() != 1 || !field.contains("hex") || !field["hex"].is_string()) return false;
    const std::string hex = field["hex"].get<std::string>();
    const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
    value.clear();
    for (std::size_t i = 0; i < hex.size(); i += 2) {
      if (i + 1 == hex.size() || digit(hex[i]) < 0 || digit(hex[i + 1]) < 0) return false;
      value += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
    }
    return true;
  }

  const Json& object_;
  std::string place_;
  std::optional<Error> error_;
};

Result<storage::TreeMessage> read_message(const Json& object, const std::string& place) {
  storage::TreeMessage entry;
  storage::Message& message = entry.message;
  Reader reader(object, place);
  reader.read("id", message.id);
  reader.read("parent", message.parent_id);
  reader.read("shown_child", entry.shown_child);
  reader.read_name("role", message.role, storage::Role::tool);
  reader.read_name("status", message.status, storage::Status::failed);
  reader.read("created_at", message.created_at);
  reader.read("content", message.content);
  reader.read("reasoning", message.reasoning);
  reader.read("model", message.model);
  reader.read("settings", message.settings);
  reader.read("prompt_tokens", message.stats.prompt_tokens);
  reader.read("reused_tokens", message.stats.reused_tokens);
  reader.read("generated_tokens", message.stats.generated_tokens);
  reader.read("first_token_seconds", message.stats.first_token_seconds);
  reader.read("seconds", message.stats.seconds);
  reader.read("stop_reason", message.stats.stop_reason);
  if (message.status == storage::Status::streaming) reader.fail("status", "says that it is still being written");
  if (reader.error()) return *reader.error();
  return entry;
}

}  // namespace

std::string chat_to_json(const storage::ChatTree& tree) {
  std::map<Id, std::int64_t> numbers;
  for (const auto& entry : tree.messages) numbers.emplace(entry.message.id, std::ssize(numbers) + 1);
  const auto number_of = [&](Id id) {
    const auto found = numbers.find(id);
    return found == numbers.end() ? std::int64_t{0} : found->second;
  };
  const storage::Chat& chat = tree.chat;
  Json json{{"format", kFormat}, {"version", kVersion}};
  json["chat"] = {{"title", json_of(chat.title)}, {"title_by_user", chat.title_by_user}, {"pinned", chat.pinned},
                  {"created_at", chat.created_at}, {"updated_at", chat.updated_at}, {"model_path", json_of(chat.model_path)},
                  {"system_prompt", json_of(chat.system_prompt)}, {"settings", json_of(chat.settings)},
                  {"folder", json_of(chat.folder)},
                  {"shown_root", number_of(tree.shown_root)}};
  json["messages"] = Json::array();
  for (const auto& entry : tree.messages) {
    const storage::Message& m = entry.message;
    const auto status = m.status == storage::Status::streaming ? storage::Status::interrupted : m.status;
    json["messages"].push_back({{"id", number_of(m.id)}, {"parent", number_of(m.parent_id)}, {"shown_child", number_of(entry.shown_child)},
                                {"role", storage::name_of(m.role)}, {"status", storage::name_of(status)}, {"created_at", m.created_at},
                                {"content", json_of(m.content)}, {"reasoning", json_of(m.reasoning)}, {"model", json_of(m.model)},
                                {"settings", json_of(m.settings)}, {"prompt_tokens", m.stats.prompt_tokens},
                                {"reused_tokens", m.stats.reused_tokens}, {"generated_tokens", m.stats.generated_tokens},
                                {"first_token_seconds", m.stats.first_token_seconds}, {"seconds", m.stats.seconds},
                                {"stop_reason", json_of(m.stats.stop_reason)}});
  }
  return json.dump(1) + "\n";
}

Result<storage::ChatTree> chat_from_json(std::string_view text) {
  Json json;
  try {
    bool too_deep = false;
    json = Json::parse(text, [&](int depth, Json::parse_event_t, Json&) { return depth <= kMostNested || (too_deep = true, false); });
    if (too_deep) json = nullptr;
  } catch (const Json::parse_error& error) {
    return Error{ErrorCode::corrupt, "The file is no JSON: there is a mistake at byte " + std::to_string(error.byte) + "."};
  } catch (const Json::exception&) {
    return Error{ErrorCode::corrupt, "The file is JSON, but holds a number that is too large."};
  }
  if (!json.is_object() || json.value("format", Json()) != kFormat) {
    return Error{ErrorCode::unsupported, "The file is not a chat that was exported from Foreword as JSON."};
  }
  if (json.value("version", Json()) != kVersion) {
    return Error{ErrorCode::unsupported, "The chat was exported by a newer version of this program; update it to read the file."};
  }
  storage::ChatTree tree;
  const Json none;
  Reader reader(json.contains("chat") ? json["chat"] : none, "chat");
  reader.read("title", tree.chat.title);
  reader.read("title_by_user", tree.chat.title_by_user);
  reader.read("pinned", tree.chat.pinned);
  reader.read("created_at", tree.chat.created_at);
  reader.read("updated_at", tree.chat.updated_at);
  reader.read("model_path", tree.chat.model_path);
  reader.read("system_prompt", tree.chat.system_prompt);
  reader.read("settings", tree.chat.settings);
  reader.read("folder", tree.chat.folder);
  reader.read("shown_root", tree.shown_root);
  if (reader.error()) return *reader.error();
  const Json& messages = json.contains("messages") ? json["messages"] : none;
  if (!messages.is_array()) return Error{ErrorCode::corrupt, "The chat cannot be read: messages is no list."};
  for (const Json& object : messages) {
    const std::int64_t number = std::ssize(tree.messages) + 1;
    const std::string place = "messages[" + std::to_string(number - 1) + "]";
    FW_ASSIGN(storage::TreeMessage entry, read_message(object, place));
    const storage::Message& m = entry.message;
    if (m.id != number || m.parent_id < 0 || m.parent_id >= number) {
      return Error{ErrorCode::corrupt, "The chat cannot be read: " + place + " has a wrong number or stands before its parent."};
    }
    tree.messages.push_back(std::move(entry));
  }
  return tree;
}

}  // namespace foreword::app
