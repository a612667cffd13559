// What a session read for chats, written down and brought back: the pages, the logits after them, and all that may have
// gone wrong with them in between.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <mutex>
#include <thread>
#include <variant>

#include "engine/fingerprint.h"
#include "engine/kv/prefix_keeper.h"
#include "engine/kv/prefix_page.h"
#include "engine/loaded_model.h"
#include "engine/session.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

std::filesystem::path model_path() { return test::data_dir() / "models" / "arch-qwen2-Q8_0.gguf"; }

/// A store without a disk. The mutex is here because a test looks into it while a session runs.
class MemoryStore final : public PrefixStore {
 public:
  void load(Wanted wanted, std::shared_ptr<Mailbox<StoredPage>> to) override {
    const std::lock_guard lock(mutex);
    ++n_loads;
    last = to;
    PrefixId parent = wanted.parent;
    std::size_t page = 0;
    if (n_loads == held_back) {  // two pages, and then nothing more for ever
      for (; page < 2; ++page) to->push(pages.at(wanted.ids[page]));
      return;
    }
    for (; page < wanted.ids.size() && pages.contains(wanted.ids[page]); ++page) {
      to->push(pages[wanted.ids[page]]);
      parent = wanted.ids[page];
    }
    const auto rest = std::span(wanted.tokens).subspan(std::min(wanted.tokens.size(), 64 * page));
    const StoredPage* best = nullptr;
    for (const auto& [id, one] : pages) {
      const bool begins = one.tokens.size() <= rest.size() && std::equal(one.tokens.begin(), one.tokens.end(), rest.begin());
      if (one.parent == parent && begins && (best == nullptr || best->tokens.size() < one.tokens.size())) best = &one;
    }
    if (best != nullptr) to->push(*best);
    if (!leaves_open) to->close();
  }
  void save(StoredPage page, std::int64_t chat, std::function<void(bool)> done) override {
    {
      const std::lock_guard lock(mutex);
      ++n_saves;
      chats[chat].insert(chats[chat].end(), page.id);
      if (!full) pages[page.id] = std::move(page);
    }
    done(!full);
  }
  void use(std::int64_t chat, std::vector<PrefixId> ids) override {
    const std::lock_guard lock(mutex);
    used[chat] = std::move(ids);
  }
  void forget(std::int64_t chat) override {
    const std::lock_guard lock(mutex);
    for (const PrefixId& id : chats[chat]) pages.erase(id);
    chats.erase(chat);
  }
  void forget_all_but(std::vector<std::int64_t>) override {}

  std::mutex mutex;
  std::map<PrefixId, StoredPage> pages;
  std::map<std::int64_t, std::vector<PrefixId>> chats, used;
  std::shared_ptr<Mailbox<StoredPage>> last;  // that a load was to fill
  int n_saves = 0, n_loads = 0;
  int held_back = 0;         // the load of this number
  bool full = false;
  bool leaves_open = false;  // loads: who takes the last page closes
};

std::unique_ptr<LoadedModel> load(gpu::KvEncoding kv, std::int64_t context = 1024) {
  ModelOptions options;
  options.device = test::device();
  options.context = context;
  options.n_threads = 2;
  options.kv = kv;
  return std::move(LoadedModel::open(model_path(), options)).value();
}

std::vector<TokenId> some_tokens(std::int64_t n, TokenId first = 5) {
  std::vector<TokenId> tokens;
  for (std::int64_t i = 0; i < n; ++i) tokens.push_back(static_cast<TokenId>(first + i * 37 % 400));
  return tokens;
}

/// A model, and what stands between its texts and a store.
struct Reader {
  explicit Reader(PrefixStore& store, gpu::KvEncoding kv = {})
      : model(load(kv)), keeper(model->cache(), model->texts(), store, fingerprint(model->model(), model->cache().shape())) {}
  /// Reads the rest of `tokens`; the logits after the last one.
  std::vector<float> read(PrefixTree::Text& text, std::span<const TokenId> tokens) {
    const auto rest = tokens.subspan(text.tokens.size());
    std::vector<float> logits;
    EXPECT_TRUE(model->read(text.sequence, rest, [&](std::int64_t i) { return i + 1 == std::ssize(rest); },
                            [&](std::int64_t, std::span<const float> row) { logits.assign(row.begin(), row.end()); }));
    text.tokens.assign(tokens.begin(), tokens.end());
    text.n_sent = std::ssize(tokens);
    return logits;
  }
  void save_all() {
    int n = 0;
    while (keeper.save_one([&](const PrefixKeeper::Ticket& ticket, bool kept) { keeper.settle(ticket, kept); })) ASSERT_LT(++n, 1000);
  }
  std::vector<std::vector<std::byte>> pages(const PrefixTree::Text& text) {
    std::vector<std::vector<std::byte>> all;
    KvCache& cache = model->cache();
    for (std::size_t i = 0; i < cache.blocks(text.sequence).size(); ++i) {
      const std::int32_t block = cache.blocks(text.sequence)[i];
      const std::int64_t n = std::min<std::int64_t>(64, std::ssize(text.tokens) - 64 * static_cast<std::int64_t>(i));
      all.emplace_back(static_cast<std::size_t>(cache.page_bytes(cache.encoding_of(block), n)));
      EXPECT_TRUE(cache.read_page(block, n, all.back()));
    }
    return all;
  }

  std::unique_ptr<LoadedModel> model;
  PrefixKeeper keeper;
};

constexpr gpu::KvEncoding kEncodings[] = {{},
                                          {gpu::KvFormat::q8, gpu::KvFormat::q8},
                                          {gpu::KvFormat::q8, gpu::KvFormat::q4h},
                                          {gpu::KvFormat::q2h, gpu::KvFormat::q2h},
                                          {gpu::KvFormat::f32, gpu::KvFormat::f32}};

/// Restores to the end; how many tokens that brought.
std::int64_t restore(PrefixKeeper& keeper, PrefixTree::Text& text, std::span<const TokenId> tokens) {
  const std::int64_t before = std::ssize(text.tokens);
  auto restoration = keeper.restore(text, tokens);
  while (restoration.step(std::chrono::milliseconds(50))) {}
  return std::ssize(text.tokens) - before;
}

TEST(Prefix, CKV8RestoredPagesAreByteEqualAndTheNextLogitsBitEqual) {
  for (const gpu::KvEncoding kv : kEncodings) {
    SCOPED_TRACE(std::string(gpu::info(kv.k).name) + "/" + std::string(gpu::info(kv.v).name));
    const auto tokens = some_tokens(64 * 6 + 17), longer = some_tokens(64 * 6 + 30);
    MemoryStore store;
    Reader one(store, kv), two(store, kv);
    PrefixTree::Text& first = one.model->texts().open(std::span(tokens).first(0), 1);
    one.read(first, tokens);
    one.model->texts().close(first);
    one.save_all();
    ASSERT_EQ(store.pages.size(), 7u);
    PrefixTree::Text& second = two.model->texts().open(std::span(longer).first(longer.size() - 1), 1);
    EXPECT_EQ(restore(two.keeper, second, std::span(longer).first(longer.size() - 1)), std::ssize(tokens));
    EXPECT_EQ(second.tokens, tokens);
    EXPECT_EQ(two.pages(second), one.pages(first));
    PrefixTree::Text& went_on = one.model->texts().open(tokens, 1);
    ASSERT_EQ(went_on.tokens, tokens);
    EXPECT_EQ(two.read(second, longer), one.read(went_on, longer)) << "bit for bit";
    one.model->texts().close(went_on);
    two.model->texts().close(second);
  }
}

TEST(Prefix, WhatWasWrittenIsNotWrittenAgainButAClosedPageTakesTheOpenOnesPlace) {
  MemoryStore store;
  Reader reader(store, kEncodings[1]);
  const auto read_to = [&](std::int64_t n) {
    const auto tokens = some_tokens(n);
    PrefixTree::Text& text = reader.model->texts().open(tokens, 1);
    reader.read(text, tokens);
    reader.model->texts().close(text);
    const int before = store.n_saves;
    reader.save_all();
    return store.n_saves - before;
  };
  EXPECT_EQ(read_to(64 * 4 + 10), 5);
  EXPECT_EQ(read_to(64 * 4 + 20), 1) << "the end alone";
  EXPECT_EQ(read_to(64 * 5 + 5), 3) << "the page that was the end, the new end, and the one that has become old";
  EXPECT_EQ(store.used[1].size(), 6u);
  for (std::size_t i = 0; i < store.used[1].size(); ++i) {
    const StoredPage& page = store.pages.at(store.used[1][i]);
    const auto encoding = std::to_integer<int>(page.bytes[6]);
    EXPECT_EQ(encoding, i >= 1 && i <= 3 ? 1 : 0) << "page " << i;
  }
}

TEST(Prefix, WhatIsOnlyBeingTypedIsNotWrittenDown) {
  MemoryStore store;
  Reader reader(store);
  const auto sent = some_tokens(100), typed = some_tokens(150);
  for (const auto& tokens : {sent, typed}) {
    PrefixTree::Text& text = reader.model->texts().open(tokens, 1);
    reader.read(text, tokens);
    text.n_sent = std::min<std::int64_t>(text.n_sent, 100);
    reader.model->texts().close(text);
    reader.save_all();
  }
  EXPECT_EQ(reader.model->texts().known(typed, 1), 150);
  EXPECT_EQ(store.n_saves, 2);
  for (const auto& [id, page] : store.pages) EXPECT_LE(page.tokens.size(), 64u);
  EXPECT_EQ(store.used[1].size(), 2u);
}

TEST(Prefix, ADamagedPageIsAMissAndIsWrittenAnew) {
  const auto tokens = some_tokens(64 * 4 + 40);
  MemoryStore store;
  Reader one(store);
  PrefixTree::Text& text = one.model->texts().open(tokens, 1);
  const std::vector<float> logits = one.read(text, tokens);
  one.model->texts().close(text);
  one.save_all();
  const auto ids = page_ids(fingerprint(one.model->model(), one.model->cache().shape()), tokens);
  const auto all_but_last = std::span(tokens).first(tokens.size() - 1);
  const StoredPage whole = store.pages.at(ids[2]);
  const std::size_t size = whole.bytes.size();
  std::vector<StoredPage> wrong(11, whole);
  for (std::size_t i = 0; i < 8; ++i) wrong[i].bytes[std::array<std::size_t, 8>{0, 4, 6, 8, 30, 50, 64, size - 1}[i]] ^= std::byte{4};
  wrong[8].bytes.resize(size - 1);
  wrong[9].bytes.clear();
  wrong[10].tokens[63] ^= 1;
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    SCOPED_TRACE(i);
    store.pages[ids[2]] = wrong[i];
    Reader two(store);
    PrefixTree::Text& again = two.model->texts().open(all_but_last, 1);
    EXPECT_EQ(restore(two.keeper, again, all_but_last), 128) << "the two pages before it";
    EXPECT_EQ(two.read(again, tokens), logits);
    two.model->texts().close(again);
    two.save_all();
    EXPECT_EQ(store.pages.at(ids[2]).bytes, whole.bytes) << "made good";
  }
}

TEST(Prefix, AnotherEncodingOrModelOrRopeSettingIsAMiss) {
  std::map<PrefixId, std::string> roots;
  for (const gpu::KvEncoding kv : kEncodings) {
    const auto model = load(kv);
    EXPECT_TRUE(roots.emplace(fingerprint(model->model(), model->cache().shape()), "encoding").second);
  }
  const auto model = load({});
  KvShape shape = model->cache().shape();
  EXPECT_TRUE(roots.contains(fingerprint(model->model(), shape))) << "the same twice";
  shape.policy.n_recent = 4;
  EXPECT_TRUE(roots.emplace(fingerprint(model->model(), shape), "policy").second);
  Model turned;
  turned.file = model->model().file;
  turned.rope_global = model->model().rope_global;
  turned.rope_local = model->model().rope_local;
  const PrefixId same = fingerprint(turned, model->cache().shape());
  EXPECT_TRUE(roots.contains(same));
  turned.rope_global.frequency.back() *= 0.5;
  EXPECT_TRUE(roots.emplace(fingerprint(turned, model->cache().shape()), "rope").second);

  // One byte of a template, of a hyper-parameter's key, or of the first values of a weight.
  const auto bytes = test::read_bytes(model_path());
  const auto changed = [&](std::size_t at) {
    auto other = std::make_shared<std::vector<std::byte>>(bytes);
    (*other)[at] ^= std::byte{1};
    const auto file = GgufFile::parse(*other, "other");
    EXPECT_TRUE(file);
    turned.file = std::make_shared<const GgufFile>(*file);
    return fingerprint(turned, model->cache().shape());
  };
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  turned.rope_global = model->model().rope_global;
  if (const std::size_t at = text.find("tokenizer.chat_template"); at != text.npos) {
    EXPECT_TRUE(roots.emplace(changed(at + 40), "template").second);
  }
  const auto weights = model->file().data(model->file().tensors().front());
  EXPECT_TRUE(roots.emplace(changed(static_cast<std::size_t>(weights.data() - model->file().part(0).data())), "weights").second);
}

TEST(Prefix, APageGoesIntoNoCacheThatItDoesNotFit) {
  MemoryStore store;
  Reader one(store, kEncodings[1]);
  KvCache& cache = one.model->cache();
  const SequenceId sequence = cache.add_sequence();
  const std::vector<std::byte> bytes(static_cast<std::size_t>(cache.page_bytes(kEncodings[3], 64)));
  EXPECT_EQ(cache.append_page(sequence, kEncodings[3], 64, bytes).error().code, ErrorCode::corrupt);
  EXPECT_EQ(cache.append_page(sequence, {}, 64, bytes).error().code, ErrorCode::corrupt);
  EXPECT_EQ(cache.length(sequence), 0);
}

// ---- Whole sessions ----

struct Answer {
  std::vector<TokenId> ids = {};
  GenerationStats stats = {};
};

class Program {
 public:
  explicit Program(MemoryStore& store, gpu::KvEncoding kv = {}) : session_(outbox_, {}, &store) {
    ModelOptions options;
    options.device = test::device();
    options.context = 1024;
    options.n_threads = 2;
    options.kv = kv;
    session_.send(LoadModel{model_path(), options});
  }
  Answer ask(TextOwner chat, decltype(Generate::prompt) prompt, std::int64_t n = 6) {
    Generate request;
    request.id = ++id_;
    request.prompt = std::move(prompt);
    request.max_tokens = n;
    request.chat = chat;
    request.sampling.temperature = 0;
    session_.send(std::move(request));
    Answer answer;
    while (auto event = outbox_.take()) {
      if (auto* piece = std::get_if<TextPiece>(&*event)) answer.ids.insert(answer.ids.end(), piece->ids.begin(), piece->ids.end());
      if (auto* failed = std::get_if<GenerationFailed>(&*event)) ADD_FAILURE() << failed->error.message;
      if (auto* done = std::get_if<GenerationDone>(&*event)) return answer.stats = done->stats, answer;
    }
    return answer;
  }
  void send(Command command) { session_.send(std::move(command)); }
  std::uint64_t last() const { return id_; }

 private:
  Mailbox<Event> outbox_;
  Session session_;
  std::uint64_t id_ = 0;
};

std::string words(int from, int n) {
  std::string text;
  for (int i = from; i < from + n; ++i) text += "word " + std::to_string(i) + ", ";
  return text;
}

TEST(PrefixSession, AChatGoesOnAtOnceAfterARestart) {
  for (const gpu::KvEncoding kv : kEncodings) {
    SCOPED_TRACE(gpu::info(kv.v).name);
    MemoryStore store;
    const std::string text = words(0, 60), more = text + " and more";
    Answer uninterrupted;
    {
      Program one(store, kv);
      one.ask(1, text, 0);
      MemoryStore none;
      Program other(none, kv);
      other.ask(1, text, 0);
      uninterrupted = other.ask(1, more);
    }
    const Answer again = Program(store, kv).ask(1, more);
    EXPECT_EQ(again.stats.reused_tokens, uninterrupted.stats.reused_tokens);
    EXPECT_GT(again.stats.restored_tokens, 64 * 5);
    EXPECT_EQ(again.ids, uninterrupted.ids);
    const Answer another = Program(store, kv).ask(2, text + "something else");
    EXPECT_GE(another.stats.restored_tokens, 64 * 5) << "of any chat";
  }
}

/// A long chat that a store has, and its next turn.
class PrefixRecall : public ::testing::Test {
 protected:
  PrefixRecall() {
    Program one(store);
    one.ask(3, messages, 0);
    messages.push_back({Role::assistant, "An answer.", {}});
  }
  std::vector<ChatMessage> next_turn() const {
    std::vector<ChatMessage> more = messages;
    more.push_back({Role::user, "And then?", {}});
    return more;
  }
  /// Until the engine has taken the last page of the chat that is being recalled.
  void wait() {
    const auto closed = [this] {
      const std::lock_guard lock(store.mutex);
      return store.last != nullptr && store.last->closed();
    };
    while (!closed()) std::this_thread::yield();
  }
  MemoryStore store;
  std::vector<ChatMessage> messages = {{Role::user, words(0, 60), {}}};
};

TEST_F(PrefixRecall, TheTurnFindsInMemoryWhatTheDiskHad) {
  const Answer at_once = Program(store).ask(3, next_turn());
  ASSERT_GT(at_once.stats.restored_tokens, 64 * 5);
  store.leaves_open = true;
  store.last.reset();
  Program one(store);
  one.send(RecallChat{3, messages});
  wait();
  store.pages.clear();
  store.leaves_open = false;
  const Answer recalled = one.ask(3, next_turn());
  EXPECT_EQ(recalled.stats.restored_tokens, at_once.stats.restored_tokens);
  EXPECT_EQ(recalled.stats.reused_tokens, at_once.stats.reused_tokens);
  EXPECT_EQ(recalled.ids, at_once.ids);
}

TEST_F(PrefixRecall, AnAnswerDoesNotWaitForIt) {
  store.held_back = store.n_loads + 1;
  Program one(store);
  one.send(RecallChat{3, messages});
  const Answer answer = one.ask(3, next_turn());
  EXPECT_GT(answer.stats.reused_tokens, 64 * 5);
  EXPECT_LT(answer.stats.seconds, 5) << "a page that does not come is given up after ten";
}

TEST_F(PrefixRecall, AChatThatIsForgottenMeanwhileStaysForgotten) {
  store.held_back = store.n_loads + 1;
  Program one(store);
  one.send(RecallChat{3, messages});
  one.send(ForgetChat{3, false});
  const Answer answer = one.ask(3, next_turn());
  EXPECT_EQ(answer.stats.restored_tokens, 0);
  EXPECT_EQ(answer.stats.reused_tokens, 0);
}

TEST_F(PrefixRecall, AnotherModelEndsItAndAPrivateChatHasNone) {
  Program one(store);
  one.ask(-9, words(0, 10), 1);  // the model is open
  store.held_back = store.n_loads + 1;
  one.send(RecallChat{3, messages});
  one.send(UnloadModel{});
  one.send(RecallChat{3, messages});
  ModelOptions options;
  options.device = test::device();
  options.context = 1024;
  one.send(LoadModel{model_path(), options});
  one.ask(-1, next_turn(), 1);
  const int before = store.n_loads;
  one.send(RecallChat{-1, messages});
  one.ask(-2, words(0, 10), 1);
  EXPECT_EQ(store.n_loads, before + 1) << "the answer's own";
}

TEST(PrefixSession, OnlyWhatBelongsToAStoredChatIsWritten) {
  MemoryStore store;
  {
    Program one(store);
    one.ask(-1, words(0, 40));
    one.ask(0, words(1000, 40));
  }
  EXPECT_EQ(store.n_saves, 0) << "a private chat, and one that is not stored";
  {
    Program one(store);
    one.ask(0, words(1000, 40));
    one.send(AssignChat{one.last(), 7});
  }
  EXPECT_GT(store.n_saves, 3);
  EXPECT_EQ(store.chats.begin()->first, 7);
  Program one(store);
  EXPECT_GT(one.ask(7, words(1000, 40)).stats.restored_tokens, 0);
  one.send(ForgetChat{7, true});
  EXPECT_GT(one.ask(7, words(1000, 40)).stats.reused_tokens, 0) << "the memory is not the disk";
  one.send(ForgetChat{7, false});
  EXPECT_EQ(one.ask(7, words(1000, 40)).stats.reused_tokens, 0);
}

TEST(PrefixSession, AStoreThatTakesNothingCostsSpeedOnly) {
  MemoryStore store;
  store.full = true;
  Answer first;
  {
    Program one(store);
    first = one.ask(1, words(0, 40));
    one.ask(1, words(0, 40) + "more");
  }
  EXPECT_LE(store.n_saves, 6) << "it is not asked over and over";
  EXPECT_EQ(Program(store).ask(1, words(0, 40)).ids, first.ids);
}

}  // namespace
}  // namespace foreword::engine
