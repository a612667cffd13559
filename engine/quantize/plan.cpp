#include "engine/quantize/plan.h"

#include <algorithm>
#include <cstddef>

#include "engine/base/check.h"
#include "engine/quantize/encode.h"

namespace foreword::engine {
namespace {

using gpu::Format;

/// What names of small and sensitive matrices hold.
constexpr std::string_view kSensitive[] = {"_norm.", "ffn_gate_inp", "position_embd", "token_types", "rope_", "ssm_conv1d"};

constexpr std::string_view kOutput = "output.weight", kEmbedding = "token_embd.weight";

/// ggml's enumeration of file types; for K formats the one without a mix of its own.
struct FileType {
  Format format;
  std::uint32_t number;
};
constexpr FileType kFileTypes[] = {
    {Format::f32, 0},  {Format::f16, 1},  {Format::q4_0, 2},  {Format::q8_0, 7},  {Format::q5_0, 8},
    {Format::q5_1, 9}, {Format::q4_k, 14}, {Format::q5_k, 16}, {Format::q6_k, 18}, {Format::bf16, 32},
};

bool is_plain_float(Format format) { return format == Format::f32 || format == Format::f16 || format == Format::bf16; }

bool is_matrix(const TensorInfo& tensor) {
  return tensor.shape.size() >= 2 && tensor.name.ends_with(".weight") && gpu::info(tensor.format).decode != nullptr;
}

bool is_sensitive(const TensorInfo& tensor) {
  return std::ranges::any_of(kSensitive, [&](std::string_view part) { return tensor.name.find(part) != std::string::npos; });
}

bool applies(const TensorRule& rule, const TensorInfo& tensor) {
  if (!is_matrix(tensor)) return false;
  return rule.pattern == tensor.name || (!is_sensitive(tensor) && fits_pattern(rule.pattern, tensor.name));
}

Format standard_format(const GgufFile& file, const TensorInfo& tensor, Format wanted) {
  const std::string_view output = file.find(kOutput) != nullptr ? kOutput : kEmbedding;
  const bool four_bits = wanted == Format::q4_0 || wanted == Format::q4_k;
  return four_bits && tensor.name == output ? Format::q6_k : wanted;
}

}  // namespace

bool fits_pattern(std::string_view pattern, std::string_view name) {
  // Only the last * ever needs another try: whatever an earlier one could take, this one can take as well.
  std::size_t at = 0, in_name = 0, star = std::string_view::npos, retry = 0;
  while (in_name < name.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      retry = in_name;
    } else if (at < pattern.size() && pattern[at] == name[in_name]) {
      ++at;
      ++in_name;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      in_name = ++retry;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

std::uint32_t file_type_of(Format format) {
  const auto* row = std::ranges::find(kFileTypes, format, &FileType::format);
  check(row != std::end(kFileTypes), "a format that can be encoded");
  return row->number;
}

Result<std::vector<Format>> plan_formats(const GgufFile& file, Format wanted, std::span<const TensorRule> rules) {
  for (const TensorRule& rule : rules) {
    if (std::ranges::any_of(file.tensors(), [&](const TensorInfo& tensor) { return applies(rule, tensor); })) continue;
    const bool exists = file.find(rule.pattern) != nullptr;
    return Error{ErrorCode::not_found, file.name() + (exists ? ": The tensor " : " has no matrix named ") + rule.pattern +
                                           (exists ? " is no matrix and keeps its format." :
                                                     "; `foreword inspect` lists the names.")};
  }
  std::vector<Format> formats;
  for (const TensorInfo& tensor : file.tensors()) {
    const auto rule = std::find_if(rules.rbegin(), rules.rend(), [&](const TensorRule& r) { return applies(r, tensor); });
    if (rule != rules.rend()) {
      formats.push_back(format_for_row(rule->format, tensor.shape[0]));
    } else if (is_matrix(tensor) && !is_sensitive(tensor)) {
      formats.push_back(format_for_row(standard_format(file, tensor, wanted), tensor.shape[0]));
    } else {
      formats.push_back(is_plain_float(tensor.format) ? Format::f32 : tensor.format);
    }
  }
  return formats;
}

}  // namespace foreword::engine
