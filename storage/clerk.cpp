#include "storage/clerk.h"

#include <utility>

#include "storage/backups.h"

namespace foreword::storage {
namespace {

/// Trouble that goes away, or that a person can end: worth keeping a text for. A missing chat is neither.
bool is_worth_retrying(const Error& error) {
  return error.code != ErrorCode::not_found && error.code != ErrorCode::invalid_argument;
}

}  // namespace

/// One operator() a command.
struct Clerk::Visitor {
  Clerk& clerk;
  Moment now;

  ChatStore& store() const { return clerk.store_; }
  void tell(Event event) const { clerk.sink_(std::move(event)); }
  void fail(Request request, const Error& error) const { tell(event::Failed{request, error, false}); }

  /// Answers with an event made of the value, or with Failed.
  template <class Answer, class T>
  void answer(Request request, Result<T> result) const {
    if (!result) return fail(request, result.error());
    tell(Answer{request, *std::move(result)});
  }
  void answer_chat(Request request, Id id, Result<void> changed) const {
    if (!changed) return fail(request, changed.error());
    answer<event::ChatSaved>(request, store().chat(id));
  }
  void answer_settings(Request request, Result<void> changed) const {
    if (!changed) return fail(request, changed.error());
    answer<event::Settings>(request, store().settings());
  }
  void answer_models(Request request, Result<void> changed) const {
    if (!changed) return fail(request, changed.error());
    answer<event::Models>(request, store().models());
  }
  void answer_open(Request request, Id id) const {
    Result<Chat> chat = store().chat(id);
    if (!chat) return fail(request, chat.error());
    Result<std::vector<PathEntry>> path = store().shown_path(id);
    if (!path) return fail(request, path.error());
    tell(event::ChatOpened{request, *std::move(chat), *std::move(path)});
  }

  void operator()(command::RenameChat& c) const {
    answer_chat(c.request, c.chat, store().rename_chat(c.chat, c.title, c.by_user));
  }
  void operator()(command::AutomaticTitle& c) const {
    answer_chat(c.request, c.chat, store().set_automatic_title(c.chat, c.title));
  }
  void operator()(command::PinChat& c) const { answer_chat(c.request, c.chat, store().pin_chat(c.chat, c.pinned)); }
  void operator()(command::MoveChat& c) const { answer_chat(c.request, c.chat, store().move_chat(c.chat, c.folder)); }
  void operator()(command::RenameFolder& c) const {
    Result<std::vector<Place>> before = store().rename_folder(c.from, c.to);
    if (!before) return fail(c.request, before.error());
    Result<std::vector<Chat>> chats = store().chats();
    if (!chats) return fail(c.request, chats.error());
    tell(event::FolderRenamed{c.request, *std::move(before), *std::move(chats)});
  }
  void operator()(command::PlaceChats& c) const {
    const Result<void> placed = store().place_chats(c.places);
    if (!placed) return fail(c.request, placed.error());
    answer<event::Chats>(c.request, store().chats());
  }
  void operator()(command::SetChatModel& c) const {
    answer_chat(c.request, c.chat, store().set_chat_model(c.chat, c.model_path));
  }
  void operator()(command::SetSystemPrompt& c) const {
    answer_chat(c.request, c.chat, store().set_system_prompt(c.chat, c.system_prompt));
  }
  void operator()(command::SetChatSettings& c) const {
    answer_chat(c.request, c.chat, store().set_chat_settings(c.chat, c.settings));
  }
  void operator()(command::DeleteChat& c) const {
    const Result<Id> entry = store().bin_chat(c.chat);
    if (!entry) return fail(c.request, entry.error());
    tell(event::ChatDeleted{c.request, c.chat, *entry});
  }
  void operator()(command::ListChats& c) const { answer<event::Chats>(c.request, store().chats()); }
  void operator()(command::OpenChat& c) const { answer_open(c.request, c.chat); }
  void operator()(command::ShowMessage& c) const {
    const Result<Message> message = store().message(c.message);
    if (!message) return fail(c.request, message.error());
    const Result<void> shown = store().show(c.message);
    if (!shown) return fail(c.request, shown.error());
    answer_open(c.request, message->chat_id);
  }
  void operator()(command::DeleteBranch& c) const {
    const Result<Message> message = store().message(c.message);
    if (!message) return fail(c.request, message.error());
    const Result<Id> entry = store().bin_branch(c.message);
    if (!entry) return fail(c.request, entry.error());
    tell(event::BranchDeleted{c.request, message->chat_id, *entry});
  }
  void operator()(command::Restore& c) const { answer<event::Restored>(c.request, store().restore(c.entry)); }
  void operator()(command::ListBin& c) const { answer<event::Bin>(c.request, store().bin()); }
  void operator()(command::ForkChat& c) const { answer<event::ChatSaved>(c.request, store().fork(c.message)); }
  void operator()(command::ReadTree& c) const { answer<event::TreeRead>(c.request, store().tree(c.chat)); }
  void operator()(command::AddTrees& c) const { answer<event::TreesAdded>(c.request, store().add_trees(c.trees)); }
  void operator()(command::FindSources& c) const {
    answer<event::SourcesFound>(c.request, store().chats_from(c.sources));
  }
  void operator()(command::Search& c) const {
    Result<std::vector<SearchHit>> hits = store().search(c.query, c.limit);
    if (!hits) return fail(c.request, hits.error());
    tell(event::Found{c.request, std::move(c.query), *std::move(hits)});
  }
  void operator()(command::ListSaid& c) const {
    Result<std::vector<SaidText>> texts = store().said(c.limit);
    if (!texts) return fail(c.request, texts.error());
    tell(event::Said{c.request, *std::move(texts)});
  }
  void operator()(command::SetSetting& c) const { answer_settings(c.request, store().set_setting(c.key, c.value)); }
  void operator()(command::EraseSetting& c) const { answer_settings(c.request, store().erase_setting(c.key)); }
  void operator()(command::ListSettings& c) const { answer_settings(c.request, {}); }
  void operator()(command::RememberModel& c) const { answer_models(c.request, store().remember_model(c.model)); }
  void operator()(command::ForgetModel& c) const { answer_models(c.request, store().forget_model(c.path)); }
  void operator()(command::ListModels& c) const { answer_models(c.request, {}); }
  void operator()(command::ListBackups& c) const {
    tell(event::Backups{c.request, list_backups(store().database().path())});
  }
  void operator()(command::RestoreBackup& c) const {
    if (!clerk.close(now)) {
      return fail(c.request, Error{ErrorCode::io, "An answer could not be saved, so that no copy was restored: free some space, and try again."});
    }
    const Result<std::string> kept = store().restore_backup(c.path);
    if (!kept) return fail(c.request, kept.error());
    tell(event::BackupRestored{c.request, *kept, true});
  }

  // What must not be lost.
  void operator()(command::CreateChat& c) const {
    Draft draft;
    draft.chat = std::move(c.chat);
    draft.end.emplace();
    begin(c.request, std::move(draft));
  }
  void operator()(command::AppendMessage& c) const {
    Draft draft;
    draft.end = MessageEnd{c.message.status, c.message.stats};
    draft.message = std::move(c.message);
    begin(c.request, std::move(draft));
  }
  void operator()(command::BeginAnswer& c) const {
    Draft draft;
    draft.message = std::move(c.message);
    draft.message.status = Status::streaming;
    begin(c.request, std::move(draft));
  }
  void operator()(command::ResumeAnswer& c) const {
    Draft draft;
    draft.resumes = c.message;
    begin(c.request, std::move(draft));
  }
  void operator()(command::AppendText& c) const {
    Draft* const draft = find(c.request);
    if (!draft) return;
    draft->message.content += c.content;
    draft->message.reasoning += c.reasoning;
    if (!draft->due) draft->due = now + kFlushInterval;
  }
  void operator()(command::FinishAnswer& c) const {
    Draft* const draft = find(c.request);
    if (!draft) return;
    draft->end = std::move(c.end);
    draft->message.stats = draft->end->stats;
    clerk.write(clerk.drafts_.find(c.request), now);
  }

  void begin(Request request, Draft draft) const {
    const auto [at, is_new] = clerk.drafts_.try_emplace(request, std::move(draft));
    if (is_new) clerk.write(at, now);
    else fail(request, Error{ErrorCode::invalid_argument, "Another answer with this number is being written."});
  }
  Draft* find(Request request) const {
    const auto draft = clerk.drafts_.find(request);
    if (draft != clerk.drafts_.end() && !draft->second.end) return &draft->second;
    fail(request, Error{ErrorCode::invalid_argument, "This answer is not being written (any more)."});
    return nullptr;
  }
};

void Clerk::handle(Command command, Moment now) { std::visit(Visitor{*this, now}, command); }

/// Brings the draft to the disk as it stands. An event comes back where that is news to the sender: it is now there, or finished,
/// or saved after a failure that was told.
Result<std::optional<Event>> Clerk::save(Request request, Draft& draft) {
  if (draft.chat) {
    FW_ASSIGN(Chat made, store_.create_chat(*draft.chat));
    return std::optional<Event>(event::ChatSaved{request, std::move(made)});
  }
  FW_ASSIGN(std::optional<Message> message, save_message(draft));
  if (!message) return std::optional<Event>{};
  message->content.clear();
  message->reasoning.clear();
  return std::optional<Event>(event::MessageSaved{request, *std::move(message)});
}

Result<std::optional<Message>> Clerk::save_message(Draft& draft) {
  NewMessage& text = draft.message;
  std::optional<Message> resumed;
  if (draft.resumes != 0) {
    FW_ASSIGN(resumed, store_.resume(draft.resumes));
    draft.id = std::exchange(draft.resumes, 0);
    const bool has_more = !text.content.empty() || !text.reasoning.empty();
    text.content.insert(0, resumed->content);
    text.reasoning.insert(0, resumed->reasoning);
    text.stats = resumed->stats;
    // An end that knows nothing of the answer leaves what was known.
    if (draft.end && draft.end->stats.generated_tokens == 0) draft.end->stats = resumed->stats;
    if (!draft.end && !has_more) return resumed;
  }
  if (draft.id == 0) {
    text.status = draft.end ? draft.end->status : Status::streaming;
    FW_ASSIGN(Message added, store_.append(text));
    draft.id = added.id;
    return std::optional<Message>(std::move(added));
  }
  if (draft.end) {
    FW_ASSIGN(Message finished, store_.finish(draft.id, text.content, text.reasoning, *draft.end));
    return std::optional<Message>(std::move(finished));
  }
  FW_TRY(store_.update_text(draft.id, text.content, text.reasoning));
  if (resumed || !draft.refused) return resumed;
  FW_ASSIGN(Message rescued, store_.message(draft.id));
  return std::optional<Message>(std::move(rescued));
}

/// Saves and tells. Returns the draft after this one; this one is gone if it is finished or hopeless.
Clerk::Drafts::iterator Clerk::write(Drafts::iterator at, Moment now) {
  const Request request = at->first;
  Draft& draft = at->second;
  Result<std::optional<Event>> saved = save(request, draft);
  if (!saved) {
    const bool kept = is_worth_retrying(saved.error());
    if (!kept || !draft.refused) sink_(event::Failed{request, saved.error(), kept});
    if (!kept) return drafts_.erase(at);
    draft.refused = true;
    draft.due = now + kRetryInterval;
    return std::next(at);
  }
  draft.refused = false;
  draft.due.reset();
  if (*saved) sink_(**std::move(saved));
  return draft.end ? drafts_.erase(at) : std::next(at);
}

void Clerk::tick(Moment now) {
  for (auto at = drafts_.begin(); at != drafts_.end();) {
    const bool due = at->second.due && *at->second.due <= now;
    at = due ? write(at, now) : std::next(at);
  }
}

std::optional<Moment> Clerk::next_due() const {
  std::optional<Moment> first;
  for (const auto& [request, draft] : drafts_) {
    if (draft.due && (!first || *draft.due < *first)) first = draft.due;
  }
  return first;
}

bool Clerk::close(Moment now) {
  for (auto at = drafts_.begin(); at != drafts_.end();) {
    Draft& draft = at->second;
    if (!draft.end) draft.end = MessageEnd{Status::interrupted, draft.message.stats};
    draft.refused = false;  // the last word: say it again
    at = write(at, now);
  }
  return drafts_.empty();
}

}  // namespace foreword::storage
