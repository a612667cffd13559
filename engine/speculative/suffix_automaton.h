#pragma once
// Every part of a text that has occurred before, found in constant time while the text grows (Blumer et al. 1985). A state
// stands for parts with the same set of places; at most 2 states and 3 edges a token.

#include <cstdint>
#include <span>
#include <vector>

namespace foreword::engine {

class SuffixAutomaton {
 public:
  struct Match {
    std::int32_t length = 0;    // of the longest end of the text that also occurs earlier
    std::int32_t end = -1;      // index of the last token of its latest earlier place
    std::int32_t state = 0;     // for continuations()
  };
  /// What has followed a part of the text.
  struct Continuation {
    std::int32_t token;
    std::int32_t place;  // index of such a token, the latest known
    std::int32_t length;  // tokens before it that agree
  };

  SuffixAutomaton() { clear(); }
  void clear();
  void append(std::int32_t token);
  const std::vector<std::int32_t>& text() const { return text_; }
  const Match& match() const { return match_; }
  /// Up to n distinct tokens that followed the match, the latest first; if these are fewer, what followed shorter ends of the
  /// text of at least `shortest` tokens.
  std::vector<Continuation> continuations(std::size_t n, std::int32_t shortest) const;
  std::int64_t bytes() const;

 private:
  struct State {
    std::int32_t length = 0;
    std::int32_t link = -1;
    std::int32_t last_end = -1;   // index of the last token of a place, nearly always the latest
    std::int32_t first_edge = -1;
  };
  struct Edge {
    std::int32_t from, token, to, next;  // next: of the same state
  };

  std::size_t slot_of(std::int32_t state, std::int32_t token) const;
  std::int32_t edge_of(std::int32_t state, std::int32_t token) const;  // -1: none
  void add_edge(std::int32_t state, std::int32_t token, std::int32_t to);

  std::vector<std::int32_t> text_;
  std::vector<State> states_;
  std::vector<Edge> edges_;
  std::vector<std::int32_t> table_;  // open addressing: edge or -1; a power of two, at most half full
  std::int32_t last_ = 0;
  Match match_;
};

}  // namespace foreword::engine
