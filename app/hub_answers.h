#pragma once
// What the hub says to one question, made ready to be shown: a search's repositories, or a repository's models, each with whether it fits.

#include <functional>

#include "app/download/client.h"
#include "app/hub_desk.h"

namespace foreword::app {

/// Asks, and tells once or twice: what there is, then what of it fits, for which the beginning of one model is read. Nothing is told once it is stopped.
void answer_for(Client& client, const HubAsk& ask, const std::function<void(HubAnswer)>& tell);

}  // namespace foreword::app
