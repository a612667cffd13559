#pragma once
// The panels that open over, or beside, what a state shows: for pictures and for tests of all of them.

#include <functional>
#include <vector>

#include "ui/headless.h"

namespace foreword::ui {

/// Panels that stand beside, or over, what a state shows.
struct Panel {
  const char* name;
  std::function<void(Headless&)> open;
};
/// Types into the composer and lets an engine answer; long enough for the suggestions to stand there.
inline void suggest(Headless& d, std::string_view written, std::vector<std::string> drafts) {
  d.state.generating = d.state.suggestions.busy = false;
  d.state.suggestions.model = true;
  d.frames();
  d.type(written);
  d.frames();
  const auto* asked = d.last<Suggesting>();
  if (asked == nullptr) return;
  autocomplete::DraftsEvent event;
  event.request = asked->letter.request;
  event.finished = true;
  for (std::string& draft : drafts) event.drafts.push_back({event.drafts.size(), std::move(draft), -0.4, true});
  d.now += 0.5;
  d.state.suggestions.news = {{1, std::move(event)}};
  d.frames(2);
  d.now += 0.5;
  d.frames();
}
inline const std::vector<Panel>& panels() {
  static const std::vector<Panel> kPanels{
      {"nothing more", [](Headless&) {}},
      {"hub",
       [](Headless& d) {
         d.state.downloads = {{.id = 1, .state = DownloadState::running, .name = "Qwen2.5-7B-Instruct-Q4_K_M", .detail = "1.2 GB of 4.7 GB, 31.0 MB/s, about 2 min", .share = .26},
                              {.id = 3, .name = "Qwen2.5-14B-Instruct-IQ3_M", .detail = "Waiting for its turn"},
                              {.id = 4, .name = "Qwen2.5-32B-Instruct-IQ3_M", .detail = "Waiting for its turn"},
                              {.id = 2, .state = DownloadState::failed, .name = "gemma-3-27b-it-Q8_0", .detail = "The disk has 12.1 GB free, and 28.7 GB are needed; make room or choose another folder."}};
         d.state.hub.about = "bartowski/Qwen2.5-14B-Instruct-GGUF";
         d.state.hub.rows = {{"Qwen2.5-14B-Instruct-IQ3_M", "IQ3_M, 6.9 GB", "", {FitLevel::fits, "Needs 8.5 of 11.2 GB", 8}},
                             {"Qwen2.5-14B-Instruct-Q4_K_M", "Q4_K_M, 9.0 GB", "", {FitLevel::slow, "Needs 10.6 of 26.4 GB, 41 of 48 layers in graphics memory", 9}},
                             {"Qwen2.5-14B-Instruct-f16", "F16, 29.5 GB", "", {FitLevel::too_large, "Needs 31.1 of 26.4 GB", 31}}};
         d.key(letter('o'), Mods{.ctrl = true});
       }},
      {"models", [](Headless& d) { d.key(letter('o'), Mods{.ctrl = true}); }},
      {"export", [](Headless& d) { d.key(letter('e'), Mods{.ctrl = true}); }},
      {"settings", [](Headless& d) { d.key(letter(','), Mods{.ctrl = true}); }},
      {"answers", [](Headless& d) { d.key(letter('i'), Mods{.ctrl = true}); }},
      {"network, reading", [](Headless& d) { d.key(letter('i'), Mods{.ctrl = true, .shift = true}); }},
      {"network, empty",
       [](Headless& d) {
         d.state.network.known = true;
         d.key(letter('i'), Mods{.ctrl = true, .shift = true});
       }},
      {"network",
       [](Headless& d) {
         d.state.network = {.known = true,
                            .rows = {{4, "cdn-lfs-us-1.huggingface.co", "Downloading Qwen2.5-7B-Instruct-Q4_K_M.gguf of bartowski/Qwen2.5-7B-Instruct-GGUF", "4.7 GB", "Today, 18:05", "answered"},
                                     {3, "huggingface.co", "Downloading Qwen2.5-7B-Instruct-Q4_K_M.gguf of bartowski/Qwen2.5-7B-Instruct-GGUF", "1 kB", "Today, 18:03", "led on to another address"},
                                     {2, "huggingface.co", "Looking at bartowski/Qwen2.5-7B-Instruct-GGUF", "31 kB", "Today, 18:02", "answered"},
                                     {1, "huggingface.co", "Searching for models", "nothing came", "24 November, 09:10", "not reached"}}};
         d.key(letter('i'), Mods{.ctrl = true, .shift = true});
       }},
      {"network, much and damaged",
       [](Headless& d) {
         d.state.network = {.known = true, .problem = "Some of what was asked of the internet cannot be read any more (/home/a/.local/state/foreword/network.jsonl), and is missing here."};
         for (std::uint64_t i = 1000; i > 0; --i) {
           d.state.network.rows.push_back({i, i % 3 == 0 ? std::string(253, 'h') : "huggingface.co", i % 2 == 0 ? "Downloading " + std::string(280, 'm') : "Searching for models", "12 kB", "24 November 2025, 18:03", "its certificate could not be checked"});
         }
         d.key(letter('i'), Mods{.ctrl = true, .shift = true});
       }},
      {"shortcuts", [](Headless& d) { d.key(Key::f1); }},
      {"find", [](Headless& d) { d.key(letter('f'), Mods{.ctrl = true}), d.type("e"); }},
      {"context", [](Headless& d) { d.click("status/context"); }},
      {"bin", [](Headless& d) { d.click("chats/bin"); }},
      {"suggestions", [](Headless& d) { suggest(d, "Can you explain ", {"it with a drawing?", "why the sunset is red then?", "how large the molecules are, and who has seen them"}); }},
      {"suggestion goes on", [](Headless& d) {
         suggest(d, "Thank you. Now I would like to know why the sea is blue, too, although ", {"it has no colour of its own when you hold it in a glass.", "not everywhere."});
       }},
      {"suggestions rest", [](Headless& d) {
         suggest(d, "Can you ", {"explain it with a drawing?"});
         d.key(Key::escape), d.frames(), d.key(Key::escape);
       }},
      {"suggestion health", [](Headless& d) {
         d.state.suggestions.model = true;
         d.state.suggestions.counters = "shown 1204\naccepted_all 210\naccepted_word 96\nseen_rejection 402\nreason.late 12\nreason.low_confidence 3310\nkey_to_paint.80 900\nkey_to_paint.160 304\n";
         d.key(letter('h'), Mods{.ctrl = true, .shift = true});
       }},
      {"long paste", [](Headless& d) { d.clipboard = std::string(5000, 'p'), d.key(letter('v'), Mods{.ctrl = true}); }},
  };
  return kPanels;
}

}  // namespace foreword::ui
