#include "engine/gguf/gguf.h"

#include <cstdio>
#include <system_error>

#include "engine/base/check.h"
#include "engine/gguf/mapping.h"
#include "engine/gguf/parser.h"
#include "engine/gguf/text.h"

namespace foreword::engine {
namespace {

namespace fs = std::filesystem;

/// Where a part stands in its model, by its metadata. An unsplit file is part 0 of 1.
struct Place {
  std::int64_t index = 0;
  std::int64_t n_parts = 1;
};

Result<Place> place_in_model(const Metadata& metadata, std::string_view name) {
  FW_ASSIGN(const auto count, metadata.integer("split.count"));
  if (count.value_or(1) == 1 || *count == 0) return Place{};
  FW_ASSIGN(const std::int64_t index, metadata.require_integer("split.no"));
  if (*count < 0 || *count > 65535 || index < 0 || index >= *count) {
    return damaged(name, "it claims to be part " + std::to_string(index) + " of " + std::to_string(*count));
  }
  return Place{index, *count};
}

/// "-00002-of-00003.gguf" for index 1.
std::string part_suffix(std::int64_t index, std::int64_t n_parts) {
  char text[64];
  std::snprintf(text, sizeof text, "-%05lld-of-%05lld.gguf", static_cast<long long>(index + 1),
                static_cast<long long>(n_parts));
  return text;
}

/// The paths of all parts, beside `path`, which is the one at `place`.
Result<std::vector<fs::path>> paths_of_parts(const fs::path& path, const Place& place) {
  const std::string name = path.filename().string();
  const std::string suffix = part_suffix(place.index, place.n_parts);
  if (!name.ends_with(suffix)) {
    return Error{ErrorCode::not_found, printable(name) + " is one part of a model in " + std::to_string(place.n_parts) +
                                           " files; give it back its name, which ends in " + suffix +
                                           ", so that the others can be found."};
  }
  const std::string prefix = name.substr(0, name.size() - suffix.size());
  std::vector<fs::path> paths;
  for (std::int64_t i = 0; i < place.n_parts; ++i) {
    paths.push_back(path.parent_path() / (prefix + part_suffix(i, place.n_parts)));
  }
  return paths;
}

/// The end of the name of a split model's part.
constexpr std::size_t kPartSuffix = std::string_view("-00001-of-00003.gguf").size();

struct OpenPart {
  std::shared_ptr<const FileMapping> mapping;
  GgufPart content;
  Place place;
};

Result<OpenPart> open_part(const fs::path& path) {
  const std::string name = path.filename().string();
  OpenPart part;
  FW_ASSIGN(part.mapping, FileMapping::open(path));
  FW_ASSIGN(part.content, parse_part(part.mapping->bytes(), name));
  FW_ASSIGN(part.place, place_in_model(part.content.metadata, name));
  return part;
}

}  // namespace

bool is_of_model(const fs::path& out, const fs::path& in, int n_parts) {
  std::error_code code;
  if (fs::equivalent(in, out, code)) return true;
  const std::string a = in.filename().string(), b = out.filename().string();
  if (n_parts == 1 || a.size() != b.size() || a.size() < kPartSuffix || !fs::exists(out, code)) return false;
  const fs::path folder = in.has_parent_path() ? in.parent_path() : ".", other = out.has_parent_path() ? out.parent_path() : ".";
  return a.substr(0, a.size() - kPartSuffix) == b.substr(0, b.size() - kPartSuffix) && fs::equivalent(folder, other, code);
}

std::int64_t TensorInfo::n_values() const {
  std::int64_t n = 1;
  for (const std::int64_t length : shape) n *= length;
  return n;
}

Result<void> GgufFile::add_part(std::span<const std::byte> bytes, std::vector<TensorInfo> tensors) {
  const int part = n_parts();
  parts_.push_back(bytes);
  for (TensorInfo& tensor : tensors) {
    tensor.part = part;
    if (!by_name_.emplace(tensor.name, tensors_.size()).second) {
      return damaged(name_, "the tensor " + printable(tensor.name) + " appears in two of its parts");
    }
    tensors_.push_back(std::move(tensor));
  }
  return {};
}

Result<GgufFile> GgufFile::parse(std::span<const std::byte> bytes, std::string name) {
  FW_ASSIGN(GgufPart part, parse_part(bytes, name));
  FW_ASSIGN(const Place place, place_in_model(part.metadata, name));
  if (place.n_parts != 1) {
    return Error{ErrorCode::unsupported, printable(name) + " is one part of a model in " +
                                             std::to_string(place.n_parts) + " files; open it from its folder."};
  }
  GgufFile file;
  file.name_ = std::move(name);
  file.version_ = part.version;
  file.metadata_ = std::move(part.metadata);
  file.raw_metadata_ = std::move(part.raw_metadata);
  FW_TRY(file.add_part(bytes, std::move(part.tensors)));
  return file;
}

Result<GgufFile> GgufFile::open(const fs::path& path) {
  FW_ASSIGN(OpenPart chosen, open_part(path));
  const Place place = chosen.place;
  std::vector<fs::path> paths = {path};
  if (place.n_parts > 1) {
    FW_ASSIGN(paths, paths_of_parts(path, place));
  }

  GgufFile file;
  std::optional<std::int64_t> n_tensors;
  for (std::int64_t i = 0; i < place.n_parts; ++i) {
    const fs::path& part_path = paths[static_cast<std::size_t>(i)];
    Result<OpenPart> opened = i == place.index ? Result<OpenPart>(std::move(chosen)) : open_part(part_path);
    if (!opened && opened.error().code == ErrorCode::not_found) {
      return Error{ErrorCode::not_found, printable(part_path.filename().string()) + " is missing; put all " +
                                             std::to_string(place.n_parts) + " parts of the model into one folder."};
    }
    FW_ASSIGN(OpenPart part, std::move(opened));
    if (part.place.index != i || part.place.n_parts != place.n_parts) {
      return damaged(part_path.filename().string(), "by its content it is part " +
                                                        std::to_string(part.place.index + 1) + " of " +
                                                        std::to_string(part.place.n_parts));
    }
    if (i == 0) {
      FW_ASSIGN(n_tensors, part.content.metadata.integer("split.tensors.count"));
      file.name_ = part_path.filename().string();
      file.version_ = part.content.version;
      file.metadata_ = std::move(part.content.metadata);
      file.raw_metadata_ = std::move(part.content.raw_metadata);
    }
    FW_TRY(file.add_part(part.mapping->bytes(), std::move(part.content.tensors)));
    file.mappings_.push_back(std::move(part.mapping));
  }
  if (place.n_parts > 1 && n_tensors && *n_tensors != static_cast<std::int64_t>(file.tensors_.size())) {
    return damaged(file.name_, "its parts hold " + std::to_string(file.tensors_.size()) + " tensors instead of " +
                                   std::to_string(*n_tensors));
  }
  return file;
}

const TensorInfo* GgufFile::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

std::span<const std::byte> GgufFile::data(const TensorInfo& tensor) const {
  check(tensor.part >= 0 && tensor.part < n_parts(), "a tensor of this file");
  const std::span<const std::byte> bytes = part(tensor.part);
  check(tensor.offset <= bytes.size() && tensor.bytes <= bytes.size() - tensor.offset, "a tensor of this file");
  return bytes.subspan(tensor.offset, tensor.bytes);
}

void GgufFile::release_pages() const {
  for (const auto& mapping : mappings_) mapping->release_pages();
}

std::uint64_t GgufFile::total_bytes() const {
  std::uint64_t total = 0;
  for (const std::span<const std::byte> bytes : parts_) total += bytes.size();
  return total;
}

}  // namespace foreword::engine
