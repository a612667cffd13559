#include "engine/base/reasoning.h"

#include <algorithm>

#include "engine/base/harmony.h"

namespace foreword {
namespace {

constexpr ThoughtTags kTags[] = {{"<think>", "</think>"}, {"<thinking>", "</thinking>"}, {"<reasoning>", "</reasoning>"}, {"[THINK]", "[/THINK]"}};

/// What gpt-oss's messages begin and end with.
constexpr std::string_view kMessageMark = "<|channel|>", kMessageEnd = "<|end|><|start|>";

Range trimmed(std::string_view text, Range range) {
  const auto is_blank = [&](std::size_t at) { return text[at] == ' ' || text[at] == '\n' || text[at] == '\t'; };
  while (range.begin < range.end && is_blank(range.begin)) ++range.begin;
  while (range.end > range.begin && is_blank(range.end - 1)) --range.end;
  return range;
}

/// A closing tag alone on its line, where the template had written the opening one.
std::size_t lone_close(std::string_view text, std::string_view tag) {
  constexpr std::size_t kFar = 256 << 10;
  const std::size_t at = text.substr(0, kFar).find(tag);
  if (at == text.npos || (at > 0 && text[at - 1] != '\n')) return text.npos;
  const std::size_t end = at + tag.size();
  return end == text.size() || text[end] == '\n' ? at : text.npos;
}

AnswerParts of_messages(std::string_view text, const HarmonyAnswer& parts) {
  const auto place = [&](std::string_view part) { return static_cast<std::size_t>(part.data() - text.data()); };
  const Range said{place(parts.said), place(parts.said) + parts.said.size()};
  Range thoughts{said.begin, said.begin};
  for (const std::string_view thought : parts.thoughts) {
    if (place(thought) < said.begin) thoughts = {std::min(thoughts.begin, place(thought)), place(thought) + thought.size()};
  }
  return {trimmed(text, thoughts), said, parts.thinking};
}

/// Without a whole tag at its beginning, but more text could make one of it.
bool may_open_thoughts(std::string_view text) {
  const std::string_view ink = text.substr(std::min(text.find_first_not_of(" \n"), text.size()));
  if (kMessageMark.starts_with(ink)) return true;
  return std::ranges::any_of(kTags, [&](const ThoughtTags& tags) { return tags.open.starts_with(ink); });
}

/// Bytes at the end of thoughts that may be the beginning of what ends them.
std::size_t end_begun(std::string_view thoughts) {
  std::size_t most = 0;
  const auto look = [&](std::string_view mark) {
    for (std::size_t n = std::min(mark.size() - 1, thoughts.size()); n > most; --n) {
      if (thoughts.ends_with(mark.substr(0, n))) most = n;
    }
  };
  for (const ThoughtTags& tags : kTags) look(tags.close);
  look(kMessageEnd);
  return most;
}

}  // namespace

std::span<const ThoughtTags> thought_tags() { return kTags; }

AnswerParts split_reasoning(std::string_view text) {
  if (const auto parts = split_harmony(text)) return of_messages(text, *parts);
  const std::size_t ink = std::min(text.find_first_not_of(" \n"), text.size());
  for (const ThoughtTags& tags : kTags) {
    const bool opened = text.substr(ink, tags.open.size()) == tags.open;
    const std::size_t begin = opened ? ink + tags.open.size() : 0;
    const std::size_t close = opened ? text.find(tags.close, begin) : lone_close(text, tags.close);
    if (!opened && close == text.npos) continue;
    if (close == text.npos) return {trimmed(text, {begin, text.size()}), {text.size(), text.size()}, true};
    std::size_t answer = close + tags.close.size();
    while (answer < text.size() && (text[answer] == '\n' || text[answer] == ' ')) ++answer;
    return {trimmed(text, {begin, close}), {answer, text.size()}, false};
  }
  return {{}, {0, text.size()}, false};
}

std::string_view said_in(std::string_view text) {
  const Range answer = split_reasoning(text).answer;
  return text.substr(answer.begin, answer.end - answer.begin);
}

AnswerStream::Part AnswerStream::add(std::string_view piece) {
  text_ += piece;
  if (!plain_) return take(false);
  said_ += piece.size();
  return {{}, std::string(piece), text_.size() - piece.size()};
}

AnswerStream::Part AnswerStream::end() { return plain_ ? Part() : take(true); }

AnswerStream::Part AnswerStream::take(bool whole) {
  const AnswerParts parts = split_reasoning(text_);
  const bool thoughts = parts.thinking || !parts.reasoning.empty() || parts.answer.begin > 0;
  if (!thoughts && !whole && may_open_thoughts(text_)) return {};
  plain_ = !thoughts;
  Part part;
  const auto pass_on = [&](Range range, std::size_t& done, std::string& out) {
    const std::size_t size = range.end - range.begin;
    if (size <= done) return;
    out = text_.substr(range.begin + done, size - done);
    done = size;
  };
  Range thought = parts.reasoning;
  if (parts.thinking && !whole) thought.end -= end_begun(std::string_view(text_).substr(thought.begin, thought.end - thought.begin));
  pass_on(trimmed(text_, thought), thought_, part.thought);
  part.said_begin = parts.answer.begin + said_;
  pass_on(parts.answer, said_, part.said);
  return part;
}

}  // namespace foreword
