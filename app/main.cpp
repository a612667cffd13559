#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <limits>
#include <map>
#include <new>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "app/builtin.h"
#include "app/command.h"
#include "app/desktop.h"
#include "app/draft_options.h"
#include "app/model_finder.h"
#include "app/option_checks.h"
#include "app/paths.h"
#include "app/terminal.h"
#include "engine/base/chance.h"
#include "engine/base/log.h"

namespace foreword::app {

void add_kv_wish(CLI::App& app, const char* flag, const char* help, engine::KvWish& wish) {
  app.add_option_function<std::string>(flag, [&wish](const std::string& name) { wish = *engine::kv_wish_from_name(name); }, help)
      ->check(CLI::IsMember(engine::kv_wish_names(), CLI::ignore_case))
      ->type_name("MODE");
}

std::string must_be_finite(const std::string& text) {
  return std::isfinite(std::strtod(text.c_str(), nullptr)) ? std::string() : text + " is no number that can be used here";
}

int fail(const Error& error) {
  // A sentence may quote a file or a template, which must not steer the terminal.
  std::string sentence = for_terminal(error.message);
  std::ranges::replace_if(sentence, [](char c) { return c == '\n' || c == '\t'; }, '?');
  std::fprintf(stderr, "foreword: %s\n", sentence.c_str());
  return kFailure;
}

int wrong_use(const std::string& sentence) {
  std::fprintf(stderr, "foreword: %s\n", sentence.c_str());
  return kWrongUse;
}

int need_model(const CommonOptions& common) {
  if (common.model.empty()) {
    return wrong_use("No model is open: give a GGUF file with -m FILE, for example `foreword chat -m model.gguf`.");
  }
  if (!common.model_given) std::fprintf(stderr, "foreword: %s\n", kBuiltinAboutTerminal);
  return kOk;
}

namespace {

constexpr CommandRow kCommands[] = {
    {"chat", "Chat in the terminal, or answer once with -p", add_chat},
    {"export", "Print a stored chat as Markdown, HTML, text or JSON", add_export},
    {"complete", "Continue a text as it is, without a chat template", add_complete},
    {"serve", "Answer other programs on this computer, over OpenAI's interface", add_serve},
    {"type", "Replay recorded keys with suggestions, and tell how fast and how good these are", add_type},
    {"tokenize", "Print the token ids of a text", add_tokenize},
    {"logits", "Write the logits of every position to a file", add_logits},
    {"perplexity", "Measure how well the model predicts a text", add_perplexity},
    {"eval", "Measure a model on held-out text: bits a byte, variety, edits, suggestions", add_eval},
    {"bench", "Measure speed, also of random-weight models of a standard shape", add_bench},
    {"inspect", "Print a GGUF file's metadata and tensors", add_inspect},
    {"quantize", "Write a GGUF file anew with smaller weights", add_quantize},
    {"download", "Download a model, or look for one on Hugging Face", add_download},
    {"network", "List what this program has asked of the internet: whom, what for, how much came", add_network},
    {"models", "List the models on this computer, downloaded or of other programs", add_models},
    {"devices", "List the compute devices", add_devices},
};

/// Whether a word was written, in capitals or not.
bool is_word(std::string text, std::string_view word) { return CLI::detail::to_lower(std::move(text)) == word; }

void add_common(CLI::App& app, CommonOptions& common) {
  app.add_option("-m,--model", common.model, "GGUF file to open, or a name from `foreword models`; without it, the small built-in model")
      ->check(must_be_named)
      ->type_name("FILE");
  app.add_flag("--json", common.json, "Print each result as one JSON object instead of text");
  app.add_option("--threads", common.engine.n_threads, "Processor threads; 0 uses what the machine allows")
      ->check(CLI::Range(0, 1024));
  app.add_option("--device", common.engine.device, "Compute device: auto, or an id from `foreword devices`");
  app.add_option_function<std::string>(
         "--gpu-layers",
         [&common](const std::string& number) { common.engine.gpu_layers = is_word(number, "auto") ? -1 : static_cast<std::int64_t>(whole_number("--gpu-layers", number, 1 << 20)); },
         "Layers that a graphics processor computes, the processor the rest; auto takes what fits its memory")
      ->type_name("N");
  app.add_option("--context", common.engine.context, "Tokens that a chat can hold; 0 uses the model's own, at most 8192")
      ->check(CLI::Range(0, 1 << 28));
  add_kv_wish(app, "--kv", "How the KV cache keeps old tokens: auto (standard), exact, fast, balanced, long or memory; or an encoding, "
                           "f32, f16, q8, k8v4, q4 or q2", common.engine.kv);
  add_draft_options(app, common.engine);
  app.add_option_function<std::string>(
         "--seed",
         [&common](const std::string& seed) {
           common.sampling.seed = whole_number("--seed", seed, std::numeric_limits<std::uint64_t>::max());
           common.seed_given = true;
         },
         "Seed of the random choice: the same seed gives the same text")
      ->type_name("N");
  for (const engine::SamplerParam& param : engine::sampler_params()) {
    app.add_option_function<double>(
           std::string(param.flag),
           [&common, &param](double value) {
             param.set(common.sampling, value);
             common.sampling_named.push_back(&param);
           },
           std::string(param.help))
        ->check(CLI::Range(param.minimum, param.maximum))
        ->check(must_be_finite)
        ->default_str(CLI::detail::to_string(param.standard));
  }
  app.add_option_function<std::string>(
         "--prefix-cache",
         [&common](const std::string& size) {
           common.keeps_prefixes = !is_word(size, "off");
           if (!common.keeps_prefixes) return;
           std::string bytes = size;
           const std::string trouble = CLI::AsSizeValue(false)(bytes);
           if (!trouble.empty()) throw CLI::ValidationError("--prefix-cache", trouble);
           common.prefix_budget = static_cast<std::int64_t>(whole_number("--prefix-cache", bytes, kMostInteger));
         },
         "Disk space for continuing chats at once after a restart, for example 2GB; off keeps no text")
      ->type_name("SIZE");
  app.add_option("--data-dir", common.data_dir, "Folder for chats and settings instead of the user's own")
      ->check(must_be_named)
      ->type_name("DIR");
}

/// What is no file may be the name of a model that Foreword or another program keeps here.
Result<void> find_named_model(std::filesystem::path& model, const std::filesystem::path& own) {
  std::error_code code;
  if (model.empty() || model.has_parent_path() || std::filesystem::exists(model, code)) return {};
  const FoundModels found = find_models(model_places([](const char* name) { return std::getenv(name); }, own), {});
  FW_ASSIGN(model, model_named(found, model));
  return {};
}

/// A closed standard stream would give its number to the next file that is opened, which would then receive the output.
/// Opened for reading, so that a result that nobody can get still fails.
void occupy_standard_streams() {
  int number = 0;
  while (number <= STDERR_FILENO && number >= 0) number = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (number > STDERR_FILENO) close(number);
}

/// The command's exit code, unless its result was lost on the way out.
int after_output(int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  return code == kOk ? fail({ErrorCode::io, "The output could not be written to its end; is the disk full?"}) : code;
}

extern "C" void on_lost_page(int) {
  constexpr std::string_view kSentence =
      "foreword: The model's file was overwritten or cut short while it was open, or its disk failed; what was saved is there, so start again.\n";
  [[maybe_unused]] const auto n = write(STDERR_FILENO, kSentence.data(), kSentence.size());
  _exit(kFailure);
}

/// What else would end the program without a word: a page of a mapped file that is gone, a file that grows beyond the user's limit.
void answer_signals() {
  std::signal(SIGBUS, on_lost_page);
  std::signal(SIGXFSZ, SIG_IGN);  // whoever writes is told, too
}

int run(int argc, char** argv) {
  occupy_standard_streams();
  answer_signals();
  CommonOptions common;
  CLI::App app{"Foreword: chat with a language model on this computer", "foreword"};
  app.set_version_flag("--version", FOREWORD_VERSION);
  app.fallthrough();
  app.require_subcommand(0, 1);
  add_common(app, common);
  DesktopOptions desktop;
  add_desktop_options(app, desktop);

  std::map<std::string, std::function<int()>> runners;
  for (const CommandRow& row : kCommands) {
    CLI::App& command = *app.add_subcommand(row.name, row.help);
    command.fallthrough();
    runners[row.name] = row.add(command, common);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? after_output(kOk) : kWrongUse;
  }
  if (!common.seed_given) common.sampling.seed = any_number();
  common.engine.cache_folder = find_paths(common.data_dir).cache;
  common.kv_given = app.count("--kv") > 0;
  common.model_given = !common.model.empty();
  if (const Result<void> found = find_named_model(common.model, find_paths(common.data_dir).models()); !found) return fail(found.error());
  common.builtin = find_builtin_model();
  if (!common.model_given && !app.get_subcommands().empty()) common.model = common.builtin;
  for (const CLI::App* command : app.get_subcommands()) return after_output(runners.at(command->get_name())());
  return run_desktop(common, desktop);
}

/// After an exception that nobody expects, on whatever thread: what it holds is on the disk, as after a power cut.
[[noreturn]] void end_with_a_sentence() {
  try {
    if (const std::exception_ptr why = std::current_exception()) std::rethrow_exception(why);
  } catch (const std::bad_alloc&) {
    constexpr std::string_view kSentence = "foreword: There is not enough memory for this; close other programs, or choose a smaller model or --context.\n";
    [[maybe_unused]] const auto n = write(STDERR_FILENO, kSentence.data(), kSentence.size());  // which asks for no more of it
    _exit(kFailure);
  } catch (const std::filesystem::filesystem_error& error) {  // a folder that may not even be looked at
    fail({ErrorCode::io, error.path1().string() + " cannot be used: " + error.code().message() + "."});
    _exit(kFailure);
  } catch (const std::system_error& error) {  // a thread that the system does not give
    fail({ErrorCode::io, "The system gives Foreword no more threads (" + error.code().message() + "); end other programs, or raise the limit on processes."});
    _exit(kFailure);
  } catch (...) {
  }
  std::abort();
}

}  // namespace
}  // namespace foreword::app

int main(int argc, char** argv) {
  std::set_terminate(foreword::app::end_with_a_sentence);
  return foreword::app::run(argc, argv);
}
