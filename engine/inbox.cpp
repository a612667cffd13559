#include "engine/inbox.h"

namespace foreword::engine {

void Inbox::send(Command command) {
  const bool ends_typing = holds_any_of<Suggest, CancelSuggest, Generate>(command);
  const bool ends_all = holds_any_of<Stop, LoadModel, UnloadModel>(command);
  const std::uint64_t n = holds_any_of<LoadModel, UnloadModel>(command) ? ++n_other_models_ : n_other_models_.load();
  letters_.push({std::move(command), Clock::now(), n});
  if (ends_typing) ++n_end_typing_;
  if (ends_all) ++n_end_all_;
}

void Inbox::settle(PageSettled page) { letters_.push({std::move(page), Clock::now(), n_other_models_.load()}); }

}  // namespace foreword::engine
