#pragma once
// A tree of guesses for the tokens that come next, whoever guessed them. Flat arrays in topological order; node 0 is the
// last token of the text, whose row of the KV cache is not yet written. One forward pass scores all nodes (a node is a row,
// its parent the row's parent), then a Walk (verify.h) follows the tokens that are really chosen.
//
// Life: drafters add(); weigh() turns chances into reach; trim() keeps the best nodes and lays them out for the pass.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace foreword::engine {

/// How the children of a node were found. What each mode of verification may be given: legal() in verify.h.
enum class Draw : std::uint8_t {
  deterministic,        // picked by any rule that is blind to the noise: looked up, or the likeliest
  gumbel,               // the largest log q + noise, the noise being that of the token's choice
  iid,                  // samples of q, repeats allowed
  without_replacement,  // samples of q, each without the ones before
  top_then_sample,      // the likeliest of q, and last one sample of the rest of q
};

/// At most 64 entries; sums to 1; exactly 0 outside.
struct SparseDistribution {
  std::vector<std::int32_t> token;  // distinct ids
  std::vector<float> p;
};

/// The random children of a node: what rejection sampling has to know. Every draw keeps its place here, also one whose
/// child has no row (a repeat, or trimmed away): leaving draws out by what they are would bias the text.
struct NodeDraws {
  std::vector<std::int32_t> order;  // tokens in the order in which they were drawn
  SparseDistribution q;             // what the first of them was drawn from
};

/// What a drafter said about a child, for calibration (calibration.h). A claim outlives its child when that is trimmed.
struct Claim {
  std::int32_t parent = 0;  // node
  std::int32_t token = 0;
  std::uint8_t drafter = 0;  // its number in the row of drafters
  std::uint8_t cell = 0;     // kind of guess
};

struct DraftTree {
  std::vector<std::int32_t> token;
  std::vector<std::int32_t> parent;      // parent[0] = -1, else parent[i] < i
  std::vector<std::int16_t> depth;       // depth[0] = 0
  std::vector<float> chance;             // that this child is taken once its parent is; chance[0] = 1
  std::vector<float> reach;              // that the text goes through this node; after weigh()
  std::vector<Draw> draw;                // of a node's children
  std::vector<NodeDraws> draws;          // of a node's children; empty unless they were drawn at random
  std::vector<Claim> claims;
  std::vector<std::uint64_t> ancestors;  // bits [nodes, words_per_node()], the node itself included; after trim()

  explicit DraftTree(std::int32_t root_token = 0) { clear(root_token); }
  /// The root alone.
  void clear(std::int32_t root_token);

  std::int32_t size() const { return static_cast<std::int32_t>(token.size()); }
  std::int32_t n_drafted() const { return size() - 1; }
  std::int32_t words_per_node() const { return (size() + 63) / 64; }
  bool is_ancestor(std::int32_t ancestor, std::int32_t node) const;
  /// The child of `node` that carries this token, or -1.
  std::int32_t find(std::int32_t node, std::int32_t child_token) const;
  std::vector<std::int32_t> children(std::int32_t node) const;

  /// Adds a child, or finds it: the same (parent, token) is one node, and the chances of two drafters combine as
  /// 1 - (1-a)(1-b); what a drafter says a second time does not count. chance_of_child: in [0, 1]. Children of one node that two
  /// drafters added are deterministic.
  std::int32_t add(std::int32_t node, std::int32_t child_token, float chance_of_child, Draw kind, Claim claim);
  /// reach = product of the chances from the root; the children of a node are scaled down where theirs sum to more than 1.
  void weigh();
  /// Keeps the root and the `n` nodes of largest reach (of equals the earlier), depth first, the likeliest child first: the
  /// likeliest path lies in one piece. Needs weigh(). Claims on children that go stay as long as their parent does.
  void trim(std::int32_t n);
  /// The first promise of this header that is broken, or an empty text.
  std::string fault() const;

 private:
  void cut_to_root();

  std::vector<std::int32_t> first_child_, next_sibling_;  // -1 ends
  std::vector<std::int16_t> owner_;                       // drafter of a node's children, -1 while there are none
};

}  // namespace foreword::engine
