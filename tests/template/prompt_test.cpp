// What becomes of messages before a template sees them.

#include "engine/template/prompt.h"
#include "tests/template/rendering.h"

namespace foreword::engine::test {
namespace {

const std::string kHarmony = "<|channel|>analysis<|message|>A greeting.<|end|><|start|>assistant<|channel|>final<|message|>Hello!";

Tokenizer tokenizer() {
  Metadata metadata;
  metadata.set("tokenizer.ggml.model", {std::string("llama")});
  metadata.set("tokenizer.ggml.tokens", {std::vector<std::string>{"<unk>", "<s>", "</s>"}});
  metadata.set("tokenizer.ggml.scores", {std::vector<double>(3, 0.0)});
  metadata.set("tokenizer.ggml.token_type", {std::vector<std::int64_t>(3, 3)});
  auto made = Tokenizer::from_gguf(metadata);
  EXPECT_TRUE(made) << made.error().message;
  return std::move(*made);
}

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
  const auto spans = answer_spans(kHarmony + "<|start|>");
  std::string trusted, others;
  for (const TextSpan& span : spans) (span.trusted ? trusted : others) += span.text;
  EXPECT_EQ(joined(spans), kHarmony + "<|start|>");
  EXPECT_EQ(others, "A greeting.Hello!<|start|>") << "behind the final message a mark is text";
  EXPECT_EQ(trusted, "<|channel|>analysis<|message|><|end|><|start|>assistant<|channel|>final<|message|>");
  EXPECT_EQ(answer_spans("<think>").size(), 1u);
  EXPECT_FALSE(answer_spans("<think>").front().trusted);
  EXPECT_TRUE(answer_spans("").empty());
}

}  // namespace
}  // namespace foreword::engine::test
