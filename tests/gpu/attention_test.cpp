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
  DType dtype = DType::f16;
  float spread = 1;
};

constexpr std::int64_t kBlocks = 16;  // of one sequence

// Fills every slot of a shuffled page table, then attends.
std::vector<float> run(Harness& h, const Case& c) {
  const auto rows = static_cast<std::int64_t>(c.prefix.size());
  const std::int64_t n_sequences = c.two_sequences ? 2 : 1, n_blocks = kBlocks * n_sequences;
  KvLayer layer{nullptr, 0, n_blocks, c.n_kv_heads, c.head_dim, c.dtype};
  const Tensor pages = h.empty(1, n_blocks * c.n_kv_heads * layer.page_bytes() / 4);
  layer.buffer = pages.buffer;
  std::vector<std::int32_t> table(static_cast<std::size_t>(n_blocks));
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<std::int32_t>(i * 7 % table.size());

  std::vector<std::int32_t> slots;
  for (std::int64_t s = 0; s < n_blocks * kPageSlots; ++s) slots.push_back(static_cast<std::int32_t>(s));
  const std::int64_t n = n_blocks * kPageSlots, width = c.n_kv_heads * c.head_dim;
  h.backend.store_kv(h.floats(n, width, c.spread), h.floats(n, width), layer, h.put(slots, n, 1));

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
  h.backend.attention(q, layer, at, params, out);
  return h.take(out);
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

// Rows one by one, in one batch, and as leaves of a tree whose ancestors lie elsewhere: the same bits.
TEST(Attention, BitsDependOnNeitherNeighboursNorTheWayThere) {
  constexpr std::int64_t kRows = 64, kDim = 80, kHeads = 6, kKvHeads = 2, kPrefix = 100, kSlots = 512;
  for (const Isa isa : levels()) {
    const auto many = make_cpu_backend({.n_threads = 3, .isa = isa});
    const auto one = make_cpu_backend({.n_threads = 1, .isa = isa});
    Harness h(*many, 12);
    KvLayer layer{nullptr, 0, kSlots / kPageSlots, kKvHeads, kDim, DType::f16};
    layer.buffer = h.empty(1, layer.n_blocks * kKvHeads * layer.page_bytes() / 4).buffer;
    const Tensor k = h.floats(kRows + kPrefix, kKvHeads * kDim), v = h.floats(kRows + kPrefix, kKvHeads * kDim);
    const Tensor q = h.floats(kRows, kHeads * kDim);
    // Every token twice: in the chain at its position, and scattered behind it.
    std::vector<std::int32_t> chain_slots, scattered;
    for (std::int32_t i = 0; i < kRows + kPrefix; ++i) chain_slots.push_back(i);
    for (std::int32_t i = 0; i < kRows; ++i) scattered.push_back(200 + i * 37 % 300);
    many->store_kv(k, v, layer, h.put(chain_slots, kRows + kPrefix, 1));
    many->store_kv(k.row_range(kPrefix, kRows), v.row_range(kPrefix, kRows), layer, h.put(scattered, kRows, 1));

    const auto attend = [&](Backend& on, std::int64_t first, std::int64_t n, bool tree, const Tensor& out) {
      AttentionRows rows;
      std::vector<std::int32_t> table, sequence, position, prefix, begin{0}, extra;
      for (std::int32_t b = 0; b < kSlots / kPageSlots; ++b) table.push_back(b);
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
    const Tensor all = h.empty(kRows, kHeads * kDim);
    attend(*many, 0, kRows, false, all);
    const std::vector<float> expected = h.take(all);
    for (const bool tree : {false, true}) {
      for (std::int64_t n = 1; n <= kRows; n += n < 9 ? 1 : 11) {
        const std::int64_t first = n * 5 % (kRows - n + 1);
        const Tensor some = h.empty(n, kHeads * kDim);
        attend(*one, first, n, tree, some);
        const auto bytes = static_cast<std::size_t>(n * kHeads * kDim) * sizeof(float);
        ASSERT_EQ(std::memcmp(some.buffer->host(), expected.data() + first * kHeads * kDim, bytes), 0)
            << name_of(isa) << (tree ? ", tree of " : ", chain of ") << n << " from " << first;
      }
    }
  }
}

// What lies in slots that a row does not see must not matter, not even NaN.
TEST(Attention, UnseenSlotsDoNotMatter) {
  for (const Isa isa : levels()) {
    const auto backend = make_cpu_backend({.n_threads = 1, .isa = isa});
    Harness h(*backend, 3);
    KvLayer layer{nullptr, 0, 2, 1, 16, DType::f16};
    const Tensor pages = h.empty(1, 2 * layer.page_bytes() / 4);
    layer.buffer = pages.buffer;
    std::memset(layer.buffer->host(), 0xFF, static_cast<std::size_t>(2 * layer.page_bytes()));
    backend->store_kv(h.floats(3, 16), h.floats(3, 16), layer, h.put(std::vector<std::int32_t>{64, 65, 66}, 3, 1));
    AttentionRows rows;
    rows.table = h.put(std::vector<std::int32_t>{1, 0}, 1, 2);
    rows.sequence = h.put(std::vector<std::int32_t>{0, 0, 0}, 3, 1);
    rows.position = h.put(std::vector<std::int32_t>{0, 1, 2}, 3, 1);
    rows.prefix_slots = h.put(std::vector<std::int32_t>{1, 2, 3}, 3, 1);
    rows.extra_begin = h.put(std::vector<std::int32_t>{0, 0, 0, 0}, 4, 1);
    const Tensor out = h.empty(3, 32);
    backend->attention(h.floats(3, 32), layer, rows, {.n_heads = 2, .scale = 1, .sinks = {}}, out);
    for (const float value : h.take(out)) EXPECT_TRUE(std::isfinite(value)) << name_of(isa);
  }
}

}  // namespace
}  // namespace foreword::gpu
