#pragma once
// Which of a repository's files are one model, and which model is meant.

#include <cstdint>
#include <string>
#include <vector>

#include "app/download/hub.h"

namespace foreword::app {

struct OfferedModel {
  std::string name;            // of its file, without ".gguf" and the number of a part
  std::string quant;           // "Q4_K_M", "UD-Q4_K_XL", "BF16"; empty: the name does not say
  std::int64_t bytes = 0;      // of all files; -1: unknown
  std::vector<HubFile> files;  // a split model's in their order
};

/// The language models among these files, by size: no projectors, no importance matrices, no split model with a part missing.
std::vector<OfferedModel> offered_models(const std::vector<HubFile>& files);

/// The quantisation that a file's name tells; empty: none.
std::string quant_of(std::string_view path);

/// By `file` if that is named, by `quant` if that is, else the usual one: the first row of the table in choice.cpp that is there, else the
/// smallest. `repo` is for sentences. `not_found`: with what there is; `invalid_argument`: several have this quantisation.
Result<OfferedModel> choose_model(const std::vector<OfferedModel>& models, const std::string& repo, const std::string& quant, const std::string& file);

}  // namespace foreword::app
