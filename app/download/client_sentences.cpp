// What a person is told where an answer is none.

#include <array>

#include "app/download/client.h"

namespace foreword::app {
namespace {

/// Words in braces: {what}, {host}, {page}, {status}, {reason}.
struct HubRow {
  std::string_view error;  // X-Error-Code
  ErrorCode code;
  const char* without_token;
  const char* with_token;
};
constexpr HubRow kHubRows[] = {
    {"GatedRepo", ErrorCode::unsupported, "{what} is given only to who accepts its licence: open {page} and accept it, then name a token of your account in HF_TOKEN.",
     "{what} is given only to who accepts its licence: open {page} and accept it with the account whose token is in use."},
    {"RepoNotFound", ErrorCode::not_found, "The hub has no {what}, or shows it only to its members; check the name, or name a token of your account in HF_TOKEN.",
     "The hub has no {what}, or does not show it to the account whose token is in use; check the name."},
    {"RevisionNotFound", ErrorCode::not_found, "{what} has no such revision; see {page}.", "{what} has no such revision; see {page}."},
    {"EntryNotFound", ErrorCode::not_found, "The hub has no {what} any more; see {page}.", "The hub has no {what} any more; see {page}."},
    {"DisabledRepo", ErrorCode::not_found, "The hub has closed {what}; see {page}.", "The hub has closed {what}; see {page}."},
};

struct StatusRow {
  int status;
  ErrorCode code;
  const char* on_hub;
  const char* elsewhere;
};
constexpr StatusRow kStatusRows[] = {
    {401, ErrorCode::unsupported, "{host} does not give {what} to whoever asks: see {page}, and check the token in HF_TOKEN or the hub's token file.",
     "{host} does not give {what} to whoever asks; download it there with your browser."},
    {403, ErrorCode::unsupported, "{host} does not give {what} to this account: see {page}, accept its licence there if it has one, and name a token in HF_TOKEN.",
     "{host} does not give {what} to whoever asks; download it there with your browser."},
    {404, ErrorCode::not_found, "{host} has no {what}; check the name.", "{host} has no {what}; check the address."},
    {429, ErrorCode::io, "{host} has been asked too often from this network; try again in some minutes.",
     "{host} has been asked too often from this network; try again in some minutes."},
};

struct EndRow {
  WebEnd end;
  const char* sentence;
};
constexpr EndRow kEndRows[] = {
    {WebEnd::unreachable, "{host} cannot be reached ({reason}); check the connection and try again."},
    {WebEnd::broken, "The connection to {host} broke off again and again ({reason}); try again."},
    {WebEnd::silent, "{host} does not answer ({reason}); check the connection and try again."},
    {WebEnd::untrusted, "The certificate of {host} cannot be checked ({reason}); where the network has one of its own, SSL_CERT_FILE names it."},
    {WebEnd::unusable, "What {host} answers cannot be used ({reason}); check the address."},
};

std::string filled(std::string_view form, const WebAnswer& answer, const WebSubject& subject) {
  const std::array<std::pair<std::string_view, std::string>, 5> words{{
      {"{what}", subject.what},
      {"{host}", answer.at.host},
      {"{page}", subject.page},
      {"{status}", std::to_string(answer.status)},
      {"{reason}", answer.outcome.reason.substr(0, 200)},
  }};
  std::string text;
  while (!form.empty()) {
    const std::string_view rest = form;
    for (const auto& [name, word] : words) {
      if (!form.starts_with(name)) continue;
      text += word;
      form.remove_prefix(name.size());
      break;
    }
    if (form.size() != rest.size()) continue;
    text += form.front();
    form.remove_prefix(1);
  }
  return text;
}

}  // namespace

Error sentence_for(const WebAnswer& answer, const WebSubject& subject, bool has_token) {
  const bool on_hub = !subject.page.empty() && !answer.elsewhere;
  for (const EndRow& row : kEndRows) {
    if (row.end == answer.outcome.end) return {ErrorCode::io, filled(row.sentence, answer, subject)};
  }
  for (const HubRow& row : kHubRows) {
    if (on_hub && answer.header("x-error-code") == row.error) return {row.code, filled(has_token ? row.with_token : row.without_token, answer, subject)};
  }
  for (const StatusRow& row : kStatusRows) {
    if (row.status == answer.status) return {row.code, filled(on_hub ? row.on_hub : row.elsewhere, answer, subject)};
  }
  if (answer.status == 200 || answer.status == 206) return {ErrorCode::io, filled("{host} sends too little of {what} again and again; try again later.", answer, subject)};
  return {ErrorCode::io, filled("{host} does not give {what} (it answers {status}); try again later.", answer, subject)};
}

Error stopped_error() { return {ErrorCode::cancelled, "The download was stopped."}; }

}  // namespace foreword::app
