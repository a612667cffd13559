#include "app/hub_answers.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "app/download/hub_client.h"

namespace foreword::app {
namespace {

constexpr int kMostFinds = 30;
constexpr std::size_t kMostHead = 32 << 20;  // bytes; vocabularies of 260,000 tokens take some 10 MB

/// A file of which only the beginning is there; the rest reads as zeros and costs no memory.
class HollowFile {
 public:
  HollowFile(std::string_view head, std::size_t bytes) : bytes_(bytes) {
    void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) return;
    at_ = at;
    std::memcpy(at_, head.data(), std::min(head.size(), bytes));
  }
  ~HollowFile() {
    if (at_ != nullptr) ::munmap(at_, bytes_);
  }
  HollowFile(const HollowFile&) = delete;
  HollowFile& operator=(const HollowFile&) = delete;

  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(at_), at_ == nullptr ? 0 : bytes_}; }

 private:
  void* at_ = nullptr;
  std::size_t bytes_;
};

/// The models, judged by the header of the first one, which the others share but for their bits.
void judge(Client& client, const Offer& offer, const HubAsk& ask, HubAnswer& answer) {
  const auto readable = [](const OfferedModel& model) { return model.files.size() == 1 && model.bytes > 0; };
  const auto one = std::ranges::find_if(offer.models, readable);
  if (one == offer.models.end()) return;
  std::unique_ptr<HollowFile> hollow;
  const auto parse = [&](std::string_view head) {
    hollow = std::make_unique<HollowFile>(head, static_cast<std::size_t>(one->bytes));
    return engine::GgufFile::parse(hollow->bytes(), one->name);
  };
  // More is read as long as it may be a beginning: not if it is nothing that we read, or there is no room for the whole to be mapped.
  const auto enough = [&](std::string_view bytes) {
    const auto parsed = parse(bytes);
    return parsed || parsed.error().code != ErrorCode::corrupt || hollow->bytes().empty();
  };
  const HubFile& file = one->files.front();
  const auto head = fetch_head(client, url_in(client, offer, file), subject_in(client, offer, file), enough, kMostHead);
  if (!head) return;
  const auto header = parse(*head);
  for (std::size_t i = 0; header && i < answer.models.size(); ++i) {
    if (answer.models[i].bytes <= 0) continue;
    if (const auto fit = engine::judge_fit(*header, ask.options, *ask.memory, answer.models[i].bytes)) answer.models[i].fit = *fit;
  }
}

HubAnswer failed(const Error& error, std::string about) { return {.about = std::move(about), .problem = error.message}; }

void answer_with_models(Client& client, const Target& target, const HubAsk& ask, const std::function<void(HubAnswer)>& tell) {
  HubAnswer answer{.about = target.repo};
  if (target.url) {
    answer.about = target.url->host;
    answer.models.push_back({.target = ask.text, .name = target.name});
    return tell(answer);
  }
  auto offer = offer_of(client, target);
  if (!offer) return tell(failed(offer.error(), target.repo));
  if (!target.file.empty() || !target.quant.empty()) {
    const auto chosen = choose_model(offer->models, target.repo, target.quant, target.file);
    if (!chosen) return tell(failed(chosen.error(), target.repo));
    offer->models = {*chosen};
  }
  for (const OfferedModel& model : offer->models) {
    const std::string revision = offer->revision.empty() ? target.revision : offer->revision;
    answer.models.push_back({.target = file_url(client.settings(), target.repo, revision, model.files.front().path).text(), .name = model.name, .quant = model.quant, .bytes = model.bytes});
  }
  if (answer.models.empty()) answer.problem = target.repo + " has no language model in GGUF; look for a repository with GGUF in its name.";
  answer.last = !ask.memory || answer.models.empty();
  tell(answer);
  if (answer.last) return;
  answer.last = true;
  judge(client, *offer, ask, answer);
  tell(answer);
}

}  // namespace

void answer_for(Client& client, const HubAsk& ask, const std::function<void(HubAnswer)>& tell) {
  const auto target = read_target(ask.text, client.settings());
  if (target) return answer_with_models(client, *target, ask, tell);
  // What looks like a name or an address is not looked for as words.
  if (ask.text.find('/') != ask.text.npos && ask.text.find(' ') == ask.text.npos) return tell(failed(target.error(), {}));
  const auto hits = search_hub(client, ask.text, kMostFinds);
  if (!hits) return tell(failed(hits.error(), {}));
  HubAnswer answer;
  for (const HubHit& hit : *hits) answer.finds.push_back({hit.repo, hit.downloads, hit.gated});
  if (answer.finds.empty()) answer.problem = "Hugging Face has no GGUF models by these words; try fewer of them.";
  tell(answer);
}

}  // namespace foreword::app
