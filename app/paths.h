#pragma once
// Where files live, by the XDG Base Directory Specification. Nothing is created here.

#include <filesystem>

namespace foreword::app {

struct Paths {
  std::filesystem::path data;    // database, models
  std::filesystem::path config;  // settings
  std::filesystem::path cache;   // may be deleted at any time
  std::filesystem::path state;   // what the window looked like, what was asked of the internet

  std::filesystem::path database() const { return data / "foreword.db"; }
  std::filesystem::path models() const { return data / "models"; }
  std::filesystem::path prefixes() const { return cache / "prefixes"; }
  std::filesystem::path server_key() const { return config / "server-key"; }
  std::filesystem::path kv_book() const { return cache / "kv-costs.json"; }
  std::filesystem::path window() const { return state / "window"; }
  std::filesystem::path network() const { return state / "network.jsonl"; }
};

/// `data_dir` (--data-dir) moves everything below one folder; empty = the user's own folders. Relative XDG values are
/// ignored, as the specification asks.
Paths find_paths(const std::filesystem::path& data_dir);

}  // namespace foreword::app
