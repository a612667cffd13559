#include "ui/text/boxes.h"

#include <algorithm>
#include <cmath>

namespace foreword::ui::text {
namespace {

constexpr std::size_t kMaxHighlight = 128 << 10;  // more code than this has no colours
constexpr std::size_t kLazyBlocks = 400, kLazyBytes = 64 << 10;  // a document of more is laid out where it is looked at

Font styled_font(Font base, std::uint8_t marks) {
  const bool strong = (marks & kStrong) != 0 || base.style == Style::bold, emphasis = (marks & kEmphasis) != 0;
  return {strong && emphasis ? Style::bold_italic : strong ? Style::bold : emphasis ? Style::italic : base.style, base.size};
}

Font base_font(const Sheet& sheet, const Block& block) {
  return block.kind == BlockKind::heading ? sheet.headings[std::clamp<std::size_t>(block.level, 1, 6) - 1] : sheet.body;
}

/// Spans of [range) of a block, as offsets within it. `strong`: all of it (a table's head).
std::vector<Span> inline_spans(const Sheet& sheet, const Block& block, Range range, bool strong) {
  std::vector<Span> spans;
  const Font base = base_font(sheet, block);
  const std::uint8_t plain = block.nest.find('q') == block.nest.npos ? sheet.ink : ink::kSoft;
  for (const InlineRun& run : block.runs) {
    if (run.end <= range.begin) continue;
    Span span{.end = std::min(run.end, range.end) - range.begin, .font = styled_font(base, run.marks | (strong ? kStrong : 0)), .ink = plain, .marks = 0, .pad = 0};
    if ((run.marks & kCode) != 0) {
      const float share = static_cast<float>(sheet.inline_code.size) / static_cast<float>(std::max(1, sheet.body.size));
      span.font = {Style::mono, std::max(1, static_cast<int>(std::lround(static_cast<float>(base.size) * share)))};
      span.ink = ink::kCode;
      span.marks |= kChip;
      span.pad = sheet.chip_pad;
    }
    if ((run.marks & kLink) != 0) span.ink = ink::kLink, span.marks |= kUnderline;
    if ((run.marks & kStrike) != 0) span.marks |= kStrikeOut;
    spans.push_back(span);
    if (run.end >= range.end) break;
  }
  if (spans.empty()) spans.push_back({.font = styled_font(base, strong ? kStrong : 0), .ink = plain});
  spans.back().end = static_cast<std::size_t>(-1);
  return spans;
}

std::vector<Span> code_spans(const Sheet& sheet, const Block& block) {
  std::vector<Span> spans;
  if (block.text.size() <= kMaxHighlight) {
    for (const TokenRun& run : highlight(block.language, block.text)) {
      spans.push_back({run.end, sheet.code, static_cast<std::uint8_t>(ink::kToken + static_cast<std::uint8_t>(run.token)), 0, 0});
    }
  }
  if (spans.empty()) spans.push_back({.font = sheet.code, .ink = ink::kToken});
  spans.back().end = static_cast<std::size_t>(-1);
  return spans;
}

/// Bytes from the beginning that look the same, out of `n` that are the same.
std::size_t same_look(const std::vector<Span>& before, const std::vector<Span>& after, std::size_t n) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < before.size() && i < after.size(); ++i) {
    const bool same = before[i].font == after[i].font && before[i].ink == after[i].ink && before[i].marks == after[i].marks;
    if (!same) break;
    at = std::min(before[i].end, after[i].end);
    if (before[i].end != after[i].end) break;
  }
  return std::min(at, n);
}

std::size_t shared_nest(const Block& a, const Block& b) {
  std::size_t n = 0;
  while (n < a.nest.size() && n < b.nest.size() && a.nest[n] == b.nest[n]) ++n;
  return n;
}

}  // namespace

void Boxes::place(const Block& block, const Block* before, BlockBox& box, float above) const {
  float indent = 0;
  for (const char container : block.nest) indent += container == 'q' ? sheet_.quote_indent : sheet_.list_indent;
  box.rtl = block.kind != BlockKind::code && starts_rtl(block.text, {0, block.text.size()});
  indent = std::min(indent, width_ / 2);
  box.left = box.rtl ? 0 : indent;
  box.width = width_ - indent;
  float gap = 0;
  if (before != nullptr) {
    const bool in_list = shared_nest(block, *before) > 0 && block.nest.find('l') != block.nest.npos && before->nest.find('l') != before->nest.npos;
    const bool new_list = block.begins_list && block.nest.size() <= before->nest.size();
    gap = block.kind == BlockKind::heading ? sheet_.heading_gap : block.tight && in_list && !new_list ? sheet_.tight_gap : sheet_.block_gap;
    if (before->kind == BlockKind::heading) gap = std::min(gap, sheet_.block_gap * 0.75f);
  }
  box.top = std::round(above + gap);
}

void Boxes::set(ShapeCache& shapes, const Block& block, TextBox& box, float width) {
  box.width = box.room = width;
  box.layout.set(shapes, box.styled(block), width, lazy_ && block.kind != BlockKind::table);
  ++n_fresh_;
}

void Boxes::lay_out_text(ShapeCache& shapes, const Block& block, BlockBox& box, std::size_t n_same) {
  const bool code = block.kind == BlockKind::code;
  std::vector<Span> spans = code ? code_spans(sheet_, block) : inline_spans(sheet_, block, {0, block.text.size()}, false);
  const float width = code ? 0 : box.width;
  const bool reuse = box.texts.size() == 1 && box.texts.front().width == width && n_same > 0;
  if (!reuse) box.texts.assign(1, {});
  TextBox& text = box.texts.front();
  const Range before = text.range;
  const std::size_t same = reuse ? same_look(text.spans, spans, std::min(n_same, before.end)) : 0;
  text.range = {0, block.text.size()};
  text.spans = std::move(spans);
  text.line_height = code ? sheet_.code_line
                     : block.kind == BlockKind::heading ? sheet_.heading_lines[std::clamp<std::size_t>(block.level, 1, 6) - 1] : sheet_.line;
  if (same > 0) {
    // What a cluster may still become is laid out again with it.
    const std::size_t at = previous_cluster(block.text, std::min(same, block.text.size()));
    text.layout.edit(shapes, text.styled(block), at, before.end - at, block.text.size() - at);
    ++n_edited_;
  } else {
    set(shapes, block, text, width);
  }
  text.left = box.left + (code ? sheet_.code_pad : 0);
  text.top = box.top + (code ? sheet_.code_head : 0);
  box.content_width = text.layout.widest() + (code ? 2 * sheet_.code_pad : 0);
  box.height = text_height(box, block.kind);
}

void Boxes::lay_out_table(ShapeCache& shapes, const Block& block, BlockBox& box, std::size_t n_same) {
  const std::size_t n_columns = std::max<std::size_t>(1, block.columns.size()), n_rows = (block.cells.size() + n_columns - 1) / n_columns;
  std::size_t kept = 0;  // cells that are the same as before
  while (kept < box.texts.size() && kept < block.cells.size() && block.cells[kept].end < n_same && box.texts[kept].range == block.cells[kept]) ++kept;
  box.texts.resize(block.cells.size());
  std::vector<float> natural(n_columns, 0);
  const float pad = 2 * sheet_.cell_pad_x;
  for (std::size_t i = 0; i < block.cells.size(); ++i) {
    TextBox& cell = box.texts[i];
    if (i >= kept) {
      cell = {};
      cell.range = block.cells[i];
      cell.spans = inline_spans(sheet_, block, cell.range, i < n_columns);
      cell.line_height = sheet_.line;
      cell.align = block.columns.empty() ? Align::left : block.columns[i % n_columns];
      set(shapes, block, cell, 0);
    } else if (cell.width > 0) {
      set(shapes, block, cell, 0);
    }
    natural[i % n_columns] = std::max(natural[i % n_columns], std::ceil(cell.layout.widest()) + pad);
  }
  // Narrow columns keep what they need, the others share the rest.
  box.columns = natural;
  float room = box.width;
  std::vector<bool> settled(n_columns, false);
  for (std::size_t n_open = n_columns; n_open > 0;) {
    const float share = std::max(sheet_.min_column, std::floor(room / static_cast<float>(n_open)));
    bool found = false;
    for (std::size_t c = 0; c < n_columns; ++c) {
      if (settled[c] || natural[c] > share) continue;
      settled[c] = found = true;
      room -= natural[c];
      --n_open;
    }
    if (found) continue;
    for (std::size_t c = 0; c < n_columns; ++c) {
      if (!settled[c]) box.columns[c] = share;
    }
    break;
  }
  box.rows.assign(n_rows, sheet_.line + 2 * sheet_.cell_pad_y);
  box.content_width = 0;
  for (const float column : box.columns) box.content_width += column;
  for (std::size_t i = 0; i < box.texts.size(); ++i) {
    TextBox& cell = box.texts[i];
    const float inner = box.columns[i % n_columns] - pad;
    if (cell.layout.widest() > inner) set(shapes, block, cell, inner);
    cell.room = inner;
    box.rows[i / n_columns] = std::max(box.rows[i / n_columns], cell.height() + 2 * sheet_.cell_pad_y);
  }
  float y = box.top;
  for (std::size_t row = 0; row < n_rows; ++row) {
    float x = box.rtl ? box.left + std::max(0.0f, box.width - box.content_width) : box.left;
    for (std::size_t c = 0; c < n_columns && row * n_columns + c < box.texts.size(); ++c) {
      TextBox& cell = box.texts[row * n_columns + c];
      cell.left = x + sheet_.cell_pad_x;
      cell.top = y + sheet_.cell_pad_y;
      x += box.columns[c];
    }
    y += box.rows[row];
  }
  box.height = y - box.top;
}

void Boxes::lay_out(ShapeCache& shapes, const std::vector<Block>& blocks, std::size_t first_changed, std::size_t n_same, const Sheet& sheet,
                    float width) {
  if (sheet != sheet_ || width != width_) {
    boxes_.clear();
    sheet_ = sheet;
    width_ = width;
  }
  std::size_t n_bytes = 0;
  for (const Block& block : blocks) n_bytes += block.text.size();
  lazy_ = blocks.size() > kLazyBlocks || n_bytes > kLazyBytes;
  std::size_t first = std::min({first_changed, boxes_.size(), blocks.size()});
  if (first < first_changed) n_same = 0;
  kinds_.resize(boxes_.size(), BlockKind::rule);
  boxes_.resize(blocks.size());
  const std::size_t n_known = kinds_.size();
  kinds_.resize(blocks.size(), BlockKind::rule);
  for (std::size_t i = first; i < blocks.size(); ++i) {
    const Block& block = blocks[i];
    BlockBox& box = boxes_[i];
    const float old_width = box.width;
    place(block, i == 0 ? nullptr : &blocks[i - 1], box, i == 0 ? 0 : boxes_[i - 1].top + boxes_[i - 1].height);
    box.begin = i == 0 ? 0 : boxes_[i - 1].begin + blocks[i - 1].text.size() + 1;
    const bool reuse = i == first && i < n_known && kinds_[i] == block.kind && box.width == old_width;
    if (!reuse) box.texts.clear();
    if (block.kind == BlockKind::rule) {
      box.height = sheet_.line;
    } else if (block.kind == BlockKind::table) {
      lay_out_table(shapes, block, box, reuse ? n_same : 0);
    } else {
      lay_out_text(shapes, block, box, reuse ? n_same : 0);
    }
    kinds_[i] = block.kind;
  }
}

float Boxes::text_height(const BlockBox& box, BlockKind kind) const {
  return box.texts.front().height() + (kind == BlockKind::code ? sheet_.code_head + sheet_.code_pad : 0);
}

Boxes::Moved Boxes::prepare(ShapeCache& shapes, const std::vector<Block>& blocks, float top, float bottom, float anchor) {
  Moved moved;
  float shift = 0;
  for (std::size_t i = block_at(top); i < boxes_.size(); ++i) {
    BlockBox& box = boxes_[i];
    if (shift != 0) {
      box.top += shift;
      for (TextBox& text : box.texts) text.top += shift;
    } else if (box.top >= bottom) {
      break;
    }
    if (box.top >= bottom || kinds_[i] == BlockKind::table || kinds_[i] == BlockKind::rule) continue;
    TextBox& text = box.texts.front();
    if (!text.layout.is_exact()) {
      const float first = std::max(0.0f, (top - text.top) / text.line_height), last = std::max(0.0f, (bottom - text.top) / text.line_height);
      for (auto line = static_cast<std::size_t>(first); line <= static_cast<std::size_t>(last) && line < text.layout.n_lines(); ++line) {
        text.layout.line(shapes, text.styled(blocks[i]), line);
      }
    }
    const float grown = text_height(box, kinds_[i]) - box.height;
    if (grown == 0) continue;
    if (box.top - shift < anchor && text.layout.is_whole()) moved.above += grown;
    moved.any = true;
    box.height += grown;
    shift += grown;
  }
  return moved;
}

float Boxes::widest() const {
  float widest = 0;
  for (std::size_t i = 0; i < boxes_.size(); ++i) {
    const BlockBox& box = boxes_[i];
    const float indent = width_ - box.width;
    widest = std::max(widest, kinds_[i] == BlockKind::rule ? width_ : std::min(width_, indent + box.content_width));
  }
  return widest;
}

std::size_t Boxes::size(const std::vector<Block>& blocks) const {
  return boxes_.empty() ? 0 : boxes_.back().begin + blocks[boxes_.size() - 1].text.size();
}

std::size_t Boxes::block_at(float y) const {
  const auto found = std::partition_point(boxes_.begin(), boxes_.end(), [&](const BlockBox& box) { return box.top + box.height <= y; });
  return static_cast<std::size_t>(found - boxes_.begin());
}

std::size_t Boxes::block_of(std::size_t place) const {
  const auto after = std::upper_bound(boxes_.begin(), boxes_.end(), place, [](std::size_t p, const BlockBox& box) { return p < box.begin; });
  return after == boxes_.begin() ? 0 : static_cast<std::size_t>(after - boxes_.begin()) - 1;
}

float Boxes::line_indent(ShapeCache& shapes, TextBox& box, const StyledText& styled, std::size_t line) {
  if (box.room <= 0) return 0;
  const float room = box.room;
  if (box.align == Align::left) return box.layout.indent(shapes, styled, line, room);
  const float free = std::max(0.0f, room - box.layout.line(shapes, styled, line).width);
  return box.align == Align::right ? free : std::round(free / 2);
}

std::size_t Boxes::place_at(ShapeCache& shapes, const std::vector<Block>& blocks, float x, float y) {
  if (boxes_.empty()) return 0;
  // Between two blocks the nearer one counts.
  std::size_t i = std::min(block_at(y), boxes_.size() - 1);
  if (i > 0 && y < boxes_[i].top && y - (boxes_[i - 1].top + boxes_[i - 1].height) < boxes_[i].top - y) --i;
  BlockBox& box = boxes_[i];
  const Block& block = blocks[i];
  if (box.texts.empty()) return box.begin;
  x += box.scroll;
  TextBox* text = &box.texts.front();
  if (block.kind == BlockKind::table) {
    for (TextBox& cell : box.texts) {
      const bool row = y >= cell.top - sheet_.cell_pad_y, column = x >= cell.left - sheet_.cell_pad_x;
      if (row && (column || cell.top > text->top)) text = &cell;
    }
  } else {
    if (y < box.top) return box.begin;
    if (y >= box.top + box.height) return box.begin + block.text.size();
  }
  const float line = (y - text->top) / text->line_height;
  const std::size_t last = text->layout.n_lines() - 1, index = line <= 0 ? 0 : std::min(last, static_cast<std::size_t>(line));
  const StyledText styled = text->styled(block);
  return box.begin + text->range.begin +
         text->layout.offset_at(shapes, styled, index, x - text->left - line_indent(shapes, *text, styled, index));
}

Boxes::Spot Boxes::spot_of(ShapeCache& shapes, const std::vector<Block>& blocks, std::size_t place) {
  if (boxes_.empty()) return {0, 0, sheet_.line};
  const std::size_t i = block_of(place);
  BlockBox& box = boxes_[i];
  if (box.texts.empty()) return {box.left, box.top, box.height};
  const std::size_t within = std::min(place - box.begin, blocks[i].text.size());
  TextBox* text = &box.texts.front();
  for (TextBox& cell : box.texts) {
    if (cell.range.begin <= within) text = &cell;
  }
  const StyledText styled = text->styled(blocks[i]);
  const std::size_t offset = std::min(within - text->range.begin, styled.text.size());
  const std::size_t line = text->layout.line_of(shapes, styled, offset);
  return {text->left - box.scroll + line_indent(shapes, *text, styled, line) + text->layout.x_of(shapes, styled, line, offset),
          text->top + static_cast<float>(line) * text->line_height, text->line_height};
}

}  // namespace foreword::ui::text
