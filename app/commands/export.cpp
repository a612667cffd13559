#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "app/command.h"
#include "app/history.h"
#include "app/option_checks.h"
#include "app/paths.h"
#include "app/terminal.h"

namespace foreword::app {
namespace {

struct Options {
  std::int64_t chat = 0;
  std::string format;  // empty: none was named
};

int run(const CommonOptions& common, const Options& options) {
  const std::string standard = common.json ? "json" : "markdown";
  const std::string& format = options.format.empty() ? standard : options.format;
  if (common.json && format != "json") return wrong_use("--json is the same as --as json; leave one of the two out.");
  const auto text = export_stored_chat(find_paths(common.data_dir).database(), options.chat, format);
  if (!text) return fail(text.error());
  print_text(stdout, *text);
  return kOk;
}

}  // namespace

std::function<int()> add_export(CLI::App& app, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  app.add_option_function<std::string>(
         "chat", [options](const std::string& id) { options->chat = static_cast<std::int64_t>(whole_number("chat", id, kMostInteger)); },
         "Number of the stored chat")
      ->required()
      ->type_name("ID");
  app.add_option("--as", options->format, "json (every branch), markdown, html or text (the branch that is shown); json with --json")
      ->check(CLI::IsMember({"json", "markdown", "html", "text"}))
      ->default_str("markdown");
  return [&common, options] { return run(common, *options); };
}

}  // namespace foreword::app
