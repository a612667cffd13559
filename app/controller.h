#pragma once
// What stands behind the window: turns the window's events into letters for the engine and storage desks, and their
// letters into the ViewState. Knows no window system and no thread; its owner carries the letters. Main thread.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/bus/file_question.h"
#include "app/bus/looks.h"
#include "app/chat_sampling.h"
#include "app/chat_settings.h"
#include "app/chat_title.h"
#include "app/hub_part.h"
#include "app/model_finder.h"
#include "app/model_fit.h"
#include "app/power.h"
#include "app/side_desk.h"
#include "app/suggestion_desk.h"
#include "app/suggestion_writer.h"
#include "engine/session.h"
#include "storage/letters.h"
#include "ui/view_state.h"

namespace foreword::app {

class Controller {
 public:
  struct Outboxes {
    std::function<void(engine::Command)> engine;
    std::function<void(engine::Command)> helper = {};  // another engine, for a small model that suggests beside the open one; empty: none
    std::function<void(storage::Command)> storage;
    std::function<std::int64_t()> now_ms;  // since 1970, for "last used"
    std::function<Result<void>(const std::string&)> open_link = {};  // shows an address in another program
    /// Has work done on another thread, and what it returns afterwards on this one. Empty: both at once.
    std::function<void(SideWork)> aside = {};
    /// Writes a new file for the user; where it is. Reads a file that the user named. Called by such work alone.
    std::function<Result<std::filesystem::path>(const std::string& name, const std::string& text)> save_file = {};
    std::function<Result<std::string>(const std::filesystem::path&)> read_file = {};
    /// Writes a file in the place of what is there; called by such work alone.
    std::function<Result<void>(const std::string& path, const std::string& text)> replace_file = {};
    /// Shows a dialog; `tell` is called on this thread, once. Empty: there are none.
    std::function<void(FileQuestion, std::function<void(const FileChoice&)> tell)> ask_file = {};
    /// Has the desktop show a sentence in which nothing of a chat stands; empty takes it back. Empty: it cannot.
    std::function<void(std::string)> announce = {};
    /// The computer stays awake until it need not. Empty: nobody can say so.
    std::function<void(bool)> keep_awake = {};
    /// Models on this computer beside those that are known; called by such work alone. Empty: none are looked for.
    std::function<FoundModels(const std::vector<std::filesystem::path>& known)> find_models = {};
    /// Whether one of them fits into memory, with options that have no book; called by such work alone. Empty: nobody knows.
    std::function<Result<engine::Fit>(const std::filesystem::path&, const engine::ModelOptions&, const engine::MemoryThere&)> fit_of = {};
    HubWays hub = {};
    /// Switches the local server on or off and tells what it is then; called by such work alone. Empty: there is none.
    std::function<ui::ServerView(bool on)> serve = {};
    /// What feeds this computer; called by such work alone. Empty: it is fed from outside.
    std::function<Power()> read_power = {};
  };
  struct Options {
    engine::ModelOptions model;
    engine::SamplingParams sampling;
    std::vector<const engine::SamplerParam*> sampling_named = {};  // by the user; for the others counts what the model's file recommends
    std::int64_t max_tokens = -1;  // of an answer; -1: until the model ends
    bool kv_given = false;   // the user named how old tokens are kept; else what is stored counts
    bool same_seed = false;  // the user gave a seed; else every answer gets another one
    std::string builtin;     // path of the built-in model; empty: there is none
    std::int64_t builtin_bytes = 0;  // of its file
    std::int64_t long_answer_ms = 10'000;  // the desktop tells of the end of one that took longer (D81): the user has turned to something else meanwhile
  };

  Controller(Outboxes outboxes, Options options);

  /// Asks for chats, models and settings. Opens `model` as soon as it is known how; if that is empty, the one that was used
  /// last, as soon as the storage names it, or the built-in one if there is none or it does not open.
  void start(const std::string& model);
  void on(engine::Event event);
  void on_helper(engine::Event event);
  /// So many requests are being answered by the local server.
  void on_server(int running);
  /// Whether there are dialogs that choose files.
  void on_dialogs(bool there);
  /// Whether the window is in front, where the user sees what comes.
  void on_watched(bool watched);
  /// How the desktop wants things to look.
  void on_looks(const Looks& system);
  /// A request that this program makes over the internet; `problem`: why it could not be written down, empty: it was.
  void on_asked(const Asked& asked, const std::string& problem) { hub_.on_asked(asked, problem); }
  void on(storage::Event event);
  void on(ui::UiEvent event);

  const ui::ViewState& view() const { return view_; }
  const Looks& system_looks() const { return system_looks_; }
  /// The user wants to, and all that was said is on its way to the disk: a message that was sent is never lost by an end.
  bool quit() const { return quit_ && (leaves_unsaved_ || all_saved()); }
  /// Settings and the model to begin with have come from the storage, or never will.
  bool start_known() const { return settings_known_ && start_model_ != StartModel::awaited; }
  /// Nothing is under way: no loading, no answer, no unsaved message.
  bool settled() const;

 private:
  static constexpr engine::TextOwner kPrivateChat = -1;
  struct Row {  // beside each view_.messages[i]
    storage::Id id = 0;  // 0: not stored yet
    engine::Role role = engine::Role::user;
    std::vector<storage::Id> siblings;  // itself included, oldest first; empty: not stored yet
  };
  /// The model to begin with, while nobody has named one.
  enum class StartModel : std::uint8_t { awaited, last_used, settled };
  /// What takes a change back, in order.
  using UndoStep = std::vector<storage::Command>;
  struct Import {
    std::vector<storage::ChatTree> trees;
    std::set<std::string> known;        // sources of chats that are here already
    std::vector<ui::ImportRow> unreadable;
    std::uint64_t number = 0;           // a result of another import is none of this one
    int n_reading = 0;                  // files that are being read
    storage::Request finding = 0, adding = 0;
  };
  /// A message and its answer, until both are stored.
  struct Turn {
    std::uint64_t id = 0;              // the engine's request
    storage::Request create = 0, user = 0, answer = 0;
    std::int64_t user_row = 0, answer_row = 0;  // ids of rows in the view
    storage::Id chat = 0, parent = 0, user_id = 0, answer_id = 0;
    std::string user_text, text, model;
    Drawing drawing;                   // of the answer,
    std::string settings;              // and as it is stored
    std::int64_t asked_ms = 0;         // when
    double reasoning_seconds = 0;      // of the answer, once its reasoning has ended
    std::size_t stored = 0;            // bytes of `text` that the storage desk has
    bool begun = false;                // BeginAnswer or ResumeAnswer was sent
    std::vector<storage::Id> question_siblings, answer_siblings;  // the older versions of both
    storage::Id edited = 0;            // the version of the question that the user edited
    std::vector<engine::ChatMessage> said;  // to the model; of saved chats, for a title
    bool unsaved = false;              // the storage refused it: it lives in the window only
    std::uint64_t waits_for = 0;       // the turn before, whose answer is this one's parent and has no number yet
    std::optional<storage::MessageEnd> end;
  };

  void handle(engine::ModelLoading&& event);
  void handle(engine::ModelReady&& event);
  void handle(engine::ModelFailed&& event);
  void handle(engine::ModelUnloaded&& event);
  void handle(engine::PrefixRestoring&& event);
  void handle(engine::GenerationStarted&& event);
  void handle(engine::PromptProgress&& event);
  void handle(engine::PromptChances&&) {}  // the window asks for neither
  void handle(engine::PromptTold&&) {}
  void handle(engine::TextPiece&& event);
  void handle(engine::GenerationDone&& event);
  void handle(engine::GenerationFailed&& event);
  void handle(engine::TokensCounted&& event);
  void handle(engine::MemoryThere&& event);
  void handle(engine::Drafts&& event);
  void handle(engine::KvMeasured&& event);

  void handle(storage::event::Opened&& event);
  void handle(storage::event::OpenFailed&& event);
  void handle(storage::event::ChatSaved&& event);
  void handle(storage::event::ChatDeleted&& event);
  void handle(storage::event::BranchDeleted&& event);
  void handle(storage::event::Restored&& event);
  void handle(storage::event::Bin&& event);
  void handle(storage::event::TreeRead&& event);
  void handle(storage::event::Chats&& event);
  void handle(storage::event::FolderRenamed&& event);
  void handle(storage::event::SourcesFound&& event);
  void handle(storage::event::TreesAdded&& event);
  void handle(storage::event::Backups&& event);
  void handle(storage::event::BackupRestored&& event);
  void handle(storage::event::ChatOpened&& event);
  void handle(storage::event::MessageSaved&& event);
  void handle(storage::event::Found&& event);
  void handle(storage::event::Said&& event);
  void handle(storage::event::Settings&& event);
  void handle(storage::event::Models&& event);
  void handle(storage::event::Failed&& event);

  void handle(ui::SendMessage&& event);
  void handle(ui::StopGenerating&& event);
  void handle(ui::Regenerate&& event);
  void handle(ui::ContinueAnswer&& event);
  void handle(ui::EditMessage&& event);
  void handle(ui::ShowSibling&& event);
  void handle(ui::NewChat&& event);
  void handle(ui::SelectChat&& event);
  void handle(ui::RenameChat&& event);
  void handle(ui::PinChat&& event);
  void handle(ui::MoveChat&& event);
  void handle(ui::RenameFolder&& event);
  void handle(ui::RemoveFolder&& event);
  void handle(ui::SetChatOrder&& event);
  void handle(ui::DeleteChat&& event);
  void handle(ui::DeleteMessage&& event);
  void handle(ui::ForkChat&& event);
  void handle(ui::ExportChat&& event);
  void handle(ui::ImportFile&& event);
  void handle(ui::ConfirmImport&& event);
  void handle(ui::CancelImport&& event);
  void handle(ui::ShowBackups&& event);
  void handle(ui::RestoreBackup&& event);
  void handle(ui::CloseBackups&& event);
  void handle(ui::Undo&& event);
  void handle(ui::RestoreDeleted&& event);
  void handle(ui::SearchChanged&& event);
  void handle(ui::KeepDraft&& event);
  void handle(ui::OffersTaken&& event);
  void handle(ui::AttachFile&& event);
  void handle(ui::ChooseFile&& event);
  void handle(ui::DraftChanged&& event);
  void handle(ui::Suggesting&& event);
  void handle(ui::SuggestionsCounted&& event);
  void handle(ui::SetInstructions&& event);
  void handle(ui::SetSampling&& event);
  void handle(ui::KeepForNewChats&& event);
  void handle(ui::ChooseOverflow&& event);
  void handle(ui::OpenModel&& event);
  void handle(ui::FindModels&& event);
  template <class Event>
    requires requires(HubPart& part, Event event) { part.handle(std::move(event)); }
  void handle(Event&& event) {
    hub_.handle(std::move(event));
  }
  void handle(ui::DismissNotice&& event);
  void handle(ui::SetTheme&& event);
  void handle(ui::SetScale&& event);
  void handle(ui::ChangeSetting&& event);
  void handle(ui::OpenLink&& event);
  void handle(ui::Quit&& event);

  /// A chat as the engine reads it, and from which row on each message comes; the system's from none.
  struct Prompt {
    std::vector<engine::ChatMessage> messages;
    std::vector<std::size_t> rows;
  };
  /// What the last count was for: anything else is counted anew.
  struct Counted {
    storage::Id chat = 0;
    std::int64_t first_row = 0, last_row = 0;
    std::size_t n_rows = 0, first_kept = 0;
    std::uint64_t draft = 0;
    std::int64_t context = 0;
    ui::Overflow choice = ui::Overflow::ask;
    std::optional<bool> thinking;
    bool idle = false;
    std::string model, instructions;
    bool operator==(const Counted&) const = default;
  };
  /// The shown chat and the context: what is counted, left out and summarised.
  struct Context {
    std::string draft;              // what is being written
    storage::Id recalled = 0;       // the chat that the model in hand was last told to bring back
    std::uint64_t draft_revision = 0;
    Counted counted;                // for what `counting` or the last answer was
    std::uint64_t counting = 0;     // the count that is under way; 0: none
    std::size_t n_counted_rows = 0;
    std::vector<std::int64_t> row_tokens;  // of each row with what the format adds to it, as far as it was counted
    std::size_t first_kept = 0;     // rows before it are left out
    std::size_t n_summarised = 0;   // rows that the summary covers
    std::map<storage::Id, std::string> settings;  // of the chats, as stored; of a new or private one only what was changed
    ChatSettings chosen;            // of the shown chat
    std::int64_t size_before = -1;  // the option, while a larger context is being tried; else -1
    std::int64_t kv_bytes = 0, trained = 0;
    std::string model_path;         // of the model that was open last
  };
  /// The summary that is written before the turn that waits for it is asked.
  struct Summarising {
    std::uint64_t id = 0;           // the engine's request; 0: none
    std::size_t n_rows = 0;         // of the waiting turn
    std::size_t first_kept = 0;     // what is left out of its prompt
    std::size_t until = 0;          // rows that this part reaches to
    std::string text;
  };

  /// `from`: rows before it are left out even if they would fit.
  Prompt prompt_of(std::size_t n_rows, std::size_t from = 0) const;
  void keep_up();
  void keep_count();
  void recall_chat();
  void keep_suggestions();
  std::optional<SuggestionDesk::Chat> chat_to_suggest_in(std::int64_t rewrites) const;
  bool take_suggestion_count(const std::string& key, const std::string& value);
  void say_suggestions();
  void look_at_power();
  std::string explain_suggestions() const;
  void choose_writer();
  WriterChoice writer_now() const;
  void forget_text(engine::TextOwner chat, bool goes_on);
  void switch_server();
  void learn_anew();
  void learn(std::vector<storage::SaidText> texts, bool anew);
  void use_count(std::int64_t total, const std::vector<std::int64_t>& of_messages);
  void make_room(std::int64_t total);
  void show_cut(std::size_t first_kept);
  bool enlarge_context();
  void save_chat_settings();
  void show_chat_settings();
  const std::string& instructions() const;
  Drawing usual_drawing() const { return {sampling_, options_.max_tokens, options_.same_seed}; }
  Drawing drawing() const { return drawing_for(usual_drawing(), options_.sampling_named, context_.chosen.sampling); }
  void show_answers();
  void adopt_answers(const storage::Chat& chat);
  void forget_new_answers(std::int64_t key);
  void forget_cut();
  void send_prompt(Turn& turn, std::size_t n_rows);
  bool summarise(std::size_t n_rows);
  void summary_done();
  bool still_waits(const Turn& turn, const Summarising& summary) const;
  void say_reading(std::int64_t left, std::int64_t total);
  void time_reasoning(Turn& turn, const std::string& piece);
  std::uint64_t engine_request() const { return summarising_.id != 0 ? summarising_.id : running_; }
  void add_row(ui::Author author, storage::Id id, std::string text, ui::MessageState state);
  ui::MessageRow* find_row(std::int64_t row_id);
  Row* find_stored(std::int64_t row_id);
  Turn* find_turn(storage::Request request);
  Turn* running();
  std::optional<std::size_t> index_of(std::int64_t row_id) const;
  bool can_ask() const { return view_.model.state == ui::ModelState::ready && !view_.generating; }
  void cut_rows(std::size_t from);
  void set_siblings(std::int64_t row_id, std::vector<storage::Id> older, storage::Id id);
  void ask(std::string text, std::vector<storage::Id> older_versions, storage::Id edited);
  void run_turn(std::unique_ptr<Turn> turn, std::size_t n_rows);
  void start_answer(std::unique_ptr<Turn> turn);
  void store_question(Turn& turn);
  void begin_storing(Turn& turn);
  void store_growth(Turn& turn);
  void end_turn(ui::MessageState state, storage::Status status, const engine::GenerationStats& stats);
  void forget_turn(Turn& turn);
  void give_up_storing(Turn& turn);
  void show_new_chat(bool private_chat);
  void leave_chat();
  void forget_prompt();
  /// Its answer stands in the chat that is shown.
  bool shows(const Turn* turn) { return turn != nullptr && find_row(turn->answer_row) != nullptr; }
  void open_chat(storage::Id id);
  void show_changed_chat(storage::Id id);
  /// What is said is written down.
  bool saves() const { return storage_works_ && !view_.private_chat; }
  void can_undo(UndoStep step, std::string said);
  /// The event answers a command of Undo, which is no new change.
  bool undoes(storage::Request request) { return undoing_.erase(request) > 0; }
  void ask_for_title(const Turn& turn);
  void find_title();
  void show_import();
  void restore_backup(storage::Request request, const std::string& path);
  void list_everything();
  void refresh_chats();
  void notify(ui::NoticeKind kind, std::string text);
  void notify_of_model(std::string failure);
  void forget_model_notices();
  std::string draft_of(std::int64_t chat) const;
  std::int64_t draft_key() const { return view_.private_chat ? kPrivateChat : current_; }
  void keep_draft(std::int64_t chat, std::string text);
  void load_drafts(const std::vector<storage::Setting>& settings);
  void forget_drafts(const std::vector<storage::Chat>& chats);
  void give_back(std::string text, const char* why);
  bool all_saved() const;
  void stay_if_refused();
  void aside(SideWork work);
  void announce_end(const Turn& turn, ui::MessageState state);
  void stay_awake();
  void ask_file(FileQuestion question, std::function<void(const std::string& path)> take, std::function<void()> without);
  void save_export(const std::string& name, std::string text);
  void say_saved(const Result<std::filesystem::path>& saved);
  void take_import(std::uint64_t import, const std::filesystem::path& path, Result<storage::ChatTree> tree);
  void apply_setting(const std::string& key, const std::string& value);
  void set_setting(const std::string& key, std::string value);
  void show_settings();
  void show_looks();
  void show_found(FoundModels found);
  void judge_models();
  HubAsk hub_question(std::string text) const;
  void show_fits(const std::map<std::string, ui::ModelFit>& fits);
  void open_model(const std::string& path);
  void open_builtin();
  void open_start_model();
  std::string name_of_file(const std::filesystem::path& path) const;

  Outboxes out_;
  Options options_;
  ui::ViewState view_;
  std::vector<Row> rows_;
  std::vector<std::unique_ptr<Turn>> turns_;
  std::uint64_t running_ = 0;        // the Turn that is being answered; 0: none
  std::map<std::int64_t, std::string> drafts_;  // by chat, none of them empty; 0: the new chat
  std::map<storage::Id, std::int64_t> row_ids_;  // of messages that were shown: a row that comes back is the same
  std::map<storage::Id, std::string> system_prompts_;  // likewise
  struct NewChats {
    std::string instructions, settings;  // that they begin with; the latter as write_chat_settings() has it
  };
  NewChats new_chats_;
  storage::Request next_request_ = 1;
  std::uint64_t next_import_ = 1;
  storage::Request opening_ = 0;     // the chat that will be shown
  storage::Request editing_ = 0;     // a version of an answer, which the chat is opened anew for
  storage::Id edited_ = 0;           // the version that it comes from
  storage::Id current_ = 0;          // the chat that is shown; 0: a new one
  struct Hit {
    storage::Id message = 0;
    std::string words;  // that were found there
  };
  std::map<storage::Id, Hit> hits_;  // what the search found in a chat
  storage::Request leading_ = 0;     // the chat that is being opened at this place
  ui::SearchPlace leads_to_;
  storage::Request forking_ = 0;     // the chat that will be opened once it is saved
  std::optional<Import> import_;     // beside view_.import
  std::vector<storage::Backup> backups_;  // beside view_.backups
  std::string restoring_;            // when the copy was made that is being restored
  std::map<storage::Request, std::string> removed_folders_;  // what to say once it is done
  ChatTitler titler_;
  SuggestionDesk suggestions_;
  struct Suggesters {
    enum class Helper : std::uint8_t { absent, loading, ready, failed };
    Writer writer = Writer::none;
    WriterWish wish = WriterWish::automatic;
    Helper helper = Helper::absent;
    std::string chat_device, helper_device;  // model and device, by which tiers_ and taus_ are kept
    bool chat_thinks = false;
  };
  Suggesters suggesters_;
  std::map<std::string, double> tiers_, taus_;  // as stored, by SuggestionsView::device
  std::optional<std::int64_t> power_asked_ms_;  // when it was asked last
  std::map<storage::Request, ui::ExportAs> exports_;
  struct Reading {
    std::int64_t began_ms = 0, answer_began_ms = 0, loading_began_ms = 0;
    double tokens_per_second = 0;   // of prompts, as measured last; 0: not yet
  };
  Reading reading_;
  Context context_;
  Summarising summarising_;
  std::vector<UndoStep> undo_;       // the oldest change first
  std::set<storage::Request> undoing_;
  std::int64_t next_row_ = 1;
  std::uint64_t next_turn_ = 1, next_notice_ = 1;
  int n_aside_ = 0;                  // works that are done by others just now
  StartModel start_model_ = StartModel::settled;
  std::optional<engine::MemoryThere> memory_;  // as it was last
  bool unjudged_ = false;            // models have been looked for since
  HubPart hub_;
  bool network_ = true;              // the hub may be asked, as it is set
  std::int64_t download_limit_ = 0;  // bytes a second, as it is set; 0: none
  std::vector<std::uint64_t> model_notices_;  // why models did not open
  bool stands_in_ = false;           // the model that comes does so for one that has failed
  std::string named_model_;          // that the user named at the start
  engine::SamplingParams sampling_;  // of answers by the open model
  bool server_wanted_ = false, server_asked_ = false;  // as it is set; what the last order was
  Looks chosen_looks_, system_looks_;  // by the user, and by the desktop as it was told last
  bool announces_ = true;            // answers that took long, as it is set
  bool watched_ = true, announced_ = false, awake_ = false;
  std::optional<bool> thinking_;     // of models that can; nothing: as they do by themselves
  std::string kv_now_;               // of the open model
  std::vector<engine::KvModeOffer> kv_modes_;
  std::string refusal_;              // why the storage does not take what was said; empty: it does
  std::optional<std::int64_t> refusal_said_ms_;  // when it was, instead of an end
  bool chats_known_ = false, drafts_known_ = false;
  bool storage_works_ = true, settings_known_ = false, quit_ = false, leaves_unsaved_ = false;
};

}  // namespace foreword::app
