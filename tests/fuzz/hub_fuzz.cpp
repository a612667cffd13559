// Any bytes as the hub's answers and as what a person or a redirect names: nothing that leads out of a folder or to a host in two readings.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "app/download/choice.h"
#include "app/download/names.h"

namespace {

using namespace foreword::app;

void check_path(const std::string& text) {
  const auto path = safe_path(text);
  if (!path) std::abort();
  for (const auto& part : *path) {
    if (path->is_absolute() || part.empty() || part.native().front() == '.') std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const HubSettings hub{.endpoint = {"https", "huggingface.co", ""}};
  if (const auto repo = read_repo(text)) {
    for (const HubFile& file : repo->files) check_path(file.path);
    const auto models = offered_models(repo->files);
    for (const OfferedModel& model : models) {
      if (model.files.empty() || model.bytes < -1) std::abort();
    }
    if (const auto model = choose_model(models, "o/r", {}, {}); !model && model.error().message.empty()) std::abort();
  }
  if (const auto hits = read_hits(text)) {
    for (const HubHit& hit : *hits) check_path(hit.repo);
  }
  if (const auto target = read_target(text, hub)) {
    if (target->url) check_path(target->name);
    else check_path(target->repo);
    if (!target->file.empty()) check_path(target->file);
  }
  if (const auto url = follow({"https", "host", "/a/b?c"}, text)) {
    const auto again = parse_url(url->text());
    if (!again || again->text() != url->text()) std::abort();
    for (const char c : url->text()) {
      if (c <= 0x20 || c == 0x7F || c == '\\') std::abort();
    }
  }
  return 0;
}
