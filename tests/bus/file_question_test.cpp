// Which files URIs name (D79).

#include "app/bus/file_question.h"

#include <gtest/gtest.h>

namespace foreword::app {
namespace {

TEST(FileUri, D79NamesAPath) {
  EXPECT_EQ(path_of_uri("file:///m/a.gguf"), "/m/a.gguf");
  EXPECT_EQ(path_of_uri("file://localhost/m/a.gguf"), "/m/a.gguf");
  EXPECT_EQ(path_of_uri("file:///m/two%20words%25.gguf"), "/m/two words%.gguf");
  EXPECT_EQ(path_of_uri("file:///%e6%A8%a1/a+b"), "/\u6a21/a+b");
  EXPECT_EQ(path_of_uri("file:///m/%FF"), "/m/\xff") << "paths are bytes";
}

TEST(FileUri, WhatIsNoneNamesNothing) {
  for (const char* uri : {"", "/m/a.gguf", "file:", "file://", "file:/m/a", "file://other.host/m/a", "https://h/a.gguf", "smb://h/a", "file://m/a", "file:///a%00b", "file:///a%", "file:///a%2",
                          "file:///a%zz", "file:///a%-1", "file:///a%+1", "FILE:///a", "file://localhostile/a"}) {
    EXPECT_EQ(path_of_uri(uri), std::nullopt) << uri;
  }
  EXPECT_EQ(path_of_uri("file:///" + std::string(1 << 20, 'a')), std::nullopt) << "no path is as long";
}

}  // namespace
}  // namespace foreword::app
