// Filters against text that belongs to a model, not to a person: answers, roles, template tokens, half markup.

#include <algorithm>
#include <string>
#include <vector>

#include "ui/autocomplete/prose.h"
#include "ui/autocomplete/text_filter.h"

namespace foreword::ui::autocomplete {
namespace {

constexpr Verdict kDrop{0};
Verdict keep_all(const Candidate& c) { return {c.text.size()}; }

// How answers begin. Compared with the first letters as they are, for the same words in the middle of a sentence are harmless.
constexpr std::string_view kAnswerStarts[] = {
    "Sure,", "Sure!", "Sure.", "Sure thing", "Certainly", "Of course!", "Of course,", "Absolutely!", "Absolutely,", "Great question",
    "Good question", "As an AI", "As a language model", "As a large language model", "I'm an AI", "I am an AI", "I'm just an AI",
    "I'm sorry, but I", "I apologize, but", "I cannot assist", "I can't assist", "I'd be happy to", "I would be happy to",
    "I'm happy to help", "Happy to help", "Here is a", "Here's a", "Here are some", "Hello! How can I", "How can I assist", "How may I assist",
    "Natürlich!", "Natürlich,", "Gerne!", "Gerne,", "Selbstverständlich", "Als KI", "Als Sprachmodell", "Klar!", "Klar,", "Hier ist ein",
    "Bien sûr", "Certainement", "En tant qu'IA", "En tant que modèle", "Voici un", "Avec plaisir", "Claro!", "Claro,", "¡Claro", "Por supuesto",
    "Como modelo de", "Como IA", "Aquí tienes", "Certo!", "Certo,", "Certamente", "Come modello", "Come IA", "Ecco un",
    "Конечно", "Как языковая модель", "Как ИИ", "Вот пример", "当然", "作为一个人工智能", "作为人工智能", "作为一个AI", "作为AI", "好的，", "もちろん",
    "AIとして", "물론",
};

// Tags of roles and templates: nobody types them into a message.
constexpr std::string_view kTemplateTokens[] = {
    "<|", "|>", "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "<s>", "</s>", "<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>", "<think>",
    "</think>", "<tool_call>", "</tool_call>", "<｜", "### Response", "### Instruction", "### Human", "### Assistant", "[TOOL_CALLS]",
    "[AVAILABLE_TOOLS]", "<unk>", "<pad>",
};

// At the start of the draft or of a line.
constexpr std::string_view kRoles[] = {
    "Assistant:", "assistant:", "User:", "user:", "System:", "system:", "Human:", "AI:", "Bot:", "ASSISTANT:", "USER:", "Assistent:",
    "Benutzer:", "Asistente:", "Usuario:", "Utilisateur :", "Пользователь:", "Ассистент:", "用户：", "助手：", "ユーザー：", "アシスタント：",
};

std::string_view without_spaces(std::string_view text) {
  const std::size_t at = text.find_first_not_of(" \t\n");
  return at == text.npos ? std::string_view() : text.substr(at);
}

bool starts_with_any(std::string_view text, auto& list) {
  return std::any_of(std::begin(list), std::end(list), [&](std::string_view each) { return text.starts_with(each); });
}

struct Opened {
  char closer;      // '>' stands for an element that waits for its end tag
  std::size_t at;
  std::string name;  // of the element
};

constexpr std::string_view kVoid[] = {"br", "hr", "img", "input", "meta", "link", "wbr", "area", "col", "source"};

/// The name behind "<" or "</"; empty if it is no tag.
std::string_view tag_name(std::string_view text) {
  std::size_t end = 0;
  const auto letter = [&] { return end < text.size() && std::isalpha(static_cast<unsigned char>(text[end])) != 0; };
  const auto digit = [&] { return end > 0 && end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0; };
  while (letter() || digit()) ++end;
  return text.substr(0, end);
}

/// Reads a tag at `at`; the place behind it, or npos if it never ends. Changes what is open.
std::size_t read_tag(std::string_view text, std::size_t at, std::vector<Opened>& open) {
  const bool closes = at + 1 < text.size() && text[at + 1] == '/';
  const std::string name = folded(tag_name(text.substr(at + (closes ? 2 : 1))));
  if (name.empty()) return at + 1;  // a comparison
  const std::size_t end = text.find('>', at);
  if (end == text.npos) return text.npos;
  const bool alone = text[end - 1] == '/' || std::find(std::begin(kVoid), std::end(kVoid), name) != std::end(kVoid);
  if (closes) {
    const auto same = std::find_if(open.rbegin(), open.rend(), [&](const Opened& each) { return each.name == name; });
    if (same != open.rend()) open.erase(std::next(same).base());
  } else if (!alone) {
    open.push_back({'>', at, name});
  }
  return end + 1;
}

/// Where the first fence, tag or bracket stands that the text opens and does not close; its end if there is none.
std::size_t first_open(std::string_view text) {
  static constexpr std::string_view kOpeners = "([{", kClosers = ")]}";
  std::vector<Opened> open;
  std::size_t fence = text.npos;
  for (std::size_t at = 0; at < text.size();) {
    if (text.substr(at).starts_with("```")) {
      fence = fence == text.npos ? at : text.npos;
      at = std::min(text.find_first_not_of('`', at), text.size());
      continue;
    }
    const char here = text[at];
    if (here == '<') {
      const std::size_t next = read_tag(text, at, open);
      if (next == text.npos) open.push_back({'>', at, {}});
      at = std::min(next, text.size());
      continue;
    }
    if (const std::size_t kind = kOpeners.find(here); kind != kOpeners.npos) {
      const bool face = at > 0 && (text[at - 1] == ':' || text[at - 1] == '-');  // :( is no bracket
      if (!face) open.push_back({kClosers[kind], at, {}});
    } else if (kClosers.find(here) != kClosers.npos) {
      const auto same = std::find_if(open.rbegin(), open.rend(), [&](const Opened& each) { return each.closer == here; });
      if (same != open.rend()) open.erase(std::next(same).base());
    }
    ++at;
  }
  std::size_t first = std::min(fence, text.size());
  for (const Opened& each : open) first = std::min(first, each.at);
  return first;
}

}  // namespace

Verdict assistant_leak(const Candidate& c) {
  const std::string_view text = without_spaces(c.text);
  // Only where something new begins: at the start, or behind a mark or a line end.
  const std::size_t last = c.before.find_last_not_of(" \t");
  const bool begins = last == c.before.npos || class_at_end(c.before.substr(0, last + 1)) != CharClass::word || c.before[last] == '\n';
  if (begins && starts_with_any(text, kAnswerStarts)) return kDrop;
  const bool token = std::any_of(std::begin(kTemplateTokens), std::end(kTemplateTokens),
                                 [&](std::string_view each) { return c.text.find(each) != c.text.npos; });
  if (token) return kDrop;
  for (std::size_t line = 0; line < c.text.size();) {
    if (starts_with_any(without_spaces(c.text.substr(line)), kRoles)) return kDrop;
    line = std::min(c.text.find('\n', line), c.text.size()) + 1;
  }
  return keep_all(c);
}

/// What is left may open something itself, which the part that went has closed.
Verdict markup_leak(const Candidate& c) {
  std::size_t keep = c.text.size();
  for (std::size_t first = first_open(c.text); first < keep; first = first_open(c.text.substr(0, keep))) keep = first;
  return {keep};
}

}  // namespace foreword::ui::autocomplete
