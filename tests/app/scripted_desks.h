#pragma once
// A controller between desks that a test plays: what it asks is kept, what they answer the test says.

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "app/controller.h"

namespace foreword::app {

class ScriptedDesks : public ::testing::Test {
 protected:
  static constexpr std::int64_t kNow = 1'795'600'000'000;  // 2026-11-25, about ten in the morning UTC

  explicit ScriptedDesks(Controller::Options options = {})
      : controller({.engine = [this](engine::Command c) { to_engine.push_back(std::move(c)); },
                    .helper = [this](engine::Command c) { to_helper.push_back(std::move(c)); },
                    .storage = [this](storage::Command c) { to_storage.push_back(std::move(c)); },
                    .now_ms = [this] { return now; },
                    .save_file = {},
                    .read_file = [this](const std::filesystem::path& path) -> Result<std::string> {
                      const auto found = files.find(path.filename());
                      if (found == files.end()) return Error{ErrorCode::not_found, "There is no file " + path.string() + "."};
                      return found->second;
                    },
                    .read_power = [this] { return ++n_power_read, power; }},
                   std::move(options)) {}

  void ui(ui::UiEvent event) { controller.on(std::move(event)); }
  void engine_says(engine::Event event) { controller.on(std::move(event)); }
  void storage_says(storage::Event event) { controller.on(std::move(event)); }
  const ui::ViewState& view() const { return controller.view(); }

  /// The last letter of a kind, as it was when it was sent; a kind that was never sent fails the test.
  template <class Letter, class Letters>
  static Letter last_of(const Letters& letters) {
    for (auto letter = letters.rbegin(); letter != letters.rend(); ++letter) {
      if (const auto* found = std::get_if<Letter>(&*letter)) return *found;
    }
    ADD_FAILURE() << "no such letter was sent";
    return {};
  }
  template <class Letter, class Letters>
  static int count_of(const Letters& letters) {
    int n = 0;
    for (const auto& letter : letters) n += std::holds_alternative<Letter>(letter) ? 1 : 0;
    return n;
  }
  template <class Letter>
  Letter asked_engine() const { return last_of<Letter>(to_engine); }
  template <class Letter>
  Letter asked_storage() const { return last_of<Letter>(to_storage); }

  void model_ready() {
    engine::ModelSummary summary;
    summary.name = "tiny";
    summary.path = "/m/tiny.gguf";
    summary.context = 512;
    engine_says(engine::ModelReady{summary});
  }
  /// Text for the request that was sent last, and its end.
  void answer(const std::string& text, engine::StopReason reason = engine::StopReason::eos) {
    const std::uint64_t id = asked_engine<engine::Generate>().id;
    engine::TextPiece piece;
    piece.id = id;
    piece.text = text;
    engine_says(piece);
    engine::GenerationDone done;
    done.id = id;
    done.stats.stop_reason = reason;
    engine_says(done);
  }
  void saved(storage::Request request, storage::Id id, storage::Id chat, storage::Status status = storage::Status::complete) {
    storage::Message message;
    message.id = id;
    message.chat_id = chat;
    message.status = status;
    storage_says(storage::event::MessageSaved{request, message});
  }
  static storage::Chat chat(storage::Id id, std::string title = {}, std::string folder = {}) {
    storage::Chat row;
    row.id = id;
    row.title = std::move(title);
    row.folder = std::move(folder);
    return row;
  }
  /// A question in a new chat, all of it stored but the answer's end.
  void ask_in_new_chat(const std::string& question, storage::Id id) {
    ui(ui::SendMessage{question});
    storage_says(storage::event::ChatSaved{asked_storage<storage::command::CreateChat>().request, chat(id)});
    saved(asked_storage<storage::command::AppendMessage>().request, 10 * id, id);
    saved(asked_storage<storage::command::BeginAnswer>().request, 10 * id + 1, id, storage::Status::streaming);
  }
  void answer_stored(const std::string& text, storage::Id id) {
    answer(text);
    saved(asked_storage<storage::command::BeginAnswer>().request, 10 * id + 1, id);
  }

  std::int64_t now = kNow;
  Power power;
  int n_power_read = 0;
  std::map<std::string, std::string> files;
  std::vector<engine::Command> to_engine, to_helper;
  std::vector<storage::Command> to_storage;
  Controller controller;
};

}  // namespace foreword::app
