#pragma once
// The local server's answers: what is asked for where, and how it is carried to the engine and back (D89 to D91). docs/server.md has the table.

#include <functional>
#include <string>
#include <vector>

#include "app/server/desk.h"
#include "app/server/gate.h"
#include "app/server/http.h"
#include "app/server/prompts.h"
#include "app/server/replies.h"
#include "engine/sampling/sampler.h"

namespace foreword::app {

/// F, O, R, E on a telephone's keys; none that another such program has.
inline constexpr int kServerPort = 3673;

struct ApiOptions {
  GateRules gate;
  engine::SamplingParams sampling;  // where a request says nothing and the model's file neither
  std::vector<const engine::SamplerParam*> named;  // of it: what counts more than the file
  bool same_seed = false;           // requests that name none use sampling.seed
  std::function<void(const std::string& line)> log = {};  // any thread: one line about each request that the engine answered, nothing of its text
};

class Api {
 public:
  /// `desk` must outlive it and all of its replies' streams.
  Api(ServerDesk& desk, ApiOptions options) : desk_(desk), options_(std::move(options)) {}

  /// Any thread; many at once.
  HttpReply answer(const HttpRequest& request) const;

 private:
  HttpReply route(const HttpRequest& request) const;
  HttpReply generate(const HttpRequest& request, ReplyShape shape) const;
  HttpReply tell(const Result<PromptAsk>& asked) const;

  ServerDesk& desk_;
  ApiOptions options_;
};

}  // namespace foreword::app
