// What drafts bring, side by side: the same requests without drafts, with all drafters, with a sibling model too, and with that and
// --draft-min 2, in turns, so that what else the machine does falls on all alike. Says also how often the sibling's likeliest token is the model's.
//
//   bench_drafts MODEL.gguf SIBLING.gguf [ROUNDS] [KIND] [processor]
//
// KIND: edits, chat, mail, prose or all. processor: one thread, and the time that this program had the processor for a whole request, in
// place of the decoding's time on the wall: what other programs do changes little of it.

#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/loaded_model.h"
#include "engine/session.h"
#include "tests/bench/drafts_requests.h"

namespace foreword::engine {
namespace {

struct Setting {
  const char* name;
  std::vector<std::string> draft;
  bool sibling;
  int draft_min;
};
constexpr int kSettings = 4;

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

class Desk {
 public:
  Desk(const std::filesystem::path& model, const Setting& setting, const std::filesystem::path& sibling, int n_threads) {
    ModelOptions options;
    options.n_threads = n_threads;
    options.draft = setting.draft;
    options.draft_min = setting.draft_min;
    if (setting.sibling) options.draft_model = sibling;
    session_.send(LoadModel{model, options});
    for (;;) {
      const Event event = *outbox_.take();
      if (std::holds_alternative<ModelReady>(event)) return;
      if (const auto* failed = std::get_if<ModelFailed>(&event)) {
        std::fprintf(stderr, "%s\n", failed->error.message.c_str());
        std::exit(1);
      }
    }
  }
  struct Answer {
    std::vector<TokenId> ids;
    GenerationStats stats;
  };
  Answer ask(Generate request) {
    Answer answer;
    session_.send(std::move(request));
    for (;;) {
      const Event event = *outbox_.take();
      if (const auto* piece = std::get_if<TextPiece>(&event)) answer.ids.insert(answer.ids.end(), piece->ids.begin(), piece->ids.end());
      if (const auto* done = std::get_if<GenerationDone>(&event)) {
        answer.stats = done->stats;
        return answer;
      }
      if (std::holds_alternative<GenerationFailed>(event)) std::exit(1);
    }
  }

 private:
  Mailbox<Event> outbox_;
  Session session_{outbox_};
};

struct Sums {
  double tokens = 0, passes = 0, seconds = 0;
};

/// Both models read what the first one wrote: share of places at which their likeliest tokens are the same.
void print_agreement(LoadedModel& model, LoadedModel& sibling, const char* name, const std::vector<std::vector<TokenId>>& texts) {
  std::int64_t n = 0, equal = 0;
  for (const auto& text : texts) {
    std::array<std::vector<std::ptrdiff_t>, 2> best;
    for (int i = 0; i < 2; ++i) {
      LoadedModel& one = i == 0 ? model : sibling;
      const SequenceId sequence = one.cache().add_sequence();
      const auto n_vocab = static_cast<std::size_t>(one.tokenizer()->size());
      if (!one.read(sequence, text, [](std::int64_t) { return true; }, [&](std::int64_t, std::span<const float> row) {
            const auto named = row.first(std::min(row.size(), n_vocab));
            best[static_cast<std::size_t>(i)].push_back(std::ranges::max_element(named) - named.begin());
          })) std::exit(1);
      one.cache().remove_sequence(sequence);
    }
    for (std::size_t i = 0; i < best[0].size(); ++i) equal += best[0][i] == best[1][i] ? 1 : 0;
    n += std::ssize(best[0]);
  }
  const double share = n > 0 ? static_cast<double>(equal) / static_cast<double>(n) : 0;
  std::printf("%s: the sibling's likeliest token is the model's at %.0f %% of %lld places; chains of such could give %.2f tokens a pass\n", name, 100 * share,
              static_cast<long long>(n), 1 / (1 - share));
}

}  // namespace
}  // namespace foreword::engine

int main(int argc, char** argv) {
  using namespace foreword::engine;
  if (argc < 3) {
    std::fprintf(stderr, "bench_drafts MODEL.gguf SIBLING.gguf [ROUNDS] [KIND] [processor]\n");
    return 2;
  }
  const std::filesystem::path model = argv[1], sibling = argv[2];
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 3;
  const std::string only = argc > 4 ? argv[4] : "all";
  const bool by_processor = argc > 5 && std::string_view(argv[5]) == "processor";
  const std::array<Setting, kSettings> settings{{{"off", {"off"}, false, 0}, {"auto", {"auto"}, false, 0}, {"with sibling", {"auto", "model"}, true, 0}, {"2 at least", {"auto", "model"}, true, 2}}};
  struct Row {
    std::string name;
    float temperature;
    std::array<Sums, kSettings> sums = {};  // tokens and passes of all rounds; seconds: the fastest of them, prompt by prompt
    int n_other = 0;
  };
  std::vector<Row> rows;
  std::map<std::string, std::vector<std::vector<TokenId>>> written;
  std::uint64_t id = 0;
  for (const Kind& kind : kinds()) {
    if (only != "all" && kind.name != only) continue;
    for (const float temperature : {0.0F, 0.8F}) {
      Row row{kind.name, temperature};
      std::vector<std::array<double, kSettings>> fastest(kind.prompts.size());
      for (auto& of_prompt : fastest) of_prompt.fill(1e9);
      for (int round = 0; round < rounds; ++round) {
        // Fresh desks, since drafters remember what they saw; and another one first each time, for where memory lies and what the caches hold makes a hundredth.
        std::array<std::unique_ptr<Desk>, kSettings> desks;
        const auto in_turn = [&](std::size_t turn) { return (turn + static_cast<std::size_t>(round)) % kSettings; };
        for (std::size_t turn = 0; turn < kSettings; ++turn) desks[in_turn(turn)] = std::make_unique<Desk>(model, settings[in_turn(turn)], sibling, by_processor ? 1 : 0);
        for (std::size_t p = 0; p < kind.prompts.size(); ++p) {
          std::array<std::vector<TokenId>, kSettings> ids;
          for (std::size_t turn = 0; turn < kSettings; ++turn) {
            const std::size_t i = in_turn(turn);
            Generate request;
            request.id = ++id;
            if (kind.chat) request.prompt = std::vector<ChatMessage>{{Role::user, kind.prompts[p], {}}};
            else request.prompt = kind.prompts[p];
            request.max_tokens = 120;
            request.sampling.temperature = temperature;
            request.sampling.seed = p + 1;
            const double begin = processor_seconds();
            Desk::Answer answer = desks[i]->ask(request);
            fastest[p][i] = std::min(fastest[p][i], by_processor ? processor_seconds() - begin : answer.stats.decode_seconds);
            ids[i] = std::move(answer.ids);
            row.sums[i].tokens += static_cast<double>(answer.stats.n_tokens);
            row.sums[i].passes += static_cast<double>(answer.stats.passes);
            if (round == 0 && i == 0 && ids[i].size() > 1) written[row.name + (temperature > 0 ? ", T 0.8" : ", T 0")].push_back(ids[i]);
          }
          row.n_other += static_cast<int>(std::ranges::count_if(ids, [&](const auto& other) { return other != ids[0]; }));
        }
      }
      for (const auto& of_prompt : fastest) {
        for (std::size_t i = 0; i < kSettings; ++i) row.sums[i].seconds += of_prompt[i];
      }
      rows.push_back(row);
    }
  }
  std::string tokens, times;
  for (std::size_t i = 1; i < kSettings; ++i) {
    tokens += std::string(i == 1 ? " tokens a pass: " : " ") + settings[i].name + " |";
    times += std::string(i == 1 ? " times plain: " : " ") + settings[i].name + " |";
  }
  std::printf("| | T |%s%s other ids |\n|---|---|---|---|---|---|---|---|---|\n", tokens.c_str(), times.c_str());
  for (const auto& [name, temperature, sums, n_other] : rows) {
    std::printf("| %s | %.1f |", name.c_str(), static_cast<double>(temperature));
    for (std::size_t i = 1; i < kSettings; ++i) std::printf(" %.2f |", sums[i].tokens / sums[i].passes);
    for (std::size_t i = 1; i < kSettings; ++i) std::printf(" %.3f |", sums[0].seconds / sums[i].seconds);
    std::printf(" %d |\n", n_other);
  }
  auto large = LoadedModel::open(model, {}), small = LoadedModel::open(sibling, {});
  if (!large || !small) return 1;
  for (const auto& [name, texts] : written) print_agreement(**large, **small, name.c_str(), texts);
}
