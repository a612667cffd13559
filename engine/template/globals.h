#pragma once
// The date as templates print it.

#include <ctime>
#include <string>

namespace foreword::engine::jinja {

/// strftime with English names. Day of the week and of the year are worked out from the date.
std::string format_date(const std::tm& date, const std::string& format);

}  // namespace foreword::engine::jinja
