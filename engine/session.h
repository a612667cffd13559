#pragma once
// The engine desk: one thread that owns model, KV cache and backend. Others send it Commands and get Events; nothing is
// shared. All that runs takes part in one forward pass after the other (scheduler.h); a stop is obeyed between two of them,
// or between two layers of a long one.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "engine/autocomplete/draft_job.h"
#include "engine/autocomplete/own_texts.h"
#include "engine/base/mailbox.h"
#include "engine/base/result.h"
#include "engine/infill.h"
#include "engine/kv/kv_book.h"
#include "engine/kv/prefix_store.h"
#include "engine/kv/prefix_tree.h"
#include "engine/sampling/sampler.h"
#include "engine/sampling_advice.h"
#include "engine/speculative/verify.h"
#include "engine/template/chat_template.h"
#include "engine/token_chances.h"
#include "engine/tokenizer/tokenizer.h"

namespace foreword::engine {

class Grammar;

struct ModelOptions {
  std::string device = "auto";
  std::int64_t gpu_layers = -1;     // that the device computes, the first ones; the processor does the rest. -1: as many as fit
  std::filesystem::path cache_folder = {};  // of what devices compile and how fast they are; empty: nothing is kept
  int n_threads = 0;           // 0 = what the machine allows
  std::int64_t context = 0;    // tokens; 0 = the model's own length, at most kDefaultContext
  KvWish kv;                   // how old tokens are kept
  std::shared_ptr<KvBook> kv_book;  // what modes cost on which model; none: nothing is known, and nothing is measured
  bool kv_every_page = false;  // no page stays exact: for measuring
  std::vector<std::string> draft = {"auto"};  // drafters by name (speculative/drafter.h); auto: all there are, off: none
  std::filesystem::path draft_model;          // a smaller model of the same vocabulary that drafts; empty: none
  bool draft_model_optional = false;          // where it cannot be opened or fails when tried, that is logged, and the model goes without it
  int draft_min = 0;  // tokens of a pass that are drafted at least where a draft model drafts, up to kMostDraftMin; 0: as many as pay
  VerifyMode verify = VerifyMode::gumbel;
};
inline constexpr std::int64_t kDefaultContext = 8192;
inline constexpr int kMostDraftMin = 63;

/// What a status line can say about the loaded model. Nothing in it is guessed.
struct ModelSummary {
  std::filesystem::path path;
  std::string name;             // general.name, else the file name
  std::string architecture;
  std::string device;           // the device really used, e.g. "AMD Ryzen 7 7840U (2 threads)"
  std::string device_reason;    // why "auto" took it, or that only some layers fit; empty: nothing to say
  std::string chat_format;      // "jinja", "chatml", ...
  bool thinks = false;          // the chat format has a thinking mode
  std::vector<SamplerValue> sampling;  // how its file would have answers drawn (advised())
  std::int64_t n_parameters = 0;
  std::int64_t file_bytes = 0;
  std::int64_t kv_bytes = 0;    // reserved for the whole context
  std::string kv;               // the KV cache's mode ("balanced"), or the encoding that was named ("k8v4")
  std::vector<KvModeOffer> kv_modes;  // what each mode costs this model, as far as that is known
  std::int64_t memory_total = 0;  // bytes of the device's memory; 0: not known
  std::int64_t context = 0;     // tokens of this session
  std::int64_t trained_context = 0;
  bool vocabulary_only = false;
};

/// Why an answer ended.
enum class StopReason : std::uint8_t { eos, stop_string, length, context, cancelled };
std::string_view name_of(StopReason reason);  // "eos", "stop", "length", "context", "cancelled"

struct GenerationStats {
  std::int64_t prompt_tokens = 0;   // of the whole prompt
  std::int64_t reused_tokens = 0;   // of them not read again: found in the KV cache, or
  std::int64_t restored_tokens = 0;  // of the reused ones, brought back from the prefix store since the chat's last answer
  double restore_seconds = 0;        // that the answer waited for them
  std::int64_t n_tokens = 0;        // generated, end token not counted
  double first_token_seconds = 0;   // from the command's arrival at the desk to the first token
  double prompt_seconds = 0;        // reading the new part of the prompt
  double decode_seconds = 0;        // answering: from first token to last
  double seconds = 0;               // all of it
  StopReason stop_reason = StopReason::eos;
  std::int64_t passes = 0;          // of the model behind the prompt; fewer than tokens where drafts were right
  struct Drafter {
    std::string_view name;
    std::int64_t accepted = 0;      // tokens that it had named
  };
  std::vector<Drafter> drafters = {};
  std::int64_t drafted_tokens = 0;  // of drafts, that passes computed, right or wrong
  std::int64_t pass_tokens = 0;     // that they chose, the end token counted; the pass that ends the prompt chooses the first one
  double tokens_per_pass() const { return passes > 0 ? static_cast<double>(pass_tokens) / static_cast<double>(passes) : 0; }
};

// ---- Commands -------------------------------------------------------------------------------------------------------

/// In the place of the one that is open, which goes first: two may not fit at once.
struct LoadModel {
  std::filesystem::path path;
  ModelOptions options;
};
struct UnloadModel {};
/// Chat: messages through the model's template. Raw: text as it is, BOS as the file says. Infill: what stands between two texts. Tokens: read as they are. Several run at once, in the same
/// passes: one's prompt is read while another one's answer goes on.
/// What is wanted for a prompt: an answer to it; its tokens alone; one vector for what it says.
enum class Wanted : std::uint8_t { answer, tokens, state };
using GeneratePrompt = std::variant<std::vector<ChatMessage>, std::string, Infill, std::vector<TokenId>>;
struct Generate {
  std::uint64_t id = 0;  // chosen by the sender, stands in every event of this request
  GeneratePrompt prompt;
  Wanted wanted = Wanted::answer;
  std::optional<EncodeOptions> encoding = {};  // of a raw text, instead of what was said above
  SamplingParams sampling;
  std::int64_t max_tokens = -1;  // -1 = until the model ends or the context is full
  std::string answer_so_far;     // chat: the answer goes on after this text, which was its beginning
  std::optional<bool> thinking = {};  // chat: whether a model that can think before it answers shall; nothing: as its template has it
  std::string tools = {};        // chat: as ChatTemplateOptions::tools; where there are any, the answer's text has special tokens in it, too, with which some models ask for one
  TextOwner chat = 0;            // whose text it is (prefix_tree.h)
  std::vector<std::string> stop;  // texts that end the answer and are not part of it
  std::shared_ptr<const Grammar> form = {};  // that the answer is a text of, behind thoughts where the model has any; null: of none
  int chances = -1;               // how many of the likeliest tokens are told with each token of the answer, at most kMostChances; -1: no chances at all
  bool prompt_chances = false;    // those of the prompt's tokens, too, all of which are read anew for it
  bool for_others = false;        // another program waits for it: a place stays free for answers that the user waits for
  bool background = false;        // nobody waits for it: it stands still while anything else is asked for
};
struct Stop {
  std::uint64_t id = 0;  // 0 = whatever runs or waits
};
/// The text of request `id`, which had no owner, belongs to this stored chat.
struct AssignChat {
  std::uint64_t id = 0;
  TextOwner chat = 0;
};
/// Continuations of a text that is being written. A newer one, or an answer, takes the place of the one that runs; while an
/// answer runs it is refused as busy. What runs in the background waits for it.
struct Suggest {
  std::uint64_t id = 0;  // of the text's state, chosen by the sender; stands in the events
  std::variant<std::vector<ChatMessage>, std::string> context;  // the chat before the user's open turn, or plain text
  std::string before;    // the text before the caret
  DraftLimits limits;
  double seconds = 0;    // decoding ends after this long, and fewer drafts are made if all would be late (draft_plan.h); 0 = no limit
  std::int64_t most_context = 512;  // tokens of the chat that are looked at
  std::optional<bool> thinking = {};  // as the answer to the turn will be asked for: some templates write it before everything else
  TextOwner chat = 0;
  bool own_texts = true;  // what was learned counts (LearnTexts); not so in private chats
};
/// What the user has said, the oldest first, for suggestions that say it again. Kept in memory alone, also if another model is opened;
/// ForgetChat takes its chat's share away, whether or not the chat goes on. anew: what was learned before is forgotten.
struct LearnTexts {
  std::vector<OwnText> texts;
  bool anew = false;
};
/// Of the newest suggestion: the drafts that still count go on, up to so many tokens. Others are given up.
struct AdjustDrafts {
  std::uint64_t id = 0;
  std::vector<std::int32_t> ids;
  std::int64_t max_tokens = 0;
};
struct CancelSuggest {
  std::uint64_t id = 0;  // 0 = whatever runs or waits
};
/// What the prefix store has of this chat, which is to go on with a turn of the user, comes back while nothing else runs, so that
/// the turn finds it in memory. Says nothing; a newer one takes its place, an answer goes on where it is.
struct RecallChat {
  TextOwner chat = 0;
  std::vector<ChatMessage> messages;  // up to that turn
  std::optional<bool> thinking = {};  // as in Suggest
};
/// Nothing that was read for this chat is kept in the prefix store, and in memory only if the chat goes on: then what its
/// next turn needs is written down again.
struct ForgetChat {
  TextOwner chat = 0;
  bool goes_on = false;
};
/// The prefix store keeps what these chats use and nothing else.
struct KeepChats {
  std::vector<TextOwner> chats;
};
/// How long a chat would be as a prompt. Disturbs nothing: while an answer runs it is counted between two steps.
struct CountTokens {
  std::uint64_t id = 0;  // chosen by the sender
  std::vector<ChatMessage> messages;
  std::optional<bool> thinking = {};  // as in Generate
};
/// How much memory a model would find that is opened with these options.
struct LookAtMemory {
  ModelOptions options;
};
using Command = std::variant<LoadModel, UnloadModel, Generate, Stop, AssignChat, ForgetChat, KeepChats, CountTokens, Suggest,
                             AdjustDrafts, CancelSuggest, LearnTexts, RecallChat, LookAtMemory>;

// ---- Events ---------------------------------------------------------------------------------------------------------

struct ModelLoading {
  std::filesystem::path path;
  double share = -1;  // of it that is done; comes again and again while that takes long; negative: it begins
};
struct ModelReady {
  ModelSummary model;
};
struct ModelFailed {
  std::filesystem::path path;
  Error error;
  bool kept = false;  // the file's header told so: the model that was open still is, and its ModelReady follows
};
struct ModelUnloaded {};
/// The self-test of the open model has measured one more encoding; a mode that it makes possible is used from the next
/// loading on.
struct KvMeasured {
  std::vector<KvModeOffer> modes;
};
/// The prompt is tokenised and fits.
struct GenerationStarted {
  std::uint64_t id = 0;
  std::int64_t prompt_tokens = 0, reused_tokens = 0;
};
/// Before that, if it takes longer than 300 ms: what was read before comes back from the disk; so far `done` of at most
/// `total` tokens.
struct PrefixRestoring {
  std::uint64_t id = 0;
  std::int64_t done = 0, total = 0;
};
/// The prompt has been read up to `done` of `total` new tokens.
struct PromptProgress {
  std::uint64_t id = 0;
  std::int64_t done = 0, total = 0;
};
/// Where it was asked for: of the next tokens of the prompt, in order, the first one included. They begin where they do in the prompt's text
/// without special tokens.
struct PromptChances {
  std::uint64_t id = 0;
  std::string text;  // of these tokens, and of those before whose characters ended in them
  std::vector<TokenChances> tokens;
};
/// The whole of what was wanted for a prompt besides an answer; GenerationDone follows.
struct PromptTold {
  std::uint64_t id = 0;
  std::vector<TokenId> ids;           // tokens
  std::vector<std::string> pieces;    // the bytes that each stands for, of a special token its name
  std::string text;                   // all of them together
  std::vector<float> state;           // [hidden_size], of length 1 (Euclid), pooled as the model's file has it (state_pool.h)
};
/// Whole UTF-8 characters to append, and the tokens that were decided since the last event (`ids` may be non-empty with
/// empty text and the reverse).
struct TextPiece {
  std::uint64_t id = 0;
  std::string text;
  std::vector<TokenId> ids;
  double tokens_per_second = 0;  // of the answer so far, 0 until the second token
  std::int64_t context_used = 0;
  std::vector<TokenChances> chances = {};  // of `ids`, where it was asked for; a token begins where it does in all pieces together, also if its text comes later or never (a stop text)
};
struct GenerationDone {
  std::uint64_t id = 0;
  GenerationStats stats;
};
/// Why drafts end, or do not come at all.
enum class SuggestReason : std::uint8_t { running, done, cancelled, busy, no_model, failed };
std::string_view name_of(SuggestReason reason);  // "running", "done", ...

/// The drafts of a suggestion as they are now; comes whenever one has grown by a word, and at the end.
struct Drafts {
  std::uint64_t id = 0;
  SuggestReason reason = SuggestReason::running;  // anything else is the last event, unless AdjustDrafts goes on
  std::vector<Draft> drafts;                      // best first
  std::int64_t prompt_tokens = 0, reused_tokens = 0;
  std::int64_t decoded_tokens = 0;                // rows computed, losers included
  // From the command's arrival at the desk: the prompt is read; the best draft has a whole word; now.
  double prompt_seconds = 0, first_word_seconds = 0, seconds = 0;
  std::string message;  // failed: why
};
/// The request ended without (more of) an answer; text already sent stays valid.
struct GenerationFailed {
  std::uint64_t id = 0;
  Error error;
};
/// Answers CountTokens. A chat that cannot be counted (no model is open, the template refuses it) has 0 tokens.
struct TokensCounted {
  std::uint64_t id = 0;
  std::int64_t total = 0;                 // exactly what Generate would read
  std::vector<std::int64_t> of_messages;  // of each content alone; what is left of the total is the template's
};
/// Answers LookAtMemory: what would be free without the model that is open.
struct MemoryThere {
  std::string device = "cpu";      // that computes, an id of gpu::list_devices()
  std::int64_t device_free = 0;    // bytes of a graphics processor's own memory; 0: not known, or none
  std::int64_t prompt_rows = 128, widest_head = 512;  // as gpu::DeviceInfo has them
  std::int64_t processor_free = 0;  // bytes
};
using Event = std::variant<ModelLoading, ModelReady, ModelFailed, ModelUnloaded, PrefixRestoring, GenerationStarted,
                           PromptProgress, PromptChances, PromptTold, TextPiece, GenerationDone, GenerationFailed, TokensCounted, Drafts,
                           KvMeasured, MemoryThere>;

class Session {
 public:
  /// Starts the desk. `outbox` must outlive the session. `clock_now` gives the local date for templates (tests fix it).
  /// `store`, if there is one, keeps what was read for chats over restarts, and must outlive the session too.
  explicit Session(Mailbox<Event>& outbox, std::function<std::tm()> clock_now = {}, PrefixStore* store = nullptr);
  /// Stops what runs and joins the thread. What the store does not have yet it gets, as far as three seconds go.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Any thread.
  void send(Command command);

 private:
  class Desk;
  std::unique_ptr<Desk> desk_;
  std::thread thread_;
};

}  // namespace foreword::engine
