#include "engine/inbox.h"

namespace foreword::engine {

void Inbox::send(Command command) {
  const bool ends_typing = holds_any_of<Suggest, CancelSuggest, Generate>(command);
  const bool ends_all = holds_any_of<Stop, LoadModel, UnloadModel>(command);
  if (holds_any_of<LoadModel, UnloadModel>(command)) ++n_other_models_;  // before the letter: its own loading is not the one to end
  letters_.push({std::move(command), Clock::now()});
  if (ends_typing) ++n_end_typing_;
  if (ends_all) ++n_end_all_;
}

void Inbox::settle(PageSettled page) { letters_.push({std::move(page), Clock::now()}); }

}  // namespace foreword::engine
