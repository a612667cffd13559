// What a request offers, and the calls that answers hold, as different families write them.

#include "app/server/tools.h"

#include <gtest/gtest.h>

#include "engine/grammar/matcher.h"

namespace foreword::app {
namespace {

const std::string kTools = R"([{"type":"function","function":{"name":"look_up","description":"","parameters":{"type":"object","properties":{"word":{"type":"string"},"times":{"type":"integer"}}}}},
                              {"type":"function","function":{"name":"stop","description":"","parameters":{}}}])";

/// "said|name arguments|name arguments"
std::string split(std::string_view said) {
  const AnswerWithCalls answer = split_calls(said, kTools);
  std::string text = answer.said;
  for (const ToolCall& call : answer.calls) {
    text += "|" + call.name + " " + call.arguments;
    EXPECT_EQ(call.id.size(), 9U);
  }
  return text;
}

TEST(ToolCalls, AreFoundAsModelsWriteThem) {
  const struct {
    const char *said, *split;
  } cases[] = {
      {"Just text.", "Just text."},
      {"", ""},
      {"<tool_call>\n{\"name\": \"look_up\", \"arguments\": {\"word\": \"a\\\"}\"}}\n</tool_call>", "|look_up {\"word\":\"a\\\"}\"}"},
      {"Let me look.\n<tool_call>\n{\"name\": \"look_up\", \"arguments\": {}}\n</tool_call>\n<tool_call>{\"name\": \"stop\", \"arguments\": {}}</tool_call>", "Let me look.|look_up {}|stop {}"},
      {"<tool_call>\n{\"name\": \"look_up\", \"arguments\": {}}", "|look_up {}"},  // the end of the turn stands for the tag
      {"<tool_call>\n<function=look_up>\n<parameter=word>\ntwo\nlines\n</parameter>\n<parameter=times>\n3\n</parameter>\n</function>\n</tool_call>", "|look_up {\"word\":\"two\\nlines\",\"times\":3}"},
      {"<function=look_up>{\"word\": \"x\"}</function>", "|look_up {\"word\":\"x\"}"},
      {"[TOOL_CALLS] [{\"name\": \"look_up\", \"arguments\": {\"word\": \"x\"}}, {\"name\": \"stop\", \"arguments\": {}}]", "|look_up {\"word\":\"x\"}|stop {}"},
      {"[TOOL_CALLS]look_up[ARGS]{\"word\": \"x\"}[TOOL_CALLS]stop[CALL_ID]abc[ARGS]{}", "|look_up {\"word\":\"x\"}|stop {}"},
      {"<|tool_call|>[{\"name\": \"look_up\", \"arguments\": {\"times\": 2}}]", "|look_up {\"times\":2}"},
      {"<|python_tag|>{\"name\": \"look_up\", \"parameters\": {\"word\": \"x\"}}; {\"name\": \"stop\", \"parameters\": {}}", "|look_up {\"word\":\"x\"}|stop {}"},
      {"\n{\"name\": \"look_up\", \"parameters\": {\"word\": \"x\"}}", "|look_up {\"word\":\"x\"}"},
      {"{\"name\": \"nobody\", \"parameters\": {}}", "{\"name\": \"nobody\", \"parameters\": {}}"},
      {"{\"name\": \"look_up\", \"parameters\": {}} is JSON.", "{\"name\": \"look_up\", \"parameters\": {}} is JSON."},
      {"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>look_up\n```json\n{\"word\": \"x\"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>", "|look_up {\"word\":\"x\"}"},
      {"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>look_up<｜tool▁sep｜>{\"word\": \"x\"}<｜tool▁call▁end｜><｜tool▁call▁begin｜>stop<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
       "|look_up {\"word\":\"x\"}|stop {}"},
  };
  for (const auto& one : cases) EXPECT_EQ(split(one.said), one.split) << one.said;
}

TEST(ToolCalls, WhatOnlyLooksLikeOneIsSaid) {
  for (const char* said : {"Write <tool_call> to call.", "<tool_call>\n{\"name\": \"look_up\", \"argum", "<tool_call>{\"arguments\": {}}</tool_call>", "<tool_call>{]}</tool_call>", "<function=",
                           "<function=look_up><parameter=word>never done", "[TOOL_CALLS]", "[TOOL_CALLS] [1, 2]", "<|python_tag|>print(1)", "<｜tool▁calls▁begin｜>", "{\"name\": \"look_up\"", "[", "{"}) {
    EXPECT_EQ(split(said), said);
  }
}

/// In pieces of `size` bytes: what was shown, and what came at the end.
std::pair<std::string, AnswerWithCalls> pass(std::string_view said, std::size_t size) {
  CallGate gate;
  std::string shown;
  for (std::size_t at = 0; at < said.size(); at += size) shown += gate.push(said.substr(at, size));
  EXPECT_EQ(gate.passed(), shown.size());
  return {shown, gate.end(kTools, said)};
}

TEST(CallGate, HoweverItComesItIsTheSame) {
  for (const std::string_view said : {"Just text.", "", "A < b and {c}.", "Look: <tool_call>{\"name\": \"stop\", \"arguments\": {}}</tool_call>", "<tool_call> is a tag", " {\"name\": \"stop\", \"arguments\": {}}",
                                      "{\"a\": 1} is an object", "[1] is a list", "[TOOL_CALLS]stop[ARGS]{}", "  [\n{\"name\": \"stop\", \"arguments\": {}}]", "Text.\n\n<tool_ca"}) {
    const AnswerWithCalls whole = split_calls(said, kTools);
    for (std::size_t size = 1; size <= said.size() + 1; ++size) {
      const auto [shown, rest] = pass(said, size);
      ASSERT_EQ(rest.calls.size(), whole.calls.size()) << said << " by " << size;
      const std::string all = shown + rest.said;
      ASSERT_TRUE(all.starts_with(whole.said)) << said << " by " << size;
      ASSERT_EQ(all.find_first_not_of(" \n", whole.said.size()), std::string::npos) << "white space before a call may have been shown";
      ASSERT_EQ(shown.find("<tool_call>{"), std::string::npos);
    }
  }
}

TEST(CallGate, GptOssCallsAmongItsThoughts) {
  const std::string answer = "<|channel|>analysis<|message|>I need it.<|end|><|start|>assistant<|channel|>commentary to=functions.look_up <|constrain|>json<|message|>{\"word\":\"x\"}";
  const AnswerWithCalls rest = CallGate().end(kTools, answer);
  ASSERT_EQ(rest.calls.size(), 1U);
  EXPECT_EQ(rest.calls[0].name + rest.calls[0].arguments, "look_up{\"word\":\"x\"}");
}

Result<ToolOffer> offer(const char* body) { return read_tools(Json::parse(body)); }

TEST(ToolOffer, IsReadOrRefusedWithASentence) {
  EXPECT_EQ(offer("{}")->tools, "");
  EXPECT_EQ(offer(R"({"tools": []})")->tools, "");
  EXPECT_EQ(offer(R"({"tools": [{"type": "function", "function": {"name": "a"}}], "tool_choice": "none"})")->tools, "");
  const auto one = offer(R"({"tools": [{"type": "function", "function": {"name": "a", "strict": true}}], "parallel_tool_calls": false})");
  EXPECT_EQ(one->tools, R"([{"type":"function","function":{"name":"a","description":"","parameters":{"type":"object","properties":{}}}}])");
  EXPECT_FALSE(one->several);
  EXPECT_FALSE(one->form);
  for (const char* body : {R"({"tools": 1})", R"({"tools": [1]})", R"({"tools": [{"type": "web_search"}]})", R"({"tools": [{"type": "function"}]})",
                           R"({"tools": [{"type": "function", "function": {"name": "with space"}}]})", R"({"tools": [{"type": "function", "function": {"name": ""}}]})",
                           R"({"tools": [{"type": "function", "function": {"name": "a", "parameters": 1}}]})",
                           R"({"tools": [{"type": "function", "function": {"name": "a"}}, {"type": "function", "function": {"name": "a"}}]})", R"({"tool_choice": "required"})", R"({"tool_choice": "often"})",
                           R"({"tools": [{"type": "function", "function": {"name": "a"}}], "tool_choice": {"type": "function", "function": {"name": "b"}}})",
                           R"({"tools": [{"type": "function", "function": {"name": "a"}}], "tool_choice": {"type": "function"}})", R"({"parallel_tool_calls": 1})"}) {
    EXPECT_FALSE(offer(body)) << body;
  }
}

bool is_of(const std::shared_ptr<const engine::Grammar>& form, std::string_view text) {
  engine::Matcher matcher(form);
  return matcher.may_end(matcher.next(matcher.start(), text));
}

TEST(ToolOffer, ACallThatHasToBeMadeKeepsItsSchema) {
  const auto forced = offer(R"({"tools": [{"type": "function", "function": {"name": "a", "parameters": {"$defs": {"n": {"type": "integer"}}, "type": "object", "properties": {"x": {"$ref": "#/$defs/n"}},
      "required": ["x"], "additionalProperties": false}}}, {"type": "function", "function": {"name": "b"}}], "tool_choice": "required"})");
  ASSERT_TRUE(forced) << forced.error().message;
  EXPECT_TRUE(is_of(forced->form, R"({"name":"a","arguments":{"x":3}})"));
  EXPECT_FALSE(is_of(forced->form, R"({"name":"a","arguments":{"x":"3"}})")) << "what is referred to counts";
  EXPECT_FALSE(is_of(forced->form, R"({"name":"a","arguments":{}})"));
  EXPECT_TRUE(is_of(forced->form, R"({"name":"b","arguments":{}})"));
  EXPECT_FALSE(is_of(forced->form, R"({"name":"c","arguments":{}})"));
  const auto named = offer(R"({"tools": [{"type": "function", "function": {"name": "a"}}, {"type": "function", "function": {"name": "b"}}], "tool_choice": {"type": "function", "function": {"name": "b"}}})");
  ASSERT_TRUE(named);
  EXPECT_FALSE(is_of(named->form, R"({"name":"a","arguments":{}})"));
  EXPECT_TRUE(is_of(named->form, R"({"name":"b","arguments":{}})"));
}

}  // namespace
}  // namespace foreword::app
