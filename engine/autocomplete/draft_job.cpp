#include "engine/autocomplete/draft_job.h"

#include <algorithm>
#include <array>

#include "engine/autocomplete/beam_drafts.h"
#include "engine/autocomplete/superposed_drafts.h"

namespace foreword::engine {
namespace {

constexpr std::string_view kEnds[] = {"running", "sentence", "line", "end_of_text", "length", "unsure"};

struct MethodRow {
  DraftMethodRow row;
  std::unique_ptr<DraftProducer> (*make)(DraftGround& ground, KvCache& cache);
  std::int64_t (*most_rows)(const DraftLimits& limits);
};

template <class Producer>
std::unique_ptr<DraftProducer> make(DraftGround& ground, KvCache& cache) {
  return std::make_unique<Producer>(ground, cache);
}

/// Until first words are compared, about twice as many as are wanted.
std::int64_t starts(const DraftLimits& limits) { return 2 * limits.count - 1; }

// By DraftMethod.
constexpr MethodRow kMethods[] = {
    {{DraftMethod::batched, "batched", "the likeliest words behind different first words", true}, make<BatchedDrafts>, starts},
    {{DraftMethod::beam, "beam", "the same, each searched for with a few diverse beams", true}, make<BeamDrafts>,
     [](const DraftLimits& limits) { return std::max<std::int64_t>(starts(limits), static_cast<std::int64_t>(BeamShape{}.width) * limits.count); }},
    {{DraftMethod::superposed, "superposed", "approximate, fast: all drafts in one row, at most eight tokens", false}, make<SuperposedDrafts>,
     [](const DraftLimits& limits) { return limits.count * (kMostSuperposedTokens - 1); }},
};
constexpr auto kRows = [] {
  std::array<DraftMethodRow, std::size(kMethods)> rows{};
  std::ranges::transform(kMethods, rows.begin(), &MethodRow::row);
  return rows;
}();

const MethodRow& whole_row_of(DraftMethod method) { return kMethods[static_cast<std::size_t>(method)]; }

}  // namespace

std::string_view name_of(DraftEnd end) { return kEnds[static_cast<int>(end)]; }

std::span<const DraftMethodRow> draft_methods() { return kRows; }
const DraftMethodRow& row_of(DraftMethod method) { return whole_row_of(method).row; }
std::optional<DraftMethod> draft_method_from_name(std::string_view name) {
  const auto row = std::ranges::find(kRows, name, &DraftMethodRow::name);
  return row != kRows.end() ? std::optional(row->method) : std::nullopt;
}

DraftJob::DraftJob(const Tokenizer& tokenizer, const TokenBytes& bytes, KvCache& cache, const DraftLimits& limits)
    : ground_{&tokenizer, &bytes, limits}, producer_(whole_row_of(limits.method).make(ground_, cache)) {}
DraftJob::~DraftJob() = default;

Result<void> DraftJob::branch(SequenceId prefix, std::span<const float> logits, std::string_view held, std::span<const TokenId> before,
                              std::vector<Remembered> remembered) {
  ground_.held = held;
  const std::size_t n = std::min(before.size(), Ngrams::kOrder - 1);
  ground_.before.assign(before.end() - static_cast<std::ptrdiff_t>(n), before.end());
  ground_.remembered = std::move(remembered);
  return producer_->branch(prefix, logits);
}
Result<void> DraftJob::add_rows(Batch& batch) { return producer_->add_rows(batch); }
std::int64_t DraftJob::most_rows(const DraftLimits& limits) { return whole_row_of(limits.method).most_rows(limits); }
void DraftJob::take(std::int64_t batch_row, std::span<const float> logits) { producer_->take(batch_row, logits); }
Result<void> DraftJob::end_step() { return producer_->end_step(); }
bool DraftJob::running() const { return producer_->running(); }
std::vector<Draft> DraftJob::drafts() const { return producer_->drafts(); }
void DraftJob::extend(std::int64_t max_tokens) {
  ground_.limits.max_tokens = std::max(ground_.limits.max_tokens, max_tokens);
  producer_->extend(ground_.limits.max_tokens);
}
void DraftJob::keep_only(std::span<const std::int32_t> ids) { producer_->keep_only(ids); }

}  // namespace foreword::engine
