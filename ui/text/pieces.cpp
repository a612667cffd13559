#include "ui/text/pieces.h"

#include <algorithm>

#include "ui/text/bidi.h"

namespace foreword::ui::text {
namespace {

/// Behind these alone a line may be broken between two ASCII characters that are no spaces.
bool is_plain_ascii(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > ' ' && byte < 0x80 && c != '-' && c != '/' && c != '|';
}

}  // namespace

PieceReader::PieceReader(const StyledText& styled, Range range) : text_(styled.text), at_(range.begin), end_(range.end) {
  const auto found = std::upper_bound(styled.spans.begin(), styled.spans.end(), range.begin,
                                      [](std::size_t offset, const Span& span) { return offset < span.end; });
  span_ = &*(found == styled.spans.end() ? found - 1 : found);
  span_begin_ = span_ == &styled.spans.front() ? 0 : (span_ - 1)->end;
}

bool PieceReader::next(Piece& piece) {
  if (at_ >= end_) return false;
  while (span_->end <= at_) span_begin_ = (span_++)->end;
  piece = {.range = {at_, at_}, .span = span_, .before = at_ == span_begin_ ? span_->pad : 0};
  const char first = text_[at_];
  if (first == '\n' || first == ' ' || first == '\t') {
    piece.kind = first == '\n' ? PieceKind::line_end : first == ' ' ? PieceKind::space : PieceKind::tab;
    piece.range.end = ++at_;
    piece.behind = at_ == span_->end ? span_->pad : 0;
    before_ = static_cast<char32_t>(first);
    return true;
  }
  const std::size_t limit = std::min(end_, span_->end);
  bool first_cluster = true;
  for (std::size_t at = at_; at < limit;) {
    if (!first_cluster && is_plain_ascii(text_[at]) && before_ < 0x80 && is_plain_ascii(static_cast<char>(before_)) && !piece.rtl &&
        at - piece.range.begin < kMaxBytes && (at + 1 >= limit || static_cast<unsigned char>(text_[at + 1]) < 0x80)) {
      before_ = static_cast<char32_t>(static_cast<unsigned char>(text_[at]));
      piece.range.end = ++at;
      continue;
    }
    const char c = text_[at];
    if (c == '\n' || c == ' ' || c == '\t') break;
    const std::size_t next = std::min(next_cluster(text_, at), limit);
    const char32_t base = decode(text_, at).value;
    const bool rtl = is_rtl_letter(base);
    const bool opportunity = before_ != 0 && can_break_between(before_, base);
    if (first_cluster) {
      piece.rtl = rtl;
      piece.opportunity = opportunity;
      first_cluster = false;
    } else if (opportunity || rtl != piece.rtl || next - piece.range.begin > kMaxBytes) {
      break;
    }
    before_ = base;
    piece.range.end = at = next;
  }
  at_ = piece.range.end;
  piece.behind = at_ == span_->end || at_ == text_.size() ? span_->pad : 0;
  return true;
}

}  // namespace foreword::ui::text
