#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "app/answer.h"
#include "app/builtin.h"
#include "app/command.h"
#include "app/form_options.h"
#include "app/terminal.h"

namespace foreword::app {
namespace {

struct Options {
  std::string prompt;
  std::int64_t n = -1;
  std::vector<std::string> stop;
  std::int32_t drafts = 0;  // 0: one continuation, sampled
  engine::DraftMethod method = engine::DraftMethod::batched;
  FormOptions form;
};

/// Several continuations at once, as the composer shows them.
int run_drafts(EngineClient& client, const CommonOptions& common, const Options& options) {
  engine::Suggest request;
  request.context = std::string();
  request.before = options.prompt;
  request.limits.count = options.drafts;
  request.limits.method = options.method;
  if (options.n >= 0) request.limits.max_tokens = options.n;
  auto drafts = client.suggest(std::move(request));
  if (!drafts) return fail(drafts.error());
  if (common.json) {
    const engine::DraftMethodRow& method = engine::row_of(options.method);
    report_of(*drafts).set("method", method.name).set("exact", method.exact).print();
    return kOk;
  }
  if (!engine::row_of(options.method).exact) std::printf("(%s)\n", engine::row_of(options.method).about.data());
  for (const engine::Draft& draft : drafts->drafts) {
    std::printf("%6.2f  ", draft.score);
    print_text(stdout, draft.text + "\n");
  }
  return kOk;
}

int run(const CommonOptions& common, const Options& options) {
  auto form = form_of(options.form);
  if (!form) return fail(form.error());
  if (const int code = need_model(common); code != kOk) return code;
  EngineClient client;
  const auto model = client.load(common.model, with_sibling(common.model, common.builtin, common.engine));
  if (!model) return fail(model.error());
  if (options.drafts > 0) return run_drafts(client, common, options);
  engine::Generate request;
  request.prompt = options.prompt;
  request.sampling = sampling_for(common, *model);
  request.max_tokens = options.n;
  request.stop = options.stop;
  request.form = std::move(*form);
  Answer answer;
  const auto print = [&](const std::string& piece) {
    if (common.json) return;
    print_text(stdout, piece);
  };
  if (auto result = client.ask(std::move(request), print, answer); !result) return fail(result.error());
  if (common.json) report_of(answer).print();
  else std::putchar('\n');
  return kOk;
}

}  // namespace

std::function<int()> add_complete(CLI::App& app, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  app.add_option("-p,--prompt", options->prompt, "Text to continue")->required()->type_name("TEXT");
  app.add_option("-n", options->n, "At most this many tokens; -1 until the model ends")->check(CLI::Range(-1, 1 << 28));
  CLI::Option* const drafts = app.add_option("--drafts", options->drafts, "Show this many short continuations that begin differently, likeliest words only; -n is their length");
  drafts->check(CLI::Range(1, 6))->type_name("K");
  std::string methods;
  std::vector<std::string> names;
  for (const engine::DraftMethodRow& row : engine::draft_methods()) {
    methods += (methods.empty() ? "How --drafts are made: " : "; ") + std::string(row.name) + " (" + std::string(row.about) + ")";
    names.emplace_back(row.name);
  }
  app.add_option_function<std::string>("--method", [options](const std::string& name) { options->method = *engine::draft_method_from_name(name); }, methods)
      ->check(CLI::IsMember(names))
      ->needs(drafts)
      ->type_name("METHOD");
  app.add_option("--stop", options->stop, "Text that ends the continuation; may be given more than once")->type_name("TEXT");
  add_form_options(app, options->form);
  return [&common, options] { return run(common, *options); };
}

}  // namespace foreword::app
