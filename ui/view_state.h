#pragma once
// The seam between the window and the rest of the program: the window draws a ViewState and answers with UiEvents. It
// owns only what is of the eye and the hand (scroll, selection, caret); everything else is said here. Main thread.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ui/autocomplete/letters.h"
#include "ui/autocomplete/situation.h"

namespace foreword::ui {

struct ChatRow {
  std::int64_t id = 0;
  std::string title;
  std::string detail;  // a search hit's snippet; empty otherwise
  bool pinned = false;
  std::string folder{};  // its path, "Work/Reports"; empty: none
  bool named = false;    // a person gave the title
  std::vector<std::pair<std::uint32_t, std::uint32_t>> marks{};  // what was found in the snippet: first byte, byte count
};

enum class ChatOrder : std::uint8_t { date, name };

/// A deletion that can still be undone.
struct BinRow {
  std::int64_t id = 0;
  std::string title;
  std::string detail;  // the start of a deleted message; empty: a whole chat
};

/// A copy of all chats that can be put in the place of what is there.
struct BackupRow {
  std::int64_t id = 0;
  std::string when;    // "Yesterday, 18:03"
  std::string detail;  // "12 chats, 2.1 MB"
};
/// The list of copies, while it is open.
struct BackupsView {
  std::string reason;  // why it opened by itself: one sentence; empty: the user asked
  std::string busy;    // what is being waited for; empty: nothing
  std::vector<BackupRow> rows;  // the newest first
};

enum class ImportState : std::uint8_t { fresh, known, unreadable };
struct ImportRow {
  ImportState state = ImportState::fresh;
  std::string title;   // of the chat, or the file's name
  std::string detail;  // "38 messages, 24 November", or why it is left out
};
/// What files that were dropped hold, before anything of it is written.
struct ImportView {
  std::vector<ImportRow> rows;
  std::string busy;    // what is being waited for; empty: nothing
};

enum class Author : std::uint8_t { user, assistant, system };
enum class MessageState : std::uint8_t { complete, waiting, streaming, stopped, interrupted, failed };

struct MessageRow {
  std::int64_t id = 0;  // unique within the program's life, stable while the message lives
  Author author = Author::user;
  MessageState state = MessageState::complete;
  std::string name;            // who answered: the model's name
  std::string text;            // valid UTF-8; an answer's is markdown, and may hold reasoning (ui/text/reasoning.h)
  std::string stats;           // one short line under an answer: "38 tokens, 21.4 tokens/s"
  std::uint64_t revision = 0;  // grows when `text` changes other than by growing at its end
  double reasoning_seconds = 0;  // how long the model thought, 0: unknown
  std::size_t sibling = 0, n_siblings = 0;  // "2 / 3": which of the versions of this place it is, from 1; 0: the only one
};

/// A message that a search has found, to be shown once; ids grow.
struct SearchPlace {
  std::uint64_t id = 0;
  std::int64_t message = 0;
  std::string query;  // as it was written; if that does not stand there as it is,
  std::string words;  // what does
};

enum class ModelState : std::uint8_t { none, loading, ready, failed };

struct ModelView {
  ModelState state = ModelState::none;
  std::string name;       // file or model name, also while loading
  double progress = -1;   // of loading, 0..1; negative: unknown
  std::string failure;    // one sentence, when failed
  std::string about{};    // one sentence on what to expect of it; empty: nothing to say
  std::string left{};     // of a long loading: "about 12 s"
};

/// What the status line says; zero or empty means unknown, and unknown things are not shown.
struct StatusView {
  std::string device;
  std::string activity;          // "Reading 1,200 tokens": the reason of a wait
  double tokens_per_second = 0;  // of the last answer alone
  double tokens_per_pass = 0;    // of the model, for the same; more than 1 where drafts were right
  double first_token_seconds = 0;
  std::int64_t memory_used = 0, memory_total = 0;    // bytes: of the model and its context; of the device
  std::int64_t context_used = 0, context_size = 0;   // tokens
  std::int64_t prompt_tokens = 0, reused_tokens = 0;  // of the last prompt
};

/// A part of what would be sent.
struct Share {
  std::string label;
  std::int64_t tokens = 0;
  bool operator==(const Share&) const = default;
};

/// What is done when the next turn no longer fits into the context.
enum class Overflow : std::uint8_t { ask, drop_oldest, summarise, larger_context, stop };

/// What would be sent now, and what becomes of a chat that outgrows the context (whose size is the status').
struct ContextView {
  std::int64_t total = 0;      // tokens, exactly; 0: nothing would be, or not known
  std::vector<Share> shares;   // add up to the total
  Overflow choice = Overflow::ask;  // of this chat
  bool blocked = false;        // nothing can be sent until the user chooses, or writes less
  bool alone_too_long = false;  // what is being written does not fit even without any message above it
  std::int64_t first_kept = 0;  // the message below the cut line; 0: no line within the messages
  std::size_t n_forgotten = 0;  // messages above the line: what is (or, while asked, would be) left out
  std::int64_t larger = 0, larger_bytes = 0;  // a larger context, and the memory that it costs more; 0: there is none
};

enum class NoticeKind : std::uint8_t { info, error };
struct Notice {
  std::uint64_t id = 0;
  NoticeKind kind = NoticeKind::info;
  std::string text;  // one sentence
  bool can_undo = false;  // offers Undo
};

/// Whether a model fits into memory, told before it is opened.
enum class FitLevel : std::uint8_t { unknown, fits, slow, too_large };
struct ModelFit {
  FitLevel level = FitLevel::unknown;
  std::string words;  // "Needs 5.1 of 7.6 GB"; empty where it is unknown
  std::int64_t needed = 0;  // bytes
};

struct RecentModel {
  std::string path;  // UTF-8
  std::string name;
  ModelFit fit{};
};

/// A model that another program keeps on this computer, or that lies beside one that was opened before.
struct FoundModel {
  std::string path;  // UTF-8
  std::string name;
  std::string detail;  // "4.7 GB, from LM Studio", or why it cannot be opened
  bool can_open = true;
  ModelFit fit{};
};

/// What the hub was asked for and has answered: repositories by some words, or the models of one.
struct HubRow {
  std::string name;
  std::string detail;      // "Q4_K_M, 4.7 GB", "12,345 downloads"
  std::string repository{}; // to look into; empty: the row is a model, to be downloaded
  ModelFit fit{};          // of a model
};
struct HubView {
  bool can_ask = false;    // this build can download
  bool asking = false;
  std::string about{};      // the repository; empty: a search, or nothing was asked
  std::vector<HubRow> rows{};
  std::string problem{};    // why there is no answer, one sentence; empty: there is, or will be one
};

/// failed: or it has ended before all was there; it can go on.
enum class DownloadState : std::uint8_t { waiting, running, failed, done };
struct DownloadView {
  std::int64_t id = 0;
  DownloadState state = DownloadState::waiting;
  std::string name;
  std::string detail;  // "1.2 of 4.9 GB, 31 MB/s, about 2 min", or why it ended
  double share = -1;   // of it that is there, 0..1; negative: unknown
  std::string path{};  // when it is done
};

/// A request that the program has made over the internet.
struct NetworkRow {
  std::uint64_t id = 0;
  std::string host, purpose;         // whom it asked, and what for: "Downloading model.gguf"
  std::string bytes, when, outcome;  // "4.7 MB", "Today, 18:03", "answered"
};
struct NetworkView {
  bool known = false;       // it has been looked at
  std::vector<NetworkRow> rows{};  // the newest first
  std::string problem{};    // what is missing of it, one sentence; empty: nothing
};

enum class ThemeChoice : std::uint8_t { light, dark };

/// What the composer takes over once; ids grow. A file that was read, or without a name, words that came back.
struct Offer {
  std::uint64_t id = 0;
  std::string name, text;
};

/// What the engine has said about suggestions; the newest has the greatest serial.
struct SuggestionNews {
  std::uint64_t serial = 0;
  autocomplete::DraftsEvent event;
};

/// Suggestions while the user types (docs/autocomplete.md): what is set, what they stand on, and what came of them.
struct SuggestionsView {
  autocomplete::Settings settings;
  bool model = false;          // one is open
  bool busy = false;           // something that goes first needs it
  std::uint64_t context = 0;   // of what a new message follows; with another one, drafts of before are worth nothing
  std::string device;          // model and device, which the tier is measured for
  bool on_battery = false, power_saver = false;
  double tier = 0;             // as it was measured there before (SuggestionsCounted); 0: never
  double tau = 0;              // the least mean log-prob of a draft that came of it there; 0: not known
  std::string counters;        // as they were counted up to the start of the program (SuggestionsCounted)
  std::string writer;          // which model writes them, and why; one sentence
  std::string failure;         // why the last request came to nothing; one sentence; empty: it did not
  std::vector<SuggestionNews> news;  // the newest of each of the last requests, by their serials
  std::uint64_t tokens_decoded = 0, tokens_dropped = 0;  // since the start of the program
};

/// The local server, by which other programs ask the open model.
struct ServerView {
  bool on = false;
  std::string url{}, key{};  // where it is asked, and what requests bear; while it is on
  std::string trouble{};  // why it is not on though it should be; one sentence
  int running = 0;       // requests that are being answered
};

/// One of the values of a setting.
struct SettingOption {
  std::string value, label;
  std::string detail{};  // what it costs or means; empty: the label says all
  bool enabled = true;
  std::string copies{};  // what pressing it gives to the clipboard; then it changes nothing
  std::string runs{};    // the name of the command that pressing it runs instead (commands.h)
};
/// The key of the switch of suggestions; its values.
inline constexpr const char* kSuggestionsSetting = "suggestions";
inline constexpr const char* kOn = "on";
inline constexpr const char* kOff = "off";
/// A row of the settings page. Rows of one section follow each other.
struct SettingRow {
  std::string key;      // by which ChangeSetting names it
  std::string section, label, help;
  std::string reason{};  // why it cannot be changed now; empty: it can
  std::vector<SettingOption> options{};
  std::string chosen{};  // the value of one of them
};

/// A number by which the answers of a chat are drawn. Rows of one section follow each other.
struct SamplingRow {
  std::string key;         // by which SetSampling names it
  std::string section, label, help;
  std::string reason{};    // why it cannot be changed; empty: it can
  double minimum = 0, maximum = 0, step = 1;
  bool whole = false;      // no fractions
  double start = 0;        // what more and less begin with while nothing is chosen
  std::string usual{};     // what holds then, in words: "0.8", "any"
  std::string chosen{};    // of this chat; empty: as usual
};
/// How the model answers in the chat that is shown.
struct AnswersView {
  std::string instructions;  // that it reads before everything else; empty: none
  std::vector<SamplingRow> sampling;
  bool own = false;          // there are instructions, or numbers that are not the usual ones
  bool as_new_chats = true;  // new chats begin like this one
};

struct ViewState {
  std::vector<ChatRow> chats;  // as listed, search applied
  std::string found_for;          // the search whose hits they are
  std::int64_t current_chat = 0;  // 0: a new chat that is not stored yet
  std::string title;              // of the current chat; empty: it has none
  std::int64_t stored_as = 0;     // the number that the new chat has got, which goes on as current_chat
  bool opening_chat = false;      // another one was chosen, and is being read
  std::string search;
  ChatOrder chat_order = ChatOrder::date;
  std::vector<BinRow> bin;  // the latest deletion first
  std::optional<BackupsView> backups;
  std::optional<ImportView> import;
  bool private_chat = false;  // the current chat is written nowhere
  std::vector<MessageRow> messages;  // of the current chat, oldest first
  SearchPlace place;                 // to which a hit of the search has led
  std::string draft;                 // taken over by the composer when current_chat changes
  ModelView model;
  std::vector<RecentModel> recent_models;
  std::vector<FoundModel> found_models;  // none of the recent ones
  std::string found_note;    // folders that may not be read; empty: nothing to say
  HubView hub;
  std::vector<HubRow> known_models;  // of the hub, for whoever has none; empty where it cannot be asked
  std::vector<DownloadView> downloads;  // in the order in which they were asked for
  NetworkView network;
  bool finding_models = false;
  bool can_choose_files = false;  // there are dialogs for ChooseFile
  RecentModel builtin_model;  // the one that comes with the program; no path: there is none
  std::vector<Offer> offers;  // that are not taken over yet, the newest last
  bool generating = false;   // an answer is being written,
  bool elsewhere = false;    // and stands in another chat than the one that is shown
  std::int64_t answering_chat = 0;  // which one's it is; 0: none, or one that is not stored
  bool answers_here() const { return generating && !elsewhere; }
  StatusView status;
  ServerView server;
  ContextView context;
  SuggestionsView suggestions;
  AnswersView answers;
  std::vector<Notice> notices;  // newest last
  ThemeChoice theme = ThemeChoice::light;
  bool high_contrast = false;
  float scale = 1;  // on top of the monitor's own, 0.75..3
  bool less_motion = false;  // nothing fades or blinks
  bool enter_sends = true;  // else Enter begins a line, and Ctrl+Enter sends
  std::vector<SettingRow> settings;
};

struct SendMessage { std::string text; };
struct StopGenerating {};
/// Another answer in this one's place; the old one stays, as a sibling.
struct Regenerate { std::int64_t message = 0; };
/// A stopped, interrupted or failed answer, the last of the chat, goes on where it ended.
struct ContinueAnswer { std::int64_t message = 0; };
/// A new version of a message, as a sibling: of the user's it is asked, a model's stands as it is written.
struct EditMessage { std::int64_t message = 0; std::string text; };
/// The version before (-1) or after (1) this one.
struct ShowSibling { std::int64_t message = 0; int step = 0; };
struct NewChat { bool private_chat = false; };
struct SelectChat { std::int64_t id = 0; };
struct RenameChat { std::int64_t id = 0; std::string title; };
struct PinChat { std::int64_t id = 0; bool pinned = false; };
/// `folder` is a path; empty: out of all folders.
struct MoveChat { std::int64_t id = 0; std::string folder; };
struct RenameFolder { std::string from, to; };
/// Its chats stand one level higher then.
struct RemoveFolder { std::string path; };
struct SetChatOrder { ChatOrder order = ChatOrder::date; };
struct DeleteChat { std::int64_t id = 0; };
/// The message and everything below it.
struct DeleteMessage { std::int64_t message = 0; };
/// A new chat with everything down to this message.
struct ForkChat { std::int64_t message = 0; };
enum class ExportAs : std::uint8_t { json, markdown, html, text };
struct ExportChat { std::int64_t chat = 0; ExportAs format = ExportAs::json; };
/// A file that was exported as JSON: its chat joins those that `import` shows.
struct ImportFile { std::string path; };
/// A text file that shall come with the message.
struct AttachFile { std::string path; };
/// Has the user choose a file in a dialog of the desktop: a model to open, or a text that shall come with the message.
enum class FileUse : std::uint8_t { model, message };
struct ChooseFile { FileUse use = FileUse::model; };
/// Writes what `import` shows as fresh.
struct ConfirmImport {};
struct CancelImport {};
struct ShowBackups {};
struct RestoreBackup { std::int64_t id = 0; };
struct CloseBackups {};
/// Takes the last deletion, move, edit, renaming, import or restore back.
struct Undo {};
struct RestoreDeleted { std::int64_t entry = 0; };
struct SearchChanged { std::string query; };
/// What stands in the composer now, as it would be sent.
struct DraftChanged { std::string text; };
/// A letter of the suggestions' advisor for the engine. `rewrites`: the message that is being written anew; 0: a new one.
struct Suggesting { autocomplete::Letter letter; std::int64_t rewrites = 0; };
/// To be stored: the health page's numbers, one "name value" a line, tier and tau of SuggestionsView::device; without any text.
struct SuggestionsCounted { std::string counters; std::string device; double tier = 0, tau = 0; };
/// Of a chat that is or was shown; 0 is the new one. Whatever is being answered goes on as it began.
struct SetInstructions { std::int64_t chat = 0; std::string text; bool private_chat = false; };
/// Of the chat that is shown; without a value it is as usual again.
struct SetSampling { std::string key; std::optional<double> value; };
/// New chats begin with the instructions and numbers of the one that is shown.
struct KeepForNewChats {};
struct ChooseOverflow { Overflow choice = Overflow::ask; };
/// What stands in the composer of a chat that is left, or that nobody has written to for a while; empty: nothing any more.
struct KeepDraft { std::int64_t chat = 0; std::string text; bool private_chat = false; };
/// Offers up to this one stand in the composer.
struct OffersTaken { std::uint64_t newest = 0; };
struct OpenModel { std::string path; };
/// Looks anew for models on this computer.
struct FindModels {};
/// Words, a repository, or the address of a model, for the hub. Empty: what it said is no longer wanted.
struct AskHub { std::string text; };
/// A row of its answer; goes on with what came of it before.
struct DownloadModel { std::size_t row = 0; };
/// What came stays. One that has ended leaves the list.
struct StopDownload { std::int64_t id = 0; };
struct TryDownloadAgain { std::int64_t id = 0; };
/// One that waits goes before the others that do.
struct DownloadNext { std::int64_t id = 0; };
/// What was asked of the internet is to be shown.
struct ShowNetwork {};
struct ClearNetwork {};
/// An address of the web or of mail that the user wants to see in another program.
struct OpenLink { std::string target; };
struct DismissNotice { std::uint64_t id = 0; };
struct SetTheme { ThemeChoice theme = ThemeChoice::light; };
struct SetScale { float scale = 1; };
/// Another value of a row of the settings page.
struct ChangeSetting { std::string key, value; };
struct Quit {};

using UiEvent = std::variant<SendMessage, StopGenerating, Regenerate, ContinueAnswer, EditMessage, ShowSibling, NewChat, SelectChat, RenameChat, PinChat, MoveChat, RenameFolder, RemoveFolder, SetChatOrder, DeleteChat, DeleteMessage,
                             ForkChat, ExportChat, ImportFile, ConfirmImport, CancelImport, ShowBackups, RestoreBackup, CloseBackups, Undo, RestoreDeleted, SearchChanged,
                             AttachFile, ChooseFile, DraftChanged, SetInstructions, SetSampling, KeepForNewChats, ChooseOverflow, KeepDraft, OffersTaken, Suggesting, SuggestionsCounted, OpenModel, FindModels, AskHub, DownloadModel, StopDownload, TryDownloadAgain, DownloadNext, ShowNetwork, ClearNetwork, OpenLink, DismissNotice, SetTheme, SetScale, ChangeSetting, Quit>;

}  // namespace foreword::ui
