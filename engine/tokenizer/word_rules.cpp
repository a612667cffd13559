#include "engine/tokenizer/word_rules.h"

#include <algorithm>
#include <array>

namespace foreword::engine {

namespace {

// Parts that several expressions share. As macros, because only literals can be joined at compile time.
#define FW_CONTRACTION R"((?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]))"
#define FW_SPACES R"(\s+(?!\S)|\s+)"
#define FW_LINES R"(\s*[\r\n]+|)" FW_SPACES
#define FW_UPPER R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])"
#define FW_LOWER R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])"
#define FW_GPT2 R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S))"
#define FW_CJK R"([\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+)"
// Cased letters as DeepSeek LLM's tokenizer lists them.
#define FW_CASED                                                                                                  \
    R"(A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293}\x{295}-\x{2AF})" \
    R"(\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386}\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1})" \
    R"(\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556}\x{10A0}-\x{10C5}\x{13A0}-\x{13F5})" \
    R"(\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A})" \
    R"(\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D}\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B})" \
    R"(\x{1F5D}\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4}\x{1FC6}-\x{1FCC})" \
    R"(\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107})" \
    R"(\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124}\x{2126}\x{2128}\x{212A}-\x{212D}\x{212F}-\x{2134})" \
    R"(\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4})" \
    R"(\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F}\x{A771}-\x{A787})" \
    R"(\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17}\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A})" \
    R"(\x{10400}-\x{1044F}\x{104B0}-\x{104D3}\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2})" \
    R"(\x{118A0}-\x{118DF}\x{1E900}-\x{1E943})"

/// The expressions of one way to cut, published with the tokenizers of the models that use it.
struct WordRule {
  std::string_view name;
  std::array<std::string_view, 6> expressions;
};

constexpr WordRule kWordRules[] = {
    {"G", {FW_GPT2 R"(|\s+)"}},
    {"L3",
     {FW_CONTRACTION R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|)" FW_LINES}},
    {"Q2", {FW_CONTRACTION R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|)" FW_LINES}},
    {"TK",
     {R"([^\r\n\p{L}\p{N}]?)" FW_UPPER "*" FW_LOWER R"(+|[^\r\n\p{L}\p{N}]?)" FW_UPPER "+" FW_LOWER
      R"(*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" FW_LINES}},
    {"O2",
     {R"([^\r\n\p{L}\p{N}]?)" FW_UPPER "*" FW_LOWER "+" FW_CONTRACTION R"(?|[^\r\n\p{L}\p{N}]?)" FW_UPPER "+" FW_LOWER
      "*" FW_CONTRACTION R"(?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" FW_LINES}},
    {"D3",
     {R"(\p{N}{1,3})", R"([\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+)",
      R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|)"
      FW_LINES}},
    {"DC", {R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)", FW_CJK, R"(\p{N})"}},
    {"DL",
     {R"([\r\n])", R"(\s?[)" FW_CASED "]+",
      R"(\s?[!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+)", R"(\s+$)", FW_CJK, R"(\p{N}+)"}},
    {"FA", {R"([\p{P}\$\+<=>\^~\|`]+)", FW_GPT2, R"([0-9][0-9][0-9])"}},
    {"SC", {R"(\p{N})", FW_GPT2}},
    {"SE", {FW_CONTRACTION R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|)" FW_LINES}},
    {"M5",
     {R"(\p{N}{1,3})",
      FW_CONTRACTION R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|)" FW_LINES}},
    {"VI", {R"( ?[^(\s|.,!?\u2026\u3002\uFF0C\u3001\u0964\u06D4\u060C)]+)", R"(\p{N})"}},
    {"DF", {R"([\p{P}\$\+<=>\^~\|]+)", FW_GPT2, R"(\p{N}+)", R"([0-9][0-9][0-9])"}},
};

#undef FW_CONTRACTION
#undef FW_SPACES
#undef FW_LINES
#undef FW_UPPER
#undef FW_LOWER
#undef FW_GPT2
#undef FW_CJK
#undef FW_CASED

constexpr bool kAddBos = true;
constexpr bool kWholeWordFirst = true;
constexpr bool kKeepSpaces = true;
constexpr bool kNoBosId = true;

// name, rule, adds_bos, whole_word_first, keeps_spaces, no_bos_id
constexpr PreTokenizer kPreTokenizers[] = {
    {"default", "DF"},
    {"llama-bpe", "L3", kAddBos, kWholeWordFirst},
    {"llama3", "L3", kAddBos, kWholeWordFirst},
    {"llama-v3", "L3", kAddBos, kWholeWordFirst},
    {"falcon3", "L3", kAddBos, kWholeWordFirst},
    {"pixtral", "L3", kAddBos, kWholeWordFirst},
    {"midm-2.0", "L3", kAddBos, kWholeWordFirst},
    {"lfm2", "L3", kAddBos, kWholeWordFirst},
    {"falcon-h1", "L3", kAddBos, kWholeWordFirst},
    {"jina-v5-nano", "L3", kAddBos, kWholeWordFirst},
    {"minicpm5", "M5", !kAddBos, kWholeWordFirst},
    {"dbrx", "L3"},
    {"smaug-bpe", "L3"},
    {"chatglm-bpe", "L3", !kAddBos, !kWholeWordFirst, !kKeepSpaces, kNoBosId},
    {"glm4", "L3", !kAddBos, !kWholeWordFirst, !kKeepSpaces, kNoBosId},
    {"megrez", "Q2"},
    {"stablelm2", "Q2"},
    {"qwen2", "Q2", !kAddBos, !kWholeWordFirst, kKeepSpaces},
    {"deepseek-r1-qwen", "Q2", !kAddBos, !kWholeWordFirst, kKeepSpaces},
    {"kormo", "Q2", !kAddBos, !kWholeWordFirst, kKeepSpaces},
    {"f2llmv2", "Q2", !kAddBos, !kWholeWordFirst, kKeepSpaces},
    {"hunyuan", "Q2", !kAddBos, !kWholeWordFirst, kKeepSpaces},
    {"solar-open", "Q2", !kAddBos, !kWholeWordFirst, kKeepSpaces},
    {"grok-2", "Q2", !kAddBos, !kWholeWordFirst, kKeepSpaces},
    {"gpt-2", "G"},
    {"phi-2", "G"},
    {"mellum", "G"},
    {"gigachat", "G"},
    {"a.x-4.0", "G"},
    {"exaone4", "G"},
    {"jina-es", "G"},
    {"jina-de", "G"},
    {"jina-v2-es", "G"},
    {"jina-v2-de", "G"},
    {"modern-bert", "G"},
    {"mpt", "G"},
    {"olmo", "G"},
    {"jais", "G"},
    {"trillion", "G", !kAddBos, !kWholeWordFirst, kKeepSpaces},
    {"granite-docling", "G", !kAddBos, !kWholeWordFirst, kKeepSpaces},
    {"starcoder", "SC"},
    {"refact", "SC"},
    {"codeshell", "SC"},
    {"exaone", "SC"},
    {"minerva-7b", "SC"},
    {"mellum2", "SC"},
    {"command-r", "SC", !kAddBos, !kWholeWordFirst, kKeepSpaces},
    {"smollm", "SC", !kAddBos, !kWholeWordFirst, kKeepSpaces},
    {"seed-coder", "SE", !kAddBos, !kWholeWordFirst, kKeepSpaces},
    {"viking", "VI", !kAddBos, !kWholeWordFirst, kKeepSpaces},
    {"deepseek-llm", "DL", !kAddBos, !kWholeWordFirst, kKeepSpaces},
    {"deepseek-coder", "DC", !kAddBos, !kWholeWordFirst, kKeepSpaces},
    {"deepseek-v3", "D3", !kAddBos, !kWholeWordFirst, kKeepSpaces},
    {"hunyuan-dense", "D3", !kAddBos, !kWholeWordFirst, kKeepSpaces},
    {"joyai-llm", "D3", !kAddBos, !kWholeWordFirst, kKeepSpaces},
    {"falcon", "FA"},
    {"tekken", "TK", kAddBos, kWholeWordFirst, kKeepSpaces},
    {"gpt-4o", "O2", !kAddBos, !kWholeWordFirst, kKeepSpaces},
    {"llama4", "O2", !kAddBos, !kWholeWordFirst, kKeepSpaces},
    {"kanana2", "O2", !kAddBos, !kWholeWordFirst, kKeepSpaces},
    {"talkie", "O2", !kAddBos, !kWholeWordFirst, kKeepSpaces},
    {"minimax-m2", "O2", !kAddBos, !kWholeWordFirst, kKeepSpaces},
};

}  // namespace

const PreTokenizer* find_pre_tokenizer(std::string_view pre) {
  const auto* found = std::find_if(std::begin(kPreTokenizers), std::end(kPreTokenizers),
                                   [&](const PreTokenizer& row) { return row.name == pre; });
  return found == std::end(kPreTokenizers) ? nullptr : found;
}

WordCutter::WordCutter(std::string_view rule) {
  for (const WordRule& row : kWordRules) {
    if (row.name != rule) continue;
    for (const std::string_view expression : row.expressions) {
      if (!expression.empty()) patterns_.push_back(WordPattern::compile(expression));
    }
  }
  check(!patterns_.empty(), "every pre-tokenizer names a rule of the table");
}

void WordCutter::cut(std::u32string_view text, const Emit& emit, std::size_t depth) const {
  if (text.empty()) return;
  if (depth == patterns_.size()) return emit(text);
  WordPattern::Search search(patterns_[depth], text);
  std::size_t done = 0;
  while (const auto match = search.next()) {
    cut(text.substr(done, match->begin - done), emit, depth + 1);
    cut(text.substr(match->begin, match->end - match->begin), emit, depth + 1);
    done = match->end;
  }
  cut(text.substr(done), emit, depth + 1);
}

}  // namespace foreword::engine
