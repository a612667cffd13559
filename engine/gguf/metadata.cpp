#include <algorithm>

#include "engine/gguf/gguf.h"
#include "engine/gguf/text.h"

namespace foreword::engine {
namespace {

template <class T>
const T* as(const MetaValue& value) {
  return std::get_if<T>(&value.value);
}

/// Turns "nothing" into the error for a missing key.
template <class T>
Result<T> require(Result<std::optional<T>> found, const Error& missing) {
  if (!found) return found.error();
  if (!found->has_value()) return missing;
  return **std::move(found);
}

}  // namespace

Error Metadata::missing(std::string_view key) const {
  return {ErrorCode::corrupt, printable(source_) + " lacks the entry " + printable(key) +
                                  ", which it needs. Use another file of the model."};
}

Error Metadata::wrong_type(std::string_view key, const char* expected) const {
  return {ErrorCode::corrupt, printable(source_) + " has the entry " + printable(key) + " in a wrong form; expected " +
                                  expected + ". Use another file of the model."};
}

const MetaValue* Metadata::find(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

Result<std::optional<std::int64_t>> Metadata::integer(std::string_view key) const {
  const MetaValue* found = find(key);
  if (found == nullptr) return std::optional<std::int64_t>();
  if (const auto* value = as<std::int64_t>(*found)) return std::optional(*value);
  return wrong_type(key, "a whole number");
}

Result<std::optional<double>> Metadata::real(std::string_view key) const {
  const MetaValue* found = find(key);
  if (found == nullptr) return std::optional<double>();
  if (const auto* value = as<double>(*found)) return std::optional(*value);
  if (const auto* value = as<std::int64_t>(*found)) return std::optional(static_cast<double>(*value));
  return wrong_type(key, "a number");
}

Result<std::optional<bool>> Metadata::boolean(std::string_view key) const {
  const MetaValue* found = find(key);
  if (found == nullptr) return std::optional<bool>();
  if (const auto* value = as<bool>(*found)) return std::optional(*value);
  if (const auto* value = as<std::int64_t>(*found); value != nullptr && (*value == 0 || *value == 1)) {
    return std::optional(*value == 1);
  }
  return wrong_type(key, "yes or no");
}

Result<std::optional<std::string>> Metadata::string(std::string_view key) const {
  const MetaValue* found = find(key);
  if (found == nullptr) return std::optional<std::string>();
  if (const auto* value = as<std::string>(*found)) return std::optional(*value);
  return wrong_type(key, "a text");
}

Result<std::optional<std::vector<std::int64_t>>> Metadata::integers(std::string_view key) const {
  using Integers = std::vector<std::int64_t>;
  const MetaValue* found = find(key);
  if (found == nullptr) return std::optional<Integers>();
  if (const auto* value = as<std::int64_t>(*found)) return std::optional(Integers{*value});
  if (const auto* value = as<bool>(*found)) return std::optional(Integers{*value ? 1 : 0});
  if (const auto* values = as<Integers>(*found)) return std::optional(*values);
  if (const auto* flags = as<std::vector<bool>>(*found)) return std::optional(Integers(flags->begin(), flags->end()));
  return wrong_type(key, "whole numbers");
}

Result<std::int64_t> Metadata::require_integer(std::string_view key) const {
  return require(integer(key), missing(key));
}
Result<double> Metadata::require_real(std::string_view key) const { return require(real(key), missing(key)); }
Result<std::string> Metadata::require_string(std::string_view key) const { return require(string(key), missing(key)); }

Result<const std::vector<std::string>*> Metadata::strings(std::string_view key) const {
  const MetaValue* found = find(key);
  if (found == nullptr) return nullptr;
  if (const auto* values = as<std::vector<std::string>>(*found)) return values;
  return wrong_type(key, "a list of texts");
}

Result<std::optional<std::vector<double>>> Metadata::reals(std::string_view key) const {
  using Reals = std::vector<double>;
  const MetaValue* found = find(key);
  if (found == nullptr) return std::optional<Reals>();
  if (const auto* values = as<Reals>(*found)) return std::optional(*values);
  if (const auto* values = as<std::vector<std::int64_t>>(*found)) return std::optional(Reals(values->begin(), values->end()));
  return wrong_type(key, "a list of numbers");
}

Result<const std::vector<std::int64_t>*> Metadata::integer_array(std::string_view key) const {
  const MetaValue* found = find(key);
  if (found == nullptr) return nullptr;
  if (const auto* values = as<std::vector<std::int64_t>>(*found)) return values;
  return wrong_type(key, "a list of whole numbers");
}

}  // namespace foreword::engine
