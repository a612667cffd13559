#pragma once
// What md4c leaves to its caller in a source: entities, and mathematics in TeX's own brackets. Pure.

#include <string>
#include <string_view>

namespace foreword::ui::text {

/// Appends "&amp;" as its character; what is not known stays as it is.
void append_entity(std::string& out, std::string_view entity);

/// The source, of the same length, in which pairs of "\(" "\)" and "\[" "\]" within a paragraph are the "$$" that
/// md4c knows.
std::string with_dollars(std::string_view source);

}  // namespace foreword::ui::text
