#include "engine/base/harmony.h"

#include <algorithm>

namespace foreword {
namespace {

constexpr std::string_view kStart = "<|start|>", kChannel = "<|channel|>", kMessage = "<|message|>", kEnd = "<|end|>";
constexpr std::string_view kFinal = "final", kToTool = " to=functions.";

/// Where a message's text ends: at a mark with which the answer ends or behind which a message begins. Any other is only talked about.
std::size_t end_of_text(std::string_view rest) {
  for (std::size_t at = rest.find(kEnd); at != rest.npos; at = rest.find(kEnd, at + kEnd.size())) {
    const std::string_view behind = rest.substr(at + kEnd.size());
    if (behind.empty() || behind.starts_with(kStart)) return at;
  }
  return rest.size();
}

/// A head without a channel is that of a final message.
bool is_final(std::string_view head) {
  const std::size_t at = head.find(kChannel);
  return at == head.npos || head.substr(at + kChannel.size()).starts_with(kFinal);
}

/// The tool that a message with this head is to; empty: it is to nobody.
std::string_view called_by(std::string_view head) {
  const std::size_t at = head.find(kToTool);
  if (at == head.npos) return {};
  const std::string_view name = head.substr(at + kToTool.size());
  return name.substr(0, name.find_first_of(" <"));
}

}  // namespace

std::optional<HarmonyAnswer> split_harmony(std::string_view answer) {
  if (!answer.starts_with(kChannel) && !answer.starts_with(kStart)) return std::nullopt;
  HarmonyAnswer result;
  result.said = answer.substr(answer.size());
  for (std::string_view rest = answer; !rest.empty();) {
    const std::size_t head = rest.find(kMessage);
    if (head == rest.npos) break;
    const bool final = is_final(rest.substr(0, head));
    const std::string_view tool = called_by(rest.substr(0, head));
    rest.remove_prefix(head + kMessage.size());
    const std::size_t end = end_of_text(rest);
    const std::string_view text = rest.substr(0, end);
    if (!tool.empty()) result.calls.push_back({tool, text});
    else if (final && !result.thinking) result.thoughts.push_back(result.said);
    if (tool.empty() && final) result.said = text;
    else if (tool.empty() && !text.empty()) result.thoughts.push_back(text);
    if (tool.empty() && final) result.thinking = false;
    rest.remove_prefix(std::min(end + kEnd.size(), rest.size()));
  }
  return result;
}

}  // namespace foreword
