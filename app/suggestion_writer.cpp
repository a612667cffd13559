#include "app/suggestion_writer.h"

namespace foreword::app {
namespace {

/// Weights, what is computed with them, and its context.
constexpr std::int64_t kBesides = 64 << 20;

bool fits(const WriterFacts& facts) {
  return facts.memory_total == 0 || facts.memory_used + 2 * facts.helper_bytes + kBesides <= facts.memory_total;
}

}  // namespace

WriterChoice writer_for(const WriterFacts& facts) {
  if (!facts.enabled) return {Writer::none, "Off: no model is loaded for them."};
  if (!facts.chat_ready) return {Writer::none, "No model is open."};
  const bool helper = facts.helper_there && !facts.chat_is_helper && fits(facts);
  if (facts.wish == WriterWish::helper && helper) return {Writer::helper, "The small model writes them, as you have set it."};
  if (facts.wish == WriterWish::helper && !facts.chat_is_helper) return {Writer::none, "The small model is not there, or does not fit beside the open one."};
  if (facts.wish == WriterWish::chat) return {Writer::chat, "The open model writes them, as you have set it."};
  if (facts.chat_thinks && helper) return {Writer::helper, "The small model writes them, for the open one thinks before it speaks."};
  if (facts.chat_thinks) return {Writer::none, "The open model thinks before it speaks, and no small one fits beside it."};
  if (facts.chat_slow && helper) return {Writer::helper, "The small model writes them, for the open one needs too long for the first word."};
  return {Writer::chat, "The open model writes them."};
}

}  // namespace foreword::app
