#pragma once
// Diverse beam search (Vijayakumar et al. 2016), one step, without a model: beams in groups, the groups in order; a group is
// told to avoid the tokens that the groups before it have just taken. Pure.

#include <cstddef>
#include <span>
#include <vector>

#include "engine/tokenizer/tokenizer.h"

namespace foreword::engine {

struct BeamCandidate {
  std::size_t parent = 0;  // beam that it goes on from; the caller's number
  TokenId token = 0;
  double score = 0;        // of the whole beam
};

/// Of each group's candidates the best `width`, best first, with their scores less `lambda` for every beam of an earlier group
/// that has taken the same token in this step. Of equal ones the lower parent, then the lower token. One group, or lambda 0:
/// ordinary beam search in each.
std::vector<std::vector<BeamCandidate>> diverse_step(std::span<const std::vector<BeamCandidate>> groups, std::size_t width, double lambda);

}  // namespace foreword::engine
