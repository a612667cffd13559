#include "engine/page_saver.h"

#include <utility>

#include "engine/fingerprint.h"

namespace foreword::engine {
namespace {

/// For writing down what the store does not have yet, when the model goes or the program ends.
constexpr std::chrono::seconds kLastWrites{3};
/// Pages on their way to the store: one is copied while the other is written.
constexpr int kMostUnsettled = 2;

}  // namespace

PageSaver::PageSaver(LoadedModel& model, PrefixStore& store, std::shared_ptr<Inbox> inbox, std::uint64_t number)
    : keeper_(model.cache(), model.texts(), store, fingerprint(model.model(), model.cache().shape())), inbox_(std::move(inbox)), number_(number) {}

void PageSaver::save_some() {
  const auto settled = [to = inbox_, model = number_](const PrefixKeeper::Ticket& ticket, bool kept) { to->settle({model, ticket, kept}); };
  while (n_unsettled_ < kMostUnsettled && keeper_.save_one(settled)) ++n_unsettled_;
}

void PageSaver::settle(const PageSettled& page) {
  if (page.model != number_) return;
  --n_unsettled_;
  keeper_.settle(page.ticket, page.kept);
}

void PageSaver::save_the_rest() { keeper_.save_all(Inbox::Clock::now() + kLastWrites); }

}  // namespace foreword::engine
