#include "ui/text/markdown.h"

#include <md4c.h>

#include <algorithm>
#include <optional>

#include "ui/text/fences.h"
#include "ui/text/markdown_source.h"

namespace foreword::ui::text {
namespace {

constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);
constexpr unsigned kFlags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS | MD_FLAG_PERMISSIVEAUTOLINKS |
                            MD_FLAG_NOHTML | MD_FLAG_LATEXMATHSPANS;

std::string plain(const MD_ATTRIBUTE& attribute) {
  std::string out;
  for (std::size_t i = 0; attribute.text != nullptr && attribute.substr_offsets[i] < attribute.size; ++i) {
    const std::string_view part(attribute.text + attribute.substr_offsets[i], attribute.substr_offsets[i + 1] - attribute.substr_offsets[i]);
    if (attribute.substr_types[i] == MD_TEXT_ENTITY) {
      append_entity(out, part);
    } else {
      out += part;
    }
  }
  return out;
}

/// What md4c says, made blocks. Texts are taken from the original source, which has the same length as the parsed one.
class Builder {
 public:
  Builder(std::string_view source, std::string_view parsed) : source_(source), parsed_(parsed) {}

  struct Top {
    std::size_t index = 0;           // of its first block
    std::size_t first = kNowhere;    // byte of its first text
    bool fenced = false;             // it is code behind a fence
    bool list = false;
  };
  std::vector<Block> blocks;
  std::vector<Top> tops;

  int enter(MD_BLOCKTYPE type, void* detail);
  int leave(MD_BLOCKTYPE type);
  int enter(MD_SPANTYPE type, void* detail);
  int leave(MD_SPANTYPE type);
  int text(MD_TEXTTYPE type, std::string_view bytes);

 private:
  struct List {
    bool ordered = false, tight = false;
    unsigned number = 1;
  };

  Block& open(BlockKind kind);
  void close() { open_ = false; }
  void end_spans();
  void append(std::string_view bytes);
  void append_code(std::string_view bytes);
  /// The same bytes in the original source, or themselves if they are md4c's own.
  std::string_view original(std::string_view bytes) const;
  /// The mathematics that were just left, with their delimiters, as they were written.
  void append_tex(std::size_t n_dollars);

  std::string_view source_, parsed_;
  std::string nest_, marker_;
  std::vector<List> lists_;
  TaskMark task_ = TaskMark::none;
  bool list_begins_ = false;
  bool in_item_start_ = false;  // the item's marker waits for its first block
  bool open_ = false;           // blocks.back() takes text
  int depth_ = 0;
  int strong_ = 0, emphasis_ = 0, code_ = 0, strike_ = 0;
  std::vector<std::uint16_t> links_;
  bool row_begins_ = false;
  Range tex_;            // of the source, without delimiters
  std::string indent_;   // of a line of code, as md4c writes it
};

Block& Builder::open(BlockKind kind) {
  Block block;
  block.kind = kind;
  block.nest = nest_.substr(0, kMaxNest);
  block.tight = !lists_.empty() && lists_.back().tight;
  if (in_item_start_) {
    block.marker = std::move(marker_);
    block.task = task_;
    block.begins_list = list_begins_;
    list_begins_ = false;
    in_item_start_ = false;
  }
  blocks.push_back(std::move(block));
  open_ = true;
  return blocks.back();
}

std::string_view Builder::original(std::string_view bytes) const {
  const auto begin = reinterpret_cast<std::uintptr_t>(parsed_.data()), at = reinterpret_cast<std::uintptr_t>(bytes.data());
  if (at < begin || at + bytes.size() > begin + parsed_.size()) return bytes;
  return source_.substr(at - begin, bytes.size());
}

void Builder::append(std::string_view bytes) {
  if (!open_) open(BlockKind::paragraph);  // the items of tight lists have no paragraphs
  Block& block = blocks.back();
  const std::string_view mine = original(bytes);
  if (mine.data() != bytes.data() && !tops.empty() && tops.back().first == kNowhere) {
    tops.back().first = static_cast<std::size_t>(mine.data() - source_.data());
  }
  block.text += mine;
  if (block.kind == BlockKind::code) return;
  const auto bit = [](int n, InlineMark mark) { return n > 0 ? static_cast<std::uint8_t>(mark) : std::uint8_t{0}; };
  InlineRun run{block.text.size(),
                static_cast<std::uint8_t>(bit(strong_, kStrong) | bit(emphasis_, kEmphasis) | bit(code_, kCode) | bit(strike_, kStrike) |
                                          bit(static_cast<int>(links_.size()), kLink)),
                links_.empty() ? std::uint16_t{0} : links_.back()};
  if (!block.runs.empty() && block.runs.back().marks == run.marks && block.runs.back().link == run.link) {
    block.runs.back().end = run.end;
  } else {
    block.runs.push_back(run);
  }
}

/// md4c writes spaces for a line's indentation, whatever it was; tabs must stay tabs.
void Builder::append_code(std::string_view bytes) {
  const bool ours = original(bytes).data() != bytes.data();
  if (!ours && open_ && blocks.back().kind == BlockKind::code && bytes.find_first_not_of(' ') == bytes.npos) {
    indent_ += bytes;
    return;
  }
  if (ours && !indent_.empty() && nest_.empty()) {
    const auto at = static_cast<std::size_t>(original(bytes).data() - source_.data());
    std::size_t begin = at;
    while (begin > 0 && (source_[begin - 1] == ' ' || source_[begin - 1] == '\t')) --begin;
    const std::string_view written = source_.substr(begin, at - begin);
    if (written.find('\t') != written.npos && written.front() == '\t') indent_ = written;
  }
  if (!indent_.empty()) append(indent_);
  indent_.clear();
  append(bytes);
}

void Builder::append_tex(std::size_t n_dollars) {
  if (tex_.begin == kNowhere) return;
  const std::size_t open = tex_.begin == 0 ? parsed_.npos : parsed_.rfind('$', tex_.begin - 1), close = parsed_.find('$', tex_.end);
  if (open == parsed_.npos || close == parsed_.npos || open + 1 < n_dollars) return append(parsed_.substr(tex_.begin, tex_.end - tex_.begin));
  const Range range{open + 1 - n_dollars, close + n_dollars};
  // "$5 and then $6" is money: a dollar that closes stands behind ink and not before a digit.
  const bool ink = source_[open + 1] != ' ' && source_[close - 1] != ' ';
  const bool digit = range.end < source_.size() && source_[range.end] >= '0' && source_[range.end] <= '9';
  const bool tex = n_dollars == 2 || (ink && !digit);
  code_ += tex ? 1 : 0;
  append(parsed_.substr(range.begin, range.end - range.begin));
  code_ -= tex ? 1 : 0;
}

int Builder::enter(MD_BLOCKTYPE type, void* detail) {
  if (type == MD_BLOCK_DOC) return 0;
  end_spans();
  if (depth_++ == 0) tops.push_back({blocks.size(), kNowhere, false, type == MD_BLOCK_UL || type == MD_BLOCK_OL});
  if (type != MD_BLOCK_THEAD && type != MD_BLOCK_TBODY && type != MD_BLOCK_TR && type != MD_BLOCK_TH && type != MD_BLOCK_TD) close();
  if (type == MD_BLOCK_UL || type == MD_BLOCK_OL) list_begins_ = true;
  switch (type) {
    case MD_BLOCK_QUOTE: nest_ += 'q'; break;
    case MD_BLOCK_UL: lists_.push_back({false, static_cast<MD_BLOCK_UL_DETAIL*>(detail)->is_tight != 0, 0}); break;
    case MD_BLOCK_OL: {
      const auto* list = static_cast<MD_BLOCK_OL_DETAIL*>(detail);
      lists_.push_back({true, list->is_tight != 0, list->start});
      break;
    }
    case MD_BLOCK_LI: {
      const auto* item = static_cast<MD_BLOCK_LI_DETAIL*>(detail);
      nest_ += 'l';
      marker_ = lists_.back().ordered ? std::to_string(lists_.back().number++) + "." : "\u2022";
      task_ = item->is_task == 0 ? TaskMark::none : item->task_mark == ' ' ? TaskMark::open : TaskMark::done;
      in_item_start_ = true;
      break;
    }
    case MD_BLOCK_HR: open(BlockKind::rule), close(); break;
    case MD_BLOCK_H: open(BlockKind::heading).level = static_cast<std::uint8_t>(static_cast<MD_BLOCK_H_DETAIL*>(detail)->level); break;
    case MD_BLOCK_CODE: {
      const auto* code = static_cast<MD_BLOCK_CODE_DETAIL*>(detail);
      open(BlockKind::code).language = plain(code->lang);
      if (depth_ == 1) tops.back().fenced = code->fence_char != 0;
      break;
    }
    case MD_BLOCK_TABLE: {
      const auto* table = static_cast<MD_BLOCK_TABLE_DETAIL*>(detail);
      if (static_cast<std::size_t>(table->col_count) * (table->body_row_count + std::size_t{1}) > kMaxCells) return -1;  // md4c stops for negative values only
      open(BlockKind::table).columns.resize(table->col_count);
      break;
    }
    case MD_BLOCK_TR:
      if (!blocks.back().cells.empty()) append("\n");
      row_begins_ = true;
      break;
    case MD_BLOCK_TH:
    case MD_BLOCK_TD: {
      if (!row_begins_) append("\t");
      row_begins_ = false;
      Block& table = blocks.back();
      const MD_ALIGN align = static_cast<MD_BLOCK_TD_DETAIL*>(detail)->align;
      if (table.cells.size() < table.columns.size()) {
        table.columns[table.cells.size()] = align == MD_ALIGN_CENTER ? Align::center : align == MD_ALIGN_RIGHT ? Align::right : Align::left;
      }
      table.cells.push_back({table.text.size(), table.text.size()});
      break;
    }
    default: break;
  }
  if (type == MD_BLOCK_P) open(BlockKind::paragraph);
  return 0;
}

/// No span goes on in another block. md4c 0.4.8 leaves some once too often ("![]([)]()"), others it does not leave.
void Builder::end_spans() {
  strong_ = emphasis_ = code_ = strike_ = 0;
  links_.clear();
}

int Builder::leave(MD_BLOCKTYPE type) {
  if (type == MD_BLOCK_DOC) return 0;
  end_spans();
  --depth_;
  switch (type) {
    case MD_BLOCK_QUOTE: nest_.pop_back(), close(); break;
    case MD_BLOCK_UL:
    case MD_BLOCK_OL: lists_.pop_back(), close(); break;
    case MD_BLOCK_LI:
      if (in_item_start_) open(BlockKind::paragraph);
      nest_.pop_back();
      close();
      break;
    case MD_BLOCK_CODE:
      if (blocks.back().text.ends_with('\n')) blocks.back().text.pop_back();
      close();
      break;
    case MD_BLOCK_TH:
    case MD_BLOCK_TD: blocks.back().cells.back().end = blocks.back().text.size(); break;
    case MD_BLOCK_H:
    case MD_BLOCK_P:
    case MD_BLOCK_TABLE: close(); break;
    default: break;
  }
  return 0;
}

int Builder::enter(MD_SPANTYPE type, void* detail) {
  if (!open_) open(BlockKind::paragraph);
  switch (type) {
    case MD_SPAN_STRONG: ++strong_; break;
    case MD_SPAN_EM: ++emphasis_; break;
    case MD_SPAN_DEL: ++strike_; break;
    case MD_SPAN_CODE: ++code_; break;
    case MD_SPAN_LATEXMATH:
    case MD_SPAN_LATEXMATH_DISPLAY: tex_ = {kNowhere, 0}; break;
    case MD_SPAN_A:
    case MD_SPAN_IMG: {
      auto& links = blocks.back().links;
      const MD_ATTRIBUTE& target = type == MD_SPAN_A ? static_cast<MD_SPAN_A_DETAIL*>(detail)->href : static_cast<MD_SPAN_IMG_DETAIL*>(detail)->src;
      links_.push_back(static_cast<std::uint16_t>(std::min<std::size_t>(links.size(), 0xFFFF)));
      if (links.size() <= 0xFFFF) links.push_back(plain(target));
      break;
    }
    default: break;
  }
  return 0;
}

int Builder::leave(MD_SPANTYPE type) {
  switch (type) {
    case MD_SPAN_STRONG: --strong_; break;
    case MD_SPAN_EM: --emphasis_; break;
    case MD_SPAN_DEL: --strike_; break;
    case MD_SPAN_CODE: --code_; break;
    case MD_SPAN_LATEXMATH: append_tex(1); break;
    case MD_SPAN_LATEXMATH_DISPLAY: append_tex(2); break;
    case MD_SPAN_A:
    case MD_SPAN_IMG:
      if (!links_.empty()) links_.pop_back();
      break;
    default: break;
  }
  return 0;
}

int Builder::text(MD_TEXTTYPE type, std::string_view bytes) {
  switch (type) {
    case MD_TEXT_NULLCHAR: append("\uFFFD"); break;
    case MD_TEXT_BR:
    case MD_TEXT_SOFTBR: append("\n"); break;
    case MD_TEXT_ENTITY: {
      std::string decoded;
      append_entity(decoded, bytes);
      append(decoded);
      break;
    }
    case MD_TEXT_LATEXMATH: {
      const std::string_view mine = original(bytes);
      if (mine.data() == bytes.data()) break;
      const auto at = static_cast<std::size_t>(mine.data() - source_.data());
      tex_ = {std::min(tex_.begin, at), at + mine.size()};
      break;
    }
    case MD_TEXT_CODE: append_code(bytes); break;
    default: append(bytes); break;
  }
  return 0;
}

// Where lines end for md4c.
constexpr std::string_view kLineEnds = "\r\n";

bool is_blank_line_before(std::string_view source, std::size_t line_begin) {
  if (line_begin < 2 || source[line_begin - 1] != '\n') return false;
  std::size_t at = line_begin - 1;
  while (at > 0 && (source[at - 1] == ' ' || source[at - 1] == '\t')) --at;
  return at > 0 && source[at - 1] == '\n';
}

/// The beginning of the line of a top-level block that nothing written later can join to what is before it: behind a blank
/// line, not indented, and complete.
std::optional<std::size_t> sure_begin(std::string_view source, const Builder::Top& top) {
  if (top.first == kNowhere || top.first == 0) return std::nullopt;
  const std::size_t before = source.find_last_of(kLineEnds, top.first - 1);
  if (before == source.npos) return std::nullopt;
  std::size_t begin = before + 1;
  if (top.fenced) {  // the fence stands on the line above
    if (before == 0) return std::nullopt;
    const std::size_t fence = source.find_last_of(kLineEnds, before - 1);
    if (fence == source.npos) return std::nullopt;
    begin = fence + 1;
  }
  // After a fence within a list md4c may take the next one for text: where the two disagree, nothing is sure.
  const bool is_fence = source.substr(begin, 3) == "```" || source.substr(begin, 3) == "~~~";
  if (is_fence != top.fenced) return std::nullopt;
  const bool indented = source[begin] == ' ' || source[begin] == '\t';
  if (indented || source.find('\n', begin) == source.npos || !is_blank_line_before(source, begin)) return std::nullopt;
  return begin;
}

bool is_escaped(std::string_view source, std::size_t at) {
  const std::size_t before = at == 0 ? source.npos : source.find_last_not_of('\\', at - 1);
  return (at - (before == source.npos ? 0 : before + 1)) % 2 != 0;
}

/// Definitions of links reach everything, before them and behind. Their labels may go over several lines, and begin where a paragraph may.
bool defines_links(std::string_view source) {
  constexpr std::string_view kBefore = " \t>-+*.)0123456789";  // of quotes and items too
  constexpr std::size_t kLongestLabel = 1000;                  // CommonMark 0.31, 4.7: 999
  for (std::size_t end = 0; (end = source.find("]:", end)) != source.npos; ++end) {
    if (is_escaped(source, end)) continue;
    std::size_t at = end;
    do {
      at = at == 0 ? source.npos : source.find_last_of("[]", at - 1);
    } while (at != source.npos && is_escaped(source, at));
    if (at == source.npos || source[at] == ']' || end - at > kLongestLabel) continue;
    const std::size_t before = at == 0 ? source.npos : source.find_last_not_of(kBefore, at - 1);
    if (before == source.npos || kLineEnds.find(source[before]) != kLineEnds.npos) return true;
  }
  return false;
}

Block as_it_is(std::string_view source) {
  Block block;
  block.text = source;
  block.runs = {{block.text.size(), 0, 0}};
  return block;
}

}  // namespace

Markdown parse_markdown(std::string_view source) {
  const std::string parsed = with_dollars(source);
  Builder builder(source, parsed);
  MD_PARSER parser{};
  parser.flags = kFlags;
  parser.enter_block = [](MD_BLOCKTYPE type, void* detail, void* b) { return static_cast<Builder*>(b)->enter(type, detail); };
  parser.leave_block = [](MD_BLOCKTYPE type, void*, void* b) { return static_cast<Builder*>(b)->leave(type); };
  parser.enter_span = [](MD_SPANTYPE type, void* detail, void* b) { return static_cast<Builder*>(b)->enter(type, detail); };
  parser.leave_span = [](MD_SPANTYPE type, void*, void* b) { return static_cast<Builder*>(b)->leave(type); };
  parser.text = [](MD_TEXTTYPE type, const MD_CHAR* text, MD_SIZE size, void* b) {
    return static_cast<Builder*>(b)->text(type, {text, size});
  };
  Markdown out;
  if (md_parse(parsed.data(), static_cast<MD_SIZE>(parsed.size()), &parser, &builder) != 0) {
    out.blocks.push_back(as_it_is(source));
    return out;
  }
  out.blocks = std::move(builder.blocks);
  out.defines_links = defines_links(source);
  for (std::size_t k = builder.tops.size(); k-- > 1;) {
    const Builder::Top& top = builder.tops[k];
    // A list may begin with an empty item: its first text is not where it begins. And md4c sees "10. n\n\n\n    t" with other eyes at the
    // beginning of a text, so that is no place to begin again.
    if (top.list || top.index >= out.blocks.size() || out.blocks[top.index].text.empty()) continue;
    if (const auto begin = sure_begin(source, top)) {
      out.last_begin = *begin;
      out.last_index = top.index;
      break;
    }
  }
  return out;
}

std::vector<Block> parse_plain(std::string_view source) {
  std::vector<Block> blocks;
  for (const FencedPart& part : split_fences(source)) {
    blocks.push_back(as_it_is(source.substr(part.range.begin, part.range.end - part.range.begin)));
    if (!part.code) continue;
    blocks.back().kind = BlockKind::code;
    blocks.back().runs.clear();
    blocks.back().language = source.substr(part.language.begin, part.language.end - part.language.begin);
  }
  return blocks;
}

}  // namespace foreword::ui::text
