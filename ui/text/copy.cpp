#include "ui/text/copy.h"

#include <algorithm>
#include <array>

namespace foreword::ui::text {
namespace {

struct Delimiter {
  InlineMark mark;
  std::string_view text;
};
// From outside in.
constexpr std::array kDelimiters{Delimiter{kStrike, "~~"}, Delimiter{kStrong, "**"}, Delimiter{kEmphasis, "*"}, Delimiter{kCode, "`"}};

bool is_tex(std::string_view text) { return text.starts_with('$') || text.starts_with("\\(") || text.starts_with("\\["); }

/// Characters that would be markup at this place.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '*' || c == '`' || c == '[' || c == '<' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string inline_markdown(const Block& block, Range range) {
  std::string out;
  std::size_t at = 0;
  for (const InlineRun& run : block.runs) {
    const Range part{std::max(at, range.begin), std::min(run.end, range.end)};
    at = run.end;
    if (part.begin >= part.end) continue;
    std::string_view text = std::string_view(block.text).substr(part.begin, part.end - part.begin);
    const bool code = (run.marks & kCode) != 0;
    // Delimiters must touch ink: spaces at the ends stay outside.
    const std::size_t first = code ? 0 : std::min(text.find_first_not_of(" \n"), text.size());
    const std::size_t last = code ? text.size() : std::max(first, text.find_last_not_of(" \n") + 1);
    const std::string_view ink = text.substr(first, last - first);
    out += text.substr(0, first);
    const bool link = (run.marks & kLink) != 0 && run.link < block.links.size() && block.links[run.link] != ink && !ink.empty();
    if (link) out += '[';
    std::string close;
    for (const Delimiter& delimiter : kDelimiters) {
      if ((run.marks & delimiter.mark) == 0 || ink.empty() || (delimiter.mark == kCode && is_tex(ink))) continue;
      out += delimiter.text;
      close.insert(0, delimiter.text);
    }
    out += code ? std::string(ink) : (run.marks & kLink) != 0 && !link ? std::string(ink) : escaped(ink);
    out += close;
    if (link) out += "](" + block.links[run.link] + ")";
    out += text.substr(last);
  }
  return out;
}

std::string table_markdown(const Block& block, Range range) {
  const std::size_t n_columns = std::max<std::size_t>(1, block.columns.size());
  std::string out;
  for (std::size_t i = 0; i < block.cells.size(); ++i) {
    const Range cell{std::max(range.begin, block.cells[i].begin), std::min(range.end, block.cells[i].end)};
    out += "| " + (cell.begin < cell.end ? inline_markdown(block, cell) : std::string()) + " ";
    if (i % n_columns + 1 < n_columns) continue;
    out += "|\n";
    if (i + 1 != n_columns) continue;
    for (const Align align : block.columns) out += align == Align::left ? "|---" : align == Align::center ? "|:-:" : "|--:";
    out += "|\n";
  }
  while (out.ends_with('\n')) out.pop_back();
  return out;
}

std::string block_markdown(const Block& block, Range range) {
  const std::string text = block.text.substr(range.begin, range.end - range.begin);
  switch (block.kind) {
    case BlockKind::rule: return "---";
    case BlockKind::code: {
      std::string fence = "```";
      while (text.find(fence) != text.npos) fence += '`';
      return fence + block.language + "\n" + text + "\n" + fence;
    }
    case BlockKind::heading: return std::string(std::clamp<std::size_t>(block.level, 1, 6), '#') + " " + inline_markdown(block, range);
    case BlockKind::table: return range.begin == 0 && range.end == block.text.size() ? table_markdown(block, range) : inline_markdown(block, range);
    case BlockKind::paragraph: break;
  }
  return inline_markdown(block, range);
}

/// Writes what stands before the lines of blocks: "> ", markers of lists, indents as wide as the markers above.
class Prefixes {
 public:
  explicit Prefixes(bool markdown) : markdown_(markdown) {}

  /// Of the block's first line, and of its others.
  std::pair<std::string, std::string> of(const Block& block) {
    std::string first, others;
    widths_.resize(block.nest.size(), 2);
    const std::size_t item = block.nest.find_last_of('l');
    for (std::size_t i = 0; i < block.nest.size(); ++i) {
      if (block.nest[i] == 'q') {
        first += "> ";
        others += "> ";
        continue;
      }
      const bool begins = i == item && !block.marker.empty();
      const std::string marker = begins ? marker_of(block) : std::string();
      if (begins) widths_[i] = block.task != TaskMark::none || block.marker == kBullet ? 2 : marker.size();
      const std::string blank(widths_[i], ' ');
      first += begins ? marker : blank;
      others += blank;
    }
    return {first, others};
  }

 private:
  static constexpr std::string_view kBullet = "\u2022";

  std::string marker_of(const Block& block) const {
    const std::string bullet = markdown_ && block.marker == kBullet ? "- " : block.marker + " ";
    if (block.task == TaskMark::none) return bullet;
    return (markdown_ ? bullet : std::string()) + (block.task == TaskMark::done ? "[x] " : "[ ] ");
  }

  bool markdown_;
  std::vector<std::size_t> widths_;  // of each container's indent
};

template <class Write>
std::string copy(const std::vector<Block>& blocks, Range places, bool markdown, Write&& write) {
  std::string out;
  std::size_t begin = 0;
  const Block* before = nullptr;
  Prefixes prefixes(markdown);
  for (const Block& block : blocks) {
    const Range all{begin, begin + block.text.size()};
    begin = all.end + 1;
    if (all.begin > places.end) break;
    if (all.end < places.begin || (all.end == places.begin && !block.text.empty()) || (all.begin == places.end && places.begin < places.end)) continue;
    const Range range{std::max(all.begin, places.begin) - all.begin, std::min(all.end, places.end) - all.begin};
    if (before != nullptr) out += block.tight && before->tight && !(block.begins_list && block.nest.size() <= before->nest.size()) ? "\n" : "\n\n";
    before = &block;
    const bool whole = range.begin == 0;
    const auto [first, others] = whole ? prefixes.of(block) : std::pair<std::string, std::string>{};
    const std::string text = write(block, range);
    out += first;
    for (const char c : text) {
      out += c;
      if (c == '\n') out += others;
    }
  }
  return out;
}

}  // namespace

std::string copy_plain(const std::vector<Block>& blocks, Range places) {
  return copy(blocks, places, false, [](const Block& block, Range range) {
    return block.kind == BlockKind::rule ? std::string("\u2014") : block.text.substr(range.begin, range.end - range.begin);
  });
}

std::string copy_markdown(const std::vector<Block>& blocks, Range places) { return copy(blocks, places, true, block_markdown); }

}  // namespace foreword::ui::text
