#include "gpu/cpu/attention.h"

#include <numeric>

#include "tests/gpu/harness.h"

namespace foreword::gpu {
namespace {

struct Case {
  std::int64_t head_dim = 64, n_heads = 4, n_kv_heads = 2;
  std::vector<std::int32_t> prefix;  // slots of the rows' prefixes
  std::int64_t window = 0;
  float softcap = 0;
  bool sinks = false;
  bool tree = false;       // the last rows see ancestors that lie scattered
  bool two_sequences = false;
  bool shared = false;     // the second one begins with three pages of the first
  DType dtype = DType::f16;
  float spread = 1, values = 1;  // of keys and values
  std::vector<KvEncoding> closed = {};  // encodings that old pages of a sequence take in turn
  bool watched = false;                 // the last row of each sequence; the shares follow the result
};

constexpr std::int64_t kBlocks = 16;  // of one sequence

// Fills every slot of a shuffled page table, then attends.
std::vector<float> run(Harness& h, const Case& c) {
  const auto rows = static_cast<std::int64_t>(c.prefix.size());
  const std::int64_t n_sequences = c.two_sequences ? 2 : 1, n_blocks = kBlocks * n_sequences;
  KvLayer layer{nullptr, 0, n_blocks, c.n_kv_heads, c.head_dim, c.dtype};
  const Tensor pages = h.empty(1, n_blocks * c.n_kv_heads * layer.page_bytes() / 4);
  layer.buffer = pages.buffer;
  if (!c.closed.empty()) layer.basis = kv_basis(c.head_dim);
  for (std::size_t i = 0; i < c.closed.size(); ++i) {
    layer.closed[i] = {h.empty(1, n_blocks * c.n_kv_heads * c.closed[i].page_bytes(c.head_dim) / 4).buffer, 0, n_blocks, c.closed[i]};
  }
  std::vector<std::int32_t> table(static_cast<std::size_t>(n_blocks));
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<std::int32_t>(i * 7 % table.size());

  std::vector<std::int32_t> slots;
  for (std::int64_t s = 0; s < n_blocks * kPageSlots; ++s) slots.push_back(static_cast<std::int32_t>(s));
  const std::int64_t n = n_blocks * kPageSlots, width = c.n_kv_heads * c.head_dim;
  h.backend.store_kv(h.floats(n, width, c.spread), h.floats(n, width, c.values), layer, h.put(slots, n, 1));

  // The first page and from the fifth on stay open. Every closed page goes through all pools before its own.
  std::vector<std::int32_t> from, to;
  for (std::size_t b = 0; b < table.size() && !c.closed.empty(); ++b) {
    const std::size_t page = b % kBlocks, turn = page % c.closed.size();
    if (page == 0 || page > 4) continue;
    for (std::size_t pool = 0; pool <= turn; ++pool) {
      from.push_back(table[b]);
      table[b] = kv_block(static_cast<std::int32_t>(pool + 1), static_cast<std::int32_t>(b));
      to.push_back(table[b]);
    }
  }
  for (std::size_t i = 0; i < to.size(); ++i) {
    h.backend.encode_pages(layer, h.put(std::vector{from[i]}, 1, 1), h.put(std::vector{to[i]}, 1, 1));
  }

  if (c.shared) std::copy_n(table.begin(), 3, table.begin() + kBlocks);

  AttentionRows at;
  std::vector<std::int32_t> sequence, position, begin{0}, extra;
  for (std::int64_t r = 0; r < rows; ++r) {
    sequence.push_back(static_cast<std::int32_t>(r % n_sequences));
    const std::int64_t n_extra = c.tree ? r % 5 : 0;
    for (std::int64_t e = 0; e < n_extra; ++e) extra.push_back(c.prefix[static_cast<std::size_t>(r)] + static_cast<std::int32_t>(e * 9 + r % 3));
    begin.push_back(static_cast<std::int32_t>(extra.size()));
    position.push_back(c.prefix[static_cast<std::size_t>(r)] + static_cast<std::int32_t>(n_extra) - 1);
  }
  at.table = h.put(table, n_sequences, kBlocks);
  at.sequence = h.put(sequence, rows, 1);
  at.position = h.put(position, rows, 1);
  at.prefix_slots = h.put(c.prefix, rows, 1);
  at.extra_begin = h.put(begin, rows + 1, 1);
  if (!extra.empty()) at.extra_slots = h.put(extra, static_cast<std::int64_t>(extra.size()), 1);
  at.max_slots = kBlocks * kPageSlots;
  AttentionParams params;
  params.n_heads = c.n_heads;
  params.scale = 1 / std::sqrt(static_cast<float>(c.head_dim));
  params.softcap = c.softcap;
  params.window = c.window;
  if (c.sinks) params.sinks = h.floats(1, c.n_heads, 2);
  const Tensor q = h.floats(rows, c.n_heads * c.head_dim, 1, 3), out = h.empty(rows, c.n_heads * c.head_dim);
  if (c.watched) {
    std::vector<std::int32_t> watch(static_cast<std::size_t>(rows), -1);
    for (std::int64_t s = 0; s < n_sequences; ++s) watch[static_cast<std::size_t>(rows - 1 - s)] = sequence[static_cast<std::size_t>(rows - 1 - s)];
    at.watch = h.put(watch, rows, 1);
    const std::int64_t n_shares = n_sequences * c.n_kv_heads;
    at.shares = h.put(std::vector<float>(static_cast<std::size_t>(n_shares * kBlocks)), n_shares, kBlocks);
  }
  h.backend.attention(q, layer, at, params, out);
  std::vector<float> all = h.take(out);
  if (c.watched) std::ranges::copy(h.take(at.shares), std::back_inserter(all));
  return all;
}

std::vector<std::int32_t> chain(std::int32_t first, std::int32_t n) {
  std::vector<std::int32_t> prefix;
  for (std::int32_t i = 0; i < n; ++i) prefix.push_back(first + i);
  return prefix;
}

TEST(Attention, HeadWidths) {
  for (const std::int64_t dim : {1, 8, 16, 24, 32, 64, 80, 96, 112, 128, 256}) {
    for (const DType dtype : {DType::f16, DType::f32}) {
      SCOPED_TRACE(testing::Message() << "head width " << dim);
      Case c{.head_dim = dim, .prefix = {1, 63, 64, 65, 200}, .dtype = dtype};
      expect_conforms([&](Harness& h) { return run(h, c); }, 1e-6, 31);
    }
  }
}

TEST(Attention, HeadsRowsAndOptions) {
  const Case cases[] = {
      {.n_heads = 1, .n_kv_heads = 1, .prefix = {1}},
      {.n_heads = 8, .n_kv_heads = 8, .prefix = chain(120, 20)},
      {.n_heads = 32, .n_kv_heads = 2, .prefix = chain(1, 9)},
      {.n_heads = 71, .n_kv_heads = 1, .prefix = {70, 300}},
      {.head_dim = 16, .n_heads = Backend::kMostSharers, .n_kv_heads = 1, .prefix = {70, 300}},
      {.head_dim = 256, .n_heads = Backend::kMostSharers, .n_kv_heads = 1, .prefix = chain(20, 40)},
      {.prefix = chain(1, 40), .window = 16},
      {.prefix = chain(100, 70), .window = 100},
      {.prefix = {5, 64, 128, 129}, .window = 1},
      {.prefix = chain(60, 12), .softcap = 5},
      {.prefix = chain(60, 12), .window = 3, .sinks = true},
      {.prefix = chain(1, 3), .sinks = true},
      {.prefix = std::vector<std::int32_t>(15, 61), .tree = true},
      {.prefix = chain(50, 24), .window = 4, .tree = true},
      {.prefix = std::vector<std::int32_t>(9, 130), .softcap = 20, .sinks = true, .tree = true, .dtype = DType::f32},
      {.prefix = chain(62, 21), .tree = true, .two_sequences = true},
      {.prefix = {1000, 1000, 990}, .two_sequences = true},
      {.prefix = chain(200, 10), .spread = 30},  // logits so far apart that most weights vanish
      {.prefix = {100}, .spread = 1e5F},         // f16 saturates
  };
  std::uint64_t seed = 400;
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::Message() << "case " << seed - 400);
    // Where one logit takes all, rounding of the logit itself is what remains.
    expect_conforms([&](Harness& h) { return run(h, c); }, c.spread > 1 ? 2e-4 : 1e-6, ++seed);
  }
}

TEST(Attention, PagesInFewBits) {
  constexpr KvEncoding kQ8{KvFormat::q8, KvFormat::q8}, kQ4{KvFormat::q4h, KvFormat::q4h}, kQ2{KvFormat::q2h, KvFormat::q2h};
  constexpr KvEncoding kQ8V4{KvFormat::q8, KvFormat::q4h}, kF16{KvFormat::f16, KvFormat::f16};
  std::vector<Case> cases;
  for (const std::int64_t dim : {16, 32, 48, 64, 80, 96, 112, 128, 256}) {
    for (const KvEncoding encoding : {kQ8, kQ4, kQ2, kQ8V4}) {
      cases.push_back({.head_dim = dim, .n_heads = 6, .prefix = {1, 64, 65, 150, 192, 400}, .closed = {encoding}});
    }
  }
  const Case others[] = {
      {.n_heads = 1, .n_kv_heads = 1, .prefix = {200}, .closed = {kQ4}},
      {.n_heads = 32, .n_kv_heads = 2, .prefix = chain(180, 9), .closed = {kQ8, kQ4, kQ2}},
      {.n_heads = 71, .n_kv_heads = 1, .prefix = {130, 300}, .closed = {kQ8V4, kQ2}},
      {.head_dim = 32, .n_heads = Backend::kMostSharers, .n_kv_heads = 1, .prefix = {130, 300}, .closed = {kQ8V4, kQ2}},
      {.n_heads = 8, .n_kv_heads = 8, .prefix = chain(310, 40), .window = 150, .closed = {kQ2, kF16}},
      {.prefix = {66, 150, 230}, .window = 70, .softcap = 5, .sinks = true, .closed = {kQ4, kQ8}},
      {.prefix = std::vector<std::int32_t>(15, 340), .tree = true, .closed = {kQ8, kQ4, kQ2}},
      {.prefix = chain(150, 24), .window = 100, .tree = true, .closed = {kQ4, kQ2}},  // trees in closed pages too
      {.prefix = chain(320, 21), .tree = true, .two_sequences = true, .closed = {kQ8V4}},
      {.prefix = chain(200, 10), .dtype = DType::f32, .closed = {kQ8, kQ4}},
      {.head_dim = 24, .prefix = {70, 300}, .closed = {kF16}},
  };
  cases.insert(cases.end(), std::begin(others), std::end(others));
  std::uint64_t seed = 700;
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::Message() << "case " << seed - 700 << ", head width " << c.head_dim);
    // Queries go through two terms of 8 bits.
    expect_conforms([&](Harness& h) { return run(h, c); }, 5e-5, ++seed);
  }
}

TEST(Attention, SharesOfWatchedRows) {
  constexpr KvEncoding kQ8{KvFormat::q8, KvFormat::q8}, kQ4{KvFormat::q4h, KvFormat::q4h};
  const Case cases[] = {
      {.prefix = {400}, .watched = true},
      {.n_heads = 6, .prefix = chain(300, 40), .closed = {kQ8, kQ4}, .watched = true},
      {.prefix = chain(320, 21), .tree = true, .two_sequences = true, .closed = {kQ4}, .watched = true},
      {.prefix = {66, 150, 230}, .window = 70, .softcap = 5, .sinks = true, .closed = {kQ4, kQ8}, .watched = true},
      {.head_dim = 128, .n_heads = 2, .prefix = chain(180, 37), .two_sequences = true, .shared = true, .closed = {kQ8, kQ4}, .watched = true},
  };
  std::uint64_t seed = 900;
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::Message() << "case " << seed - 900);
    expect_conforms([&](Harness& h) { return run(h, c); }, 5e-5, ++seed);
  }
}

// Where halves have hardly a bit left.
TEST(Attention, SmallFloatsKeepTheirDigits) {
  for (const std::int64_t dim : {64, 72, 128}) {
    const Case c{.head_dim = dim, .prefix = {1, 63, 200, 400}, .dtype = DType::f32, .spread = 1e-4F, .values = 1e-5F};
    expect_conforms([&](Harness& h) { return run(h, c); }, 1e-5, 950 + static_cast<std::uint64_t>(dim));
  }
}

// A group whose best scale in Q4H makes more of its largest value than a half can hold.
TEST(Attention, ValuesNearTheLargestHalfStayNumbers) {
  constexpr KvEncoding kQ4{KvFormat::q4h, KvFormat::q4h};
  constexpr std::int64_t kDim = 64;
  expect_conforms([&](Harness& h) {
    KvLayer layer{nullptr, 0, 1, 1, kDim, DType::f16};
    layer.buffer = h.empty(1, layer.page_bytes() / 4).buffer;
    layer.closed[0] = {h.empty(1, kQ4.page_bytes(kDim) / 4).buffer, 0, 1, kQ4};
    std::vector<float> values(kPageSlots * kDim, 10680);
    for (std::size_t i = 0; i < values.size(); i += 32) values[i] = 57000;
    std::vector<std::int32_t> slots(kPageSlots);
    std::iota(slots.begin(), slots.end(), 0);
    h.backend.store_kv(h.floats(kPageSlots, kDim), h.put(values, kPageSlots, kDim), layer, h.put(slots, kPageSlots, 1));
    h.backend.encode_pages(layer, h.put(std::vector{kv_block(0, 0)}, 1, 1), h.put(std::vector{kv_block(1, 0)}, 1, 1));
    AttentionRows rows;
    rows.table = h.put(std::vector{kv_block(1, 0)}, 1, 1);
    rows.sequence = h.put(std::vector<std::int32_t>{0}, 1, 1);
    rows.position = h.put(std::vector<std::int32_t>{kPageSlots - 1}, 1, 1);
    rows.prefix_slots = h.put(std::vector<std::int32_t>{kPageSlots}, 1, 1);
    rows.extra_begin = h.put(std::vector<std::int32_t>{0, 0}, 2, 1);
    rows.max_slots = kPageSlots;
    const Tensor out = h.empty(1, 2 * kDim);
    h.backend.attention(h.floats(1, 2 * kDim), layer, rows, {.n_heads = 2, .scale = 0.1F, .sinks = {}}, out);
    return h.take(out);
  }, 0.02, 960);
}

// The basis is seen by nobody: with pages of f32 the result is that of no rotation.
TEST(Attention, RotationCancelsOut) {
  constexpr KvEncoding kF32{KvFormat::f32, KvFormat::f32};
  for (const std::int64_t dim : {64, 80, 128, 256}) {
    Case c{.head_dim = dim, .prefix = {1, 63, 200, 400}, .dtype = DType::f32};
    const auto reference = make_reference_backend();
    Harness plain(*reference, 17), turned(*reference, 17);
    const std::vector<float> expected = run(plain, c);
    c.closed = {kF32};
    EXPECT_LE(relative_rms(run(turned, c), expected), 1e-6) << dim;
  }
}

// Every backend writes the same bytes.
TEST(Attention, EncodedPagesAreEqualToTheByte) {
  constexpr KvEncoding kPools[] = {{KvFormat::q8, KvFormat::q4h}, {KvFormat::q4h, KvFormat::q4h}, {KvFormat::q2h, KvFormat::q8}};
  const auto program = [&](Backend& backend, std::int64_t dim) {
    Harness h(backend, 55);
    KvLayer layer{nullptr, 0, 3, 3, dim, DType::f16};
    layer.basis = kv_basis(dim);
    layer.buffer = h.empty(1, 3 * 3 * layer.page_bytes() / 4).buffer;
    for (std::size_t i = 0; i < std::size(kPools); ++i) layer.closed[i] = {h.empty(1, 2 * 3 * kPools[i].page_bytes(dim) / 4).buffer, 0, 2, kPools[i]};
    std::vector<std::int32_t> slots(64);
    for (std::size_t i = 0; i < slots.size(); ++i) slots[i] = 64 + static_cast<std::int32_t>(i * 11 % 64);
    // Every third row is below 2^-14, where a half has no leading one any more.
    std::vector<float> k = h.normal(64 * 3 * dim, 20), v = h.normal(64 * 3 * dim);
    for (std::size_t i = 0; i < k.size(); ++i) {
      if (i / static_cast<std::size_t>(3 * dim) % 3 == 0) k[i] *= 0x1p-20F, v[i] *= 0x1p-16F;
    }
    backend.store_kv(h.put(k, 64, 3 * dim), h.put(v, 64, 3 * dim), layer, h.put(slots, 64, 1));
    // Closed, demoted twice, and copied within the open pool.
    const std::int32_t way[] = {kv_block(0, 1), kv_block(1, 1), kv_block(2, 0), kv_block(3, 1)};
    for (int i = 0; i < 3; ++i) backend.encode_pages(layer, h.put(std::vector{way[i]}, 1, 1), h.put(std::vector{way[i + 1]}, 1, 1));
    backend.encode_pages(layer, h.put(std::vector{way[0]}, 1, 1), h.put(std::vector{kv_block(0, 0)}, 1, 1));
    // Slots one after the other, so that a target may have been a source before.
    backend.encode_pages(layer, h.put(std::vector{way[0]}, 1, 1), h.put(std::vector{kv_block(0, 2)}, 1, 1));
    backend.copy_slots(layer, h.put(std::vector{129, 131, 150, 70}, 4, 1), h.put(std::vector{128, 129, 131, 190}, 4, 1));
    std::vector<std::byte> bytes;
    for (const std::int32_t block : {way[0], way[1], way[2], way[3], kv_block(0, 2), kv_block(0, 0)}) {
      const auto size = static_cast<std::size_t>(3 * layer.page_bytes(pool_of(block)));
      const std::vector<std::byte> page = h.take_bytes(*layer.pool(pool_of(block)).buffer, static_cast<std::size_t>(place_of(block)) * size, size);
      bytes.insert(bytes.end(), page.begin(), page.end());
    }
    return bytes;
  };
  for (const std::int64_t dim : {16, 64, 80, 128}) {
    const auto reference = make_reference_backend();
    const std::vector<std::byte> expected = program(*reference, dim);
    const auto page = static_cast<std::ptrdiff_t>(3 * 2 * 64 * dim * 2);
    EXPECT_TRUE(std::equal(expected.begin(), expected.begin() + page, expected.end() - page)) << "a copy is a copy";
    for (const Subject& subject : subjects()) EXPECT_EQ(program(*subject.open(2), dim), expected) << subject.name << ", " << dim;
  }
}

// Rows one by one, in one batch, and as leaves of a tree whose ancestors lie elsewhere: the same bits. The first page of
// the prefix may be closed.
struct Heads {
  std::int64_t dim, n_kv;
};
class AttentionBits : public testing::TestWithParam<std::tuple<KvEncoding, Heads>> {};
TEST_P(AttentionBits, DependOnNeitherNeighboursNorTheWayThere) {
  const auto [encoding, heads] = GetParam();
  const std::int64_t dim = heads.dim, n_kv_heads = heads.n_kv;
  constexpr std::int64_t kRows = 64, kHeads = 6, kPrefix = 100, kSlots = 512;
  for (const Subject& subject : subjects()) {
    const auto many = subject.open(3), one = subject.open(1);
    Harness h(*many, 12);
    KvLayer layer{nullptr, 0, kSlots / kPageSlots, n_kv_heads, dim, DType::f16};
    layer.buffer = h.empty(1, layer.n_blocks * n_kv_heads * layer.page_bytes() / 4).buffer;
    layer.basis = kv_basis(dim);
    layer.closed[0] = {h.empty(1, n_kv_heads * encoding.page_bytes(dim) / 4).buffer, 0, 1, encoding};
    std::vector<float> values = h.normal((kRows + kPrefix) * n_kv_heads * dim);
    // Rows before this one do not see it, but may go through its span: whatever it holds, they do not feel it.
    const auto large = std::span(values).subspan(static_cast<std::size_t>((kPrefix + kRows / 2) * n_kv_heads * dim), static_cast<std::size_t>(n_kv_heads * dim));
    for (float& value : large) value = value < 0 ? -6e4F : 6e4F;
    const Tensor k = h.floats(kRows + kPrefix, n_kv_heads * dim), v = h.put(values, kRows + kPrefix, n_kv_heads * dim);
    const Tensor q = h.floats(kRows, kHeads * dim);
    // Every token twice: in the chain at its position, and scattered behind it.
    std::vector<std::int32_t> chain_slots, scattered;
    for (std::int32_t i = 0; i < kRows + kPrefix; ++i) chain_slots.push_back(i);
    for (std::int32_t i = 0; i < kRows; ++i) scattered.push_back(200 + i * 37 % 300);
    many->store_kv(k, v, layer, h.put(chain_slots, kRows + kPrefix, 1));
    many->store_kv(k.row_range(kPrefix, kRows), v.row_range(kPrefix, kRows), layer, h.put(scattered, kRows, 1));

    many->encode_pages(layer, h.put(std::vector{kv_block(0, 0)}, 1, 1), h.put(std::vector{kv_block(1, 0)}, 1, 1));

    const auto attend = [&](Backend& on, std::int64_t first, std::int64_t n, bool tree, const Tensor& out) {
      AttentionRows rows;
      std::vector<std::int32_t> table, sequence, position, prefix, begin{0}, extra;
      for (std::int32_t b = 0; b < kSlots / kPageSlots; ++b) table.push_back(b > 0 ? b : kv_block(1, 0));
      for (std::int64_t r = first; r < first + n; ++r) {
        sequence.push_back(0);
        position.push_back(static_cast<std::int32_t>(kPrefix + r));
        prefix.push_back(static_cast<std::int32_t>(kPrefix + (tree ? 0 : r + 1)));
        if (tree) extra.insert(extra.end(), scattered.begin(), scattered.begin() + r + 1);
        begin.push_back(static_cast<std::int32_t>(extra.size()));
      }
      rows.table = h.put(table, 1, kSlots / kPageSlots);
      rows.sequence = h.put(sequence, n, 1);
      rows.position = h.put(position, n, 1);
      rows.prefix_slots = h.put(prefix, n, 1);
      rows.extra_begin = h.put(begin, n + 1, 1);
      if (tree) rows.extra_slots = h.put(extra, static_cast<std::int64_t>(extra.size()), 1);
      rows.max_slots = kSlots;
      ASSERT_TRUE(many->submit().has_value());
      on.attention(q.row_range(first, n), layer, rows, {.n_heads = kHeads, .scale = 0.2F, .window = 90, .sinks = {}}, out);
      ASSERT_TRUE(on.submit().has_value());
    };
    const Tensor all = h.empty(kRows, kHeads * dim);
    attend(*many, 0, kRows, false, all);
    const std::vector<float> expected = h.take(all);
    for (const bool tree : {false, true}) {
      for (std::int64_t n = 1; n <= kRows; n += n < 9 ? 1 : 11) {
        const std::int64_t first = n * 5 % (kRows - n + 1);
        const Tensor some = h.empty(n, kHeads * dim);
        attend(*one, first, n, tree, some);
        const std::vector<float> got = h.take(some);
        ASSERT_EQ(std::memcmp(got.data(), expected.data() + first * kHeads * dim, got.size() * sizeof(float)), 0)
            << subject.name << (tree ? ", tree of " : ", chain of ") << n << " from " << first;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Encodings, AttentionBits,
                         testing::Combine(testing::Values(KvEncoding{KvFormat::f16, KvFormat::f16}, KvEncoding{KvFormat::q8, KvFormat::q4h},
                                                          KvEncoding{KvFormat::q4h, KvFormat::q2h}),
                                          testing::Values(Heads{64, 2}, Heads{80, 2}, Heads{96, 2}, Heads{128, 6})));

TEST(Attention, HeadsAreCutWhereThreadsWouldStandIdle) {
  struct Row {
    std::int64_t n_heads, n_kv_heads, rows, max_slots, window;
    int n_threads;
    std::int64_t parts;
  };
  const Row table[] = {
      {71, 1, 1, 1024, 0, 1, 1}, {71, 1, 1, 1024, 0, 2, 2}, {71, 1, 1, 1024, 0, 16, 16}, {71, 1, 1, 1024, 0, 32, 17},
      {71, 1, 1, 16384, 64, 16, 2}, {71, 1, 1, 64, 0, 16, 1},  // little to see
      {14, 2, 1, 16384, 0, 2, 1}, {28, 2, 1, 16384, 0, 8, 3}, {32, 2, 1, 16384, 0, 8, 4}, {8, 8, 1, 16384, 0, 16, 1},
      {4, 1, 1, 16384, 0, 8, 1},  // reading would weigh too much
      {16, 1, 64, 1024, 0, 8, 1}, {16, 1, 8, 1024, 0, 8, 4}, {16, 1, 0, 64, 0, 8, 1},
  };
  for (const Row& row : table) {
    AttentionTask task;
    task.layer = {nullptr, 0, 1, row.n_kv_heads, 64, DType::f16};
    task.q.rows = row.rows;
    task.rows.max_slots = row.max_slots;
    task.params.n_heads = row.n_heads;
    task.params.window = row.window;
    EXPECT_EQ(task.parts_worth(row.n_threads), row.parts) << "case " << &row - table;
  }
}

// More threads than kv heads: the heads that share one are computed apart, to the same bits and shares.
TEST(Attention, ThreadsThatShareAKvHeadChangeNoBit) {
  constexpr KvEncoding kQ8{KvFormat::q8, KvFormat::q8};
  const Case cases[] = {
      {.n_heads = 71, .n_kv_heads = 1, .prefix = {1000}, .watched = true},
      {.head_dim = 128, .n_heads = 28, .n_kv_heads = 2, .prefix = chain(900, 5), .tree = true, .closed = {kQ8}, .watched = true},
      {.n_heads = 48, .n_kv_heads = 1, .prefix = {900, 700}, .sinks = true, .two_sequences = true},
  };
  for (const Subject& subject : subjects()) {
    for (const Case& c : cases) {
      const auto one = subject.open(1), many = subject.open(8);
      Harness alone(*one, 5), together(*many, 5);
      const std::vector<float> expected = run(alone, c), got = run(together, c);
      ASSERT_EQ(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)), 0) << subject.name << ", case " << &c - cases;
    }
  }
}

// What lies in slots that a row does not see must not matter, not even NaN.
TEST(Attention, UnseenSlotsDoNotMatter) {
  for (const Subject& subject : subjects()) {
    const auto backend = subject.open(1);
    Harness h(*backend, 3);
    KvLayer layer{nullptr, 0, 2, 1, 16, DType::f16};
    const Tensor pages = h.empty(1, 2 * layer.page_bytes() / 4);
    layer.buffer = pages.buffer;
    h.put_bytes(*layer.buffer, std::vector<std::byte>(static_cast<std::size_t>(2 * layer.page_bytes()), std::byte{0xFF}));
    backend->store_kv(h.floats(3, 16), h.floats(3, 16), layer, h.put(std::vector<std::int32_t>{64, 65, 66}, 3, 1));
    AttentionRows rows;
    rows.table = h.put(std::vector<std::int32_t>{1, 0}, 1, 2);
    rows.sequence = h.put(std::vector<std::int32_t>{0, 0, 0}, 3, 1);
    rows.position = h.put(std::vector<std::int32_t>{0, 1, 2}, 3, 1);
    rows.prefix_slots = h.put(std::vector<std::int32_t>{1, 2, 3}, 3, 1);
    rows.extra_begin = h.put(std::vector<std::int32_t>{0, 0, 0, 0}, 4, 1);
    const Tensor out = h.empty(3, 32);
    backend->attention(h.floats(3, 32), layer, rows, {.n_heads = 2, .scale = 1, .sinks = {}}, out);
    for (const float value : h.take(out)) EXPECT_TRUE(std::isfinite(value)) << subject.name;
  }
}

}  // namespace
}  // namespace foreword::gpu
