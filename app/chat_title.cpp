#include "app/chat_title.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace foreword::app {
namespace {

constexpr const char* kInstruction =
    "Give this conversation a title of two to six words, in its own language. Answer with the title alone.";
constexpr std::int64_t kMostTokens = 24;
constexpr std::size_t kMostBytes = 64, kMostWords = 9, kWordBytes = 4, kStemBytes = 4;

constexpr std::string_view kThinks = "<think>", kThought = "</think>";

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
bool is_letter(char c) { return !is_ascii(c) || std::isalnum(static_cast<unsigned char>(c)) != 0; }

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) { return is_ascii(c) ? static_cast<char>(std::tolower(c)) : c; });
  return result;
}

/// Runs of letters and digits; other scripts than ASCII's count as letters.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t begin = i;
    while (i < text.size() && is_letter(text[i])) ++i;
    if (i > begin) words.push_back(text.substr(begin, i - begin));
    if (i == begin) ++i;
  }
  return words;
}

/// Takes marks, quotes and blanks off both ends, and "Title:" off the front.
std::string_view bare(std::string_view line) {
  static constexpr std::array<std::string_view, 17> kAround{" ", "\t", "\r", "*", "#", "\"", "'", "`", "_", ".", "\u201c", "\u201d", "\u300c", "\u300d", "\u300a", "\u300b", "\u3002"};
  for (bool changed = true; changed;) {
    changed = false;
    for (const std::string_view mark : kAround) {
      if (line.starts_with(mark)) line.remove_prefix(mark.size()), changed = true;
      if (line.ends_with(mark)) line.remove_suffix(mark.size()), changed = true;
    }
    if (lower(line.substr(0, 6)) == "title:") line.remove_prefix(6), changed = true;
  }
  return line;
}

/// The one line of an answer, thoughts left out; empty: there is none, or there are more.
std::string_view only_line(std::string_view answer) {
  if (const std::size_t end = answer.rfind(kThought); end != answer.npos) answer.remove_prefix(end + kThought.size());
  if (answer.find(kThinks) != answer.npos) return {};
  const std::size_t begin = answer.find_first_not_of(" \n\r\t");
  if (begin == answer.npos) return {};
  answer.remove_prefix(begin);
  const std::size_t end = std::min(answer.find('\n'), answer.size());
  return answer.find_first_not_of(" \n\r\t", end) == answer.npos ? answer.substr(0, end) : std::string_view();
}

/// At least half of the words that mean something were said, at least in another form; in scripts without blanks, half of
/// the characters.
bool is_about(const std::string& title, const std::string& said) {
  std::size_t n = 0, n_said = 0;
  for (const std::string_view word : words_of(title)) {
    if (is_ascii(word.front())) {
      if (word.size() < kWordBytes) continue;
      ++n;
      n_said += said.find(word.substr(0, kStemBytes)) != said.npos;
      continue;
    }
    for (std::size_t i = 0; i < word.size();) {
      std::size_t end = i + 1;
      while (end < word.size() && (static_cast<unsigned char>(word[end]) & 0xC0) == 0x80) ++end;
      ++n;
      n_said += said.find(word.substr(i, end - i)) != said.npos;
      i = end;
    }
  }
  return n > 0 && 2 * n_said >= n;
}

}  // namespace

std::optional<std::string> title_from_answer(std::string_view answer, const std::vector<engine::ChatMessage>& said) {
  const std::string title(bare(only_line(answer)));
  if (title.empty() || title.size() > kMostBytes) return std::nullopt;
  const bool odd = std::ranges::any_of(title, [](char c) { return std::string_view("<>{}[]|\\=*_`#").find(c) != std::string_view::npos || (is_ascii(c) && std::iscntrl(c)); });
  const bool is_speech = title.find(". ") != title.npos || title.find("! ") != title.npos || std::string_view(",:;-").find(title.back()) != std::string_view::npos;
  if (odd || is_speech) return std::nullopt;
  const std::string small = lower(title);
  std::vector<std::string_view> words = words_of(small);
  if (words.empty() || words.size() > kMostWords) return std::nullopt;
  // A model that answers instead of naming, or repeats itself.
  for (const std::string_view opening : {"i", "you", "sure", "here", "okay", "yes", "no", "sorry", "thank"}) {
    if (words.front() == opening) return std::nullopt;
  }
  std::ranges::sort(words);
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i] == words[i - 1] && words[i].size() >= kWordBytes) return std::nullopt;
  }
  std::string all;
  for (const engine::ChatMessage& message : said) all += lower(message.content) + "\n";
  if (!is_about(small, all) || (small.find("title") != small.npos && all.find("title") == all.npos)) return std::nullopt;
  return title;
}

void ChatTitler::said(std::int64_t chat, std::vector<engine::ChatMessage> messages) {
  if (untitled_.contains(chat)) waiting_[chat] = std::move(messages);
}

std::optional<engine::Generate> ChatTitler::ask(std::uint64_t request) {
  if (busy() || waiting_.empty()) return std::nullopt;
  auto next = waiting_.extract(waiting_.begin());
  if (!untitled_.contains(next.key())) return std::nullopt;
  request_ = request;
  chat_ = next.key();
  said_ = std::move(next.mapped());
  answer_.clear();
  engine::Generate generate;
  generate.id = request;
  generate.chat = chat_;
  generate.sampling.temperature = 0;
  generate.max_tokens = kMostTokens;
  generate.thinking = false;  // it would spend its tokens on that
  generate.background = true;  // suggestions and answers go first
  std::vector<engine::ChatMessage> prompt = said_;
  prompt.push_back({engine::Role::user, kInstruction, {}});
  generate.prompt = std::move(prompt);
  return generate;
}

std::uint64_t ChatTitler::cancel() {
  waiting_.clear();
  const std::uint64_t request = std::exchange(request_, 0);
  if (request != 0) cancelled_.insert(request);
  return request;
}

bool ChatTitler::on(const engine::Event& event, std::optional<Title>& title) {
  if (const auto* piece = std::get_if<engine::TextPiece>(&event); piece != nullptr && piece->id == request_ && busy()) {
    answer_ += piece->text;
    return true;
  }
  const auto* done = std::get_if<engine::GenerationDone>(&event);
  const auto* failed = std::get_if<engine::GenerationFailed>(&event);
  const auto id = std::visit([](const auto& any) -> std::uint64_t {
    if constexpr (requires { any.id; }) return any.id;
    return 0;
  }, event);
  const bool over = done != nullptr || failed != nullptr;
  if (cancelled_.contains(id)) {
    if (over) cancelled_.erase(id);
    return true;
  }
  if (!busy() || id != request_) return false;
  if (!over) return true;
  request_ = 0;
  // A model that knows when a title is over ends by itself; one that only talks is not asked again.
  if (done != nullptr && done->stats.stop_reason == engine::StopReason::eos && untitled_.contains(chat_)) {
    if (auto text = title_from_answer(answer_, said_)) title = Title{chat_, *std::move(text)};
  }
  untitled_.erase(chat_);
  return true;
}

}  // namespace foreword::app
