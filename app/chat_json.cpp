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

/// The fields of a chat and of a message, but for the links between them; for a Reader and for a Writer.
template <class Fields, class Chat>
void visit_chat(Fields& fields, Chat& chat) {
  fields.add("title", chat.title);
  fields.add("title_by_user", chat.title_by_user);
  fields.add("pinned", chat.pinned);
  fields.add("created_at", chat.created_at);
  fields.add("updated_at", chat.updated_at);
  fields.add("model_path", chat.model_path);
  fields.add("system_prompt", chat.system_prompt);
  fields.add("settings", chat.settings);
  fields.add("folder", chat.folder);
  fields.maybe("source", chat.source);
}
template <class Fields, class Message>
void visit_message(Fields& fields, Message& message) {
  fields.add("role", message.role, storage::Role::tool);
  fields.add("status", message.status, storage::Status::failed);
  fields.add("created_at", message.created_at);
  fields.add("content", message.content);
  fields.add("reasoning", message.reasoning);
  fields.add("model", message.model);
  fields.add("settings", message.settings);
  fields.add("prompt_tokens", message.stats.prompt_tokens);
  fields.add("reused_tokens", message.stats.reused_tokens);
  fields.add("generated_tokens", message.stats.generated_tokens);
  fields.add("first_token_seconds", message.stats.first_token_seconds);
  fields.add("seconds", message.stats.seconds);
  fields.add("stop_reason", message.stats.stop_reason);
  fields.maybe("reasoning_seconds", message.stats.reasoning_seconds);
}

class Writer {
 public:
  explicit Writer(Json& object) : object_(object) {}
  void add(const char* name, const std::string& value) { object_[name] = json_of(value); }
  template <class Number>
  void add(const char* name, const Number& value) { object_[name] = value; }
  template <class Value>
  void maybe(const char* name, const Value& value) { add(name, value); }
  template <class Enum>
  void add(const char* name, const Enum& value, Enum) { object_[name] = storage::name_of(value); }

 private:
  Json& object_;
};

/// Reads fields of one object; the first that is wrong is kept as an error with its place.
class Reader {
 public:
  Reader(const Json& object, std::string place) : object_(object), place_(std::move(place)) {
    if (!object.is_object()) fail("", "is no object");
  }
  const std::optional<Error>& error() const { return error_; }

  void add(const char* name, std::string& value) {
    const Json* field = find(name);
    if (field == nullptr) return;
    if (field->is_string()) {
      value = field->get<std::string>();
    } else if (!read_hex(*field, value)) {
      fail(name, "is no text");
    }
  }
  /// A field that older files lack.
  template <class Value>
  void maybe(const char* name, Value& value) {
    if (object_.is_object() && object_.contains(name)) add(name, value);
  }
  void add(const char* name, std::int64_t& value) {
    const Json* field = find(name);
    if (field == nullptr) return;
    const bool fits = field->is_number_integer() && (!field->is_number_unsigned() || field->get<std::uint64_t>() <= INT64_MAX);
    if (!fits) return fail(name, "is no whole number");
    value = field->get<std::int64_t>();
  }
  void add(const char* name, double& value) {
    const Json* field = find(name);
    if (field == nullptr) return;
    if (!field->is_number()) return fail(name, "is no number");
    value = field->get<double>();
  }
  void add(const char* name, bool& value) {
    const Json* field = find(name);
    if (field == nullptr) return;
    if (!field->is_boolean()) return fail(name, "is neither true nor false");
    value = field->get<bool>();
  }
  template <class Enum>
  void add(const char* name, Enum& value, Enum last) {
    std::string word;
    add(name, word);
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
  Reader reader(object, place);
  reader.add("id", entry.message.id);
  reader.add("parent", entry.message.parent_id);
  reader.add("shown_child", entry.shown_child);
  visit_message(reader, entry.message);
  if (entry.message.status == storage::Status::streaming) reader.fail("status", "says that it is still being written");
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
  Json json{{"format", kFormat}, {"version", kVersion}, {"chat", Json::object()}, {"messages", Json::array()}};
  Writer chat(json["chat"]);
  visit_chat(chat, tree.chat);
  chat.add("shown_root", number_of(tree.shown_root));
  for (const auto& entry : tree.messages) {
    const storage::Message& message = entry.message;
    Json& object = json["messages"].emplace_back(Json::object());
    Writer writer(object);
    writer.add("id", number_of(message.id));
    writer.add("parent", number_of(message.parent_id));
    writer.add("shown_child", number_of(entry.shown_child));
    visit_message(writer, message);
    if (message.status == storage::Status::streaming) writer.add("status", storage::Status::interrupted, storage::Status::failed);
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
  visit_chat(reader, tree.chat);
  reader.add("shown_root", tree.shown_root);
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
