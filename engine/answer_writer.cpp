#include "engine/answer_writer.h"

#include <algorithm>
#include <utility>

#include "engine/grammar/thoughts.h"

namespace foreword::engine {
namespace {

constexpr std::size_t kShortestEdit = 40;  // bytes
/// A restoration that takes longer than this is told.
constexpr std::chrono::milliseconds kUnnoticed{300};

double seconds_since(std::chrono::steady_clock::time_point from) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
}

/// 8192 -> "8,192".
std::string with_commas(std::int64_t n) {
  std::string text = std::to_string(n);
  for (std::ptrdiff_t i = std::ssize(text) - 3; i > 0; i -= 3) text.insert(static_cast<std::size_t>(i), ",");
  return text;
}

bool is_chat(const Generate& request) { return std::holds_alternative<std::vector<ChatMessage>>(request.prompt); }

std::vector<std::string> stops_of(const LoadedModel& model, const Generate& request) {
  std::vector<std::string> stops = request.stop;
  if (is_chat(request)) {
    const auto more = model.chat_template()->stop_strings();
    stops.insert(stops.end(), more.begin(), more.end());
  }
  return stops;
}

/// Ids that end a repetition, sorted: those that a line's end, a colon, a quotation mark and an asterisk behind a letter become.
std::vector<TokenId> breakers_of(const Tokenizer& tokenizer) {
  std::vector<TokenId> ids;
  for (const char* text : {"a\n", "a:", "a\"", "a*"}) {
    if (const std::vector<TokenId> encoded = tokenizer.encode(text, {}); !encoded.empty()) ids.push_back(encoded.back());
  }
  std::ranges::sort(ids);
  return ids;
}

}  // namespace

AnswerWriter::AnswerWriter(LoadedModel& model, Generate request, Clock::time_point arrived, std::function<void(Event)> say)
    : model_(model), tokenizer_(*model.tokenizer()), request_(std::move(request)), say_(std::move(say)), breakers_(breakers_of(tokenizer_)),
      sampler_(request_.sampling, breakers_),
      // An answer is a text of its own, a continuation is not.
      decoder_(tokenizer_, is_chat(request_) && request_.answer_so_far.empty(), !request_.tools.empty()), filter_(stops_of(model, request_)), arrived_(arrived),
      owner_(request_.chat), teller_(model.model(), tokenizer_, request_) {
  if (request_.wanted == Wanted::state) request_.max_tokens = 0;
}

Result<void> AnswerWriter::encode(const std::tm& now) {
  FW_ASSIGN(Prompt prompt, encode_request(model_, request_, now));
  text_ = std::move(prompt.tokens);
  opening_ = std::move(prompt.opening);
  length_ = stats_.prompt_tokens = std::ssize(text_);
  const std::int64_t context = model_.model().context;
  FW_TRY(check_wanted(model_, request_));
  FW_TRY(begin_form());
  if (text_.empty()) return Error{ErrorCode::invalid_argument, "The prompt is empty; write something first."};
  if (length_ < context) return {};
  return Error{ErrorCode::invalid_argument, "This turn needs " + with_commas(length_ + 1) + " tokens, but the context holds " + with_commas(context) +
                                                "; shorten it, begin a new chat, or use a larger context."};
}

Result<void> AnswerWriter::begin_form() {
  if (!request_.form) return {};
  const bool may_think = is_chat(request_) && model_.chat_template()->thinks() && request_.thinking.value_or(true);
  const bool begins_text = is_chat(request_) && request_.answer_so_far.empty();
  const auto form = begins_text && tokenizer_.drops_first_space() ? behind_dropped_space(request_.form) : request_.form;
  form_.emplace(may_think || !opening_.empty() ? behind_thoughts(*form) : form, model_.token_trie());
  if (form_->begin(opening_ + request_.answer_so_far)) return {};
  return Error{ErrorCode::invalid_argument, "The answer has begun in another way than the form that is asked for; let it begin anew."};
}

Error AnswerWriter::nothing_left() const {
  if (!form_) return {ErrorCode::corrupt, "The model computed no usable number; its file may be damaged."};
  return {ErrorCode::unsupported, "The model has no token for what the form of the answer demands next; use another grammar or model."};
}

void AnswerWriter::open(PrefixKeeper* keeper) {
  // The last one's logits are needed, or all of them.
  const auto wanted = std::span(text_).first(teller_.reads_all() ? 0 : text_.size() - 1);
  known_ = &model_.texts().open(wanted, owner_);
  in_use_.emplace(model_.texts(), *known_);
  sent_away_ = false;
  teller_.begin();
  known_->request = request_.id;
  if (keeper == nullptr || wanted.empty()) return begin_reading();
  restoring_since_ = Clock::now();
  restoration_.emplace(keeper->restore(*known_, wanted));
}

void AnswerWriter::close() {
  if (known_ == nullptr) return;
  take_back();
  restoration_.reset();
  owner_ = known_->owner;
  in_use_.reset();
  known_ = nullptr;
  sent_away_ = !done_;
}

void AnswerWriter::assign(TextOwner chat) {
  TextOwner& owner = known_ != nullptr ? known_->owner : owner_;
  if (owner == 0) owner = chat;
}

bool AnswerWriter::has_lost_its_beginning() const { return is_open() && !restoring() && !model_.cache().is_whole(known_->sequence); }

void AnswerWriter::restore(std::chrono::milliseconds patience) {
  const bool more = restoration_->step(patience);
  const std::int64_t known = std::ssize(known_->tokens);
  if (more && known != told_ && Clock::now() > restoring_since_ + kUnnoticed) {
    say_(PrefixRestoring{request_.id, told_ = known, std::ssize(text_) - 1});
  }
  if (more) return;
  stats_.restore_seconds += seconds_since(restoring_since_);
  restoration_.reset();
  begin_reading();
}

void AnswerWriter::begin_reading() {
  if (started_) return;
  started_ = true;
  reading_since_ = Clock::now();
  stats_.reused_tokens = std::ssize(known_->tokens);
  stats_.restored_tokens = std::min(std::exchange(known_->n_restored, 0), stats_.reused_tokens);
  fresh_ = n_unread();
  say_(GenerationStarted{request_.id, stats_.prompt_tokens, stats_.reused_tokens});
}

void AnswerWriter::draft_with(Drafting* drafting) {
  if (drafting == drafting_) return;
  if (drafting_ != nullptr) {
    const Speculation& speculation = drafting_->speculation;
    stats_.drafted_tokens += speculation.stats().drafted - before_.drafted;
    for (std::size_t i = 0; i < before_.accepted.size(); ++i) {
      const std::string_view name = speculation.drafters()[i].row->name;
      const std::int64_t accepted = speculation.stats().accepted[i] - before_.accepted[i];
      const auto known = std::ranges::find(stats_.drafters, name, &GenerationStats::Drafter::name);
      if (known != stats_.drafters.end()) known->accepted += accepted;
      else stats_.drafters.push_back({name, accepted});
    }
  }
  drafting_ = drafting;
  followed_ = false;
  if (drafting_ != nullptr) before_ = drafting_->speculation.stats();
}

Work::Need AnswerWriter::need() const {
  if (!is_open() || restoring() || done_) return {};
  const std::int64_t unread = n_unread();
  return {.urgency = request_.background ? Urgency::background : Urgency::answer,
          .roots = unread == 1 ? 1 : 0,
          .unread = unread > 1 ? unread : 0,
          .depth = std::ssize(known_->tokens)};
}

void AnswerWriter::take_back() {
  if (walk_) text_.resize(text_.size() - walk_->result().tokens.size());
  if (form_) form_->take_back();
  walk_.reset();
  teller_.take_back();
  chances_.clear();
}

void AnswerWriter::add_rows(Batch& batch, const Room& room) {
  take_back();
  const SequenceId sequence = known_->sequence;
  const std::int64_t unread = n_unread(), most = std::min(room.rows, model_.cache().n_steady(sequence));
  first_row_ = batch.size();
  const bool to_the_end = unread <= most;
  n_chain_ = to_the_end ? unread - 1 : most;
  tree_ = nullptr;
  std::int32_t parent = -1;
  for (std::int64_t i = 0; i < n_chain_; ++i) {
    const std::int64_t at = std::ssize(known_->tokens) + i;
    parent = batch.add(text_[static_cast<std::size_t>(at)], sequence, parent, teller_.wish(at, stats_.prompt_tokens));
  }
  if (!to_the_end) return;
  alone_.clear(text_.back());
  tree_ = &alone_;
  const bool begun = stats_.n_tokens > 0;
  TokenRule* rule = form_ ? &*form_ : nullptr;
  Speculation* speculation = drafting_ != nullptr && begun ? &drafting_->speculation : nullptr;
  if (speculation != nullptr && unread == 1) {
    follow();
    if (drafting_->self) drafting_->self->use(sequence);
    const std::int64_t left = model_.model().context - std::ssize(text_) + 1;
    tree_ = &speculation->draft(text_, request_.sampling, std::ssize(text_), static_cast<int>(std::clamp<std::int64_t>(left, 1, most)), room.beside, rule, room.go_on);
  }
  // Of most rows of a tree, drafters want a few and nobody the rest.
  LogitWish own = request_.wanted == Wanted::state ? LogitWish::state() : request_.chances >= 0 ? LogitWish(true) : sampler_.wish(tokenizer_.suppressed().size());
  // Of the best, a form may leave few.
  if (form_ && !own.all()) own = LogitWish::best(std::max<std::size_t>(static_cast<std::size_t>(own.n_best()), gpu::Backend::kMostTopK));
  const LogitWish wish = tree_ != &alone_ && own.all() ? LogitWish::best(kBestOfRow) : own;
  const auto root = static_cast<std::int32_t>(batch.size());
  for (std::size_t node = 0; node < tree_->token.size(); ++node) {
    batch.add(tree_->token[node], sequence, node == 0 ? parent : root + tree_->parent[node], wish);
  }
  walk_.emplace(*tree_, speculation != nullptr ? speculation->mode() : VerifyMode::gumbel, sampler_,
                Walk::Place{&text_, std::ssize(text_), tokenizer_.suppressed(), [this](TokenId token) { return tokenizer_.is_end_of_generation(token); }, rule});
}

void AnswerWriter::take(std::int64_t row, const LogitRow& logits) {
  // Rows of the matrix beyond the vocabulary are padding that no text belongs to.
  const LogitRow named = logits.first(static_cast<std::size_t>(tokenizer_.size()));
  const auto node = static_cast<std::int32_t>(row - first_row_ - n_chain_);
  if (node < 0 || request_.wanted == Wanted::state) return teller_.take(std::ssize(known_->tokens) + row - first_row_, named, text_);
  Speculation* speculation = tree_ != &alone_ ? &drafting_->speculation : nullptr;
  if (!walk_->wants(node)) {
    if (speculation != nullptr) speculation->observe_aside(node, named);
  } else if (may_go_on()) {
    walk_->take(named);
    if (request_.chances >= 0 && !walk_->result().exhausted) chances_.push_back(chances_of(tokenizer_, named, text_.back(), request_.chances));
    if (speculation != nullptr) speculation->observe(node, sampler_.best());
  }
}

void AnswerWriter::keep_rows(const VerifyResult& chosen) {
  KvCache& cache = model_.cache();
  const auto first_unread = text_.begin() + std::ssize(known_->tokens);
  Result<void> kept;
  if (tree_ == nullptr || tree_ == &alone_) {
    const std::int64_t n = n_chain_ + (tree_ != nullptr ? 1 : 0);
    known_->tokens.insert(known_->tokens.end(), first_unread, first_unread + n);
    kept = cache.commit(known_->sequence, n);
  } else {
    for (const std::int32_t node : chosen.path) known_->tokens.push_back(tree_->token[static_cast<std::size_t>(node)]);
    kept = cache.accept(known_->sequence, chosen.path);
  }
  if (kept) return;
  if (kept.error().code != ErrorCode::device_lost) return fail(kept.error());
  // A device that is lost stays so: the next pass tells, and the text goes on elsewhere with all that was chosen.
  known_->cut(std::min(std::ssize(known_->tokens), cache.length(known_->sequence)));
}

void AnswerWriter::end_step(const Pass& pass) {
  VerifyResult chosen = walk_ ? walk_->result() : VerifyResult();
  walk_.reset();
  if (form_) form_->keep();
  const bool reading = stats_.n_tokens == 0;
  if (reading) {
    const std::int64_t known = std::ssize(known_->tokens) + n_chain_ + (tree_ != nullptr ? 1 : 0);
    say_(PromptProgress{request_.id, std::clamp<std::int64_t>(known - stats_.reused_tokens, 0, fresh_), fresh_});
  }
  teller_.end_step(text_, say_);
  if (tree_ == nullptr) return keep_rows(chosen);
  if (reading) {
    stats_.prompt_seconds = seconds_since(reading_since_);
  } else {
    ++stats_.passes;
  }
  if (tree_ != &alone_) {
    drafting_->speculation.learn(text_, chosen, pass.rows, pass.seconds);
    drafting_->followed.insert(drafting_->followed.end(), text_.begin() + std::ssize(drafting_->followed), text_.end());
  }
  const Said said = say_tokens(chosen.tokens);
  if (!reading) stats_.pass_tokens += static_cast<std::int64_t>(said.n);
  // Of what was drafted behind the answer's end no row is kept, as if it had not been: else a page could close that would be open.
  chosen.path.resize(std::min(chosen.path.size(), said.n));
  keep_rows(chosen);
  if (done_) return;
  if (reading) teller_.end(say_);
  if (said.ended || !may_go_on()) return finish();  // the next tokens would not be used
  if (form_ && form_->finished()) return finish();  // as if the model had ended it, which is all that it still could
  if (chosen.exhausted) fail(nothing_left());
}

AnswerWriter::Said AnswerWriter::say_tokens(std::span<const TokenId> tokens) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (!may_go_on()) return {i, true};
    if (!say_token(tokens[i], i < chances_.size() ? std::optional(std::move(chances_[i])) : std::nullopt)) return {i + 1, true};
  }
  return {tokens.size(), false};
}

bool AnswerWriter::may_go_on() {
  if (request_.max_tokens >= 0 && stats_.n_tokens >= request_.max_tokens) stats_.stop_reason = StopReason::length;
  else if (length_ >= model_.model().context) stats_.stop_reason = StopReason::context;
  else return true;
  return false;
}

bool AnswerWriter::say_token(TokenId token, std::optional<TokenChances> chances) {
  if (stats_.n_tokens == 0) {
    first_token_ = Clock::now();
    stats_.first_token_seconds = seconds_since(arrived_);
  }
  if (tokenizer_.is_end_of_generation(token)) {
    stats_.stop_reason = StopReason::eos;
    return false;
  }
  ++stats_.n_tokens;
  const double elapsed = seconds_since(first_token_);
  const double speed = stats_.n_tokens > 1 && elapsed > 0 ? static_cast<double>(stats_.n_tokens - 1) / elapsed : 0;
  const std::string decoded = decoder_.push(token);
  std::string text = std::exchange(opening_, {});
  decoded_ += std::ssize(text);
  TextPiece piece{request_.id, std::move(text) + filter_.push(decoded), {token}, speed, length_ + 1};
  if (chances) {
    chances->begin = decoded_;
    piece.chances.push_back(std::move(*chances));
  }
  decoded_ += std::ssize(decoded);
  say_(std::move(piece));
  if (filter_.hit()) stats_.stop_reason = StopReason::stop_string;
  else ++length_;
  return !filter_.hit();
}

void AnswerWriter::follow() {
  Speculation& speculation = drafting_->speculation;
  std::vector<TokenId>& followed = drafting_->followed;
  if (!followed_) {
    const auto prompt = std::span(text_).first(static_cast<std::size_t>(stats_.prompt_tokens));
    const auto kept = std::ranges::mismatch(followed, prompt).in1 - followed.begin();
    speculation.begin(prompt, static_cast<std::size_t>(kept));
    speculation.expect_copy_of(tokenizer_.encode(text_to_edit(request_), {}));
    followed.assign(prompt.begin(), prompt.end());
    followed_ = true;
  }
  if (followed.size() == text_.size()) return;
  speculation.begin(text_, followed.size());
  followed.insert(followed.end(), text_.begin() + std::ssize(followed), text_.end());
}

void AnswerWriter::stop() {
  stats_.stop_reason = StopReason::cancelled;
  finish();
}

void AnswerWriter::fail(const Error& error) {
  done_ = true;
  draft_with(nullptr);
  close();
  say_(GenerationFailed{request_.id, error});
}

void AnswerWriter::finish() {
  done_ = true;
  draft_with(nullptr);
  if (is_open()) {
    known_->cut(model_.cache().truncate(known_->sequence, std::min(model_.cache().length(known_->sequence), length_)));
    known_->n_sent = std::ssize(known_->tokens);
    close();
  }
  if (stats_.n_tokens > 0) stats_.decode_seconds = seconds_since(first_token_);
  std::string rest = filter_.push(decoder_.finish());
  rest += filter_.finish();
  if (!rest.empty()) say_(TextPiece{request_.id, rest, {}, 0, length_});
  stats_.seconds = seconds_since(arrived_);
  say_(GenerationDone{request_.id, stats_});
}

std::string text_to_edit(const Generate& request) {
  const auto* messages = std::get_if<std::vector<ChatMessage>>(&request.prompt);
  if (messages == nullptr || messages->empty() || messages->back().role != Role::user) return {};
  const std::string& asked = messages->back().content;
  const std::size_t line = asked.find('\n'), colon = asked.find(": ");
  std::size_t begin = std::min(line, colon);
  if (begin == std::string::npos) return {};
  begin = asked.find_first_not_of(" \n", begin + 1);
  if (begin == std::string::npos || asked.size() - begin < kShortestEdit) return {};
  return asked.substr(begin);
}

}  // namespace foreword::engine
