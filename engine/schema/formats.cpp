#include "engine/schema/formats.h"

#include <algorithm>
#include <iterator>

#include "engine/base/check.h"
#include "engine/schema/regex.h"

namespace foreword::engine {
namespace {

// Years from 1000 to 2999; a 29th of February in leap years only; no leap seconds.
#define DATE                                                                                                                       \
  "(?:[12]\\d{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))|"     \
  "(?:[12]\\d(?:0[48]|[2468][048]|[13579][26])|1[26]00|2[048]00)-02-29)"
#define TIME "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?(?:Z|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)"

// Labels of at most 47 letters, digits and single hyphens, at most five; the last begins with a letter.
#define LABEL_REST "(?:-?[A-Za-z0-9]){0,23}"
#define LABEL "[A-Za-z0-9]" LABEL_REST
#define TOP "[A-Za-z]" LABEL_REST
#define HOST "(?:" LABEL "\\.){0,4}" TOP
#define ATOM "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}"
#define EMAIL ATOM "(?:\\." ATOM "){0,2}@(?:" LABEL "\\.){1,3}" TOP

#define OCTET "(?:\\d|[1-9]\\d|1\\d\\d|2[0-4]\\d|25[0-5])"
#define H16 "[0-9A-Fa-f]{1,4}"
#define IPV6                                                                                                                       \
  "(?:" H16 ":){7}" H16 "|(?:" H16 ":){1,7}:|(?:" H16 ":){1,6}:" H16 "|(?:" H16 ":){1,5}(?::" H16 "){2}|(?:" H16 ":){1,4}(?::" H16 "){3}|" \
  "(?:" H16 ":){1,3}(?::" H16 "){4}|(?:" H16 ":){1,2}(?::" H16 "){5}|" H16 ":(?::" H16 "){6}|:(?::" H16 "){1,7}|::"

// With a scheme and a host, or mailto: and urn:. RFC 3986 has no limits of length for a host.
#define URI_HOST "[A-Za-z0-9]+(?:[.-][A-Za-z0-9]+)*"
#define PATH_CHAR "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
#define TAIL_CHAR "(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})"
#define TAIL "(?:\\?" TAIL_CHAR "*)?(?:#" TAIL_CHAR "*)?"
#define PATH "(?:/" PATH_CHAR "*)*"
#define URI                                                                                                                       \
  "(?:[a-z][a-z0-9+.-]{1,15}://" URI_HOST "(?::[1-9]\\d{0,3})?" PATH TAIL "|mailto:[A-Za-z0-9_-]+(?:\\.[A-Za-z0-9_-]+)*@" URI_HOST "|"  \
  "urn:[a-z][a-z0-9]{1,15}:[A-Za-z0-9._~-](?:[A-Za-z0-9._~:-])*)"
#define RELATIVE "(?:/(?:" PATH_CHAR "+" PATH ")?|[A-Za-z0-9._~-]+" PATH ")?" TAIL

#define POINTER "(?:/(?:[^~/]|~[01])*)*"

constexpr Format kFormats[] = {
    {"date", DATE},
    {"time", TIME},
    {"date-time", DATE "T" TIME},
    {"duration", "P(?:(?:\\d{1,4}Y(?:\\d{1,3}M(?:\\d{1,3}D)?)?|\\d{1,3}M(?:\\d{1,3}D)?|\\d{1,4}D)(?:T(?:\\d{1,3}H(?:\\d{1,3}M(?:\\d{1,3}S)?)?|\\d{1,3}M(?:\\d{1,3}S)?|\\d{1,5}S))?|"
                 "T(?:\\d{1,3}H(?:\\d{1,3}M(?:\\d{1,3}S)?)?|\\d{1,3}M(?:\\d{1,3}S)?|\\d{1,5}S)|\\d{1,3}W)"},
    {"email", EMAIL},
    {"idn-email", EMAIL},
    {"hostname", HOST},
    {"idn-hostname", HOST},
    {"ipv4", OCTET "(?:\\." OCTET "){3}"},
    {"ipv6", IPV6},
    {"uri", URI},
    {"iri", URI},
    {"url", URI},
    {"uri-template", URI},
    {"uri-reference", URI "|" RELATIVE},
    {"iri-reference", URI "|" RELATIVE},
    {"uuid", "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"},
    {"json-pointer", POINTER},
    {"relative-json-pointer", "(?:0|[1-9]\\d{0,8})(?:#|" POINTER ")"},
    {"regex", "(?:[A-Za-z0-9 _,:;-]|\\\\[dwsDWS.])*"},
    {.name = "int8", .least = "-128", .most = "127"},
    {.name = "uint8", .least = "0", .most = "255"},
    {.name = "int16", .least = "-32768", .most = "32767"},
    {.name = "uint16", .least = "0", .most = "65535"},
    {.name = "int32", .least = "-2147483648", .most = "2147483647"},
    {.name = "uint32", .least = "0", .most = "4294967295"},
    {.name = "int64", .least = "-9223372036854775808", .most = "9223372036854775807"},
    {.name = "uint64", .least = "0", .most = "18446744073709551615"},
    {"float"},
    {"double"},
    {"decimal"},
    {"password"},
    {"byte"},
    {"binary"},
    {"textarea"},
    {"markdown"},
    {"html"},
};

#undef DATE
#undef TIME
#undef LABEL_REST
#undef LABEL
#undef TOP
#undef HOST
#undef ATOM
#undef EMAIL
#undef OCTET
#undef H16
#undef IPV6
#undef URI_HOST
#undef PATH_CHAR
#undef TAIL_CHAR
#undef TAIL
#undef PATH
#undef URI
#undef RELATIVE
#undef POINTER

}  // namespace

const Format* find_format(std::string_view name) {
  const auto* row = std::ranges::find(kFormats, name, &Format::name);
  return row == std::end(kFormats) ? nullptr : row;
}

Result<Regular> language_of(const Format& format) {
  check(!format.expression.empty(), "a format of texts");
  FW_ASSIGN(const Expression expression, regex_expression(format.expression));
  return Regular::of(expression);
}

}  // namespace foreword::engine
