#include "app/report.h"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "app/terminal.h"

namespace foreword::app {

using Json = nlohmann::ordered_json;

struct Report::Impl {
  Json json = Json::object();
};

Report::Report() : impl_(std::make_unique<Impl>()) {}
Report::Report(const Report& other) : impl_(std::make_unique<Impl>(*other.impl_)) {}
Report::Report(Report&&) noexcept = default;
Report& Report::operator=(Report other) noexcept {
  impl_ = std::move(other.impl_);
  return *this;
}
Report::~Report() = default;

namespace {

template <class Impl, class Value>
void put(Impl& impl, std::string_view key, const Value& value) {
  impl.json[std::string(key)] = value;
}

}  // namespace

Report& Report::set(std::string_view key, std::string_view value) { return put(*impl_, key, std::string(value)), *this; }
Report& Report::set(std::string_view key, std::int64_t value) { return put(*impl_, key, value), *this; }
Report& Report::set(std::string_view key, double value) {
  if (!std::isfinite(value)) return set_null(key);
  return put(*impl_, key, value), *this;
}
Report& Report::set(std::string_view key, bool value) { return put(*impl_, key, value), *this; }
Report& Report::set(std::string_view key, const std::vector<std::int32_t>& v) { return put(*impl_, key, v), *this; }
Report& Report::set(std::string_view key, const std::vector<std::int64_t>& v) { return put(*impl_, key, v), *this; }
Report& Report::set(std::string_view key, const std::vector<double>& v) { return put(*impl_, key, v), *this; }
Report& Report::set(std::string_view key, const std::vector<std::string>& v) { return put(*impl_, key, v), *this; }
Report& Report::set(std::string_view key, const Report& value) { return put(*impl_, key, value.impl_->json), *this; }
Report& Report::set(std::string_view key, const std::vector<Report>& values) {
  Json list = Json::array();
  for (const Report& value : values) list.push_back(value.impl_->json);
  return put(*impl_, key, list), *this;
}
Report& Report::set_null(std::string_view key) { return put(*impl_, key, nullptr), *this; }

std::string Report::to_json() const {
  return impl_->json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void Report::print() const {
  print_text(stdout, to_json() + "\n");
}

}  // namespace foreword::app
