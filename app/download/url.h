#pragma once
// Addresses of the web, read as narrowly as they are used: what two programs could read in two ways is refused, so that nothing meant for one
// host reaches another.

#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace foreword::app {

struct Url {
  std::string scheme;  // "http", "https"
  std::string host;    // in small letters; with ":PORT" where that is not the scheme's own
  std::string rest;    // "/path?query", in printable ASCII

  /// Whom a secret may be told that was given for one of its pages.
  std::string origin() const { return scheme + "://" + host; }
  std::string text() const { return origin() + rest; }
  std::string path() const { return rest.substr(0, rest.find('?')); }
  /// Without its port.
  std::string host_name() const;
};

/// `invalid_argument`: no http or https, a user's name in it, a host of other signs than letters, digits, "-", "." and an IPv6 address in
/// brackets. What follows "#" is left out.
Result<Url> parse_url(std::string_view text);
/// Where `location`, a redirect's, leads from here: another address, or another page of the same.
Result<Url> follow(const Url& from, std::string_view location);

/// Of a path or a word: what is not a letter, a digit, "-", "_", ".", "~" becomes %XX; "/" stays if `path`.
std::string percent_encoded(std::string_view text, bool path = false);
/// The other way round; %XX that is none stays.
std::string percent_decoded(std::string_view text);

}  // namespace foreword::app
