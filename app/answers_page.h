#pragma once
// The instructions and numbers of a chat as the window shows them. Pure.

#include "app/chat_sampling.h"
#include "ui/view_state.h"

namespace foreword::app {

/// `usual`: without what was chosen for the chat; `named`: by the command line, which counts more.
std::vector<ui::SamplingRow> sampling_page(const Drawing& usual, std::span<const engine::SamplerParam* const> named, const ChatSampling& chosen);

}  // namespace foreword::app
