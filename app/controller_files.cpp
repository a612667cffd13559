// The controller and where chats lie: in files, out and in, and in folders.

#include "app/chat_export.h"
#include "app/chat_json.h"
#include "app/controller.h"

namespace foreword::app {

namespace command = storage::command;
namespace event = storage::event;

namespace {

ExportFormat format_of(ui::ExportAs format) {
  switch (format) {
    case ui::ExportAs::json: return ExportFormat::json;
    case ui::ExportAs::markdown: return ExportFormat::markdown;
    case ui::ExportAs::html: return ExportFormat::html;
    case ui::ExportAs::text: break;
  }
  return ExportFormat::text;
}

}  // namespace

void Controller::handle(ui::MoveChat&& e) {
  for (const ui::ChatRow& chat : view_.chats) {
    if (chat.id == e.id && chat.folder != e.folder) can_undo(command::MoveChat{0, e.id, chat.folder}, {});
  }
  out_.storage(command::MoveChat{next_request_++, e.id, std::move(e.folder)});
}

void Controller::handle(ui::RenameFolder&& e) { out_.storage(command::RenameFolder{next_request_++, std::move(e.from), std::move(e.to)}); }

void Controller::handle(ui::ExportChat&& e) {
  exports_[next_request_] = e.format;
  out_.storage(command::ReadTree{next_request_++, e.chat});
}

void Controller::handle(event::TreeRead&& e) {
  const auto asked = exports_.extract(e.request);
  if (asked.empty() || !out_.save_file) return;
  const ExportFormat format = format_of(asked.mapped());
  const auto saved = out_.save_file(export_name(e.tree.chat, format), export_chat(e.tree, format));
  if (!saved) return notify(ui::NoticeKind::error, saved.error().message);
  notify(ui::NoticeKind::info, "Saved as " + saved->string());
}

void Controller::handle(ui::ImportFile&& e) {
  if (!out_.read_file || importing_ != 0) return;
  const auto text = out_.read_file(e.path);
  if (!text) return notify(ui::NoticeKind::error, text.error().message);
  auto tree = chat_from_json(*text);
  if (!tree) return notify(ui::NoticeKind::error, tree.error().message);
  importing_ = next_request_++;
  out_.storage(command::AddTree{importing_, *std::move(tree)});
}

}  // namespace foreword::app
