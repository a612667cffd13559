#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "app/answer.h"
#include "app/command.h"

namespace foreword::app {
namespace {

struct Options {
  std::string prompt;
  std::int64_t n = -1;
  std::vector<std::string> stop;
};

int run(const CommonOptions& common, const Options& options) {
  if (const int code = need_model(common); code != kOk) return code;
  EngineClient client;
  if (auto model = client.load(common.model, common.engine); !model) return fail(model.error());
  engine::Generate request;
  request.prompt = options.prompt;
  request.sampling = common.sampling;
  request.max_tokens = options.n;
  request.stop = options.stop;
  Answer answer;
  const auto print = [&](const std::string& piece) {
    if (common.json) return;
    std::fwrite(piece.data(), 1, piece.size(), stdout);
    std::fflush(stdout);
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
  app.add_option("--stop", options->stop, "Text that ends the continuation; may be given more than once")->type_name("TEXT");
  return [&common, options] { return run(common, *options); };
}

}  // namespace foreword::app
