#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>

#include "app/command.h"
#include "app/files.h"
#include "app/option_checks.h"
#include "app/report.h"
#include "engine/loaded_model.h"
#include "engine/log_sum_exp.h"

namespace foreword::app {
namespace {

struct Options {
  std::filesystem::path file;
  engine::KvWish kl_against;
  bool compares = false;
  bool every_page = false;
  std::int64_t tokens = 0;
};

struct Score {
  double nll = 0;          // sum over positions, nats
  double kl = 0;           // sum of KL(reference || this), nats
  std::int64_t n_tokens = 0, n_top1_agree = 0;
};

/// Rows whose logits are kept at once when two runs are compared.
constexpr std::int64_t kCompareRows = 64;

void compare(std::span<const float> reference, std::span<const float> logits, Score& score) {
  const engine::LogSumExp r = engine::log_sum_exp(reference), l = engine::log_sum_exp(logits);
  double kl = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double log_p = reference[i] - r.log_sum, log_q = logits[i] - l.log_sum;
    kl += std::exp(log_p) * (log_p - log_q);
  }
  score.kl += kl;
  if (r.argmax == l.argmax) ++score.n_top1_agree;
}

/// One window: `tokens` begin with BOS where the model has one; position i predicts tokens[i + 1].
Result<void> score_window(engine::LoadedModel& model, engine::LoadedModel* reference,
                          std::span<const engine::TokenId> tokens, Score& score) {
  const auto sequence = model.cache().add_sequence();
  const auto reference_sequence = reference != nullptr ? reference->cache().add_sequence() : 0;
  const std::int64_t n = std::ssize(tokens) - 1;  // the last one is only predicted
  const auto all = [](std::int64_t) { return true; };
  std::vector<std::vector<float>> kept;
  for (std::int64_t first = 0; first < n; first += kCompareRows) {
    const auto part = tokens.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(std::min(kCompareRows, n - first)));
    kept.clear();
    if (reference != nullptr) {
      FW_TRY(reference->read(reference_sequence, part, all, [&](std::int64_t, std::span<const float> logits) {
        kept.emplace_back(logits.begin(), logits.end());
      }));
    }
    FW_TRY(model.read(sequence, part, all, [&](std::int64_t row, std::span<const float> logits) {
      const auto target = static_cast<std::size_t>(tokens[static_cast<std::size_t>(first + row + 1)]);
      score.nll += engine::log_sum_exp(logits).log_sum - logits[target];
      ++score.n_tokens;
      if (reference != nullptr) compare(kept[static_cast<std::size_t>(row)], logits, score);
    }));
  }
  model.cache().remove_sequence(sequence);
  if (reference != nullptr) reference->cache().remove_sequence(reference_sequence);
  return {};
}

Result<Report> measure(const CommonOptions& common, const Options& options) {
  FW_ASSIGN(const std::string text, read_file(options.file));
  engine::ModelOptions own = common.engine;
  own.kv_every_page = options.every_page;
  FW_ASSIGN(const auto model, engine::LoadedModel::open(common.model, own));
  std::unique_ptr<engine::LoadedModel> reference;
  if (options.compares) {
    engine::ModelOptions other = common.engine;
    other.kv = options.kl_against;
    FW_ASSIGN(reference, engine::LoadedModel::open(common.model, other));
  }
  const engine::Tokenizer& tokenizer = *model->tokenizer();
  std::vector<engine::TokenId> ids = tokenizer.encode(text, {});
  std::size_t n_bytes = text.size();
  if (options.tokens > 0 && std::ssize(ids) > options.tokens) {
    ids.resize(static_cast<std::size_t>(options.tokens));
    n_bytes = tokenizer.decode(ids, {.clean_spaces = false}).size();  // what was read, not what would be shown
  }
  const bool with_bos = tokenizer.adds_bos() && tokenizer.bos() != engine::kNoToken;
  const std::int64_t step = model->model().context - (with_bos ? 1 : 0);
  if (model->model().context < 2) return Error{ErrorCode::invalid_argument, "A context of 1 predicts nothing; choose a larger --context."};
  if (std::ssize(ids) < (with_bos ? 1 : 2)) {
    return Error{ErrorCode::invalid_argument, "The text is too short to measure; give a longer file."};
  }

  const auto start = std::chrono::steady_clock::now();
  Score score;
  std::vector<engine::TokenId> window;
  for (std::int64_t first = 0; first < std::ssize(ids); first += step) {
    window.clear();
    if (with_bos) window.push_back(tokenizer.bos());
    const auto begin = ids.begin() + first;
    window.insert(window.end(), begin, begin + std::min(step, std::ssize(ids) - first));
    if (window.size() > 1) FW_TRY(score_window(*model, reference.get(), window, score));
  }
  const double n = static_cast<double>(score.n_tokens);
  const double nll = score.nll / n;
  Report report;
  report.set("nll", nll)
      .set("perplexity", std::exp(nll))
      .set("n_tokens", score.n_tokens)
      .set("kv_bytes_per_token", model->cache().shape().bytes_per_slot())
      .set("n_bytes", static_cast<std::int64_t>(n_bytes))
      .set("seconds", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  if (reference) report.set("mean_kl", score.kl / n).set("top1_agree", static_cast<double>(score.n_top1_agree) / n);
  if (!common.json) {
    std::printf("perplexity %.4f (%.4f nats a token over %lld tokens, %.4f bits a byte)\n", std::exp(nll), nll,
                static_cast<long long>(score.n_tokens), score.nll / std::log(2.0) / static_cast<double>(n_bytes));
    if (reference) {
      std::printf("mean KL %.6g nats, same first choice at %.2f %% of the positions\n", score.kl / n,
                  100.0 * static_cast<double>(score.n_top1_agree) / n);
    }
  }
  return report;
}

int run(const CommonOptions& common, const Options& options) {
  if (const int code = need_model(common); code != kOk) return code;
  const auto report = measure(common, options);
  if (!report) return fail(report.error());
  if (common.json) report->print();
  return kOk;
}

}  // namespace

std::function<int()> add_perplexity(CLI::App& app, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  app.add_option("-f,--file", options->file, "Text to predict")->required()->type_name("FILE");
  add_kv_wish(app, "--kl-against", "Compare with the same model whose KV cache is kept like this", options->kl_against);
  app.add_option_function<std::string>(
         "--tokens", [options](const std::string& n) { options->tokens = static_cast<std::int64_t>(whole_number("--tokens", n, kMostInteger)); },
         "Read no more than this many tokens of the text; 0 reads all")
      ->type_name("N");
  app.add_flag("--every-page", options->every_page, "Store the first and the newest pages in the encoding of --kv too");
  return [&app, &common, options] {
    options->compares = app.count("--kl-against") > 0;
    return run(common, *options);
  };
}

}  // namespace foreword::app
