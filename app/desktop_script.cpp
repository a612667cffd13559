#include "app/desktop_script.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "app/desks.h"
#include "app/files.h"

namespace foreword::app {
namespace {

using ui::UiEvent;
using ui::ViewState;

/// What stands behind a word: a number, if it takes one, and the rest of the line.
struct Words {
  std::size_t number = 0;
  std::string text;
};

std::int64_t message(const ViewState& view, const Words& words) {
  return words.number < view.messages.size() ? view.messages[words.number].id : 0;
}
std::int64_t chat(const ViewState& view, const Words& words) {
  return words.number < view.chats.size() ? view.chats[words.number].id : 0;
}

struct Step {
  const char* word;
  bool takes_number;
  UiEvent (*event)(const ViewState& view, const Words& words);
};
constexpr Step kSteps[] = {
    {"say", false, [](const ViewState&, const Words& w) { return UiEvent(ui::SendMessage{w.text}); }},
    {"regenerate", true, [](const ViewState& v, const Words& w) { return UiEvent(ui::Regenerate{message(v, w)}); }},
    {"continue", true, [](const ViewState& v, const Words& w) { return UiEvent(ui::ContinueAnswer{message(v, w)}); }},
    {"edit", true, [](const ViewState& v, const Words& w) { return UiEvent(ui::EditMessage{message(v, w), w.text}); }},
    {"previous", true, [](const ViewState& v, const Words& w) { return UiEvent(ui::ShowSibling{message(v, w), -1}); }},
    {"fork", true, [](const ViewState& v, const Words& w) { return UiEvent(ui::ForkChat{message(v, w)}); }},
    {"delete-message", true, [](const ViewState& v, const Words& w) { return UiEvent(ui::DeleteMessage{message(v, w)}); }},
    {"new", false, [](const ViewState&, const Words&) { return UiEvent(ui::NewChat{}); }},
    {"open", true, [](const ViewState& v, const Words& w) { return UiEvent(ui::SelectChat{chat(v, w)}); }},
    {"rename", true, [](const ViewState& v, const Words& w) { return UiEvent(ui::RenameChat{chat(v, w), w.text}); }},
    {"move", true, [](const ViewState& v, const Words& w) { return UiEvent(ui::MoveChat{chat(v, w), w.text}); }},
    {"pin", true, [](const ViewState& v, const Words& w) { return UiEvent(ui::PinChat{chat(v, w), true}); }},
    {"delete", true, [](const ViewState& v, const Words& w) { return UiEvent(ui::DeleteChat{chat(v, w)}); }},
    {"undo", false, [](const ViewState&, const Words&) { return UiEvent(ui::Undo{}); }},
    {"search", false, [](const ViewState&, const Words& w) { return UiEvent(ui::SearchChanged{w.text}); }},
    {"import", false, [](const ViewState&, const Words& w) { return UiEvent(ui::ImportFile{w.text}); }},
    {"confirm-import", false, [](const ViewState&, const Words&) { return UiEvent(ui::ConfirmImport{}); }},
    {"copies", false, [](const ViewState&, const Words&) { return UiEvent(ui::ShowBackups{}); }},
    {"restore", true, [](const ViewState&, const Words& w) { return UiEvent(ui::RestoreBackup{static_cast<std::int64_t>(w.number) + 1}); }},
};

class Player {
 public:
  Player(const CommonOptions& common, std::int64_t limit) : bell_(), desks_(common, limit, [this] { bell_.push(0); }) {
    desks_.controller.start(common.model.string());
  }

  int play(std::istream& script) {
    if (!wait_for_model()) return fail({ErrorCode::io, desks_.controller.view().model.failure});
    std::string line;
    for (int n = 1; std::getline(script, line); ++n) {
      if (line.empty()) continue;
      const auto event = read(line);
      if (!event) return wrong_use("The script has a mistake in line " + std::to_string(n) + ".");
      say("begin " + std::to_string(n) + " " + line.substr(0, line.find(' ')));
      desks_.controller.on(*event);
      wait_until_quiet();
      say("done " + state());
    }
    return kOk;
  }

 private:
  static constexpr storage::Request kBarrier = ~storage::Request{0};

  static void say(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
  }

  std::optional<UiEvent> read(std::string_view line) const {
    const std::string_view word = line.substr(0, line.find(' '));
    const Step* step = std::ranges::find(kSteps, word, &Step::word);
    if (step == std::end(kSteps)) return std::nullopt;
    std::string_view rest = line.substr(std::min(line.size(), word.size() + 1));
    Words words;
    if (step->takes_number) {
      const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), words.number);
      if (error != std::errc()) return std::nullopt;
      rest.remove_prefix(std::min(rest.size(), static_cast<std::size_t>(end - rest.data()) + 1));
    }
    words.text = rest;
    return step->event(desks_.controller.view(), words);
  }

  /// Every letter that has come; true: the storage desk has done all that stood before the barrier.
  bool carry() {
    bell_.take();
    bool reached = false;
    while (auto event = desks_.from_storage.try_take()) {
      if (const auto* settings = std::get_if<storage::event::Settings>(&*event)) reached = reached || settings->request == kBarrier;
      if (const auto* failed = std::get_if<storage::event::Failed>(&*event)) reached = reached || failed->request == kBarrier;
      if (std::holds_alternative<storage::event::MessageSaved>(*event)) say("saved");
      desks_.controller.on(*std::move(event));
    }
    while (auto event = desks_.from_engine.try_take()) {
      if (std::holds_alternative<engine::TextPiece>(*event)) say("piece");
      desks_.controller.on(*std::move(event));
    }
    while (auto event = desks_.from_helper.try_take()) desks_.controller.on_helper(*std::move(event));
    while (auto afterwards = desks_.from_side.try_take()) (*afterwards)();
    return reached;
  }

  bool wait_for_model() {
    while (desks_.controller.view().model.state != ui::ModelState::ready) {
      if (desks_.controller.view().model.state == ui::ModelState::failed) return false;
      carry();
    }
    return true;
  }

  /// Nothing is under way, and nothing that was asked of the storage desk is still to be done. What it answers may make the
  /// controller ask for more, so this is asked twice.
  void wait_until_quiet() {
    for (int round = 0; round < 2; ++round) {
      while (!desks_.controller.settled()) carry();
      desks_.storage.send(storage::command::ListSettings{kBarrier});
      while (!carry()) {
      }
    }
    while (!desks_.controller.settled()) carry();
  }

  /// The chats that are listed, and the messages that are shown.
  std::string state() const {
    const ViewState& view = desks_.controller.view();
    nlohmann::ordered_json json{{"chat", view.current_chat}, {"chats", nlohmann::ordered_json::array()}, {"messages", nlohmann::ordered_json::array()}};
    for (const ui::ChatRow& row : view.chats) json["chats"].push_back({row.id, row.title, row.folder, row.pinned});
    for (const ui::MessageRow& row : view.messages) json["messages"].push_back({row.author == ui::Author::user, static_cast<int>(row.state), row.text});
    return json.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
  }

  Mailbox<int> bell_;
  Desks desks_;
};

}  // namespace

int run_script(const CommonOptions& common, std::int64_t limit, const std::filesystem::path& script) {
  const auto text = read_file(script);
  if (!text) return fail(text.error());
  std::istringstream lines(*text);
  Player player(common, limit);
  return player.play(lines);
}

}  // namespace foreword::app
