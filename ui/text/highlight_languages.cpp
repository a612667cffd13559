#include "ui/text/highlight_languages.h"

#include <algorithm>
#include <array>
#include <string>

namespace foreword::ui::text {
namespace {

using Words = std::string_view;

constexpr Words kSlashes[] = {"//"}, kHash[] = {"#"}, kDashes[] = {"--"};
constexpr Enclosed kBlock[] = {{"/*", "*/", true, false}};
constexpr Enclosed kMarkupComment[] = {{"<!--", "-->", true, false}};
constexpr Enclosed kC[] = {{"\"", "\"", false, true}, {"'", "'", false, true}};
constexpr Enclosed kCpp[] = {{"R\"(", ")\"", true, false}, {"\"", "\"", false, true}, {"'", "'", false, true}};
constexpr Enclosed kPython[] = {{"\"\"\"", "\"\"\"", true, true}, {"'''", "'''", true, true}, {"\"", "\"", false, true}, {"'", "'", false, true}};
constexpr Enclosed kScript[] = {{"`", "`", true, true}, {"\"", "\"", false, true}, {"'", "'", false, true}};
constexpr Enclosed kRust[] = {{"r#\"", "\"#", true, false}, {"\"", "\"", true, true}};
constexpr Enclosed kGo[] = {{"`", "`", true, false}, {"\"", "\"", false, true}, {"'", "'", false, true}};
constexpr Enclosed kJava[] = {{"\"\"\"", "\"\"\"", true, true}, {"\"", "\"", false, true}, {"'", "'", false, true}};
constexpr Enclosed kShell[] = {{"\"", "\"", true, true}, {"'", "'", true, false}};
constexpr Enclosed kJson[] = {{"\"", "\"", false, true}};
constexpr Enclosed kSql[] = {{"'", "'", true, false}, {"\"", "\"", false, false}};
constexpr Enclosed kQuoted[] = {{"\"", "\"", true, false}, {"'", "'", true, false}};

constexpr Words kCKeywords =
    "auto break case const continue default do else enum extern for goto if inline register restrict return sizeof static struct switch "
    "typedef union volatile while _Atomic _Generic _Static_assert";
constexpr Words kCTypes =
    "bool char double float int long short signed unsigned void size_t ssize_t ptrdiff_t int8_t int16_t int32_t int64_t uint8_t uint16_t "
    "uint32_t uint64_t FILE NULL true false";
constexpr Words kCppKeywords =
    "alignas alignof and auto break case catch class co_await co_return co_yield concept const consteval constexpr constinit const_cast "
    "continue decltype default delete do dynamic_cast else enum explicit export extern final for friend goto if import inline module mutable "
    "namespace new noexcept not operator or override private protected public reinterpret_cast requires return sizeof static static_assert "
    "static_cast struct switch template this thread_local throw try typedef typeid typename union using virtual volatile while";
constexpr Words kCppTypes =
    "bool char char8_t char16_t char32_t double float int long short signed unsigned void wchar_t size_t int8_t int16_t int32_t int64_t uint8_t "
    "uint16_t uint32_t uint64_t string string_view vector map set unordered_map optional variant unique_ptr shared_ptr nullptr true false";
constexpr Words kPythonKeywords =
    "and as assert async await break case class continue def del elif else except finally for from global if import in is lambda match "
    "nonlocal not or pass raise return try while with yield";
constexpr Words kPythonTypes = "None True False bool bytes dict float frozenset int list object set str tuple type self cls";
constexpr Words kScriptKeywords =
    "async await break case catch class const continue debugger default delete do else export extends finally for from function get if import "
    "in instanceof let new of return set static super switch this throw try typeof var void while with yield";
constexpr Words kScriptTypes = "null undefined true false NaN Infinity Array Boolean Date Error Map Math Number Object Promise RegExp Set String JSON";
constexpr Words kTypeScriptKeywords =
    "abstract any as asserts async await break case catch class const continue declare default delete do else enum export extends finally for "
    "from function get if implements import in infer instanceof interface is keyof let module namespace new of override private protected "
    "public readonly return satisfies set static super switch this throw try type typeof var void while yield";
constexpr Words kTypeScriptTypes =
    "boolean bigint never number object string symbol unknown null undefined true false Array Date Error Map Math Partial Promise Readonly "
    "Record Set JSON";
constexpr Words kRustKeywords =
    "as async await break const continue crate dyn else enum extern fn for if impl in let loop match mod move mut pub ref return self Self "
    "static struct super trait type union unsafe use where while";
constexpr Words kRustTypes =
    "bool char f32 f64 i8 i16 i32 i64 i128 isize str u8 u16 u32 u64 u128 usize Box Err None Ok Option Rc Result Some String Vec HashMap true false";
constexpr Words kGoKeywords =
    "break case chan const continue default defer else fallthrough for func go goto if import interface map package range return select struct "
    "switch type var";
constexpr Words kGoTypes =
    "any bool byte complex64 complex128 error float32 float64 int int8 int16 int32 int64 rune string uint uint8 uint16 uint32 uint64 uintptr "
    "true false nil iota";
constexpr Words kJavaKeywords =
    "abstract assert break case catch class const continue default do else enum extends final finally for goto if implements import instanceof "
    "interface native new package permits private protected public record return sealed static strictfp super switch synchronized this throw "
    "throws transient try var volatile while yield";
constexpr Words kJavaTypes =
    "boolean byte char double float int long short void Boolean Double Integer List Long Map Object Set String null true false";
constexpr Words kShellKeywords =
    "case do done elif else esac export fi for function if in local readonly return select set shift source then time trap unset until while";
constexpr Words kShellTypes = "alias cat cd chmod cp curl cut echo exit find git grep head ls mkdir mv printf pwd read rm sed sort sudo tail test touch xargs";
constexpr Words kSqlKeywords =
    "add all alter and as asc begin between by case check column commit constraint create cross default delete desc distinct drop else end "
    "except exists foreign from full group having if in index inner insert intersect into is join key left like limit not null offset on or "
    "order outer over partition primary references right rollback select set table then transaction trigger union unique update using values "
    "view when where with";
constexpr Words kSqlTypes = "bigint blob boolean char date decimal double float int integer numeric real serial smallint text time timestamp varchar";
constexpr Words kCssKeywords = "important media import keyframes supports font-face root hover focus active before after not nth-child";
constexpr Words kYamlTypes = "true false null yes no on off";

constexpr std::array kLanguages{
    Language{"C", "c h", kCKeywords, kCTypes, kSlashes, kBlock, kC, ScanMode::words, '#'},
    Language{"C++", "cpp c++ cc cxx hpp hxx cuda cu", kCppKeywords, kCppTypes, kSlashes, kBlock, kCpp, ScanMode::words, '#'},
    Language{"Python", "python py python3", kPythonKeywords, kPythonTypes, kHash, {}, kPython, ScanMode::words, '@'},
    Language{"JavaScript", "javascript js jsx node mjs", kScriptKeywords, kScriptTypes, kSlashes, kBlock, kScript},
    Language{"TypeScript", "typescript ts tsx", kTypeScriptKeywords, kTypeScriptTypes, kSlashes, kBlock, kScript, ScanMode::words, '@'},
    Language{"Rust", "rust rs", kRustKeywords, kRustTypes, kSlashes, kBlock, kRust, ScanMode::words, '#'},
    Language{"Go", "go golang", kGoKeywords, kGoTypes, kSlashes, kBlock, kGo},
    Language{"Java", "java", kJavaKeywords, kJavaTypes, kSlashes, kBlock, kJava, ScanMode::words, '@'},
    Language{"C#", "c# csharp cs", kJavaKeywords, kJavaTypes, kSlashes, kBlock, kJava, ScanMode::words, '#'},
    Language{"Kotlin", "kotlin kt", kJavaKeywords, kJavaTypes, kSlashes, kBlock, kJava, ScanMode::words, '@'},
    Language{"Shell", "shell sh bash zsh console terminal", kShellKeywords, kShellTypes, kHash, {}, kShell, ScanMode::words, '$', false, false, "-"},
    Language{"JSON", "json jsonc json5 jsonl", "", "true false null", kSlashes, kBlock, kJson, ScanMode::words, 0, true},
    Language{"YAML", "yaml yml", "", kYamlTypes, kHash, {}, kQuoted, ScanMode::words, 0, true, false, "-."},
    Language{"TOML", "toml ini", "", kYamlTypes, kHash, {}, kQuoted, ScanMode::words, 0, true, false, "-."},
    Language{"SQL", "sql sqlite postgresql mysql", kSqlKeywords, kSqlTypes, kDashes, kBlock, kSql, ScanMode::words, 0, false, true},
    Language{"HTML", "html xml svg xhtml vue", "", "", {}, kMarkupComment, kQuoted, ScanMode::markup},
    Language{"CSS", "css scss less", kCssKeywords, "", {}, kBlock, kQuoted, ScanMode::words, '@', true, false, "-"},
    Language{"Diff", "diff patch", "", "", {}, {}, {}, ScanMode::diff},
};

}  // namespace

const Language* find_language(std::string_view name) {
  std::string wanted(name);
  std::transform(wanted.begin(), wanted.end(), wanted.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  if (wanted.empty() || wanted.find(' ') != wanted.npos) return nullptr;
  for (const Language& language : kLanguages) {
    std::string_view rest = language.names;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      if (rest.substr(0, end) == wanted) return &language;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return nullptr;
}

}  // namespace foreword::ui::text
