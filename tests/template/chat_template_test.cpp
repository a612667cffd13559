// Which template a model gets, the built-in formats, and what happens when a template fails.

#include "tests/template/rendering.h"

namespace foreword::engine::test {
namespace {

const std::vector<ChatMessage> kHistory{{Role::system, " S ", ""},
                                        {Role::user, " U ", ""},
                                        {Role::assistant, " A ", "thought"},
                                        {Role::user, "V", ""}};

TEST(BuiltInFormat, EveryRowRenders) {
  const struct {
    const char* name;
    const char* expected;
  } cases[] = {
      {"phi4",
       "<|im_start|>system<|im_sep|> S <|im_end|><|im_start|>user<|im_sep|> U <|im_end|>"
       "<|im_start|>assistant<|im_sep|> A <|im_end|><|im_start|>user<|im_sep|>V<|im_end|>"
       "<|im_start|>assistant<|im_sep|>"},
      {"chatml",
       "<|im_start|>system\n S <|im_end|>\n<|im_start|>user\n U <|im_end|>\n<|im_start|>assistant\n A <|im_end|>\n"
       "<|im_start|>user\nV<|im_end|>\n<|im_start|>assistant\n"},
      {"mistral-v7", "[SYSTEM_PROMPT]  S [/SYSTEM_PROMPT][INST]  U [/INST]  A </s>[INST] V[/INST]"},
      {"mistral-v7-tekken", "[SYSTEM_PROMPT] S [/SYSTEM_PROMPT][INST] U [/INST] A </s>[INST]V[/INST]"},
      {"mistral-v3", "[INST]  S \n\n U [/INST] A</s>[INST] V[/INST]"},
      {"mistral-v3-tekken", "[INST] S \n\n U [/INST] A </s>[INST]V[/INST]"},
      {"mistral-v1", " [INST]  S \n\n U  [/INST]  A </s> [INST] V [/INST]"},
      {"llama2", "[INST] <<SYS>>\n S \n<</SYS>>\n\n U  [/INST] A </s>[INST] V [/INST]"},
      {"phi3",
       "<|system|>\n S <|end|>\n<|user|>\n U <|end|>\n<|assistant|>\n A <|end|>\n<|user|>\nV<|end|>\n<|assistant|>\n"},
      {"zephyr",
       "<|system|>\n S <|endoftext|>\n<|user|>\n U <|endoftext|>\n<|assistant|>\n A <|endoftext|>\n"
       "<|user|>\nV<|endoftext|>\n<|assistant|>\n"},
      {"zephyr-beta",
       "<|system|>\n S </s>\n<|user|>\n U </s>\n<|assistant|>\n A </s>\n<|user|>\nV</s>\n<|assistant|>\n"},
      {"gemma",
       "<start_of_turn>user\nS\n\nU<end_of_turn>\n<start_of_turn>model\nA<end_of_turn>\n"
       "<start_of_turn>user\nV<end_of_turn>\n<start_of_turn>model\n"},
      {"llama3",
       "<|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n"
       "U<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nA<|eot_id|>"
       "<|start_header_id|>user<|end_header_id|>\n\nV<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"},
      {"deepseek3", " S \n\n<｜User｜> U <｜Assistant｜> A <｜end▁of▁sentence｜><｜User｜>V<｜Assistant｜>"},
      {"granite",
       "<|start_of_role|>system<|end_of_role|> S <|end_of_text|>\n<|start_of_role|>user<|end_of_role|> U "
       "<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|> A <|end_of_text|>\n"
       "<|start_of_role|>user<|end_of_role|>V<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>"},
      {"gpt-oss",
       "<|start|>system<|message|> S <|end|><|start|>user<|message|> U <|end|>"
       "<|start|>assistant<|channel|>final<|message|> A <|end|><|start|>user<|message|>V<|end|><|start|>assistant"},
      {"plain", " S \n\nUser:  U \n\nAssistant: A\n\nUser: V\n\nAssistant:"},
  };
  EXPECT_EQ(std::size(cases), built_in_formats().size());
  for (const auto& test_case : cases) {
    SCOPED_TRACE(test_case.name);
    const auto chat_template = ChatTemplate::built_in(test_case.name);
    ASSERT_TRUE(chat_template) << chat_template.error().message;
    EXPECT_EQ(chat_template->name(), test_case.name);
    EXPECT_EQ(test_case.expected, joined(*chat_template->render(kHistory, golden_options())));
  }
}

TEST(BuiltInFormat, LeavesTheAnswerOutOfAClosedHistory) {
  auto options = golden_options();
  options.add_generation_prompt = false;
  const std::vector<ChatMessage> messages{{Role::user, "U", ""}, {Role::tool, "T", ""}};
  EXPECT_EQ(joined(*ChatTemplate::built_in("chatml")->render(messages, options)),
            "<|im_start|>user\nU<|im_end|>\n<|im_start|>tool\nT<|im_end|>\n");
}

TEST(BuiltInFormat, GivesASystemTextWithoutAUserATurnOfItsOwn) {
  const std::vector<ChatMessage> messages{{Role::system, "S", ""}, {Role::assistant, "A", ""}};
  EXPECT_EQ(joined(*ChatTemplate::built_in("gemma")->render(messages, golden_options())),
            "<start_of_turn>user\nS\n\n<end_of_turn>\n<start_of_turn>model\nA<end_of_turn>\n<start_of_turn>model\n");
}

TEST(BuiltInFormat, OnlyPlainStopsAtText) {
  for (const BuiltInFormat& format : built_in_formats()) {
    const auto stops = ChatTemplate::built_in(format.name)->stop_strings();
    EXPECT_EQ(stops.size(), format.name == "plain" ? 1u : 0u) << format.name;
  }
  EXPECT_EQ(ChatTemplate::built_in("plain")->stop_strings()[0], "User:");
}

TEST(BuiltInFormat, PlainTurnsComeBackAsTheModelWroteThem) {
  const auto plain = ChatTemplate::built_in("plain");
  std::vector<ChatMessage> messages{{Role::user, "U", ""}};
  std::string text = joined(*plain->render(messages, golden_options()));
  for (int turn = 0; turn < 3; ++turn) {
    const std::string answer = " A\n\n";  // as it is kept: up to the text that stops it
    messages.push_back({Role::assistant, answer, ""});
    messages.push_back({Role::user, "U", ""});
    const std::string next = joined(*plain->render(messages, golden_options()));
    EXPECT_EQ(next, text + answer + "User: U\n\nAssistant:") << "so what was read stays the beginning";
    text = next;
  }
}

TEST(BuiltInFormat, UnknownNameListsThem) {
  const auto missing = ChatTemplate::built_in("nope");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_NE(missing.error().message.find("chatml"), std::string::npos);
  EXPECT_NE(missing.error().message.find("plain"), std::string::npos);
}

TEST(BuiltInFormat, IsFoundByTheTemplatesText) {
  const struct {
    const char* text;
    const char* tokenizer_model;
    const char* expected;
  } cases[] = {
      {"<|im_start|> <|im_sep|>", "", "phi4"},
      {"<|im_start|>", "", "chatml"},
      {"[INST] [SYSTEM_PROMPT]", "llama", "mistral-v7"},
      {"[INST] [SYSTEM_PROMPT]", "gpt2", "mistral-v7-tekken"},
      {"[INST] [AVAILABLE_TOOLS]", "llama", "mistral-v3"},
      {"[INST] [AVAILABLE_TOOLS]", "gpt2", "mistral-v3-tekken"},
      {"[INST]", "", "llama2"},
      {"<|user|> <|assistant|> <|end|>", "", "phi3"},
      {"<|user|> <|assistant|> <|endoftext|>", "", "zephyr"},
      {"<start_of_turn>", "", "gemma"},
      {"<|start_header_id|> <|end_header_id|>", "", "llama3"},
      {"<｜User｜> <｜Assistant｜>", "", "deepseek3"},
      {"<|start_of_role|>", "", "granite"},
      {"<|start|> <|channel|>", "", "gpt-oss"},
      {"{{ messages }}", "", "plain"},
  };
  for (const auto& test_case : cases) {
    const std::string_view text = test_case.text;
    const auto& format = find_built_in_format([&](std::string_view wanted) { return text.find(wanted) != text.npos; },
                                              test_case.tokenizer_model);
    EXPECT_EQ(format.name, test_case.expected) << text;
  }
}

TEST(ChatTemplate, FailureFallsBackToTheFormatOfItsText) {
  const auto chat_template = ChatTemplate::from_source("{{ '<|im_start|>' + nothing }}");
  ASSERT_TRUE(chat_template);
  EXPECT_EQ(chat_template->name(), "jinja");
  EXPECT_EQ(joined(*chat_template->render(kHistory, golden_options())),
            joined(*ChatTemplate::built_in("chatml")->render(kHistory, golden_options())));
}

TEST(ChatTemplate, RaisedTextComesBack) {
  const auto rendered = ChatTemplate::from_source("{{ raise_exception('Not so: ' + messages[1].content) }}")
                            ->render(kHistory, golden_options());
  ASSERT_FALSE(rendered);
  EXPECT_EQ(rendered.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(rendered.error().message, "Not so:  U ");
}

TEST(ChatTemplate, SyntaxErrorsNameTheirLine) {
  const struct {
    const char* source;
    const char* line;
  } cases[] = {
      {"{{ a b }}", "line 1:"},
      {"x\n{% if %}", "line 2:"},
      {"\n\n{% nope %}", "line 3:"},
      {"{% if a %}\n\nx", "line 3:"},
      {"a\n{{ 'b", "line 2:"},
      {"{#\n\n", "line 1:"},
      {"{% for a in b %}\n{% endif %}", "line 2:"},
      {"{% break %}", "line 1:"},
      {"{{ 1 }}\r\n{{ ] }}", "line 2:"},
      {"{% raw %}\n", "line 1:"},
      {"{{ '\\xZZ' }}", "line 1:"},
      {"\n{% for a in b recursively %}{% endfor %}", "line 2:"},
  };
  for (const auto& test_case : cases) {
    const auto parsed = ChatTemplate::from_source(test_case.source);
    ASSERT_FALSE(parsed) << test_case.source;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument) << test_case.source;
    EXPECT_NE(parsed.error().message.find(test_case.line), std::string::npos)
        << test_case.source << " gave " << parsed.error().message;
  }
}

// As of models that see pictures: a content that is a text would be left out without a word.
TEST(ChatTemplate, ATemplateThatReadsPartsAloneGetsParts) {
  for (const std::string content : {"{% for line in message['content'] %}{% if line['type'] == 'text' %}{{ line['text'] }}{% endif %}{% endfor %}",
                                    "{% for part in message['content'] | selectattr('type', 'equalto', 'text') %}{{ part['text'] }}{% endfor %}"}) {
    const auto rendered = ChatTemplate::from_source("{% for message in messages %}[" + content + "]{% endfor %}")->render(kHistory, golden_options());
    ASSERT_TRUE(rendered);
    std::string expected;
    for (const ChatMessage& message : kHistory) expected += "[" + message.content + "]";
    EXPECT_EQ(joined(*rendered), expected) << content;
  }
  EXPECT_EQ(joined(*ChatTemplate::from_source("{{ messages | length }}")->render(kHistory, golden_options())), std::to_string(kHistory.size()));
}

TEST(ChatTemplate, WithoutAGenerationPromptTheAnswersHeadComesFromTheFormat) {
  const std::vector<ChatMessage> asked{{Role::user, "U", ""}}, answered{{Role::user, "U", ""}, {Role::assistant, "A", ""}};
  const auto rendered = [](const std::string& source, const std::vector<ChatMessage>& messages, bool add = true) {
    ChatTemplateOptions options = golden_options();
    options.add_generation_prompt = add;
    return *ChatTemplate::from_source(source)->render(messages, options);
  };
  const auto turns = [](const std::string& before, const std::string& after) { return "{% for m in messages %}" + before + "{{ m.content }}" + after + "{% endfor %}"; };
  const std::string chatml = turns("{{ '<|im_start|>' + m.role + '\n' }}", "{{ '<|im_end|>\n' }}"), asks = "<|im_start|>user\nU<|im_end|>\n", head = "<|im_start|>assistant\n";
  const auto spans = rendered(chatml, asked);
  EXPECT_EQ(joined(spans), asks + head);
  EXPECT_TRUE(spans.back().trusted);
  EXPECT_EQ(joined(rendered(turns("<|im_start|>user<|im_sep|>", ""), asked)), "<|im_start|>user<|im_sep|>U<|im_start|>assistant<|im_sep|>");
  EXPECT_EQ(joined(rendered(turns("<|start_header_id|>user<|end_header_id|>", "<|eot_id|>"), asked)),
            "<|start_header_id|>user<|end_header_id|>U<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n");

  EXPECT_EQ(joined(rendered(chatml, asked, false)), asks) << "it is not wanted";
  EXPECT_EQ(joined(rendered(chatml, answered)), asks + "<|im_start|>assistant\nA<|im_end|>\n") << "nothing was asked";
  EXPECT_EQ(joined(rendered(chatml + "{{ '<|im_start|>assistant\n' }}", asked)), asks + head) << "it always stands there";
  EXPECT_EQ(joined(rendered(chatml + "{{ '<|im_start|>assistant\n<think>\n' }}", asked)), asks + head + "<think>\n");
  EXPECT_EQ(joined(rendered(chatml + "{% if add_generation_prompt %}{{ '<|im_start|>model\n' }}{% endif %}", asked)), asks + "<|im_start|>model\n") << "the template's own";
  EXPECT_EQ(joined(rendered(turns("[INST]", "[/INST]"), asked)), "[INST]U[/INST]") << "there an answer begins at once";
}

TEST(ChatTemplate, AnEmptySourceRendersNothing) {
  EXPECT_TRUE(ChatTemplate::from_source("")->render(kHistory, golden_options())->empty());
  EXPECT_TRUE(ChatTemplate::from_source("{# only this #}")->render({}, golden_options())->empty());
}

TEST(ChatTemplate, ThinkingIsSeenInTheSource) {
  EXPECT_TRUE(ChatTemplate::from_source("{% if enable_thinking is defined %}<think>\n\n</think>{% endif %}")->thinks());
  EXPECT_TRUE(ChatTemplate::from_source("{{ 'Reasoning: ' + reasoning_effort }}")->thinks());
  EXPECT_FALSE(ChatTemplate::from_source("{{ messages[0].content }}")->thinks());
  EXPECT_FALSE(ChatTemplate::built_in("chatml")->thinks());
}

TEST(ChatTemplate, ThinkingIsUndefinedUntilItIsSwitched) {
  const auto source = ChatTemplate::from_source(
      "{{ [enable_thinking is defined, thinking is defined, reasoning_effort is defined] | join }} {{ enable_thinking }} {{ thinking }} {{ reasoning_effort }}");
  ChatTemplateOptions options = golden_options();
  EXPECT_EQ(joined(*source->render(kHistory, options)), "FalseFalseFalse   ");
  options.thinking = true;
  EXPECT_EQ(joined(*source->render(kHistory, options)), "TrueTrueTrue True True high");
  options.thinking = false;
  EXPECT_EQ(joined(*source->render(kHistory, options)), "TrueTrueFalse False False ");
}

TEST(ChatTemplate, NeighbouringSpansDiffer) {
  const auto rendered = ChatTemplate::from_source(
                            "a{{ 'b' }}{% for m in messages %}{{ m.content }}{{ '' }}{{ m.content }}"
                            "{% endfor %}")
                            ->render(kHistory, golden_options());
  ASSERT_TRUE(rendered);
  ASSERT_EQ(rendered->size(), 2u);
  EXPECT_TRUE((*rendered)[0].trusted);
  EXPECT_EQ((*rendered)[0].text, "ab");
  EXPECT_FALSE((*rendered)[1].trusted);
}

Metadata tiny_metadata(std::vector<std::string> tokens) {
  Metadata metadata;
  const std::size_t n = tokens.size();
  metadata.set("tokenizer.ggml.model", {std::string("llama")});
  metadata.set("tokenizer.ggml.tokens", {std::move(tokens)});
  metadata.set("tokenizer.ggml.scores", {std::vector<double>(n, 0.0)});
  std::vector<std::int64_t> types(n, 3);
  metadata.set("tokenizer.ggml.token_type", {std::move(types)});
  return metadata;
}

ChatTemplate from_metadata(const Metadata& metadata) {
  const auto tokenizer = Tokenizer::from_gguf(metadata);
  EXPECT_TRUE(tokenizer) << tokenizer.error().message;
  return ChatTemplate::from_gguf(metadata, *tokenizer);
}

TEST(ChatTemplate, OfAFile) {
  Metadata metadata = tiny_metadata({"<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"});
  EXPECT_EQ(from_metadata(metadata).name(), "chatml") << "by its tokens";
  EXPECT_EQ(from_metadata(tiny_metadata({"<unk>", "<s>", "</s>"})).name(), "plain");
  EXPECT_EQ(from_metadata(tiny_metadata({"<unk>", "<s>", "</s>"})).stop_strings().size(), 1u);

  metadata.set("tokenizer.chat_template", {std::string("{{ messages[0].content }}")});
  EXPECT_EQ(from_metadata(metadata).name(), "jinja");
  EXPECT_TRUE(from_metadata(metadata).stop_strings().empty());

  metadata.set("tokenizer.chat_template", {std::string("<start_of_turn>{% unknown %}")});
  EXPECT_EQ(from_metadata(metadata).name(), "gemma") << "by the text that did not parse, not by the tokens";

  metadata.set("tokenizer.chat_template", {std::string("llama3")});
  EXPECT_EQ(from_metadata(metadata).name(), "llama3") << "a format's name, not a prompt that is always the same";

  metadata.set("tokenizer.chat_template", {std::string("vicuna")});
  EXPECT_EQ(from_metadata(metadata).name(), "chatml") << "a text without messages is no template";

  metadata.set("tokenizer.chat_template", {std::string()});
  EXPECT_EQ(from_metadata(metadata).name(), "chatml") << "an empty template is none";

  metadata.set("tokenizer.chat_template", {std::int64_t{5}});
  EXPECT_EQ(from_metadata(metadata).name(), "chatml") << "a key of the wrong type is no template";
}

}  // namespace
}  // namespace foreword::engine::test
