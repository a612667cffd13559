#include "ui/document_view.h"

#include <algorithm>

#include "ui/widgets.h"

namespace foreword::ui {
namespace {

using text::Block;
using text::BlockBox;
using text::BlockKind;
using text::TextBox;

constexpr float kSoftSize = 14.5f;  // logical

/// All that drawing one document needs.
class Painter {
 public:
  Painter(Frame& frame, const std::vector<Block>& blocks, text::Boxes& boxes, const DocumentPlace& place);
  void draw();

 private:
  void draw_nest(std::size_t i);
  void draw_marker(const Block& block, const BlockBox& box);
  void draw_code(std::size_t i);
  void draw_table(std::size_t i);
  void draw_text(const Block& block, const BlockBox& box, TextBox& text);
  void draw_line_marks(const Block& block, const BlockBox& box, TextBox& text, std::size_t line, Vec top);
  void draw_links(const Block& block, const BlockBox& box, TextBox& text, std::size_t line, Vec top);
  void draw_found(const text::StyledText& styled, TextBox& text, std::size_t begin, std::size_t line, Vec top);
  void draw_cursor();
  void scroll_bar(std::string_view id, BlockBox& box, Rect area);
  std::string_view item_id(const BlockBox& box, std::string_view kind, std::string_view part = {}) const { return frame_.join(place_.id, "/", kind, ":", box.begin, part); }
  Rect rect_of(const BlockBox& box) const {
    const float left = place_.origin.x + box.left, top = place_.origin.y + box.top;
    return {left, top, left + std::min(box.width, place_.room - box.left), top + box.height};
  }

  Frame& frame_;
  Canvas& canvas_;
  const std::vector<Block>& blocks_;
  text::Boxes& boxes_;
  const DocumentPlace& place_;
  std::array<Color, text::ink::kCount> palette_;
};

Painter::Painter(Frame& frame, const std::vector<Block>& blocks, text::Boxes& boxes, const DocumentPlace& place)
    : frame_(frame), canvas_(frame.canvas), blocks_(blocks), boxes_(boxes), place_(place) {
  palette_[text::ink::kText] = palette_[text::ink::kCode] = frame.theme.ink;
  palette_[text::ink::kSoft] = frame.theme.ink_soft;
  palette_[text::ink::kLink] = frame.theme.accent;
  std::copy(frame.theme.tokens.begin(), frame.theme.tokens.end(), palette_.begin() + text::ink::kToken);
}

void Painter::draw() {
  const Rect visible = canvas_.clip();
  for (std::size_t i = boxes_.block_at(visible.top - place_.origin.y); i < boxes_.boxes().size(); ++i) {
    BlockBox& box = boxes_.boxes()[i];
    if (place_.origin.y + box.top >= visible.bottom) break;
    draw_nest(i);
    draw_marker(blocks_[i], box);
    switch (blocks_[i].kind) {
      case BlockKind::code: draw_code(i); break;
      case BlockKind::table: draw_table(i); break;
      case BlockKind::rule: {
        const Rect rect = rect_of(box);
        const float y = std::round(rect.center().y);
        canvas_.fill({rect.left, y, rect.right, y + frame_.px(1)}, frame_.theme.line);
        break;
      }
      case BlockKind::paragraph:
      case BlockKind::heading: draw_text(blocks_[i], box, box.texts.front()); break;
    }
  }
  if (place_.growing) draw_cursor();
}

/// Bars beside quotes, joined from block to block.
void Painter::draw_nest(std::size_t i) {
  const Block& block = blocks_[i];
  const BlockBox& box = boxes_.boxes()[i];
  const text::Sheet& sheet = boxes_.sheet();
  float x = 0;
  for (std::size_t depth = 0; depth < block.nest.size(); ++depth) {
    const bool quote = block.nest[depth] == 'q';
    if (quote) {
      const bool joined = i > 0 && blocks_[i - 1].nest.substr(0, depth + 1) == block.nest.substr(0, depth + 1);
      const float top = joined ? boxes_.boxes()[i - 1].top + boxes_.boxes()[i - 1].height : box.top;
      const float left = box.rtl ? place_.origin.x + place_.room - x - frame_.px(3) : place_.origin.x + x;
      canvas_.fill({left, place_.origin.y + top, left + frame_.px(3), place_.origin.y + box.top + box.height}, frame_.theme.line, frame_.px(1.5f));
    }
    x += quote ? sheet.quote_indent : sheet.list_indent;
  }
}

void Painter::draw_marker(const Block& block, const BlockBox& box) {
  if (block.marker.empty() || box.texts.empty()) return;
  const TextBox& text = box.texts.front();
  const float gap = frame_.px(8), middle = place_.origin.y + text.top + text.line_height / 2;
  const float edge = box.rtl ? place_.origin.x + box.left + box.width + gap : place_.origin.x + box.left - gap;
  const float out = box.rtl ? 1.0f : -1.0f;  // away from the text
  if (block.task != text::TaskMark::none) {
    const float side = frame_.px(15), left = box.rtl ? edge : edge - side, top = std::round(middle - side / 2);
    const Rect rect{left, top, left + side, top + side};
    const bool done = block.task == text::TaskMark::done;
    if (done) canvas_.fill(rect, frame_.theme.accent, frame_.px(4));
    if (!done) canvas_.stroke(rect, frame_.theme.ink_soft, frame_.px(4), frame_.px(1));
    if (done) canvas_.icon(Icon::check, rect.center(), frame_.px(13), frame_.theme.on_accent);
    return;
  }
  if (block.marker == "\u2022") {
    const auto depth = std::count(block.nest.begin(), block.nest.end(), 'l');
    const Vec center{edge + out * frame_.px(3), middle + frame_.px(0.5f)};
    canvas_.disc(center, frame_.scale * 2.5f, frame_.theme.ink_soft);
    if (depth % 2 == 0) canvas_.disc(center, frame_.scale * 1.4f, frame_.theme.page);
    return;
  }
  const text::Font font = boxes_.sheet().body;
  const float width = canvas_.width(font, block.marker);
  canvas_.text({box.rtl ? edge : std::round(edge - width), place_.origin.y + text.top}, text.line_height, font, frame_.theme.ink_soft, block.marker);
}

void Painter::draw_code(std::size_t i) {
  const Block& block = blocks_[i];
  BlockBox& box = boxes_.boxes()[i];
  const Rect rect = rect_of(box);
  const float radius = frame_.px(size::kRadius), head = boxes_.sheet().code_head;
  canvas_.fill(rect, frame_.theme.code, radius);
  canvas_.stroke(rect, frame_.theme.line, radius, frame_.px(1));
  const std::string_view label = text::language_label(block.language);
  canvas_.text_cut({rect.left + boxes_.sheet().code_pad, rect.top + frame_.px(2)}, head - frame_.px(4), rect.width() - frame_.px(64),
                   frame_.font(text::Style::medium, size::kSmall - 1), frame_.theme.ink_soft, label.empty() ? std::string_view("Code") : label);
  const float side = frame_.px(26), top = rect.top + frame_.px(3);
  const Rect button{rect.right - side - frame_.px(4), top, rect.right - frame_.px(4), top + side};
  if (icon_button(frame_, item_id(box, "code", "/copy"), "Copy code", Icon::copy, button)) frame_.clipboard.write(block.text);
  const float edge = frame_.px(1);
  box.content_width = box.texts.front().layout.widest() + 2 * boxes_.sheet().code_pad;
  scroll_bar(item_id(box, "code", "/scroll"), box, rect);
  canvas_.push_clip({rect.left + edge, rect.top + head, rect.right - edge, rect.bottom});
  draw_text(block, box, box.texts.front());
  canvas_.pop_clip();
}

void Painter::draw_table(std::size_t i) {
  const Block& block = blocks_[i];
  BlockBox& box = boxes_.boxes()[i];
  const Rect rect = rect_of(box), visible = canvas_.clip();
  const float line = frame_.px(1);
  const float width = std::min(rect.width(), box.content_width);
  const Rect grid{box.rtl ? rect.right - width : rect.left, rect.top, box.rtl ? rect.right : rect.left + width, rect.bottom};
  if (box.rows.empty()) return;
  scroll_bar(item_id(box, "table", "/scroll"), box, grid);
  canvas_.push_clip(grid);
  canvas_.fill({grid.left, grid.top, grid.right, grid.top + box.rows.front()}, frame_.theme.code, frame_.px(size::kRadius));
  if (box.rows.size() > 1) {
    const float bottom = grid.top + box.rows.front();
    canvas_.fill({grid.left, bottom - frame_.px(size::kRadius), grid.right, bottom}, frame_.theme.code);
  }
  const std::size_t n_columns = std::max<std::size_t>(1, box.columns.size());
  float y = grid.top;
  for (std::size_t row = 0; row < box.rows.size() && y < visible.bottom; ++row) {
    const float bottom = y + box.rows[row];
    if (bottom > visible.top) {
      for (std::size_t c = row * n_columns; c < std::min((row + 1) * n_columns, box.texts.size()); ++c) draw_text(block, box, box.texts[c]);
      if (row + 1 < box.rows.size()) canvas_.fill({grid.left, bottom - line, grid.right, bottom}, frame_.theme.line);
    }
    y = bottom;
  }
  float x = grid.left - box.scroll;
  for (std::size_t c = 0; c + 1 < box.columns.size(); ++c) {
    x += box.columns[c];
    canvas_.fill({x, grid.top, x + line, grid.bottom}, frame_.theme.line);
  }
  canvas_.pop_clip();
  canvas_.stroke(grid, frame_.theme.line, frame_.px(size::kRadius), line);
}

void Painter::scroll_bar(std::string_view id, BlockBox& box, Rect area) {
  const float room = box.content_width - area.width();
  box.scroll = std::clamp(box.scroll, 0.0f, std::max(0.0f, std::ceil(room)));
  if (room <= 0.5f) return;
  box.scroll = std::round(sideways_bar(frame_, id, area, box.content_width, box.scroll));
}

void Painter::draw_text(const Block& block, const BlockBox& box, TextBox& text) {
  const Rect visible = canvas_.clip();
  const text::StyledText styled = text.styled(block);
  const float left = place_.origin.x + text.left - box.scroll, top = place_.origin.y + text.top;
  const float above = (visible.top - top) / text.line_height;
  const std::size_t begin = box.begin + text.range.begin;
  const text::Range& chosen = place_.selection;
  const text::Range selection{std::max(chosen.begin, begin) - begin, std::max(chosen.end, begin) - begin};
  const bool marked = std::any_of(text.spans.begin(), text.spans.end(), [](const text::Span& span) { return span.marks != 0; });
  for (std::size_t i = above > 0 ? static_cast<std::size_t>(above) : 0; i < text.layout.n_lines(); ++i) {
    const float y = top + static_cast<float>(i) * text.line_height;
    if (y >= visible.bottom) break;
    const Vec at{left + std::round(text::Boxes::line_indent(canvas_.shapes(), text, styled, i)), y};
    if (marked) draw_line_marks(block, box, text, i, at);
    if (!place_.found.empty()) draw_found(styled, text, begin, i, at);
    if (!selection.empty()) {
      text.layout.visit_selected(canvas_.shapes(), styled, i, selection, [&](float from, float to) {
        canvas_.fill({at.x + from, y, at.x + to, y + text.line_height}, frame_.theme.selection);
      });
    }
    canvas_.line(at, text.line_height, text.layout, styled, i, palette_);
    if (marked) draw_links(block, box, text, i, at);
  }
}

/// Behind the text: grounds of inline code; lines under and through it.
void Painter::draw_line_marks(const Block& block, const BlockBox&, TextBox& text, std::size_t line, Vec top) {
  const text::StyledText styled = text.styled(block);
  const float base = canvas_.baseline(top.y, text.line_height, styled.spans.front().font);
  const float thickness = std::max(1.0f, std::round(frame_.scale));
  Rect chip{};  // grows over neighbouring pieces
  const auto flush = [&] {
    if (chip.right > chip.left) {
      canvas_.fill(chip, frame_.theme.chip, frame_.px(5));
    }
    chip = {};
  };
  text.layout.visit(canvas_.shapes(), styled, line, [&](const text::PlacedPiece& piece) {
    const float left = top.x + piece.x, right = left + piece.advance;
    const std::uint8_t marks = piece.span->marks;
    if ((marks & text::kChip) != 0) {
      const float size = static_cast<float>(piece.span->font.size), pad = piece.span->pad - frame_.px(0.5f);
      if (chip.right <= chip.left) chip = {left - pad, std::round(base - size * 0.98f), right + pad, std::round(base + size * 0.34f)};
      chip.right = right + pad;
    } else {
      flush();
    }
    if ((marks & text::kUnderline) != 0) canvas_.fill({left, base + frame_.px(2), right, base + frame_.px(2) + thickness}, frame_.theme.accent.with_alpha(110));
    if ((marks & text::kStrikeOut) != 0) {
      const float y = std::round(base - static_cast<float>(piece.span->font.size) * 0.3f);
      canvas_.fill({left, y, right, y + thickness}, frame_.theme.ink_soft);
    }
    return true;
  });
  flush();
}

void Painter::draw_links(const Block& block, const BlockBox& box, TextBox& text, std::size_t line, Vec top) {
  if (block.links.empty()) return;
  const text::Line l = text.layout.line(canvas_.shapes(), text.styled(block), line);
  std::size_t at = 0;
  for (const text::InlineRun& run : block.runs) {
    const std::size_t begin = std::max(at, text.range.begin + l.begin), end = std::min(run.end, text.range.begin + l.end);
    const std::size_t first = at;
    at = run.end;
    if ((run.marks & text::kLink) == 0 || begin >= end || run.link >= block.links.size()) continue;
    Rect rect{1e9f, top.y, -1e9f, top.y + text.line_height};
    text.layout.visit_selected(canvas_.shapes(), text.styled(block), line, {begin - text.range.begin, end - text.range.begin}, [&](float from, float to) {
      rect.left = std::min(rect.left, top.x + from);
      rect.right = std::max(rect.right, top.x + to);
    });
    const std::string& target = block.links[run.link];
    std::string_view id = frame_.join(item_id(box, "link"), ".", first);
    if (begin > first) id = frame_.join(id, ".", line);  // it goes on here
    const bool ascii = std::ranges::none_of(target, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
    const std::string_view shown = ascii ? std::string_view(target) : frame_.join(text::with_escapes(target));
    frame_.input.add({.id = id, .role = ItemRole::button, .label = target.empty() ? std::string_view("Link without a target") : shown,
                      .rect = rect.intersect(canvas_.clip()), .enabled = !target.empty(), .tip = true});
    if (frame_.input.hovered(id)) {
      const float base = canvas_.baseline(top.y, text.line_height, text.spans.front().font);
      canvas_.fill({rect.left, base + frame_.px(2), rect.right, base + frame_.px(2) + std::max(1.0f, std::round(frame_.scale))}, frame_.theme.accent);
    }
    focus_ring(frame_, id, rect, frame_.px(4));
    if (frame_.input.activated(id)) frame_.link_asked = target;
  }
}

/// Behind what a search has found; `begin`: the document's place of the text's first byte.
void Painter::draw_found(const text::StyledText& styled, TextBox& text, std::size_t begin, std::size_t line, Vec top) {
  const text::Line l = text.layout.line(canvas_.shapes(), styled, line);
  const std::size_t offset = place_.first_place + begin, from = offset + l.begin, to = offset + l.end;
  const auto first = std::partition_point(place_.found.begin(), place_.found.end(), [&](const text::Range& r) { return r.end <= from; });
  for (auto range = first; range != place_.found.end() && range->begin < to; ++range) {
    const Color color = *range == place_.found_here ? frame_.theme.found_here : frame_.theme.found;
    const text::Range within{std::max(range->begin, offset) - offset, range->end - offset};
    text.layout.visit_selected(canvas_.shapes(), styled, line, within, [&](float left, float right) {
      canvas_.fill({top.x + left - frame_.px(1), top.y + frame_.px(2), top.x + right + frame_.px(1), top.y + text.line_height - frame_.px(2)}, color, frame_.px(3));
    });
  }
}

void Painter::draw_cursor() {
  if (boxes_.boxes().empty()) return;
  const Block& block = blocks_.back();
  BlockBox& box = boxes_.boxes().back();
  if (box.texts.empty()) return;
  TextBox& text = box.texts.back();
  const text::StyledText styled = text.styled(block);
  const std::size_t line = text.layout.n_lines() - 1;
  const float indent = std::round(text::Boxes::line_indent(canvas_.shapes(), text, styled, line));
  const float end = text.layout.x_of(canvas_.shapes(), styled, line, styled.text.size());
  const float left = std::round(place_.origin.x + text.left - box.scroll + indent + end) + (box.rtl ? -frame_.px(11) : frame_.px(3));
  const float top = place_.origin.y + text.top + static_cast<float>(line) * text.line_height, inset = std::round(text.line_height * 0.2f);
  canvas_.fill({left, top + inset, left + frame_.px(8), top + text.line_height - inset}, frame_.theme.accent.with_alpha(150), frame_.px(2));
}

}  // namespace

text::Sheet sheet_of(const Frame& frame, bool soft) {
  const float body = soft ? kSoftSize : size::kText;
  text::Sheet sheet;
  sheet.body = frame.font(text::Style::regular, body);
  sheet.inline_code = frame.font(text::Style::mono, body * 0.9f);
  sheet.code = frame.font(text::Style::mono, soft ? 13 : 14);
  sheet.line = frame.px(body * size::kLineHeight);
  sheet.code_line = frame.px((soft ? 13 : 14) * 1.5f);
  static constexpr std::array kHeadings{23.0f, 20.0f, 18.0f, 16.0f, 16.0f, 16.0f};
  for (std::size_t i = 0; i < kHeadings.size(); ++i) {
    const float logical = soft ? body : kHeadings[i];
    sheet.headings[i] = frame.font(text::Style::bold, logical);
    sheet.heading_lines[i] = frame.px(logical * 1.4f);
  }
  sheet.block_gap = frame.px(soft ? 9 : 13);
  sheet.tight_gap = frame.px(4);
  sheet.heading_gap = frame.px(soft ? 12 : 24);
  sheet.list_indent = frame.px(26);
  sheet.quote_indent = frame.px(18);
  sheet.code_pad = frame.px(14);
  sheet.code_head = frame.px(32);
  sheet.chip_pad = frame.px(4);
  sheet.cell_pad_x = frame.px(12);
  sheet.cell_pad_y = frame.px(6);
  sheet.min_column = frame.px(90);
  sheet.ink = soft ? text::ink::kSoft : text::ink::kText;
  return sheet;
}

void draw_document(Frame& frame, const std::vector<Block>& blocks, text::Boxes& boxes, const DocumentPlace& place) {
  Painter(frame, blocks, boxes, place).draw();
}

bool scroll_sideways(text::Boxes& boxes, float room, float y, float dx) {
  const std::size_t i = boxes.block_at(y);
  if (i >= boxes.boxes().size() || y < boxes.boxes()[i].top) return false;
  BlockBox& box = boxes.boxes()[i];
  const float hidden = box.content_width - std::min(box.width, room - box.left);
  if (hidden <= 0.5f || box.texts.empty() || box.texts.front().width > 0) return false;
  box.scroll = std::clamp(box.scroll + dx, 0.0f, hidden);
  return true;
}

}  // namespace foreword::ui
