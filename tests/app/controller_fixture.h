#pragma once
// A controller whose desks only listen: what it asks of them is kept, and a few of their answers have short names.

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "app/controller.h"

namespace foreword::app {

namespace command = storage::command;
namespace event = storage::event;

class ControllerTest : public ::testing::Test {
 protected:
  explicit ControllerTest(Controller::Options options = {})
      : controller({.engine = [this](engine::Command c) { to_engine.push_back(std::move(c)); },
                    .storage = [this](storage::Command c) { to_storage.push_back(std::move(c)); },
                    .now_ms = [] { return std::int64_t{1234}; },
                    .save_file = [this](const std::string& name, const std::string& text) {
                      files[name] = text;
                      return Result<std::filesystem::path>("/d/" + name);
                    },
                    .read_file = [this](const std::filesystem::path& path) { return Result<std::string>(files[path.filename()]); }},
                   std::move(options)) {}

  template <class Letter, class Letters>
  static const Letter* last(const Letters& letters) {
    for (auto letter = letters.rbegin(); letter != letters.rend(); ++letter) {
      if (const auto* found = std::get_if<Letter>(&*letter)) return found;
    }
    return nullptr;
  }
  template <class Letter>
  const Letter& asked_engine() { return *last<Letter>(to_engine); }
  template <class Letter>
  const Letter& asked_storage() { return *last<Letter>(to_storage); }
  template <class Letter>
  int count_storage() const {
    int n = 0;
    for (const auto& letter : to_storage) n += std::holds_alternative<Letter>(letter) ? 1 : 0;
    return n;
  }

  void ready(const std::string& path = "/m/tiny.gguf", std::vector<engine::SamplerValue> sampling = {}) {
    engine::ModelSummary summary;
    summary.sampling = std::move(sampling);
    summary.name = "tiny";
    summary.path = path;
    summary.device = "a processor";
    summary.context = 512;
    controller.on(engine::Event(engine::ModelReady{summary}));
  }
  void say(const std::string& text) { controller.on(ui::UiEvent(ui::SendMessage{text})); }
  void piece(const std::string& text) {
    engine::TextPiece p;
    p.id = asked_engine<engine::Generate>().id;
    p.text = text;
    controller.on(engine::Event(p));
  }
  void done(engine::StopReason reason = engine::StopReason::eos) {
    engine::GenerationDone d;
    d.id = asked_engine<engine::Generate>().id;
    d.stats.n_tokens = 11;
    d.stats.decode_seconds = 2;
    d.stats.stop_reason = reason;
    controller.on(engine::Event(d));
  }
  void saved(storage::Request request, storage::Id id, storage::Id chat, storage::Status status = storage::Status::complete) {
    storage::Message message;
    message.id = id;
    message.chat_id = chat;
    message.status = status;
    controller.on(storage::Event(event::MessageSaved{request, message}));
  }
  void chat_saved(storage::Request request, storage::Id id) {
    storage::Chat chat;
    chat.id = id;
    controller.on(storage::Event(event::ChatSaved{request, chat}));
  }
  void models(std::vector<storage::ModelRecord> records) { controller.on(storage::Event(event::Models{1, std::move(records)})); }
  const ui::ViewState& view() const { return controller.view(); }

  std::map<std::string, std::string> files;
  std::vector<engine::Command> to_engine;
  std::vector<storage::Command> to_storage;
  Controller controller;
};

}  // namespace foreword::app
