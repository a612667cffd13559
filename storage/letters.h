#pragma once
// The letters of the storage desk: commands go in, events come back. `request` is a number that the sender chooses, not
// 0 and not in use; every event that answers a command carries it.

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/result.h"
#include "storage/types.h"

namespace foreword::storage {

using Request = std::uint64_t;

// clang-format off
namespace command {
/// Kept and tried again while the disk refuses.
struct CreateChat      { Request request; NewChat chat; };                              // ChatSaved
struct RenameChat      { Request request; Id chat; std::string title; bool by_user = true; };  // ChatSaved
struct AutomaticTitle  { Request request; Id chat; std::string title; };                // ChatSaved
struct PinChat         { Request request; Id chat; bool pinned; };                      // ChatSaved
struct MoveChat        { Request request; Id chat; std::string folder; };               // ChatSaved
struct RenameFolder    { Request request; std::string from, to; };                      // FolderRenamed
struct PlaceChats      { Request request; std::vector<Place> places; };                 // Chats
struct SetChatModel    { Request request; Id chat; std::string model_path; };           // ChatSaved
struct SetSystemPrompt { Request request; Id chat; std::string system_prompt; };        // ChatSaved
struct SetChatSettings { Request request; Id chat; std::string settings; };             // ChatSaved
/// Into the bin, see Restore.
struct DeleteChat      { Request request; Id chat; };                                   // ChatDeleted
struct ListChats       { Request request; };                                            // Chats
struct OpenChat        { Request request; Id chat; };                                   // ChatOpened
struct ShowMessage     { Request request; Id message; };                                // ChatOpened
struct DeleteBranch    { Request request; Id message; };                                // BranchDeleted
struct Restore         { Request request; Id entry; };                                  // Restored
struct ListBin         { Request request; };                                            // Bin
struct ForkChat        { Request request; Id message; };                                // ChatSaved
struct ReadTree        { Request request; Id chat; };                                   // TreeRead
struct AddTrees        { Request request; std::vector<ChatTree> trees; };               // TreesAdded
struct FindSources     { Request request; std::vector<std::string> sources; };          // SourcesFound
/// A message that is whole. Kept and tried again while the disk refuses.
struct AppendMessage   { Request request; NewMessage message; };                        // MessageSaved
/// An answer that grows: BeginAnswer (or ResumeAnswer), then AppendText as tokens come, then FinishAnswer, all with the
/// same `request`; no need to wait for events between them. Text is on the disk within a second of real time, or kept and tried
/// again.
struct BeginAnswer     { Request request; NewMessage message; };                        // MessageSaved (streaming)
struct ResumeAnswer    { Request request; Id message; };                                // MessageSaved (streaming)
struct AppendText      { Request request; std::string content; std::string reasoning; };  // nothing, or Failed
struct FinishAnswer    { Request request; MessageEnd end; };                            // MessageSaved (finished)
struct Search          { Request request; std::string query; int limit = 50; };         // Found
/// What the user has said, of chats and branches that are not in the bin.
struct ListSaid        { Request request; int limit = 2000; };                          // Said
struct SetSetting      { Request request; std::string key; std::string value; };        // Settings
struct EraseSetting    { Request request; std::string key; };                           // Settings
struct ListSettings    { Request request; };                                            // Settings
struct RememberModel   { Request request; ModelRecord model; };                         // Models
struct ForgetModel     { Request request; std::string path; };                          // Models
struct ListModels      { Request request; };                                            // Models
/// These two are answered although the database cannot be opened: that is when they are needed most.
struct ListBackups     { Request request; };                                            // Backups
/// Ends all answers that grow (they become `interrupted`), and puts the copy in the place of everything.
struct RestoreBackup   { Request request; std::string path; };                          // BackupRestored
}  // namespace command

namespace event {
/// The first event, or behind OpenFailed, once it could be opened after all: the database is open; `n_interrupted` answers of
/// programs that died were closed.
struct Opened       { std::int64_t n_interrupted; };
/// The first event, if it could not be opened. Every command is answered by Failed with the same error, until Opened comes: what
/// may pass (io) is tried again every few seconds.
struct OpenFailed   { Error error; };
struct ChatSaved    { Request request; Chat chat; };
/// `entry`: of the bin.
struct ChatDeleted  { Request request; Id chat; Id entry; };
struct BranchDeleted { Request request; Id chat; Id entry; };
struct Restored     { Request request; Id chat; };
struct Bin          { Request request; std::vector<BinEntry> entries; };
struct TreeRead     { Request request; ChatTree tree; };
/// The chats that began at one of the sources and stand here.
struct SourcesFound { Request request; std::vector<Chat> chats; };
struct TreesAdded   { Request request; std::vector<Chat> chats; };
struct Chats        { Request request; std::vector<Chat> chats; };
/// `before`: where the folder's chats were, for PlaceChats.
struct FolderRenamed { Request request; std::vector<Place> before; std::vector<Chat> chats; };
/// The chat and its shown path, root first.
struct ChatOpened   { Request request; Chat chat; std::vector<PathEntry> path; };
/// The message is durable, as given here. Its text is left out (empty): the sender has it.
struct MessageSaved { Request request; Message message; };
struct Found        { Request request; std::string query; std::vector<SearchHit> hits; };
/// The oldest first.
struct Said         { Request request; std::vector<SaidText> texts; };
struct Settings     { Request request; std::vector<Setting> settings; };
struct Models       { Request request; std::vector<ModelRecord> models; };
/// Newest first. If the database cannot be opened, the first of them has been checked to the last page.
struct Backups      { Request request; std::vector<Backup> backups; };
/// All that was asked before is void. `kept`: a copy of what was replaced; `can_undo`: it can be restored in its turn.
struct BackupRestored { Request request; std::string kept; bool can_undo; };
/// `kept`: the text or chat stays in memory and is tried again until MessageSaved or ChatSaved (told once per run of failures).
/// Otherwise the command is done for, and changed nothing.
struct Failed       { Request request; Error error; bool kept; };
}  // namespace event
// clang-format on

using Command =
    std::variant<command::CreateChat, command::RenameChat, command::AutomaticTitle, command::PinChat,
                 command::MoveChat, command::RenameFolder, command::PlaceChats,
                 command::SetChatModel, command::SetSystemPrompt, command::SetChatSettings, command::DeleteChat,
                 command::ListChats, command::OpenChat, command::ShowMessage, command::DeleteBranch,
                 command::Restore, command::ListBin, command::ForkChat, command::ReadTree, command::AddTrees, command::FindSources,
                 command::AppendMessage, command::BeginAnswer, command::ResumeAnswer, command::AppendText,
                 command::FinishAnswer, command::Search, command::ListSaid, command::SetSetting, command::EraseSetting,
                 command::ListSettings, command::RememberModel, command::ForgetModel, command::ListModels,
                 command::ListBackups, command::RestoreBackup>;

using Event = std::variant<event::Opened, event::OpenFailed, event::ChatSaved, event::ChatDeleted, event::BranchDeleted,
                           event::Restored, event::Bin, event::TreeRead, event::SourcesFound, event::TreesAdded,
                           event::Chats, event::FolderRenamed, event::Backups, event::BackupRestored,
                           event::ChatOpened, event::MessageSaved, event::Found, event::Said, event::Settings, event::Models,
                           event::Failed>;

/// Takes an event away, on the storage desk's thread: pushes it into the owner's mailbox, and no more.
using EventSink = std::function<void(Event)>;

}  // namespace foreword::storage
