#pragma once
// Which model writes suggestions (A32, A33, A60): the open one, or a small one beside it. Pure.

#include <cstdint>
#include <string_view>

namespace foreword::app {

enum class Writer : std::uint8_t { none, chat, helper };
enum class WriterWish : std::uint8_t { automatic, chat, helper };

struct WriterFacts {
  bool enabled = true;        // suggestions are on
  bool chat_ready = false;    // a model is open
  bool chat_is_helper = false;  // it is the small one itself
  bool chat_thinks = false;   // its template has a thinking mode
  bool chat_slow = false;     // its first word was measured to come too late for typing
  bool helper_there = false;  // there is a small one, and it has not failed to open
  std::int64_t helper_bytes = 0;  // of its file
  std::int64_t memory_total = 0, memory_used = 0;  // bytes of the device; a total of 0: not known
  WriterWish wish = WriterWish::automatic;
};

struct WriterChoice {
  Writer writer = Writer::none;
  std::string_view why;  // one sentence for Settings
};

WriterChoice writer_for(const WriterFacts& facts);

}  // namespace foreword::app
