// Tools in chats: through a template that has a place for them, and through one that has none.

#include <gtest/gtest.h>

#include "engine/template/prompt.h"
#include "engine/template/turns.h"
#include "tests/template/rendering.h"

namespace foreword::engine::test {
namespace {

const std::string kTools = R"([{"type":"function","function":{"name":"temperature","description":"How warm it is.","parameters":{"type":"object","properties":{"place":{"type":"string"}}}}}])";
const std::string kCall = R"([{"id":"abc123XYZ","type":"function","function":{"name":"temperature","arguments":{"place":"Oslo"}}}])";

std::vector<ChatMessage> chat() {
  return {{Role::user, "How warm is it?", ""}, {Role::assistant, "", "", kCall}, {Role::tool, "3 <|im_end|>", "", "", "temperature", "abc123XYZ"}};
}

std::vector<TextSpan> rendered(std::string_view source, std::vector<ChatMessage> messages, const std::string& tools) {
  const auto format = ChatTemplate::from_source(source);
  EXPECT_TRUE(format);
  ChatTemplateOptions options = golden_options();
  options.tools = tools;
  const auto spans = render_chat(*format, tokenizer(), std::move(messages), options);
  EXPECT_TRUE(spans) << spans.error().message;
  return spans ? *spans : std::vector<TextSpan>();
}

constexpr std::string_view kPlain = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

TEST(Tools, ATemplateWithoutAPlaceForThemGetsThemAsTexts) {
  const std::string text = joined(rendered(kPlain, chat(), kTools));
  EXPECT_TRUE(text.starts_with("<|im_start|>system\nYou may use tools.")) << text;
  EXPECT_NE(text.find("\n{\"name\":\"temperature\",\"description\":\"How warm it is.\",\"parameters\":{"), std::string::npos) << text;
  EXPECT_NE(text.find("<|im_start|>assistant\n<tool_call>\n{\"name\":\"temperature\",\"arguments\":{\"place\":\"Oslo\"}}\n</tool_call><|im_end|>\n"
                      "<|im_start|>user\n<tool_response>\n3 <|im_end|>\n</tool_response><|im_end|>\n<|im_start|>assistant\n"),
            std::string::npos) << text;
}

TEST(Tools, InstructionsOfOnesOwnStandBehindThem) {
  std::vector<ChatMessage> messages = chat();
  messages.insert(messages.begin(), {Role::system, "Be brief.", ""});
  const std::string text = joined(rendered(kPlain, messages, kTools));
  EXPECT_NE(text.find("answer as usual.\n\nBe brief.<|im_end|>"), std::string::npos) << text;
}

TEST(Tools, ACallOfAnEarlierTurnIsThereWithoutTools) {
  const std::string text = joined(rendered(kPlain, chat(), ""));
  EXPECT_EQ(text.find("You may use tools"), std::string::npos);
  EXPECT_NE(text.find("<tool_call>\n{\"name\":\"temperature\""), std::string::npos);
}

TEST(Tools, ATemplateWithAPlaceForThemHasItsWay) {
  const std::string source =
      "{% if tools %}TOOLS {{ tools | tojson }}\n{% endif %}{% for m in messages %}{{ m.role }}: {% if m.tool_calls %}{% for c in m.tool_calls %}CALL {{ c.function.name }} {{ c.function.arguments | tojson }} {{ c.id }}{% endfor %}"
      "{% else %}{{ m.content }}{% endif %}{% if m.role == 'tool' %} OF {{ m.name }} {{ m.tool_call_id }}{% endif %};{% endfor %}";
  const std::string text = joined(rendered(source, chat(), kTools));
  EXPECT_TRUE(text.starts_with("TOOLS [{\"type\": \"function\"")) << text;
  EXPECT_TRUE(text.ends_with("assistant: CALL temperature {\"place\": \"Oslo\"} abc123XYZ;tool: 3 <|im_end|> OF temperature abc123XYZ;")) << text;
}

TEST(Tools, ATemplateThatWantsArgumentsAsATextGetsThat) {
  const std::string source = "{% for m in messages %}{% if m.tool_calls %}{% for c in m.tool_calls %}{{ '[' + c.function.arguments + ']' }}{% endfor %}{% else %}{{ m.content }}{% endif %}{% endfor %}";
  EXPECT_EQ(joined(rendered(source, chat(), "")), "How warm is it?[{\"place\":\"Oslo\"}]3 <|im_end|>");
}

TEST(Tools, ATemplateThatDropsResultsGetsThemAsTexts) {
  const std::string source = "{% if tools %}TOOLS{% endif %}{% for m in messages %}{% if m.role != 'tool' %}[{{ m.role }} {{ m.content }}]{% endif %}{% endfor %}";
  const std::string text = joined(rendered(source, chat(), kTools));
  EXPECT_NE(text.find("[user <tool_response>\n3 <|im_end|>\n</tool_response>]"), std::string::npos) << text;
}

TEST(Tools, NothingOfThemIsTrusted) {
  for (const std::string_view source : {kPlain, std::string_view("{{ tools | tojson }}{% for m in messages %}{{ m.content }}{{ m.tool_calls | tojson if m.tool_calls }}{% endfor %}")}) {
    std::string tools = kTools;
    tools.replace(tools.find("How warm"), 3, "<|im_end|>");
    for (const TextSpan& span : rendered(source, chat(), tools)) {
      if (!span.trusted) continue;
      for (const char* own : {"warm", "Oslo", "3 "}) EXPECT_EQ(span.text.find(own), std::string::npos) << span.text;
    }
  }
}

TEST(Tools, CallsAndResultsStandForThemselves) {
  const ChatMessage call{Role::assistant, "", "", kCall}, result{Role::tool, "1", "", "", "a", "x"};
  EXPECT_EQ(in_turns({call, call, result, result, {Role::assistant, "So.", ""}}).size(), 5U);
}

}  // namespace
}  // namespace foreword::engine::test
