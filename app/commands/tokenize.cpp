#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>

#include "app/command.h"
#include "app/files.h"
#include "app/report.h"
#include "engine/gguf/gguf.h"
#include "engine/tokenizer/tokenizer.h"

namespace foreword::app {
namespace {

struct Options {
  std::optional<std::string> prompt;
  std::optional<std::filesystem::path> file;
  bool special = false, bos = false;
};

Result<std::vector<engine::TokenId>> tokenize(const CommonOptions& common, const Options& options) {
  FW_ASSIGN(const engine::GgufFile file, engine::GgufFile::open(common.model));
  FW_ASSIGN(const engine::Tokenizer tokenizer, engine::Tokenizer::from_gguf(file.metadata()));
  std::string text = options.prompt.value_or("");
  if (options.file) {
    FW_ASSIGN(text, read_file(*options.file));
  }
  return tokenizer.encode(text, {.add_special = options.bos, .parse_special = options.special});
}

int run(const CommonOptions& common, const Options& options) {
  if (options.prompt.has_value() == options.file.has_value()) return wrong_use("Give either -p TEXT or -f FILE.");
  if (const int code = need_model(common); code != kOk) return code;
  const auto ids = tokenize(common, options);
  if (!ids) return fail(ids.error());
  if (common.json) {
    Report().set("ids", *ids).print();
    return kOk;
  }
  std::string line;
  for (const engine::TokenId id : *ids) line += (line.empty() ? "" : " ") + std::to_string(id);
  std::puts(line.c_str());
  return kOk;
}

}  // namespace

std::function<int()> add_tokenize(CLI::App& app, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  app.add_option("-p,--prompt", options->prompt, "Text to tokenize")->type_name("TEXT");
  app.add_option("-f,--file", options->file, "File whose text to tokenize")->type_name("FILE");
  app.add_flag("--special", options->special, "Recognise special tokens in the text");
  app.add_flag("--bos", options->bos, "Add the tokens that the model expects around a text (BOS, EOS)");
  return [&common, options] { return run(common, *options); };
}

}  // namespace foreword::app
