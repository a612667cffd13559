#pragma once
// Text files that come with a message. They are part of its text, in a form that people, models and Markdown understand: a
// line "File NAME:" and the content between fences, then what was written. So they are stored, searched, exported and sent
// as every text is, and shown as chips. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "ui/text/utf8.h"

namespace foreword::ui {

struct Attachment {
  std::string name;  // one line
  std::string text;
  bool operator==(const Attachment&) const = default;
};

/// The whole message.
std::string with_attachments(const std::vector<Attachment>& files, std::string_view words);

/// Two messages as one: the files of both, and what was written in both.
std::string joined(std::string_view first, std::string_view second);

struct MessageParts {
  struct File {
    std::string_view name;
    std::string_view text;
  };
  std::vector<File> files;  // views of the message
  text::Range words;        // what was written, within the message
};
/// Finds again what with_attachments put together; any other text is words alone.
MessageParts parts_of(std::string_view message);

}  // namespace foreword::ui
