#pragma once
// What was measured of models (engine/kv/kv_book.h), in one small JSON file that may be deleted at any time. No thread may use one book
// while another does.

#include <filesystem>
#include <memory>

#include "app/paths.h"
#include "engine/kv/kv_book.h"
#include "engine/session.h"

namespace foreword::app {

/// Reads the file now; one that is missing or odd counts as empty. What is learnt is written at once, to a fresh file that takes
/// the old one's place; a disk that refuses costs only the memory of it.
std::shared_ptr<engine::KvBook> open_kv_book(const std::filesystem::path& file);

/// The user's own, and options that use it: for who stays open long enough to measure a model in idle moments.
engine::ModelOptions with_kv_book(engine::ModelOptions options, const Paths& paths);

}  // namespace foreword::app
