#include "app/model_fit.h"

#include <array>
#include <cstdio>

#include "engine/gguf/gguf.h"

namespace foreword::app {
namespace {

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}

/// "84 MB of 7.6 GB", "5.1 of 7.6 GB".
std::string share_words(std::int64_t part, std::int64_t whole) {
  const auto number = [](const char* format, double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), format, value);
    return std::string(text.data());
  };
  const auto words = [&](std::int64_t bytes) { return bytes < 995'000'000 ? number("%.0f MB", static_cast<double>(bytes) / 1e6) : number("%.1f GB", static_cast<double>(bytes) / 1e9); };
  std::string of = words(part);
  if (whole <= 0) return of;
  const std::string all = words(whole);
  if (of.substr(of.size() - 2) == all.substr(all.size() - 2)) of.erase(of.size() - 3);
  return of + " of " + all;
}

}  // namespace

Result<engine::Fit> fit_of(const std::filesystem::path& model, const engine::ModelOptions& options, const engine::MemoryThere& memory) {
  FW_ASSIGN(const engine::GgufFile file, engine::GgufFile::open(model));
  return engine::judge_fit(file, options, memory);
}

std::string fit_words(const engine::Fit& fit) {
  std::string words = "Needs " + share_words(fit.needed, fit.free);
  if (fit.verdict == engine::FitVerdict::partly) {
    words += fit.layers == 0 ? ", too much for the graphics memory" : ", " + std::to_string(fit.layers) + " of " + std::to_string(fit.n_layers) + " layers in graphics memory";
  }
  if (fit.verdict == engine::FitVerdict::too_large && fit.largest_context > 0) words += ", fits with a context of " + grouped(fit.largest_context) + " tokens";
  return words;
}

}  // namespace foreword::app
