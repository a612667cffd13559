#include "engine/kv/prefix_keeper.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <numeric>

#include "gpu/registry.h"

namespace foreword::engine {
namespace {

class MapStore final : public PrefixStore {
 public:
  void load(Wanted, std::shared_ptr<Mailbox<StoredPage>> to) override { to->close(); }
  void save(StoredPage page, std::int64_t, std::function<void(bool)> done) override {
    pages[page.tokens] = page.bytes;
    done(true);
  }
  void use(std::int64_t, std::vector<PrefixId>) override {}
  void forget(std::int64_t) override {}
  void forget_all_but(std::vector<std::int64_t>) override {}

  std::map<std::vector<std::int32_t>, std::vector<std::byte>> pages;
};

// Layer 0 sees everything, layer 1 the last 100 positions. No byte of a page is zero.
class PrefixKeeperWindowTest : public testing::Test {
 protected:
  PrefixKeeperWindowTest()
      : backend_(std::move(gpu::open_device("cpu", {.n_threads = 1})).value()),
        cache_(std::move(KvCache::create(*backend_, {2, 3, 32, gpu::DType::f16, {}, 100, {false, true}}, 64 * 200)).value()),
        tree_(cache_),
        keeper_(cache_, tree_, store_, {}) {
    for (int il = 0; il < 2; ++il) std::memset(cache_.layer(il).buffer->host(), 0x11, cache_.layer(il).buffer->bytes());
  }
  /// Tokens of chat `owner` and of nobody else.
  void read(TextOwner owner, std::int64_t n) {
    std::vector<std::int32_t> tokens(static_cast<std::size_t>(n));
    std::iota(tokens.begin(), tokens.end(), static_cast<std::int32_t>(owner * 1000));
    PrefixTree::Text& text = tree_.open(tokens, owner);
    ASSERT_TRUE(cache_.reserve(text.sequence, n) && cache_.commit(text.sequence, n));
    text.tokens = tokens;
    text.n_sent = n;
    tree_.close(text);
  }
  bool save_one() { return keeper_.save_one([](PrefixKeeper::Ticket, bool) {}); }
  std::size_t n_pages(std::size_t n_tokens) const {
    return static_cast<std::size_t>(std::ranges::count_if(store_.pages, [&](const auto& page) { return page.first.size() == n_tokens; }));
  }

  std::unique_ptr<gpu::Backend> backend_;
  KvCache cache_;
  PrefixTree tree_;
  MapStore store_;
  PrefixKeeper keeper_;
};

TEST_F(PrefixKeeperWindowTest, AnEndThatAWindowHasLostIsNotWrittenDown) {
  read(1, 148);
  ASSERT_TRUE(save_one() && save_one());
  ASSERT_EQ(n_pages(64), 2u) << "the end comes next";
  for (TextOwner other = 2; other < 14; ++other) read(other, 200);  // until nothing is left of chat 1 in layer 1
  while (save_one()) {}
  EXPECT_EQ(n_pages(20), 0u) << "of zeros the next token would read wrong keys";
  EXPECT_GT(n_pages(8), 0u) << "ends that are whole";
}

TEST_F(PrefixKeeperWindowTest, AnEndThatWasWrittenWithoutItsWindowIsRefused) {
  const SequenceId id = cache_.add_sequence();
  for (const std::int64_t n : {20, 64}) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(cache_.page_bytes(cache_.shape().open(), n)));
    std::fill_n(bytes.begin(), bytes.size() / 2, std::byte{0x11});  // layer 0
    const Result<void> appended = cache_.append_page(id, cache_.shape().open(), n, bytes);
    EXPECT_EQ(appended.has_value(), n == 64);
    EXPECT_TRUE(appended || appended.error().code == ErrorCode::corrupt);
    EXPECT_EQ(cache_.length(id), n == 64 ? 64 : 0);
  }
  EXPECT_FALSE(cache_.is_whole(id)) << "a full page may lack what nothing sees any more, and says so";
}

}  // namespace
}  // namespace foreword::engine
