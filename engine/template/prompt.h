#pragma once
// A conversation as it was said to the text that a model reads: what templates expect of messages, apart from the template itself.

#include <string_view>
#include <vector>

#include "engine/template/chat_template.h"

namespace foreword::engine {

/// The messages through the model's format, with the texts of its own BOS and EOS. Tools, calls and results that it does not write down go in as
/// texts (tools.h). An answer in gpt-oss's form goes in as thoughts and
/// what was said, which are two things to a template. Instructions that a template refuses, because it has no turn for them or wants the user to
/// begin, or that it leaves out without a word, go in at the head of the first question; as far as it shows that one. Errors are those of
/// ChatTemplate::render.
Result<std::vector<TextSpan>> render_chat(const ChatTemplate& format, const Tokenizer& tokenizer, std::vector<ChatMessage> messages,
                                          ChatTemplateOptions options);

/// The opening of thoughts that stands at a prompt's end, with the white space behind it ("<think>\n"), where the template writes it; else
/// nothing. To whoever reads the answer it belongs to it: without it thoughts look like what is said until they are over.
std::string opening_of_thoughts(const std::vector<TextSpan>& prompt);

/// render_chat, and the beginning of the answer: where no thoughts are wanted (options.thinking is false), that they are over, as far as
/// the template has not said so; then `answer_so_far`, after which it is to go on. If that begins with the opening of thoughts at the prompt's end, it is there once.
Result<std::vector<TextSpan>> render_prompt(const ChatTemplate& format, const Tokenizer& tokenizer, std::vector<ChatMessage> messages,
                                            const ChatTemplateOptions& options, std::string_view answer_so_far);

/// The text before what the user is about to write: with the messages, a question at their end that nobody has answered being the
/// beginning of that turn, as it will be sent. `unsupported` if the template does not show where the turn begins.
Result<std::vector<TextSpan>> render_open_turn(const ChatTemplate& format, const Tokenizer& tokenizer, std::vector<ChatMessage> messages,
                                               ChatTemplateOptions options);

}  // namespace foreword::engine
