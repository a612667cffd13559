#pragma once
// How many drafts a job gets, and how they are made, from what passes cost here (A17). Pure.

#include "engine/autocomplete/draft.h"

namespace foreword::engine {

struct DraftConditions {
  double one_row = 0;   // seconds of a pass of one row
  double all_rows = 0;  // and of as many as drafts are wanted
  double deadline = 0;  // seconds in which all drafts have to be there
  bool approximate = false;  // the user has allowed it, and it was found good enough on this machine
};

/// As wanted, if all tokens come in time or more drafts cost next to nothing; else fewer drafts, or approximate ones.
DraftLimits planned(DraftLimits wanted, const DraftConditions& conditions);

}  // namespace foreword::engine
