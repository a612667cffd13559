#include "engine/grammar/thoughts.h"

#include <map>
#include <string_view>

#include "engine/base/check.h"
#include "engine/base/reasoning.h"
#include "engine/grammar/matcher.h"
#include "engine/grammar/token_trie.h"

namespace foreword::engine {
namespace {

using Part = GrammarBuilder::Part;

/// Messages of gpt-oss: all before the text of the final one.
constexpr ThoughtTags kMessages = {"<|channel|>", "<|channel|>final<|message|>"};
/// Line ends and spaces between thoughts and answer.
constexpr int kMostBlanks = 4;

/// How much of `mark` is read when `byte` follows its first `read` bytes (Knuth, Morris and Pratt 1977).
std::size_t read_of(std::string_view mark, std::size_t read, char byte) {
  const std::string text = std::string(mark.substr(0, read)) + byte;
  for (std::size_t n = std::min(text.size(), mark.size());; --n) {
    if (text.ends_with(mark.substr(0, n))) return n;
  }
}

/// Texts that begin with `open` and end with the first `close` in them. Control tokens' marks do not count.
Part between(GrammarBuilder& builder, const ThoughtTags& tags) {
  std::vector<GrammarBuilder::Rule> rules;  // by bytes of `close` that are read
  for (std::size_t read = 0; read <= tags.close.size(); ++read) rules.push_back(builder.rule("thoughts"));
  for (std::size_t read = 0; read < tags.close.size(); ++read) {
    std::map<std::size_t, ByteSet> next;
    for (int byte = 0; byte < 256; ++byte) {
      const bool mark = static_cast<char>(byte) == kControlMark;
      next[mark ? read : read_of(tags.close, read, static_cast<char>(byte))].set(static_cast<std::size_t>(byte));
    }
    std::vector<Part> ways;
    for (const auto& [then, bytes] : next) ways.push_back(builder.sequence({builder.byte(bytes), builder.call(rules[then])}));
    builder.define(rules[read], builder.choice(std::move(ways)));
  }
  builder.define(rules.back(), builder.nothing());
  std::size_t read = 0;
  for (const char byte : tags.open) read = read_of(tags.close, read, byte);
  return builder.sequence({builder.optional(builder.text({&kControlMark, 1})), builder.text(tags.open), builder.call(rules[read])});
}

}  // namespace

std::shared_ptr<const Grammar> behind_thoughts(const Grammar& grammar) {
  GrammarBuilder builder;
  const Part blanks = builder.repeat(builder.byte(ByteSet().set(' ').set('\n')), 0, kMostBlanks);
  std::vector<Part> thoughts{between(builder, kMessages)};
  for (const ThoughtTags& tags : thought_tags()) thoughts.push_back(builder.sequence({between(builder, tags), blanks}));
  const auto prelude = builder.build(builder.optional(builder.sequence({blanks, builder.choice(std::move(thoughts))})));
  check(prelude.has_value(), "thoughts are a grammar");
  return (*prelude)->followed_by(grammar);
}

std::shared_ptr<const Grammar> behind_dropped_space(const std::shared_ptr<const Grammar>& grammar) {
  // A text with a space of its own would lose that one.
  Matcher matcher(grammar);
  const bool begins_with_space = matcher.next(matcher.start(), ' ') != Matcher::kDead;
  GrammarBuilder builder;
  const Part space = builder.text(" ");
  const auto first = builder.build(begins_with_space ? space : builder.optional(space));
  check(first.has_value(), "a space is a grammar");
  return (*first)->followed_by(*grammar);
}

}  // namespace foreword::engine
