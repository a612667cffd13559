#include "engine/base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace foreword {
namespace {

Result<std::unique_ptr<int>> make(bool good) {
  if (!good) return Error{ErrorCode::not_found, "No number."};
  return std::make_unique<int>(3);
}

Result<int> doubled(bool good) {
  FW_ASSIGN(const std::unique_ptr<int> number, make(good));
  return *number * 2;
}

Result<void> only_checked(bool good) {
  FW_TRY(doubled(good));
  return {};
}

TEST(Result, CarriesValuesAndErrorsUpwards) {
  EXPECT_EQ(*doubled(true), 6);
  EXPECT_EQ(doubled(false).error().message, "No number.");
  EXPECT_TRUE(only_checked(true));
  EXPECT_EQ(only_checked(false).error().code, ErrorCode::not_found);
  EXPECT_EQ(doubled(false).value_or(9), 9);
}

TEST(Result, CodesHaveNames) {
  EXPECT_STREQ(name_of(ErrorCode::invalid_argument), "invalid_argument");
  EXPECT_STREQ(name_of(ErrorCode::cancelled), "cancelled");
}

TEST(ResultDeathTest, AskingTheWrongSideIsOurMistake) {
  EXPECT_DEATH((void)doubled(false).value(), "value\\(\\) of a failed Result");
  EXPECT_DEATH((void)doubled(true).error(), "error\\(\\) of a good Result");
}

}  // namespace
}  // namespace foreword
