// The controller and where chats lie: in folders, and in files that they are saved as.

#include "app/chat_export.h"
#include "app/controller.h"
#include "app/files.h"
#include "app/words.h"
#include "ui/text/utf8.h"

namespace foreword::app {

namespace command = storage::command;
namespace event = storage::event;

namespace {

constexpr std::uintmax_t kMostAttached = 1'000'000;  // bytes

/// UTF-8 without zero bytes.
bool is_text(const std::string& text) {
  if (text.find('\0') != text.npos) return false;
  for (std::size_t at = 0; at < text.size();) {
    const ui::text::CodePoint c = ui::text::decode(text, at);
    if (c.value == 0xFFFD && c.n_bytes == 1) return false;
    at += c.n_bytes;
  }
  return true;
}

Result<std::string> read_attachment(const std::filesystem::path& path, const std::function<Result<std::string>(const std::filesystem::path&)>& read) {
  const auto refuse = [&](const char* why) { return Error{ErrorCode::unsupported, path.filename().string() + " " + why}; };
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return refuse("is a folder; drop its files instead.");
  const auto size = std::filesystem::file_size(path, error);
  if (!error && size > kMostAttached) return refuse("is larger than 1 MB; no model here would read all of it. Attach a part of it.");
  FW_ASSIGN(std::string text, read(path));
  if (!is_text(text)) return refuse("is no text. Only text can come with a message; models (.gguf) and exported chats (.json) are opened when they are dropped.");
  if (text.empty()) return refuse("is empty.");
  return text;
}

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
    if (chat.id == e.id && chat.folder != e.folder) can_undo({command::MoveChat{0, e.id, chat.folder}}, {});
  }
  out_.storage(command::MoveChat{next_request_++, e.id, std::move(e.folder)});
}

void Controller::handle(ui::RenameFolder&& e) { out_.storage(command::RenameFolder{next_request_++, std::move(e.from), std::move(e.to)}); }

void Controller::handle(ui::RemoveFolder&& e) {
  const std::size_t slash = e.path.rfind('/');
  const std::string above = slash == std::string::npos ? std::string() : e.path.substr(0, slash);
  removed_folders_[next_request_] = "The folder \u201c" + e.path.substr(slash + 1) + "\u201d is gone; its chats stand " +
                                    (above.empty() ? "outside of folders." : "in \u201c" + above + "\u201d.");
  out_.storage(command::RenameFolder{next_request_++, std::move(e.path), above});
}

void Controller::handle(event::FolderRenamed&& e) {
  auto removed = removed_folders_.extract(e.request);
  if (!e.before.empty()) can_undo({command::PlaceChats{0, std::move(e.before)}}, removed ? std::move(removed.mapped()) : std::string());
  handle(event::Chats{e.request, std::move(e.chats)});
}

void Controller::handle(ui::SetChatOrder&& e) {
  view_.chat_order = e.order;
  set_setting(kChatOrderKey, e.order == ui::ChatOrder::name ? "name" : "date");
  refresh_chats();
}

void Controller::handle(ui::ExportChat&& e) {
  exports_[next_request_] = e.format;
  out_.storage(command::ReadTree{next_request_++, e.chat});
}

void Controller::handle(event::TreeRead&& e) {
  const auto asked = exports_.extract(e.request);
  if (asked.empty() || !out_.save_file) return;
  aside([this, tree = std::move(e.tree), format = format_of(asked.mapped())]() -> Afterwards {
    return [this, name = export_name(tree.chat, format), text = export_chat(tree, format)]() mutable { save_export(name, std::move(text)); };
  });
}

/// Where the user says, or among the downloads where nobody can ask.
void Controller::save_export(const std::string& name, std::string text) {
  const auto whole = std::make_shared<const std::string>(std::move(text));
  const auto place = [this, whole](const std::string& path) {
    aside([this, whole, path, replace = out_.replace_file]() -> Afterwards {
      const auto done = replace(path, *whole);
      return [this, saved = done ? Result<std::filesystem::path>(path) : Result<std::filesystem::path>(done.error())] { say_saved(saved); };
    });
  };
  const auto download = [this, whole, name] {
    aside([this, whole, name, save = out_.save_file]() -> Afterwards { return [this, saved = save(name, *whole)] { say_saved(saved); }; });
  };
  ask_file({.save = true, .title = "Save this chat", .name = name, .folder = downloads_folder().string()}, place, download);
}

void Controller::say_saved(const Result<std::filesystem::path>& saved) {
  if (!saved) return notify(ui::NoticeKind::error, saved.error().message);
  notify(ui::NoticeKind::info, "Saved as " + saved->string());
}

/// Text of any kind comes with the message; what is none says why.
void Controller::handle(ui::AttachFile&& e) {
  if (!out_.read_file) return;
  aside([this, read = out_.read_file, path = std::filesystem::path(e.path)]() -> Afterwards {
    return [this, name = path.filename().string(), text = read_attachment(path, read)]() mutable {
      if (!text) return notify(ui::NoticeKind::error, text.error().message);
      view_.offers.push_back({next_notice_++, std::move(name), *std::move(text)});
    };
  });
}

}  // namespace foreword::app
