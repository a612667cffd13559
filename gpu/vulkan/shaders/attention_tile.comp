#version 450
// Backend::attention for many rows: ROWS rows and HEADS heads of a kv head in a workgroup, one segment of pages (gl_WorkGroupID.z). A
// page is read once for all rows that have the same block at its place and see nothing but their prefix in it, whatever sequence they
// are of; where a row sees slots of its own there, as in trees, the page is taken for that row alone.
//
// Every sum goes the way that it goes in attention.comp, so that a row's bits are the same in both: the products of a key in 8 classes
// of quads (there a lane each), the values by parts of the slots. A weight below 0 marks a slot that the row does not see.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#define SPLIT 1
#include "attention_pages.glsl"

layout(constant_id = 10) const uint ROWS = 1;

const uint VECTORS = ROWS * HEADS;  // at most 16: vector v is of row v / HEADS
const uint PER_THREAD = 4;          // of the products with a key: thread t has slot t % 64 and vectors t / 64 * 4 ..
const uint CLASS_QUADS = (QUADS + 7u) / 8u;
const uint CLASSES = CLASS_QUADS >= 8u ? 1u : 8u / CLASS_QUADS;  // that are in shared memory at once
const uint STAGE_QUADS = CLASSES * CLASS_QUADS;                  // 5 to 8
const uint PRIVATE = 0xfffffffeu;

shared vec4 keys[STAGE_QUADS * PAGE_SLOTS];   // [quads, slots]; also what the threads of a vector exchange
shared vec4 queries[16u * STAGE_QUADS];       // [vectors, quads]
shared vec4 logits[PAGE_SLOTS * 4];            // [slots, 16 vectors], then weights
shared float running[VECTORS], rescale[VECTORS], weights[VECTORS];
shared uint pages[PAGE_SLOTS], slots[PAGE_SLOTS];  // as in attention.comp; ABSENT: no row sees it
shared uint row_begin[ROWS], row_end[ROWS], row_prefix[ROWS], row_extra[ROWS], row_blocks[ROWS];
shared uint row_pages[SEGMENT_PAGES * ROWS];  // the block, PRIVATE, or ABSENT: the row sees nothing of the page

bool is_row(uint r) { return gl_WorkGroupID.y * ROWS + r < n_rows; }
bool is_vector(uint v) { return v < VECTORS && is_row(v / HEADS) && head_in_group(v % HEADS) < GROUP; }
uint batch_row(uint r) { return first_row + gl_WorkGroupID.y * ROWS + r; }
bool sees(uint r, uint at) { return at >= row_begin[r] && at < row_end[r]; }

uint quad_of(uint first_class, uint item) { return first_class + item / CLASS_QUADS + 8u * (item % CLASS_QUADS); }

vec4 key_of(uint pool, uint page, uint slot, uint quad) {
  if (pool == 0u) return kv_values(0u, key_format(0u), page, slot, quad);
  if (is_there(1u) && pool == 1u) return kv_values(1u, key_format(1u), page, slot, quad);
  if (is_there(2u) && pool == 2u) return kv_values(2u, key_format(2u), page, slot, quad);
  if (is_there(3u)) return kv_values(3u, key_format(3u), page, slot, quad);
  return vec4(0);
}

vec4 query_of(uint v, uint quad) {
  if (!is_vector(v) || quad >= QUADS) return vec4(0);
  const uint at = q_at + batch_row(v / HEADS) * q_stride + head_of(v % HEADS) * HEAD_DIM + 4u * quad;
  return vec4(q[at], q[at + 1u], q[at + 2u], q[at + 3u]);
}

void read_rows() {
  const uint r = gl_LocalInvocationIndex;
  if (r >= ROWS) return;
  row_begin[r] = row_end[r] = 0u;
  if (!is_row(r)) return;
  const uint row = batch_row(r), extra = uint(extra_begin[extra_begin_at + row]);
  const int earliest = position[position_at + row] - int(window) + 1;
  row_prefix[r] = uint(prefix_slots[prefix_at + row]);
  row_extra[r] = extra;
  row_begin[r] = window > 0u && earliest > 0 ? uint(earliest) : 0u;
  row_end[r] = row_prefix[r] + uint(extra_begin[extra_begin_at + row + 1u]) - extra;
  row_blocks[r] = table_at + uint(sequence[sequence_at + row]) * table_stride;
}

void read_pages() {
  const uint i = gl_LocalInvocationIndex, r = i % ROWS, page = gl_WorkGroupID.z * SEGMENT_PAGES + i / ROWS;
  if (i >= SEGMENT_PAGES * ROWS) return;
  const uint end = min(row_end[r], (page + 1u) * PAGE_SLOTS);
  row_pages[i] = max(row_begin[r], page * PAGE_SLOTS) >= end ? ABSENT : end > row_prefix[r] ? PRIVATE : uint(table[row_blocks[r] + page]);
}

// What row r has of a page of the segment.
uint page_of(uint r, uint page) { return row_pages[page % SEGMENT_PAGES * ROWS + r]; }

// Slots of the page as the rows of the group see it, found by way of one of them.
void read_slots(uint page, uint group, uint leader) {
  const uint t = gl_LocalInvocationIndex, at = page * PAGE_SLOTS + t;
  if (t >= PAGE_SLOTS) return;
  bool seen = false;
  for (uint r = 0u; r < ROWS; ++r) seen = seen || (group >> r & 1u) != 0u && sees(r, at);
  slots[t] = ABSENT;
  if (!seen) return;
  const bool is_own = page_of(leader, page) == PRIVATE && at >= row_prefix[leader];
  const uint slot = is_own ? uint(extra_slots[extra_slots_at + row_extra[leader] + at - row_prefix[leader]]) : at;
  const uint block = uint(table[row_blocks[leader] + slot / PAGE_SLOTS]), pool = block >> 28;
  const uint words = kv_tile_words(key_format(pool)) + kv_tile_words(value_format(pool));
  pages[t] = pool_at[pool] + ((block & 0xfffffffu) * N_KV_HEADS + kv_head()) * words;
  slots[t] = slot % PAGE_SLOTS | pool << 8;
}

// Logits of the page's slots for the vectors of the group.
void multiply_keys(uint page, uint group) {
  const uint thread = gl_LocalInvocationIndex, t = thread % PAGE_SLOTS, first_vector = thread / PAGE_SLOTS * PER_THREAD;
  float totals[PER_THREAD];
  for (uint first_class = 0u; first_class < 8u; first_class += CLASSES) {
    barrier();
    for (uint i = thread; i < PAGE_SLOTS * STAGE_QUADS; i += 256u) {
      const uint from = i / STAGE_QUADS, item = i % STAGE_QUADS, quad = quad_of(first_class, item), slot = slots[from];
      keys[item * PAGE_SLOTS + from] = quad < QUADS && slot != ABSENT ? key_of(slot >> 8, pages[from], slot & 255u, quad) : vec4(0);
    }
    for (uint i = thread; i < 16u * STAGE_QUADS; i += 256u) queries[i] = query_of(i / STAGE_QUADS, quad_of(first_class, i % STAGE_QUADS));
    barrier();
    [[unroll]] for (uint c = 0u; c < CLASSES; ++c) {
      float sums[PER_THREAD];
      [[unroll]] for (uint i = 0u; i < PER_THREAD; ++i) sums[i] = 0.0;
      [[unroll]] for (uint item = c * CLASS_QUADS; item < (c + 1u) * CLASS_QUADS; ++item) {
        if (quad_of(first_class, item) >= QUADS) continue;
        const vec4 key = keys[item * PAGE_SLOTS + t];
        [[unroll]] for (uint i = 0u; i < PER_THREAD; ++i) {
          const vec4 query = queries[(first_vector + i) * STAGE_QUADS + item];
          precise float sum = fma(key.x, query.x, sums[i]);
          sum = fma(key.y, query.y, sum);
          sum = fma(key.z, query.z, sum);
          sum = fma(key.w, query.w, sum);
          sums[i] = sum;
        }
      }
      [[unroll]] for (uint i = 0u; i < PER_THREAD; ++i) {
        precise float total = totals[i] + sums[i];
        totals[i] = first_class + c == 0u ? sums[i] : total;
      }
    }
  }
  vec4 four = vec4(0);
  [[unroll]] for (uint i = 0u; i < PER_THREAD; ++i) {
    if (first_vector + i >= VECTORS) continue;
    precise float sum = totals[i] * scale;
    if (softcap > 0.0) sum = softcap * accurate_tanh(sum / softcap);
    four[i] = sees((first_vector + i) / HEADS, page * PAGE_SLOTS + t) ? sum : NOTHING;
  }
  logits[t * 4u + first_vector / 4u] = four;
}

// From logits to weights, 16 threads a vector; the running maximum and weight of each.
void weigh(uint page, uint group) {
  const uint v = gl_LocalInvocationIndex % 16u, i = gl_LocalInvocationIndex / 16u, r = v / HEADS;  // slots 4 i .. 4 i + 3
  const bool works = v < VECTORS && (group >> r & 1u) != 0u;
  vec4 four = vec4(0);
  if (works) {
    for (uint j = 0u; j < 4u; ++j) four[j] = logits[(4u * i + j) * 4u + v / 4u][v % 4u];
    keys[v * 4u + i / 4u][i % 4u] = max(max(four.x, four.y), max(four.z, four.w));
  }
  barrier();
  float now = 0.0;
  if (works) {
    const vec4 most = max(max(keys[v * 4u], keys[v * 4u + 1u]), max(keys[v * 4u + 2u], keys[v * 4u + 3u]));
    now = max(running[v], max(max(most.x, most.y), max(most.z, most.w)));
    for (uint j = 0u; j < 4u; ++j) {
      const bool seen = sees(r, page * PAGE_SLOTS + 4u * i + j);
      four[j] = seen ? exponential(four[j] - now) : 0.0;
      logits[(4u * i + j) * 4u + v / 4u][v % 4u] = seen ? four[j] : -1.0;
    }
    precise float sum = (four.x + four.y) + (four.z + four.w);
    keys[64u + v * 4u + i / 4u][i % 4u] = sum;
  }
  barrier();
  if (!works || i != 0u) return;
  precise float sum = 0.0;
  for (uint j = 0u; j < 16u; ++j) sum += keys[64u + v * 4u + j / 4u][j % 4u];
  rescale[v] = exponential(running[v] - now);
  precise float weight = weights[v] * rescale[v] + sum;
  weights[v] = weight;
  running[v] = now;
  const int watched = watch_at == ABSENT || !is_vector(v) ? -1 : watch[watch_at + batch_row(r)];
  if (watched >= 0) page_weights[page_weights_at + (uint(watched) * N_KV_HEADS * GROUP + head_of(v % HEADS)) * n_blocks + page] = vec2(now, sum);
}

void main() {
  const uint thread = gl_LocalInvocationIndex;
  read_rows();
  if (thread < VECTORS) {
    running[thread] = NOTHING;
    weights[thread] = 0.0;
  }
  barrier();
  read_pages();
  barrier();

  const uint parts = 256u / QUADS, my_quad = thread % QUADS, my_part = thread / QUADS;
  vec4 sums[VECTORS];
  [[unroll]] for (uint v = 0u; v < VECTORS; ++v) sums[v] = vec4(0);
  for (uint page = gl_WorkGroupID.z * SEGMENT_PAGES; page < (gl_WorkGroupID.z + 1u) * SEGMENT_PAGES; ++page) {
    uint left = 0u;  // rows that the page has not been taken for
    for (uint r = 0u; r < ROWS; ++r) left |= page_of(r, page) != ABSENT ? 1u << r : 0u;
    while (left != 0u) {
      const uint leader = uint(findLSB(left)), block = page_of(leader, page);
      uint group = 1u << leader;
      for (uint r = leader + 1u; r < ROWS && block != PRIVATE; ++r) group |= page_of(r, page) == block ? 1u << r : 0u;
      left &= ~group;
      barrier();
      read_slots(page, group, leader);
      multiply_keys(page, group);
      barrier();
      weigh(page, group);
      barrier();
      [[unroll]] for (uint v = 0u; v < VECTORS; ++v) {
        precise vec4 scaled = sums[v] * rescale[v];
        if ((group >> v / HEADS & 1u) != 0u) sums[v] = scaled;
      }
      for (uint t = my_part; my_part < parts && t < PAGE_SLOTS; t += parts) {
        const uint slot = slots[t];
        if (slot == ABSENT) continue;
        const vec4 value = value_of(slot >> 8, pages[t], slot & 255u, my_quad);
        vec4 four;
        [[unroll]] for (uint v = 0u; v < VECTORS; ++v) {
          if (v % 4u == 0u) four = logits[t * 4u + v / 4u];
          const float weight = four[v % 4u];
          precise vec4 sum = fma(value, vec4(weight), sums[v]);
          if ((group >> v / HEADS & 1u) != 0u && !(weight < 0.0)) sums[v] = sum;
        }
      }
    }
  }

  [[unroll]] for (uint v = 0u; v < VECTORS; ++v) {
    barrier();
    if (my_part < parts) keys[thread] = sums[v];
    barrier();
    if (!is_vector(v)) continue;
    const uint local_row = gl_WorkGroupID.y * ROWS + v / HEADS;
    const uint to = out_at + ((local_row * N_KV_HEADS * GROUP + head_of(v % HEADS)) * out_stride + gl_WorkGroupID.z) * (HEAD_DIM + 2u);
    for (uint column = thread; column < HEAD_DIM; column += 256u) {
      precise float sum = keys[column / 4u][column % 4u];
      for (uint p = 1u; p < parts; ++p) sum += keys[QUADS * p + column / 4u][column % 4u];
      result[to + column] = sum;
    }
    if (thread == 0u) {
      result[to + HEAD_DIM] = running[v];
      result[to + HEAD_DIM + 1u] = weights[v];
    }
  }
}
