#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <memory>
#include <optional>

#include "app/command.h"
#include "app/files.h"
#include "app/report.h"
#include "engine/base/fresh_file.h"
#include "engine/gguf/gguf.h"
#include "engine/loaded_model.h"

namespace foreword::app {
namespace {

struct Options {
  std::optional<std::string> ids;
  std::optional<std::filesystem::path> ids_file;
  std::filesystem::path out;
};

/// Numbers separated by commas or white space, in brackets or not.
Result<std::vector<engine::TokenId>> parse_ids(const std::string& text) {
  constexpr std::string_view kSeparators = ", \t\r\n[]";
  std::vector<engine::TokenId> ids;
  std::size_t at = 0;
  while ((at = text.find_first_not_of(kSeparators, at)) != std::string::npos) {
    const std::size_t end = std::min(text.find_first_of(kSeparators, at), text.size());
    engine::TokenId id = 0;
    const auto [stopped, error] = std::from_chars(text.data() + at, text.data() + end, id);
    if (error != std::errc() || stopped != text.data() + end) {
      return Error{ErrorCode::invalid_argument, "\"" + text.substr(at, std::min<std::size_t>(end - at, 20)) +
                                                    "\" is not a token id; give numbers like 1,2,3."};
    }
    ids.push_back(id);
    at = end;
  }
  if (ids.empty()) return Error{ErrorCode::invalid_argument, "No token ids were given; give numbers like 1,2,3."};
  return ids;
}

Result<void> write_logits(const CommonOptions& common, const Options& options, std::int64_t& n_tokens, std::int64_t& n_vocab) {
  std::string text = options.ids.value_or("");
  if (options.ids_file) {
    FW_ASSIGN(text, read_file(*options.ids_file));
  }
  FW_ASSIGN(const auto ids, parse_ids(text));
  FW_ASSIGN(const auto loaded, engine::LoadedModel::open(common.model, common.engine));
  n_tokens = std::ssize(ids);
  n_vocab = loaded->model().vocab_size;
  if (n_tokens > loaded->model().context) {
    return Error{ErrorCode::invalid_argument, std::to_string(n_tokens) + " tokens do not fit the context of " +
                                                  std::to_string(loaded->model().context) +
                                                  "; use a larger --context."};
  }
  for (const engine::TokenId id : ids) {
    if (id >= 0 && id < n_vocab) continue;
    return Error{ErrorCode::invalid_argument, "The token " + std::to_string(id) + " is not in the vocabulary of " + std::to_string(n_vocab) + " tokens."};
  }
  if (engine::is_of_model(options.out, common.model, loaded->file().n_parts())) {
    return Error{ErrorCode::invalid_argument, options.out.string() + " is the model that is read; choose another --out."};
  }
  FW_ASSIGN(const std::unique_ptr<FreshFile> file, FreshFile::begin(options.out));
  const auto sequence = loaded->cache().add_sequence();
  FW_TRY(loaded->read(
      sequence, ids, [](std::int64_t) { return true; },
      [&file](std::int64_t, std::span<const float> logits) {
        file->out().write(reinterpret_cast<const char*>(logits.data()), static_cast<std::streamsize>(logits.size_bytes()));
      }));
  return file->finish();
}

int run(const CommonOptions& common, const Options& options) {
  if (options.ids.has_value() == options.ids_file.has_value()) return wrong_use("Give either --ids or --ids-file.");
  if (const int code = need_model(common); code != kOk) return code;
  std::int64_t n_tokens = 0, n_vocab = 0;
  if (auto result = write_logits(common, options, n_tokens, n_vocab); !result) return fail(result.error());
  if (common.json) Report().set("n_tokens", n_tokens).set("n_vocab", n_vocab).set("out", options.out.string()).print();
  return kOk;
}

}  // namespace

std::function<int()> add_logits(CLI::App& app, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  app.add_option("--ids", options->ids, "Token ids, separated by commas")->type_name("1,2,3");
  app.add_option("--ids-file", options->ids_file, "File with token ids")->type_name("FILE");
  app.add_option("--out", options->out, "File for float32 logits [tokens, vocabulary], little endian; an existing one is replaced when the new one is complete")->required()->type_name("FILE");
  return [&common, options] { return run(common, *options); };
}

}  // namespace foreword::app
