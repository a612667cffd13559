#pragma once
// Whether models on the disk fit into memory, for lists of them.

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "engine/fit.h"

namespace foreword::app {

/// Of one file, or a split model's first part. Reads its header, so as slow as the disk. Errors: as of opening the model.
Result<engine::Fit> fit_of(const std::filesystem::path& model, const engine::ModelOptions& options, const engine::MemoryThere& memory);

/// "Needs 5.1 of 7.6 GB", with what follows from it: how many layers the graphics processor takes, how long a context would do.
std::string fit_words(const engine::Fit& fit);

}  // namespace foreword::app
