#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>

#include "app/answer.h"
#include "app/builtin.h"
#include "app/chat_sampling.h"
#include "app/command.h"
#include "app/form_options.h"
#include "app/history.h"
#include "app/kv_book.h"
#include "app/message_settings.h"
#include "app/option_checks.h"
#include "app/paths.h"
#include "app/prefix_cache.h"
#include "app/terminal.h"
#include "engine/template/turns.h"

namespace foreword::app {
namespace {

struct Options {
  std::optional<std::string> prompt, system;
  std::optional<std::int64_t> chat;
  std::int64_t n = -1;
  std::optional<bool> thinking;  // nothing: as the model does by itself
  FormOptions form;
};

void warn(const Error& error) { print_text(stderr, "foreword: warning: " + error.message + "\n"); }

/// A conversation: messages in memory, and in the database as far as it works.
class Conversation {
 public:
  Conversation(const CommonOptions& common, const Options& options, std::shared_ptr<const engine::Grammar> form)
      : common_(common), options_(options), form_(std::move(form)), prefixes_(open_prefix_cache(common)), client_(prefixes_.get()) {}

  /// The model first: a chat whose model does not open leaves no trace.
  Result<void> open() {
    FW_ASSIGN(model_, client_.load(common_.model, with_kv_book(with_sibling(common_.model, common_.builtin, common_.engine), find_paths(common_.data_dir))));
    auto history = open_history(find_paths(common_.data_dir).database(), options_.chat, options_.system, common_.model);
    if (history) {
      history_ = std::move(*history);
      messages_ = history_->messages();
      chosen_ = read_chat_sampling(history_->settings());
      if (!messages_.empty() && chat_id()) client_.recall(*chat_id(), in_turns(messages_), options_.thinking);
      return {};
    }
    if (options_.chat) return history.error();
    warn({history.error().code, "This chat will not be kept: " + history.error().message});
    if (options_.system) messages_.push_back({engine::Role::system, *options_.system, {}});
    return {};
  }
  const engine::ModelSummary& model() const { return model_; }
  std::optional<std::int64_t> chat_id() const {
    return history_ ? history_->chat_id() : std::nullopt;
  }

  /// One turn. A turn that fails leaves the conversation as it was before.
  Result<Answer> ask(const std::string& text, bool print) {
    messages_.push_back({engine::Role::user, text, {}});
    engine::Generate request;
    request.prompt = in_turns(messages_);
    const Drawing drawing = drawing_for({sampling_for(common_, model_), options_.n, common_.seed_given}, common_.sampling_named, chosen_);
    request.sampling = drawing.sampling;
    request.sampling.seed += static_cast<std::uint64_t>(messages_.size() - 1);  // else the next answer would draw this one's noise again
    request.max_tokens = drawing.max_tokens;
    request.thinking = options_.thinking;
    request.form = form_;
    keep([&](History& h) { return h.add_user(text); });
    keep([&](History& h) { return h.begin_answer(model_.name, message_settings(request.sampling, request.max_tokens, options_.thinking)); });
    request.chat = chat_id().value_or(0);
    Answer answer;
    std::string so_far;
    const auto result = client_.ask(
        std::move(request),
        [&](const std::string& piece) {
          so_far += piece;
          keep([&](History& h) { return h.grow_answer(so_far); });
          if (!print) return;
          print_text(stdout, piece);
        },
        answer);
    if (!result) {
      keep([&](History& h) { return h.fail_answer(answer.text); });
      messages_.pop_back();
      return result.error();
    }
    keep([&](History& h) { return h.finish_answer(answer.text, answer.stats); });
    messages_.push_back({engine::Role::assistant, answer.text, {}});
    return answer;
  }

 private:
  /// Runs a step of saving; the first failure is told, and the conversation goes on unsaved.
  template <class Step>
  void keep(Step step) {
    if (!history_) return;
    if (const Result<void> result = step(*history_); !result) {
      warn(result.error());
      history_.reset();
    }
  }

  const CommonOptions& common_;
  const Options& options_;
  std::shared_ptr<const engine::Grammar> form_;  // of every answer
  std::unique_ptr<History> history_;
  std::vector<engine::ChatMessage> messages_;
  std::unique_ptr<engine::PrefixStore> prefixes_;
  EngineClient client_;
  engine::ModelSummary model_;
  ChatSampling chosen_;  // of the chat that goes on
};

int answer_once(Conversation& conversation, const CommonOptions& common, const std::string& prompt) {
  const auto answer = conversation.ask(prompt, !common.json);
  if (!answer) return fail(answer.error());
  if (!common.json) {
    std::putchar('\n');
    return kOk;
  }
  Report report = report_of(*answer);
  if (const auto id = conversation.chat_id()) report.set("chat", *id);
  else report.set_null("chat");
  report.print();
  return kOk;
}

int converse(Conversation& conversation, const CommonOptions& common) {
  const bool terminal = isatty(STDIN_FILENO) != 0;
  if (terminal) {
    print_text(stderr, conversation.model().name + " on " + conversation.model().device + ". Ctrl-C stops an answer, Ctrl-D ends the chat.\n");
    if (const std::string advice = advice_words(conversation.model().sampling, common.sampling_named); !advice.empty()) print_text(stderr, advice + "\n");
  }
  int code = kOk;
  std::string line;
  for (;;) {
    if (terminal) std::fputs("\n> ", stderr);
    if (!std::getline(std::cin, line)) break;
    if (line.empty()) continue;
    const auto answer = conversation.ask(line, !common.json);
    if (!answer) {
      code = fail(answer.error());
      if (!terminal) return code;
      continue;
    }
    code = kOk;
    if (!common.json) {
      std::putchar('\n');
      std::fflush(stdout);
      continue;
    }
    Report report = report_of(*answer);
    if (const auto id = conversation.chat_id()) report.set("chat", *id);
    else report.set_null("chat");
    report.print();
  }
  if (terminal) std::fputc('\n', stderr);
  return code;
}

int run(const CommonOptions& common, const Options& options) {
  auto form = form_of(options.form);
  if (!form) return fail(form.error());
  if (const int code = need_model(common); code != kOk) return code;
  Conversation conversation(common, options, std::move(*form));
  if (auto opened = conversation.open(); !opened) return fail(opened.error());
  return options.prompt ? answer_once(conversation, common, *options.prompt) : converse(conversation, common);
}

}  // namespace

std::function<int()> add_chat(CLI::App& app, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  app.add_option("-p,--prompt", options->prompt, "Answer this once and end")->type_name("TEXT");
  app.add_option("--system", options->system, "Instructions for the model, before the first message")->type_name("TEXT");
  app.add_option_function<std::string>(
         "--chat", [options](const std::string& id) { options->chat = static_cast<std::int64_t>(whole_number("--chat", id, kMostInteger)); },
         "Continue the stored chat of this number")
      ->type_name("ID");
  app.add_option("-n", options->n, "At most this many tokens an answer; -1 until the model ends")
      ->check(CLI::Range(-1, 1 << 28));
  app.add_option_function<std::string>("--think", [options](const std::string& value) { options->thinking = value == "on"; },
                                       "Whether a model that can think before it answers shall: on or off; without it, as the model does by itself")
      ->check(CLI::IsMember({"on", "off"}))
      ->type_name("on|off");
  add_form_options(app, options->form);
  return [&common, options] { return run(common, *options); };
}

}  // namespace foreword::app
