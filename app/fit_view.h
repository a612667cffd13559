#pragma once
// Whether a model fits, as the window shows it.

#include "app/model_fit.h"
#include "ui/view_state.h"

namespace foreword::app {

inline ui::ModelFit fit_view(const engine::Fit& fit) {
  constexpr ui::FitLevel kLevels[] = {ui::FitLevel::fits, ui::FitLevel::slow, ui::FitLevel::too_large};
  return {kLevels[static_cast<std::size_t>(fit.verdict)], fit_words(fit), fit.needed};
}

}  // namespace foreword::app
