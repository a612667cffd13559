// What is thought and what is said, while it comes.

#include "engine/base/reasoning.h"

#include <gtest/gtest.h>

#include <string>

namespace foreword {
namespace {

struct Passed {
  std::string thought, said;
};

/// The text in pieces of `size` bytes, the first one of `first`.
Passed pass(std::string_view text, std::size_t first, std::size_t size) {
  AnswerStream stream;
  Passed all;
  const auto take = [&](const AnswerStream::Part& part) {
    all.thought += part.thought;
    all.said += part.said;
  };
  for (std::size_t at = 0, n = first; at < text.size(); at += n, n = size) take(stream.add(text.substr(at, n)));
  take(stream.end());
  EXPECT_EQ(stream.text(), text);
  return all;
}

TEST(AnswerStream, HoweverItComesItIsTheSame) {
  for (const std::string_view text : {
           "Hello there.\n\nHow are you?", "", " \n", "<think>\nIt greets.\n</think>\n\nHello <b>you</b>!", "<think></think>Hello", "<think>\n\n</think>\n\nHello",
           "\n<think>a < b </ c </thin </think>\nyes", "<think>never done </thi", "<thinking>x</thinking>y", "[THINK]a[/THINK]b", "<thin", "<table>", "[T", "< think>a</think>b",
           "Say `</think>` to end.", "<think>one</think> two <think>three</think>", "<reasoning> \n spaces \n </reasoning> \n z ",
           "<|channel|>analysis<|message|>It greets.<|end|><|start|>assistant<|channel|>final<|message|>Hello!", "<|channel|>final<|message|>Hello!",
           "<|channel|>analysis<|message|>never done"}) {
    const AnswerParts parts = split_reasoning(text);
    for (std::size_t size = 1; size <= text.size() + 1; ++size) {
      for (std::size_t first = 1; first <= size; ++first) {
        const Passed passed = pass(text, first, size);
        ASSERT_EQ(passed.thought, text.substr(parts.reasoning.begin, parts.reasoning.end - parts.reasoning.begin)) << text << " by " << size;
        ASSERT_EQ(passed.said, text.substr(parts.answer.begin, parts.answer.end - parts.answer.begin)) << text << " by " << size;
      }
    }
  }
}

TEST(AnswerStream, NothingWaitsThatIsKnown) {
  AnswerStream plain;
  EXPECT_EQ(plain.add("Hel").said, "Hel");
  EXPECT_EQ(plain.add("lo <think>").said, "lo <think>");
  AnswerStream thinking;
  EXPECT_EQ(thinking.add("<think>\n").thought, "");
  EXPECT_EQ(thinking.add("It").thought, "It");
  EXPECT_EQ(thinking.add(" is </").thought, " is");
  EXPECT_EQ(thinking.add("b>").thought, " </b>");
  EXPECT_EQ(thinking.add("</think>").said, "");
  EXPECT_EQ(thinking.add("\n\nYes").said, "Yes");
  AnswerStream open;
  EXPECT_EQ(open.add("<th").said, "");
  EXPECT_EQ(open.add("ree>").said, "<three>");
}

}  // namespace
}  // namespace foreword
