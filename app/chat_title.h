#pragma once
// A chat's title by the loaded model, once an answer is stored and nothing else is asked of it. A model that cannot do it
// changes nothing: the first words of the question stay.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/session.h"

namespace foreword::app {

/// A title, if that is what the model's answer holds: one short line without markup, whose words come from what was said.
std::optional<std::string> title_from_answer(std::string_view answer, const std::vector<engine::ChatMessage>& said);

/// Chats that wait for a title, and the request that is under way. Main thread; sends nothing itself.
class ChatTitler {
 public:
  struct Title {
    std::int64_t chat = 0;
    std::string text;
  };

  /// The chat is new: its title is the question's first words.
  void add(std::int64_t chat) { untitled_.insert(chat); }
  /// Somebody named it, or it is gone.
  void drop(std::int64_t chat) { untitled_.erase(chat); }
  /// What was said there, the last answer included; of chats that were added.
  void said(std::int64_t chat, std::vector<engine::ChatMessage> messages);

  /// The next request, which will have this number, if a chat waits and none is under way. It continues the conversation,
  /// so that little has to be read and the chat goes on from the same cache.
  std::optional<engine::Generate> ask(std::uint64_t request);
  /// The user wants the model: the request to stop, 0 if there is none. The chat may ask again after its next answer.
  std::uint64_t cancel();
  bool busy() const { return request_ != 0; }

  /// True: the event was about a title. `title` is set when one has been found.
  bool on(const engine::Event& event, std::optional<Title>& title);

 private:
  std::set<std::int64_t> untitled_;
  std::map<std::int64_t, std::vector<engine::ChatMessage>> waiting_;
  std::uint64_t request_ = 0;
  std::int64_t chat_ = 0;  // of request_
  std::vector<engine::ChatMessage> said_;
  std::string answer_;
  std::set<std::uint64_t> cancelled_;  // their last events are still to come
};

}  // namespace foreword::app
