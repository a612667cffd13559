// A conversation as chat templates want it.

#include "engine/template/turns.h"

#include <gtest/gtest.h>

namespace foreword::engine {
namespace {



TEST(Turns, NeighboursOfOneRoleAreOneMessageAndEmptyOnesNone) {
  const auto turns = in_turns({{Role::system, "Be brief.", {}}, {Role::user, "one", {}}, {Role::assistant, "", {}}, {Role::user, "two", {}}, {Role::assistant, "yes", {}}, {Role::user, "three", {}}});
  ASSERT_EQ(turns.size(), 4u);
  EXPECT_EQ(turns[1].content, "one\n\ntwo");
  EXPECT_EQ(turns[2].content, "yes");
  EXPECT_EQ(turns[3].content, "three");
}

}  // namespace
}  // namespace foreword::engine
