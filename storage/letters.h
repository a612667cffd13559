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
struct CreateChat      { Request request; NewChat chat; };                              // ChatSaved
struct RenameChat      { Request request; Id chat; std::string title; };                // ChatSaved
struct AutomaticTitle  { Request request; Id chat; std::string title; };                // ChatSaved
struct PinChat         { Request request; Id chat; bool pinned; };                      // ChatSaved
struct MoveChat        { Request request; Id chat; std::string folder; };               // ChatSaved
struct RenameFolder    { Request request; std::string from, to; };                      // Chats
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
struct AddTree         { Request request; ChatTree tree; };                             // ChatSaved
/// A message that is whole. Kept and tried again while the disk refuses.
struct AppendMessage   { Request request; NewMessage message; };                        // MessageSaved
/// An answer that grows: BeginAnswer (or ResumeAnswer), then AppendText as tokens come, then FinishAnswer, all with the
/// same `request`; no need to wait for events between them. Text is on the disk within a second of real time.
struct BeginAnswer     { Request request; NewMessage message; };                        // MessageSaved (streaming)
struct ResumeAnswer    { Request request; Id message; };                                // MessageSaved (streaming)
struct AppendText      { Request request; std::string content; std::string reasoning; };  // nothing, or Failed
struct FinishAnswer    { Request request; MessageEnd end; };                            // MessageSaved (finished)
struct Search          { Request request; std::string query; int limit = 50; };         // Found
struct SetSetting      { Request request; std::string key; std::string value; };        // Settings
struct EraseSetting    { Request request; std::string key; };                           // Settings
struct ListSettings    { Request request; };                                            // Settings
struct RememberModel   { Request request; ModelRecord model; };                         // Models
struct ForgetModel     { Request request; std::string path; };                          // Models
struct ListModels      { Request request; };                                            // Models
}  // namespace command

namespace event {
/// The first event: the database is open; `n_interrupted` answers of programs that died were closed.
struct Opened       { std::int64_t n_interrupted; };
/// The first event, if it could not be opened. Every command is answered by Failed with the same error.
struct OpenFailed   { Error error; };
struct ChatSaved    { Request request; Chat chat; };
/// `entry`: of the bin.
struct ChatDeleted  { Request request; Id chat; Id entry; };
struct BranchDeleted { Request request; Id chat; Id entry; };
struct Restored     { Request request; Id chat; };
struct Bin          { Request request; std::vector<BinEntry> entries; };
struct TreeRead     { Request request; ChatTree tree; };
struct Chats        { Request request; std::vector<Chat> chats; };
/// The chat and its shown path, root first.
struct ChatOpened   { Request request; Chat chat; std::vector<PathEntry> path; };
/// The message is durable, as given here. Its text is left out (empty): the sender has it.
struct MessageSaved { Request request; Message message; };
struct Found        { Request request; std::string query; std::vector<SearchHit> hits; };
struct Settings     { Request request; std::vector<Setting> settings; };
struct Models       { Request request; std::vector<ModelRecord> models; };
/// `kept`: the text stays in memory and is tried again until MessageSaved (told once per run of failures).
/// Otherwise the command is done for, and changed nothing.
struct Failed       { Request request; Error error; bool kept; };
}  // namespace event
// clang-format on

using Command =
    std::variant<command::CreateChat, command::RenameChat, command::AutomaticTitle, command::PinChat,
                 command::MoveChat, command::RenameFolder,
                 command::SetChatModel, command::SetSystemPrompt, command::SetChatSettings, command::DeleteChat,
                 command::ListChats, command::OpenChat, command::ShowMessage, command::DeleteBranch,
                 command::Restore, command::ListBin, command::ForkChat, command::ReadTree, command::AddTree,
                 command::AppendMessage, command::BeginAnswer, command::ResumeAnswer, command::AppendText,
                 command::FinishAnswer, command::Search, command::SetSetting, command::EraseSetting,
                 command::ListSettings, command::RememberModel, command::ForgetModel, command::ListModels>;

using Event = std::variant<event::Opened, event::OpenFailed, event::ChatSaved, event::ChatDeleted, event::BranchDeleted,
                           event::Restored, event::Bin, event::TreeRead, event::Chats,
                           event::ChatOpened, event::MessageSaved, event::Found, event::Settings, event::Models,
                           event::Failed>;

/// Takes an event away, on the storage desk's thread: pushes it into the owner's mailbox, and no more.
using EventSink = std::function<void(Event)>;

}  // namespace foreword::storage
