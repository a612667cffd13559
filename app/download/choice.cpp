#include "app/download/choice.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <utility>

#include "app/download/split_name.h"

namespace foreword::app {
namespace {

/// What is taken where nobody names a quantisation: about 4.5 to 5 bits a weight, which cost little; then more bits, then fewer, then none saved.
constexpr std::array<std::string_view, 30> kUsual{
    "Q4_K_M",  "UD-Q4_K_XL", "Q4_K_L",  "MXFP4",      "Q4_K_S", "Q4_K",   "IQ4_NL", "IQ4_XS", "Q4_1",    "Q4_0",
    "Q5_K_M",  "UD-Q5_K_XL", "Q5_K_S",  "Q5_K",       "Q5_1",   "Q5_0",   "Q6_K",   "Q6_K_L", "Q8_0",    "UD-Q3_K_XL",
    "Q3_K_L",  "Q3_K_M",     "IQ3_M",   "Q3_K_S",     "Q2_K",   "BF16",   "F16",    "FP16",   "F32",     "FP32"};

/// Words in names of files that are part of no language model by itself.
constexpr std::array<std::string_view, 2> kOther{"mmproj", "imatrix"};

constexpr std::array<std::string_view, 6> kWhole{"BF16", "F16", "FP16", "F32", "FP32", "MXFP4_MOE"};

std::string raised(std::string_view text) {
  std::string large(text);
  std::ranges::transform(large, large.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return large;
}

std::string base_of(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

std::string stem_of(std::string_view path) {
  const std::string name = base_of(path);
  const auto part = split_name(name);
  return part ? part->before : name.substr(0, name.size() - std::min(name.size(), std::string_view(".gguf").size()));
}

/// "Q4_K_M", "IQ3_XXS", "TQ1_0", "MXFP4", "BF16"; in capitals.
bool is_quant(std::string_view word) {
  if (std::ranges::find(kWhole, word) != kWhole.end() || word == "MXFP4") return true;
  for (const std::string_view begin : {"Q", "IQ", "TQ"}) {
    if (!word.starts_with(begin) || word.size() <= begin.size()) continue;
    const std::string_view rest = word.substr(begin.size());
    if (rest[0] < '1' || rest[0] > '8' || (rest.size() > 1 && rest[1] != '_')) continue;
    return std::ranges::all_of(rest, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
  }
  return false;
}

bool is_language_model(const std::string& path) {
  const std::string name = raised(base_of(path));
  return std::ranges::none_of(kOther, [&](std::string_view word) { return name.find(raised(word)) != name.npos; });
}

std::string listed(const std::vector<OfferedModel>& models) {
  constexpr std::size_t kMost = 12;
  std::string text;
  for (std::size_t i = 0; i < std::min(models.size(), kMost); ++i) text += (i > 0 ? ", " : "") + (models[i].quant.empty() ? models[i].name : models[i].quant);
  return text + (models.size() > kMost ? " and more" : "");
}

std::vector<const OfferedModel*> with_quant(const std::vector<OfferedModel>& models, std::string_view quant) {
  std::vector<const OfferedModel*> found;
  for (const OfferedModel& model : models) {
    if (model.quant == quant) found.push_back(&model);
  }
  return found;
}

Result<OfferedModel> only_one(const std::vector<const OfferedModel*>& found, const std::string& repo) {
  if (found.size() == 1) return *found[0];
  const std::string two = found[0]->files[0].path + " and " + found[1]->files[0].path;
  return Error{ErrorCode::invalid_argument, repo + " has several models in " + found[0]->quant + ", such as " + two + "; name one by its file."};
}

}  // namespace

std::string quant_of(std::string_view path) {
  // The name's last word that is one; else the folder's.
  for (std::string text : {stem_of(path), std::string(path.substr(0, path.rfind('/') == path.npos ? 0 : path.rfind('/')))}) {
    text = raised(text);
    for (std::size_t end = text.size(); end > 0;) {
      const std::size_t sign = text.find_last_of("-./ ", end - 1), begin = sign == text.npos ? 0 : sign + 1;
      const std::string word = text.substr(begin, end - begin);
      if (is_quant(word)) return std::string_view(text).substr(0, begin).ends_with("UD-") ? "UD-" + word : word;
      end = begin == 0 ? 0 : begin - 1;
    }
  }
  return {};
}

std::vector<OfferedModel> offered_models(const std::vector<HubFile>& files) {
  std::vector<OfferedModel> models;
  std::map<std::pair<std::string, int>, std::map<int, HubFile>> splits;  // by path up to the number and count
  for (const HubFile& file : files) {
    if (!is_language_model(file.path)) continue;
    if (const auto part = split_name(file.path)) splits[{part->before, part->count}].emplace(part->number, file);
    else models.push_back({stem_of(file.path), quant_of(file.path), file.bytes, {file}});
  }
  for (auto& [key, parts] : splits) {
    if (static_cast<int>(parts.size()) != key.second || parts.begin()->first != 1 || parts.rbegin()->first != key.second) continue;
    OfferedModel model{base_of(key.first), quant_of(parts[1].path), 0, {}};
    for (auto& [number, file] : parts) {
      model.bytes = model.bytes < 0 || file.bytes < 0 || file.bytes > INT64_MAX - model.bytes ? -1 : model.bytes + file.bytes;
      model.files.push_back(std::move(file));
    }
    models.push_back(std::move(model));
  }
  std::ranges::stable_sort(models, {}, [](const OfferedModel& model) { return std::pair(model.bytes, model.name); });
  return models;
}

Result<OfferedModel> choose_model(const std::vector<OfferedModel>& models, const std::string& repo, const std::string& quant, const std::string& file) {
  if (!file.empty()) {
    for (const OfferedModel& model : models) {
      if (std::ranges::any_of(model.files, [&](const HubFile& one) { return one.path == file || base_of(one.path) == file; }) || model.name == file) return model;
    }
    return Error{ErrorCode::not_found, repo + " has no model in a file " + file + (models.empty() ? "." : "; it has " + listed(models) + ".")};
  }
  if (models.empty()) return Error{ErrorCode::not_found, repo + " has no language model in GGUF; look for a repository of the same model with GGUF in its name."};
  if (!quant.empty()) {
    const std::string wanted = raised(quant);
    for (const std::string& name : {wanted, "UD-" + wanted}) {
      if (const auto found = with_quant(models, name); !found.empty()) return only_one(found, repo);
    }
    return Error{ErrorCode::not_found, repo + " has no " + quant + "; it has " + listed(models) + "."};
  }
  for (const std::string_view usual : kUsual) {
    if (const auto found = with_quant(models, usual); !found.empty()) return only_one(found, repo);
  }
  return models.front();
}

}  // namespace foreword::app
