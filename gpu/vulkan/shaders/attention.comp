#version 450
// Backend::attention: one row, HEADS heads of a kv head, one segment of SEGMENT_PAGES pages (gl_WorkGroupID.z). Page by page with
// a running maximum. With SPLIT the segment's sums go to attention_merge.comp, else there is one segment and they are the result.
// A row's sums depend on its own slots alone, and on where segments begin.
// variant attention: -DSPLIT=0
// variant attention_split: -DSPLIT=1
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "attention_pages.glsl"

shared uint pages[PAGE_SLOTS];  // first word of the page in its pool
shared uint slots[PAGE_SLOTS];  // slot in the page, pool << 8; ABSENT: not seen
shared float partial[PAGE_SLOTS * 8 * HEADS];
shared vec4 logits[HEADS * 16];  // of 64 slots, then their weights
shared float running[HEADS], rescale[HEADS], weights[HEADS];
shared vec2 page_shares[HEADS * SEGMENT_PAGES];  // largest logit, weight

// The part of a query's product with a key that lane `lane` of 8 makes, for each head.
void dot_key(const uint pool, uint at, uint slot, uint lane, inout float sums[HEADS]) {
  for (uint quad = lane; quad < QUADS; quad += 8u) {
    const vec4 key = kv_values(pool, key_format(pool), at, slot, quad);
    [[unroll]] for (uint h = 0u; h < HEADS; ++h) {
      const uint first = h * HEAD_DIM + 4u * quad;
      precise float sum = sums[h];
      if (HEAD_DIM % 4u == 0u) {
        sum = fma(key.x, vectors[first], sum);
        sum = fma(key.y, vectors[first + 1u], sum);
        sum = fma(key.z, vectors[first + 2u], sum);
        sum = fma(key.w, vectors[first + 3u], sum);
      } else {
        for (uint j = 0u; j < 4u && 4u * quad + j < HEAD_DIM; ++j) sum = fma(key[j], vectors[first + j], sum);
      }
      sums[h] = sum;
    }
  }
}

void main() {
  const uint thread = gl_LocalInvocationIndex, row = first_row + gl_WorkGroupID.y;
  const uint prefix = uint(prefix_slots[prefix_at + row]), extra = uint(extra_begin[extra_begin_at + row]);
  const uint end = prefix + uint(extra_begin[extra_begin_at + row + 1u]) - extra;
  const int earliest = position[position_at + row] - int(window) + 1;
  const uint begin = window > 0u && earliest > 0 ? uint(earliest) : 0u;
  const uint blocks = table_at + uint(sequence[sequence_at + row]) * table_stride;
  const int watched = watch_at == ABSENT ? -1 : watch[watch_at + row];

  const uint first_page = max(begin / PAGE_SLOTS, gl_WorkGroupID.z * SEGMENT_PAGES);
  const uint last_page = min((end + PAGE_SLOTS - 1u) / PAGE_SLOTS, (gl_WorkGroupID.z + 1u) * SEGMENT_PAGES);
#if SPLIT
  const uint n_results = N_KV_HEADS * GROUP;
  if (first_page >= last_page) {
    if (thread < HEADS && head_in_group(thread) < GROUP) {
      const uint at = ((gl_WorkGroupID.y * n_results + head_of(thread)) * out_stride + gl_WorkGroupID.z) * (HEAD_DIM + 2u);
      result[out_at + at + HEAD_DIM] = NOTHING;
      result[out_at + at + HEAD_DIM + 1u] = 0.0;
    }
    return;
  }
#endif

  for (uint i = thread; i < HEADS * HEAD_DIM; i += 256u) {
    const uint head = min(head_in_group(i / HEAD_DIM), GROUP - 1u);
    vectors[i] = q[q_at + row * q_stride + (kv_head() * GROUP + head) * HEAD_DIM + i % HEAD_DIM];
  }
  if (thread < HEADS) {
    running[thread] = NOTHING;
    weights[thread] = 0.0;
  }
  for (uint i = thread; i < HEADS * SEGMENT_PAGES; i += 256u) page_shares[i] = vec2(NOTHING, 0);
  rotate_vectors(BASIS_K, BASIS_K_FACTOR);

  // Values: quad `my_quad` of the slots my_part, my_part + PARTS, ..
  const uint parts = 256u / QUADS, my_quad = thread % QUADS, my_part = thread / QUADS;
  vec4 sums[HEADS];
  [[unroll]] for (uint h = 0u; h < HEADS; ++h) sums[h] = vec4(0);

  for (uint page = first_page; page < last_page; ++page) {
    barrier();
    if (thread < PAGE_SLOTS) {
      const uint at = page * PAGE_SLOTS + thread;
      slots[thread] = ABSENT;
      if (at >= begin && at < end) {
        const uint slot = at < prefix ? at : uint(extra_slots[extra_slots_at + extra + at - prefix]);
        const uint block = uint(table[blocks + slot / PAGE_SLOTS]), pool = block >> 28;
        const uint words = kv_tile_words(key_format(pool)) + kv_tile_words(value_format(pool));
        pages[thread] = pool_at[pool] + ((block & 0xfffffffu) * N_KV_HEADS + kv_head()) * words;
        slots[thread] = slot % PAGE_SLOTS | pool << 8;
      }
    }
    barrier();
    for (uint t = thread / 8u; t < PAGE_SLOTS; t += 32u) {
      float dots[HEADS];
      [[unroll]] for (uint h = 0u; h < HEADS; ++h) dots[h] = 0.0;
      const uint slot = slots[t], pool = slot >> 8;
      if (slot != ABSENT) {
        if (pool == 0u) dot_key(0u, pages[t], slot & 255u, thread % 8u, dots);
        else if (is_there(1u) && pool == 1u) dot_key(1u, pages[t], slot & 255u, thread % 8u, dots);
        else if (is_there(2u) && pool == 2u) dot_key(2u, pages[t], slot & 255u, thread % 8u, dots);
        else if (is_there(3u)) dot_key(3u, pages[t], slot & 255u, thread % 8u, dots);
      }
      [[unroll]] for (uint h = 0u; h < HEADS; ++h) partial[(h * PAGE_SLOTS + t) * 8u + thread % 8u] = dots[h];
    }
    barrier();
    for (uint i = thread; i < HEADS * PAGE_SLOTS; i += 256u) {
      precise float sum = partial[i * 8u];
      for (uint j = 1u; j < 8u; ++j) sum += partial[i * 8u + j];
      sum = sum * scale;
      if (softcap > 0.0) sum = softcap * accurate_tanh(sum / softcap);
      logits[i / 4u][i % 4u] = slots[i % PAGE_SLOTS] == ABSENT ? NOTHING : sum;
    }
    barrier();
    // Every invocation finds the largest for itself; what it overwrites is its own slot's.
    float chance[(HEADS * 64u + 255u) / 256u];
    for (uint i = thread, n = 0u; i < HEADS * PAGE_SLOTS; i += 256u, ++n) {
      const uint h = i / PAGE_SLOTS;
      vec4 most = logits[h * 16u];
      for (uint j = 1u; j < 16u; ++j) most = max(most, logits[h * 16u + j]);
      const float largest = max(max(most.x, most.y), max(most.z, most.w)), now = max(running[h], largest);
      chance[n] = slots[i % PAGE_SLOTS] == ABSENT ? 0.0 : exponential(logits[i / 4u][i % 4u] - now);
      if (i % PAGE_SLOTS == 0u) {
        rescale[h] = exponential(running[h] - now);
        page_shares[h * SEGMENT_PAGES + page % SEGMENT_PAGES].x = now;
      }
    }
    barrier();
    for (uint i = thread, n = 0u; i < HEADS * PAGE_SLOTS; i += 256u, ++n) logits[i / 4u][i % 4u] = chance[n];
    if (thread < HEADS) running[thread] = page_shares[thread * SEGMENT_PAGES + page % SEGMENT_PAGES].x;
    barrier();
    if (thread < HEADS) {
      precise float sum = 0.0;
      for (uint j = 0u; j < 16u; ++j) {
        const vec4 four = logits[thread * 16u + j];
        sum += (four.x + four.y) + (four.z + four.w);
      }
      precise float weight = weights[thread] * rescale[thread] + sum;
      weights[thread] = weight;
      page_shares[thread * SEGMENT_PAGES + page % SEGMENT_PAGES].y = sum;
    }
    if (my_part < parts) {
      [[unroll]] for (uint h = 0u; h < HEADS; ++h) {
        precise vec4 scaled = sums[h] * rescale[h];
        sums[h] = scaled;
      }
      for (uint t = my_part; t < PAGE_SLOTS; t += parts) {
        const uint slot = slots[t];
        if (slot == ABSENT) continue;
        const vec4 value = value_of(slot >> 8, pages[t], slot & 255u, my_quad);
        [[unroll]] for (uint h = 0u; h < HEADS; ++h) {
          precise vec4 sum = fma(value, vec4(logits[(h * PAGE_SLOTS + t) / 4u][t % 4u]), sums[h]);
          sums[h] = sum;
        }
      }
    }
  }

  // The parts' sums, head by head; partial has room for 4 * 256 floats since PAGE_SLOTS * 8 * HEADS >= 512 and D <= 512.
  [[unroll]] for (uint h = 0u; h < HEADS; ++h) {
    for (uint pass = 0u; pass < 2u; ++pass) {  // two columns of each quad at a time
      barrier();
      if (my_part < parts) {
        const vec4 sum = sums[h];
        partial[2u * thread] = pass == 0u ? sum.x : sum.z;
        partial[2u * thread + 1u] = pass == 0u ? sum.y : sum.w;
      }
      barrier();
      for (uint i = thread; i < 2u * QUADS; i += 256u) {
        const uint column = 4u * (i / 2u) + 2u * pass + i % 2u;
        if (column >= HEAD_DIM) continue;
        precise float sum = partial[i];
        for (uint p = 1u; p < parts; ++p) sum += partial[2u * QUADS * p + i];
        vectors[h * HEAD_DIM + column] = sum;
      }
    }
  }
  barrier();

#if SPLIT
  for (uint i = thread; i < HEADS * (HEAD_DIM + 2u); i += 256u) {
    const uint h = i / (HEAD_DIM + 2u), column = i % (HEAD_DIM + 2u);
    if (head_in_group(h) >= GROUP) continue;
    const uint at = ((gl_WorkGroupID.y * n_results + head_of(h)) * out_stride + gl_WorkGroupID.z) * (HEAD_DIM + 2u);
    result[out_at + at + column] = column < HEAD_DIM ? vectors[h * HEAD_DIM + column] : column == HEAD_DIM ? running[h] : weights[h];
  }
  for (uint i = thread; watched >= 0 && i < HEADS * SEGMENT_PAGES; i += 256u) {
    const uint h = i / SEGMENT_PAGES, block = gl_WorkGroupID.z * SEGMENT_PAGES + i % SEGMENT_PAGES;
    if (head_in_group(h) < GROUP && block >= first_page && block < last_page) {
      page_weights[page_weights_at + (uint(watched) * n_results + head_of(h)) * n_blocks + block] = page_shares[i];
    }
  }
#else
  if (thread < HEADS) {
    const bool has_sink = sinks_at != ABSENT;
    const vec2 whole = with_sink(running[thread], weights[thread], has_sink, has_sink ? sinks[sinks_at + min(head_of(thread), N_KV_HEADS * GROUP - 1u)] : 0.0);
    rescale[thread] = whole.y > 0.0 ? whole.x / whole.y : whole.y;
  }
  barrier();
  for (uint i = thread; watched >= 0 && i < HEADS * SEGMENT_PAGES; i += 256u) {
    const uint h = i / SEGMENT_PAGES;
    const vec2 share = page_shares[i];
    if (share.y > 0.0 && head_in_group(h) < GROUP) {
      precise float below = share.x - running[h];
      const float part = share.y * exponential(below) * rescale[h];
      atomicMax(shares[shares_at + (uint(watched) * N_KV_HEADS + kv_head()) * shares_stride + i % SEGMENT_PAGES], floatBitsToUint(part));
    }
  }
  for (uint i = thread; i < HEADS * HEAD_DIM; i += 256u) {
    precise float value = vectors[i] * rescale[i / HEAD_DIM];
    vectors[i] = value;
  }
  rotate_vectors(BASIS_V, BASIS_V_FACTOR);
  barrier();
  for (uint i = thread; i < HEADS * HEAD_DIM; i += 256u) {
    if (head_in_group(i / HEAD_DIM) < GROUP) result[out_at + row * out_stride + head_of(i / HEAD_DIM) * HEAD_DIM + i % HEAD_DIM] = vectors[i];
  }
#endif
}
