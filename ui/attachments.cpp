#include "ui/attachments.h"

#include <algorithm>

namespace foreword::ui {
namespace {

constexpr std::string_view kHead = "File ", kHeadEnd = ":\n";
constexpr std::size_t kFence = 4;  // at least; Markdown's own three may stand in the file

/// Longer than every run of backticks in the text.
std::string fence_for(std::string_view text) {
  std::size_t longest = kFence - 1, run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return std::string(longest + 1, '`');
}

/// The file that begins at `at`, and where the message goes on; false: there is none.
bool read_file(std::string_view message, std::size_t& at, MessageParts::File& file) {
  std::string_view rest = message.substr(at);
  if (!rest.starts_with(kHead)) return false;
  const std::size_t name_end = rest.find(kHeadEnd, kHead.size());
  if (name_end == rest.npos || rest.substr(0, name_end).find('\n') != rest.npos) return false;
  const std::size_t fence_begin = name_end + kHeadEnd.size();
  const std::size_t fence_end = rest.find('\n', fence_begin);
  if (fence_end == rest.npos) return false;
  const std::string_view fence = rest.substr(fence_begin, fence_end - fence_begin);
  if (fence.size() < kFence || fence.find_first_not_of('`') != fence.npos) return false;
  const std::string end = "\n" + std::string(fence) + "\n";
  const std::size_t text_end = rest.find(end, fence_end);
  if (text_end == rest.npos) return false;
  file = {rest.substr(kHead.size(), name_end - kHead.size()), rest.substr(fence_end + 1, std::max(text_end, fence_end + 1) - fence_end - 1)};
  at += text_end + end.size();
  if (message.substr(at).starts_with('\n')) ++at;
  return true;
}

}  // namespace

std::string with_attachments(const std::vector<Attachment>& files, std::string_view words) {
  std::string message;
  for (const Attachment& file : files) {
    const std::string fence = fence_for(file.text);
    message.append(kHead).append(text::clean_line(file.name)).append(kHeadEnd).append(fence).append("\n").append(file.text).append("\n").append(fence).append("\n\n");
  }
  return message.append(words);
}

std::string joined(std::string_view first, std::string_view second) {
  std::vector<Attachment> files;
  std::string words;
  for (const std::string_view message : {first, second}) {
    const MessageParts parts = parts_of(message);
    for (const MessageParts::File& file : parts.files) files.push_back({std::string(file.name), std::string(file.text)});
    const std::string_view written = message.substr(parts.words.begin);
    if (!words.empty() && !written.empty()) words += "\n\n";
    words += written;
  }
  return with_attachments(files, words);
}

MessageParts parts_of(std::string_view message) {
  MessageParts parts;
  std::size_t at = 0;
  for (MessageParts::File file; read_file(message, at, file);) parts.files.push_back(file);
  parts.words = {at, message.size()};
  return parts;
}

}  // namespace foreword::ui
