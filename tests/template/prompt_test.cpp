// What becomes of messages before a template sees them.

#include "engine/template/prompt.h"
#include "tests/template/rendering.h"

namespace foreword::engine::test {
namespace {

const std::string kHarmony = "<|channel|>analysis<|message|>A greeting.<|end|><|start|>assistant<|channel|>final<|message|>Hello!";

ChatTemplate of_file(const std::string& name) {
  auto source = ChatTemplate::from_source(foreword::test::read_text(foreword::test::data_dir() / "templates" / name));
  EXPECT_TRUE(source) << source.error().message;
  return std::move(*source);
}

std::string prompt(const ChatTemplate& format, std::vector<ChatMessage> messages, ChatTemplateOptions options = golden_options()) {
  const auto spans = render_chat(format, tokenizer(), std::move(messages), std::move(options));
  return spans ? joined(*spans) : "refused: " + spans.error().message;
}

TEST(Prompt, AChatGoesOnBehindAnAnswerOfGptOss) {
  const std::string second = prompt(of_file("gpt-oss.jinja"), {{Role::user, "Hi", ""}, {Role::assistant, kHarmony, ""}, {Role::user, "More", ""}});
  EXPECT_TRUE(second.ends_with("<|start|>user<|message|>Hi<|end|><|start|>assistant<|channel|>final<|message|>Hello!<|end|>"
                               "<|start|>user<|message|>More<|end|><|start|>assistant"))
      << second;
  ChatTemplateOptions closed = golden_options();
  closed.add_generation_prompt = false;
  EXPECT_TRUE(prompt(of_file("gpt-oss.jinja"), {{Role::user, "Hi", ""}, {Role::assistant, kHarmony, ""}}, closed)
                  .ends_with("<|start|>assistant" + kHarmony + "<|return|>"));
}

TEST(Prompt, WhatAPersonWroteIsNotTakenApart) {
  EXPECT_NE(prompt(of_file("qwen2.jinja"), {{Role::user, kHarmony, ""}}).find(kHarmony), std::string::npos);
}

TEST(Prompt, InstructionsThatATemplateRefusesStandBeforeTheFirstQuestion) {
  const std::vector<ChatMessage> messages{{Role::system, "Be brief.", ""}, {Role::user, "One.", ""}, {Role::assistant, "Two.", ""}, {Role::user, "Three.", ""}};
  EXPECT_EQ(prompt(of_file("gemma2.jinja"), messages),
            "<s><start_of_turn>user\nBe brief.\n\nOne.<end_of_turn>\n<start_of_turn>model\nTwo.<end_of_turn>\n"
            "<start_of_turn>user\nThree.<end_of_turn>\n<start_of_turn>model\n");
  const std::string alternating =
      "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate.') }}{% endif %}[{{ m.content }}]{% endfor %}";
  const auto format = ChatTemplate::from_source(alternating);
  EXPECT_EQ(prompt(*format, messages), "[Be brief.\n\nOne.][Two.][Three.]");
  EXPECT_EQ(prompt(*format, {messages[0]}), "[Be brief.]");
  EXPECT_EQ(prompt(*format, {messages[0], messages[2], messages[3]}), "[Be brief.][Two.][Three.]");
  EXPECT_EQ(prompt(*format, {messages[0], messages[1], messages[1]}), "refused: Roles must alternate.");
}

// As Phi-3-mini's own template does.
TEST(Prompt, InstructionsThatATemplateLeavesOutStandBeforeTheFirstQuestion) {
  const auto phi = ChatTemplate::from_source(
      "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}{{ '<|user|>\\n' + m.content + '<|end|>\\n<|assistant|>\\n' }}"
      "{% elif m.role == 'assistant' %}{{ m.content + '<|end|>\\n' }}{% endif %}{% endfor %}");
  ASSERT_TRUE(phi) << phi.error().message;
  const ChatMessage system{Role::system, " Be brief.\n", ""}, hi{Role::user, "Hi", ""}, hello{Role::assistant, "Hello", ""};
  EXPECT_EQ(prompt(*phi, {system, hi, hello, hi}),
            "<s><|user|>\n Be brief.\n\n\nHi<|end|>\n<|assistant|>\nHello<|end|>\n<|user|>\nHi<|end|>\n<|assistant|>\n");
  EXPECT_EQ(prompt(*phi, {{Role::system, "Hi", ""}, hi}), "<s><|user|>\nHi\n\nHi<|end|>\n<|assistant|>\n") << "a question that says the same";
  EXPECT_EQ(prompt(*phi, {{Role::system, " \n\t", ""}, hi}), "<s><|user|>\nHi<|end|>\n<|assistant|>\n") << "they say nothing";
  const auto open = render_open_turn(*phi, tokenizer(), {system}, golden_options());
  ASSERT_TRUE(open);
  EXPECT_EQ(joined(*open), "<s><|user|>\n Be brief.\n\n\n");

  const auto spans = render_chat(*phi, tokenizer(), {{Role::system, "<|end|>", ""}, hi}, golden_options());
  ASSERT_TRUE(spans);
  ASSERT_EQ(spans->size(), 3u);
  EXPECT_EQ((*spans)[1].text, "<|end|>\n\nHi");
  EXPECT_FALSE((*spans)[1].trusted);

  const auto rendered = [&](const char* source) { return prompt(*ChatTemplate::from_source(source), {system, hi}); };
  EXPECT_EQ(rendered("{% for m in messages %}[{{ m.content | trim | upper }}]{% endfor %}"), "[BE BRIEF.][HI]") << "they stand there, changed";
  EXPECT_EQ(rendered("[{{ messages[-1].content | upper }}]"), "[HI]") << "nor has it a place for them in a question";
  EXPECT_EQ(rendered("{% for m in messages if m.role == 'user' %}{% if m.content != 'Hi' %}{{ raise_exception('No.') }}{% endif %}[{{ m.content }}]{% endfor %}"),
            "[Hi]") << "a question that is refused does not refuse the first rendering";
}

TEST(Prompt, ARefusalThatHasNothingToDoWithInstructionsIsToldAsItIs) {
  const auto format = ChatTemplate::from_source("{{ raise_exception('Not so: ' ~ messages | length) }}");
  EXPECT_EQ(prompt(*format, {{Role::system, "S", ""}, {Role::user, "U", ""}}), "refused: Not so: 2");
}

TEST(Prompt, AnOpenTurnGoesOnWithAQuestionThatGotNoAnswer) {
  const std::string alternating =
      "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate.') }}{% endif %}[{{ m.content }}]{% endfor %}";
  const auto format = ChatTemplate::from_source(alternating);
  const auto open = [&](std::vector<ChatMessage> messages) {
    const auto spans = render_open_turn(*format, tokenizer(), std::move(messages), golden_options());
    return spans ? joined(*spans) : spans.error().message;
  };
  const std::vector<ChatMessage> answered{{Role::user, "One.", ""}, {Role::assistant, "Two.", ""}};
  EXPECT_EQ(open(answered), "[One.][Two.][");
  EXPECT_EQ(open({answered[0]}), "[One.\n\n");
  EXPECT_EQ(open({}), "[");
  const std::string sent = prompt(*format, {{Role::user, "One.\n\nMore.", ""}});
  EXPECT_TRUE(sent.starts_with(open({answered[0]})));
}

TEST(Prompt, MarksOfAnUnfinishedAnswerAreTrustedAndItsTextsAreNot) {
  const auto begun = [](const std::string& answer) { return render_prompt(of_file("gpt-oss.jinja"), tokenizer(), {{Role::user, "Hi", ""}}, golden_options(), answer).value(); };
  const std::size_t n_before = begun("").size();
  std::string trusted, others;
  const auto spans = begun(kHarmony + "<|start|>");
  for (std::size_t i = n_before; i < spans.size(); ++i) (spans[i].trusted ? trusted : others) += spans[i].text;
  EXPECT_TRUE(joined(spans).ends_with("<|start|>assistant" + kHarmony + "<|start|>"));
  EXPECT_EQ(others, "A greeting.Hello!<|start|>") << "behind the final message a mark is text";
  EXPECT_EQ(trusted, "<|channel|>analysis<|message|><|end|><|start|>assistant<|channel|>final<|message|>");
  EXPECT_FALSE(begun("<think>").back().trusted);
}

TEST(Prompt, AnAnswerThatShallNotThinkBeginsBehindItsThoughts) {
  const std::string closed = "<think>\n\n</think>\n\n", final = "<|channel|>final<|message|>";
  const std::string question = "[Q]", ask = "{% for m in messages %}[{{ m.content }}]{% endfor %}";
  const struct {
    const char* like;
    std::string end, expected;
  } cases[] = {
      {"Qwen 3", "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}", closed},
      {"DeepSeek 3.1", "{% if not thinking %}<think></think>{% endif %}", "<think></think>"},
      {"R1", "{{ '<think>\\n' }}", closed},
      {"R1 without a line end", "<think>", closed},
      {"QwQ", "{% if '<think>' %}{% endif %}", closed},
      {"Granite 3.3, which is told by its instructions", "{% if thinking %}Write <think>.{% endif %}", ""},
      {"gpt-oss", "{% if '<|channel|>' in 'x' %}{% endif %}", final},
      {"Magistral", "{% if '[THINK]' in 'x' %}{% endif %}", ""},
      {"a model that does not think", "", ""},
  };
  ChatTemplateOptions options = golden_options();
  for (const auto& test_case : cases) {
    SCOPED_TRACE(test_case.like);
    const auto format = ChatTemplate::from_source(ask + test_case.end);
    ASSERT_TRUE(format) << format.error().message;
    const auto begun = [&](const std::string& answer) { return joined(render_prompt(*format, tokenizer(), {{Role::user, "Q", ""}}, options, answer).value()); };
    options.thinking = false;
    EXPECT_EQ(begun(""), question + test_case.expected);
    EXPECT_EQ(begun("So"), question + test_case.expected + "So");
    options.thinking.reset();
    EXPECT_FALSE(begun("").ends_with("</think>\n\n"));
  }
}

TEST(Prompt, ThoughtsOfAnUnfinishedAnswerStayWhereTheyAre) {
  ChatTemplateOptions options = golden_options();
  options.thinking = false;
  const auto begun = [&](const std::string& answer) { return joined(render_prompt(of_file("deepseek.jinja"), tokenizer(), {{Role::user, "Q", ""}}, options, answer).value()); };
  EXPECT_TRUE(begun("So").ends_with("<think>\n\n</think>\n\nSo"));
  EXPECT_TRUE(begun("Hm.\n</think>\n\nSo").ends_with("<think>\nHm.\n</think>\n\nSo"));
}

TEST(Prompt, ThoughtsThatTheTemplateBeginsBelongToTheAnswer) {
  const auto ending = [](const std::string& end) { return *ChatTemplate::from_source("{% for m in messages %}[{{ m.content }}]{% endfor %}" + end); };
  const std::vector<ChatMessage> hi{{Role::user, "Hi <think>", ""}};
  const auto opening = [&](const ChatTemplate& format) { return opening_of_thoughts(*render_prompt(format, tokenizer(), hi, golden_options(), {})); };
  EXPECT_EQ(opening(ending("<think>{{ '\n' }}")), "<think>\n");
  EXPECT_EQ(opening(ending("<think>")), "<think>");
  EXPECT_EQ(opening(ending("[THINK]")), "[THINK]");
  EXPECT_EQ(opening(ending("<think></think>")), "");
  EXPECT_EQ(opening(ending("")), "") << "a person's own word";
  const auto continued = render_prompt(ending("<think>{{ '\n' }}"), tokenizer(), hi, golden_options(), "<think>\nSo they");
  ASSERT_TRUE(continued);
  EXPECT_TRUE(joined(*continued).ends_with("]<think>\nSo they")) << joined(*continued);
}

TEST(Prompt, AnAnswerOfGptOssWithoutThoughtsGoesOnInItsMessage) {
  const auto spans = render_prompt(of_file("gpt-oss.jinja"), tokenizer(), {{Role::user, "Hi", ""}}, golden_options(), "Hel");
  EXPECT_TRUE(joined(*spans).ends_with("<|start|>assistant<|channel|>final<|message|>Hel"));
}

}  // namespace
}  // namespace foreword::engine::test
