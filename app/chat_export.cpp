#include "app/chat_export.h"

#include <map>
#include <vector>

#include "app/chat_json.h"
#include "engine/base/reasoning.h"

namespace foreword::app {
namespace {

using storage::Id;
using storage::Message;

/// From the root to the leaf that was shown last.
std::vector<const Message*> shown_branch(const storage::ChatTree& tree) {
  struct Node {
    const Message* message = nullptr;
    Id shown = 0, newest = 0;
  };
  std::map<Id, Node> nodes;
  nodes[0].shown = tree.shown_root;
  for (const auto& entry : tree.messages) {
    nodes[entry.message.id] = {&entry.message, entry.shown_child, 0};
    nodes[entry.message.parent_id].newest = entry.message.id;
  }
  std::vector<const Message*> branch;
  for (const Node* at = &nodes[0]; at->newest != 0;) {
    const auto shown = nodes.find(at->shown);
    const bool stands = at->shown != 0 && shown != nodes.end() && shown->second.message->parent_id == (at->message ? at->message->id : 0);
    at = stands ? &shown->second : &nodes[at->newest];
    branch.push_back(at->message);
  }
  return branch;
}

std::string speaker(const Message& message) {
  switch (message.role) {
    case storage::Role::user: return "You";
    case storage::Role::assistant: return message.model.empty() ? "Answer" : message.model;
    case storage::Role::system: return "System";
    case storage::Role::tool: break;
  }
  return "Tool";
}

std::string said(const Message& message) {
  if (message.role != storage::Role::assistant) return message.content;
  return std::string(said_in(message.content));
}

std::string escaped(const std::string& text) {
  std::string html;
  for (const char c : text) {
    switch (c) {
      case '<': html += "&lt;"; break;
      case '>': html += "&gt;"; break;
      case '&': html += "&amp;"; break;
      case '"': html += "&quot;"; break;
      default: html += c;
    }
  }
  return html;
}

constexpr const char* kPageHead =
    "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<style>\n"
    ":root { color-scheme: light dark; }\n"
    "body { font: 16px/1.55 system-ui, sans-serif; max-width: 42em; margin: 2em auto; padding: 0 1em; }\n"
    "h2 { font-size: 0.85em; margin: 2em 0 0.3em; opacity: 0.7; }\n"
    "div { white-space: pre-wrap; overflow-wrap: break-word; }\n"
    ".user { background: rgba(128, 128, 128, 0.15); border-radius: 1em; padding: 0.6em 1em; }\n</style>\n";

}  // namespace

std::string export_chat(const storage::ChatTree& tree, ExportFormat format) {
  if (format == ExportFormat::json) return chat_to_json(tree);
  const std::string& title = tree.chat.title;
  std::string file = format == ExportFormat::markdown ? "# " + title + "\n"
                     : format == ExportFormat::text   ? title + "\n"
                                                      : kPageHead + ("<title>" + escaped(title)) + "</title>\n</head>\n<body>\n<h1>" + escaped(title) + "</h1>\n";
  std::vector<std::pair<std::string, std::pair<std::string, bool>>> parts;
  if (!tree.chat.system_prompt.empty()) parts.push_back({"System", {tree.chat.system_prompt, false}});
  for (const Message* message : shown_branch(tree)) parts.push_back({speaker(*message), {said(*message), message->role == storage::Role::user}});
  for (const auto& [name, words] : parts) {
    const auto& [text, user] = words;
    switch (format) {
      case ExportFormat::markdown: file += "\n## " + name + "\n\n" + text + "\n"; break;
      case ExportFormat::text: file += "\n" + name + ":\n" + text + "\n"; break;
      case ExportFormat::html:
        file += "<h2>" + escaped(name) + "</h2>\n<div" + (user ? " class=\"user\"" : "") + " dir=\"auto\">" + escaped(text) + "</div>\n";
        break;
      case ExportFormat::json: break;
    }
  }
  if (format == ExportFormat::html) file += "</body>\n</html>\n";
  return file;
}

std::string export_name(const storage::Chat& chat, ExportFormat format) {
  constexpr std::size_t kMaxBytes = 80;
  static constexpr const char* kEndings[] = {".json", ".md", ".html", ".txt"};
  std::string name;
  for (const char c : chat.title) {
    const bool safe = static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && std::string_view("/\\:*?\"<>|").find(c) == std::string_view::npos;
    name += safe ? c : ' ';
  }
  if (name.size() > kMaxBytes) {
    std::size_t cut = kMaxBytes;
    while (cut > 0 && (static_cast<unsigned char>(name[cut]) & 0xC0) == 0x80) --cut;
    name.resize(cut);
  }
  const std::size_t begin = name.find_first_not_of(" ."), end = name.find_last_not_of(" .");
  name = begin == name.npos ? "Chat" : name.substr(begin, end - begin + 1);
  return name + kEndings[static_cast<int>(format)];
}

}  // namespace foreword::app
