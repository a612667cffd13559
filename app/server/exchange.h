#pragma once
// One request that the engine answers: its answers as they grow, and how they go out, whole or piece by piece.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/server/desk.h"
#include "app/server/http.h"
#include "app/server/replies.h"
#include "app/server/requests.h"

namespace foreword::app {

class Exchange {
 public:
  /// `done` gets a line about it once it has ended.
  Exchange(ReplyHead head, const ApiRequest& request, std::unique_ptr<ServerDesk::Call> call, std::function<void(const std::string& line)> done);

  /// Waits until the first answer begins. The reply to a request that the engine refuses; nothing: it goes on.
  std::optional<HttpReply> refused();
  /// After that: writes all. False: who asked has gone, or the answer broke off where that could not be said.
  bool write(HttpSink& sink);
  bool streams() const { return stream_; }

 private:
  std::size_t index_of(const engine::Event& event) const { return static_cast<std::size_t>(*server_request(event) - call_->first()); }
  /// Takes in what came. The error that ends all, if it is one.
  std::optional<Error> take(const engine::Event& event);
  /// Stops what has taken long enough.
  void look_at_the_clock();
  void take_piece(std::size_t index, std::string_view text);
  void take_prompt(std::size_t index, const engine::PromptChances& prompt);
  /// Of an answer to which tools were offered: what may be a call waits for the end, when the rest of what is said and the calls are known.
  void pass_gate(Choice& choice, AnswerStream::Part& part) const;
  std::string end_calls(Choice& choice) const;
  /// Of the stream.
  void send_piece(std::size_t index, const AnswerStream::Part& part);
  void end_choice(std::size_t index, const engine::GenerationStats& stats);
  void send(const std::string& json) { out_ += "data: " + json + "\n\n"; }
  void tell();

  ReplyHead head_;
  bool stream_, include_usage_;
  double most_seconds_;
  std::optional<std::chrono::steady_clock::time_point> began_;  // the first piece
  bool cut_ = false;  // by most_seconds
  std::unique_ptr<ServerDesk::Call> call_;
  std::function<void(const std::string& line)> done_;
  std::vector<Choice> choices_;
  std::vector<bool> begun_;
  std::vector<std::size_t> echoed_;  // bytes of the prompt that the text begins with
  std::vector<bool> echoes_text_;    // whether that is known; else the engine tells it. Empty: nothing is echoed
  std::size_t n_ended_ = 0;
  std::string out_;  // of the stream, not sent yet
};

/// The status and body that an error of the engine becomes.
HttpReply reply_of(const Error& error);

}  // namespace foreword::app
