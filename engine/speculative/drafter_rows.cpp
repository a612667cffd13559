#include "engine/speculative/context_copy.h"
#include "engine/speculative/drafter.h"
#include "engine/speculative/foreseen.h"
#include "engine/speculative/recycling.h"
#include "engine/speculative/small_model.h"
#include "engine/speculative/trigram.h"

namespace foreword::engine {
namespace {

constexpr DrafterRow kRows[] = {
    {"form", "Goes on with what the form that the answer is held to leaves no choice about", "Beurer-Kellner et al. 2024", 1.0F, false, false,
     [](const DrafterSetup&) -> std::unique_ptr<Drafter> { return std::make_unique<Foreseen>(); }, false, true},
    {"copy", "Copies what followed the same words before, in the prompt or the answer", "Ge et al. 2022; Blumer et al. 1985",
     1.0F, false, false, [](const DrafterSetup&) -> std::unique_ptr<Drafter> { return std::make_unique<ContextCopy>(); }},
    {"recycle", "Remembers what the model last thought would follow each token", "Luo et al. 2025", 0.5F, true, true,
     [](const DrafterSetup& setup) -> std::unique_ptr<Drafter> { return std::make_unique<Recycling>(setup.vocabulary); }},
    {"ngram", "Counts which token followed which two in this session", "Liu et al. 2024", 0.5F, true, false,
     [](const DrafterSetup&) -> std::unique_ptr<Drafter> { return std::make_unique<Trigram>(); }},
    {"model", "A smaller model with the same vocabulary drafts", "Leviathan et al. 2023; Jeon et al. 2024", 0.5F, true, false,
     [](const DrafterSetup& setup) -> std::unique_ptr<Drafter> {
       return setup.model != nullptr ? std::make_unique<SmallModel>(*setup.model) : nullptr;
     }},
    {"skip", "The model itself drafts with some of its layers left out", "Zhang et al. 2023; Liu et al. 2024", 1.0F, true, false,
     [](const DrafterSetup& setup) -> std::unique_ptr<Drafter> {
       return setup.self != nullptr ? std::make_unique<SmallModel>(*setup.self) : nullptr;
     },
     true},
};

}  // namespace

std::span<const DrafterRow> drafter_rows() { return kRows; }

}  // namespace foreword::engine
