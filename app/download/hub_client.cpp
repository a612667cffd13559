#include "app/download/hub_client.h"

namespace foreword::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostListBytes = 16 << 20;

}  // namespace

Result<Offer> offer_of(Client& client, const Target& target) {
  const HubSettings& settings = client.settings();
  FW_ASSIGN(const std::string json, client.text(repo_url(settings, target.repo, target.revision), kMostListBytes, {target.repo, page_of(settings, target.repo), "Looking at " + target.repo}));
  FW_ASSIGN(HubRepo repo, read_repo(json));
  return Offer{target.repo, repo.commit.empty() ? target.revision : repo.commit, offered_models(repo.files)};
}

Result<std::vector<HubHit>> search_hub(Client& client, const std::string& words, int most) {
  const HubSettings& settings = client.settings();
  FW_ASSIGN(const std::string json, client.text(search_url(settings, words, most), kMostListBytes, {"list of repositories", settings.endpoint.text(), "Searching for models"}));
  return read_hits(json);
}

Url url_in(const Client& client, const Offer& offer, const HubFile& file) { return file_url(client.settings(), offer.repo, offer.revision, file.path); }

WebSubject subject_in(const Client& client, const Offer& offer, const HubFile& file) {
  const std::string what = file.path + " of " + offer.repo;
  return {what, page_of(client.settings(), offer.repo), "Reading the beginning of " + what};
}

DownloadPlan plan_of(const Client& client, const Offer& offer, const OfferedModel& model, const fs::path& models, const fs::path& folder) {
  DownloadPlan plan{.folder = folder.empty() ? models / offer.repo : folder, .files = {}, .repo = offer.repo, .page = page_of(client.settings(), offer.repo)};
  for (const HubFile& file : model.files) {
    const fs::path path = file.path;
    plan.files.push_back({url_in(client, offer, file), folder.empty() ? path : path.filename(), file.bytes, file.digest, offer.revision});
  }
  return plan;
}

Result<DownloadPlan> plan_of(Client& client, const Target& target, const fs::path& models, const fs::path& folder) {
  if (target.url) {
    return DownloadPlan{.folder = folder.empty() ? models / target.url->host_name() : folder, .files = {{.url = *target.url, .name = target.name}}};
  }
  FW_ASSIGN(const Offer offer, offer_of(client, target));
  FW_ASSIGN(const OfferedModel model, choose_model(offer.models, target.repo, target.quant, target.file));
  return plan_of(client, offer, model, models, folder);
}

}  // namespace foreword::app
