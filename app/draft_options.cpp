#include "app/draft_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "engine/session.h"
#include "engine/speculative/drafter.h"

namespace foreword::app {
namespace {

constexpr std::string_view kModel = "model=";

const std::map<std::string, engine::VerifyMode> kVerifyNames = {{"gumbel", engine::VerifyMode::gumbel},
                                                                {"match", engine::VerifyMode::match},
                                                                {"reject", engine::VerifyMode::reject_without_replacement},
                                                                {"kseq", engine::VerifyMode::k_seq}};

}  // namespace

void add_draft_options(CLI::App& app, engine::ModelOptions& options) {
  std::string names = "auto, off";
  for (const engine::DrafterRow& row : engine::drafter_rows()) {
    if (row.name != "model") names += ", " + std::string(row.name);
  }
  app.add_option_function<std::vector<std::string>>(
         "--draft",
         [&options](const std::vector<std::string>& given) {
           if (given.size() > 1 && std::ranges::find(given, "off") != given.end()) {
             throw CLI::ValidationError("--draft", "off goes with nothing else; leave it out, or name it alone.");
           }
           options.draft.clear();
           for (const std::string& name : given) {
             if (name.starts_with(kModel)) options.draft_model = name.substr(kModel.size());
             options.draft.push_back(name.starts_with(kModel) ? "model" : name);
           }
         },
         "What guesses the next tokens, so that answers come faster with the same text: " + names + ", model=FILE, or several")
      ->delimiter(',')
      ->type_name("NAME");
  app.add_option("--draft-min", options.draft_min,
                 "Where a draft model guesses, at least so many tokens a pass, also where fewer would be faster; 0 guesses as many as pay")
      ->check(CLI::Range(0, engine::kMostDraftMin));
  app.add_option_function<std::string>(
         "--verify", [&options](const std::string& name) { options.verify = kVerifyNames.at(name); },
         "How guesses are checked: gumbel (standard) and match give the text that no guess would change; reject and kseq one of the "
         "same chances")
      ->check(CLI::IsMember([] {
        std::vector<std::string> all;
        for (const auto& [name, mode] : kVerifyNames) all.push_back(name);
        return all;
      }()));
}

}  // namespace foreword::app
