#include "app/eval_records.h"

#include <nlohmann/json.hpp>
#include <optional>

namespace foreword::app {
namespace {

using Json = nlohmann::json;
using engine::Role;

/// What is wrong with a record, as the end of a sentence; empty: nothing.
using Complaint = std::string;

const std::string* text_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get_ptr<const std::string*>() : nullptr;
}

std::optional<std::size_t> kind_named(std::string_view name) {
  for (std::size_t i = 0; i < kEvalKinds.size(); ++i) {
    if (kEvalKinds[i].name == name) return i;
  }
  return std::nullopt;
}

Complaint read_turns(const Json& object, EvalRecord& record) {
  const std::string kind(kEvalKinds[record.kind].name);
  const auto turns = object.find("turns");
  if (turns == object.end() || !turns->is_array() || turns->empty()) return "a record of the kind " + kind + " needs \"turns\", a list";
  for (const Json& turn : *turns) {
    const std::string* role = turn.is_object() ? text_at(turn, "role") : nullptr;
    const std::string* content = turn.is_object() ? text_at(turn, "content") : nullptr;
    if (role == nullptr || content == nullptr) return "every turn needs \"role\" and \"content\"";
    bool known = false;
    for (const Role candidate : {Role::system, Role::user, Role::assistant}) {
      if (*role != name_of(candidate)) continue;
      record.turns.push_back({candidate, *content, {}});
      known = true;
    }
    if (!known) return "a turn's \"role\" is system, user or assistant";
  }
  if (!kEvalKinds[record.kind].answer_only) return {};
  const bool pair = record.turns.size() == 2 && record.turns[0].role == Role::user && record.turns[1].role == Role::assistant;
  return pair ? Complaint() : "an edit has two turns, the user's and the assistant's";
}

Complaint read_record(const Json& object, EvalRecord& record) {
  if (const std::string* source = text_at(object, "source")) record.source = *source;
  const std::string* name = text_at(object, "kind");
  const auto kind = name != nullptr ? kind_named(*name) : std::nullopt;
  if (!kind) return "\"kind\" must be prose, mail, chat or edit";
  record.kind = *kind;
  if (kEvalKinds[*kind].has_turns) return read_turns(object, record);
  const std::string* text = text_at(object, "text");
  if (text == nullptr) return "a record of the kind " + *name + " needs \"text\"";
  record.text = *text;
  return {};
}

}  // namespace

Result<std::vector<EvalRecord>> parse_eval_records(std::string_view json_lines, const std::string& name) {
  std::vector<EvalRecord> records;
  int number = 0;
  while (!json_lines.empty()) {
    ++number;
    const std::size_t end = std::min(json_lines.find('\n'), json_lines.size());
    const std::string_view line = json_lines.substr(0, end);
    json_lines.remove_prefix(std::min(end + 1, json_lines.size()));
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    const auto bad = [&](const std::string& what) {
      return Error{ErrorCode::invalid_argument, name + ", line " + std::to_string(number) + ": " + what};
    };
    const Json object = Json::parse(line, nullptr, false);
    if (!object.is_object()) return bad("This is no JSON object; give plain JSON lines, one record a line, not compressed.");
    EvalRecord record;
    if (const Complaint complaint = read_record(object, record); !complaint.empty()) return bad(complaint + ".");
    records.push_back(std::move(record));
  }
  if (records.empty()) return Error{ErrorCode::invalid_argument, name + " holds no record; give JSON lines, one record a line."};
  return records;
}

}  // namespace foreword::app
