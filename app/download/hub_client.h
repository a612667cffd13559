#pragma once
// What is asked of the hub before anything is downloaded: what a repository has, which repositories there are.

#include <filesystem>
#include <string>
#include <vector>

#include "app/download/choice.h"
#include "app/download/client.h"
#include "app/download/download.h"
#include "app/download/names.h"

namespace foreword::app {

struct Offer {
  std::string repo, revision;  // the commit, if the hub says it: a list and the files downloaded after it are of one state
  std::vector<OfferedModel> models;
};

/// A request, like all here: not on the window's thread. `target.repo` is not empty.
Result<Offer> offer_of(Client& client, const Target& target);
Result<std::vector<HubHit>> search_hub(Client& client, const std::string& words, int most);

/// Where a file of the hub is, for fetch_head().
Url url_in(const Client& client, const Offer& offer, const HubFile& file);
WebSubject subject_in(const Client& client, const Offer& offer, const HubFile& file);

/// Files in `models`/ORG/REPO, of another host in `models`/HOST; in `folder` itself if that is named.
DownloadPlan plan_of(const Client& client, const Offer& offer, const OfferedModel& model, const std::filesystem::path& models, const std::filesystem::path& folder);
/// The same for whatever was named; asks the hub what there is.
Result<DownloadPlan> plan_of(Client& client, const Target& target, const std::filesystem::path& models, const std::filesystem::path& folder);

}  // namespace foreword::app
