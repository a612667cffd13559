#pragma once
// Short lines about answers and chats, as the window shows them.

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/session.h"

namespace foreword::app {

inline constexpr const char* kChatOrderKey = "chat_order";  // of the saved settings

/// A chat's first title: the start of what was asked, on one line, cut between words.
std::string title_from(const std::string& text);
/// The first bytes of a text, whole characters, with an ellipsis where it was longer.
std::string start_of(const std::string& text, std::size_t most_bytes);
/// "about 12 s", "about 3 min": an estimate of a wait.
std::string about_seconds(double seconds);
/// "Today, 18:03", "Yesterday, 18:03", "24 November, 18:03", and the year if it is another; local time.
std::string when_words(std::int64_t ms, std::int64_t now_ms);
/// "1 chat", "1,200 chats"; many: if it is not one and an s.
std::string count_words(std::int64_t n, const std::string& one, const std::string& many = {});
/// "2.1 MB".
std::string size_words(std::int64_t bytes);
/// The answer's own speed: the tokens after the first over the time after the first; 0 = unknown.
double answer_speed(const engine::GenerationStats& stats);
/// "38 tokens \u00b7 21.4 tokens/s"; no speed if it is 0.
std::string speed_words(std::int64_t n_tokens, double tokens_per_second);
/// The model was done, or a stop string came; any other answer can go on.
bool ended_by_itself(engine::StopReason reason);
/// " \u00b7 the context is full" of an answer that ended early, by the engine's word for it; else nothing.
std::string_view early_end(std::string_view stop_reason);
/// Speed words with that reason.
std::string stats_line(const engine::GenerationStats& stats);

}  // namespace foreword::app
