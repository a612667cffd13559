#version 450
// Backend::top_k: the k best of a run of a row. A value's key has the order of the values; the k-th largest key is found eight bits at
// a time, from the top; then the larger ones are put together in the order of their columns, and as many of its equals as are
// missing. Whole rows (LAST) come out falling, runs as they are: a second dispatch takes the runs' lists for a row.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint FROM_LISTS = 0;
layout(constant_id = 1) const uint LAST = 1;

layout(binding = 0) restrict readonly buffer X { uint x[]; };  // bits of floats
layout(binding = 1) restrict readonly buffer ListIds { int list_ids[]; };
layout(binding = 2) restrict writeonly buffer Ids { int ids[]; };
layout(binding = 3) restrict writeonly buffer Values { uint values[]; };
layout(push_constant) uniform Push {
  uint x_at, x_stride, list_ids_at, list_ids_stride, ids_at, ids_stride, values_at, values_stride;
  uint n, run, k;
};

const uint NAN = 0x7fc00000u, LEAST = 0xff800000u;

shared uint counts[256];
shared uint equals[256];
shared uint found_digit, found_above;
shared uint chosen[256];      // bits
shared int chosen_ids[256];

// 0: not a number.
uint key_of(uint bits) {
  const uint size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) return 0u;
  if (size == 0u) return 0x80000000u;  // both zeros
  return bits >> 31 != 0u ? ~bits : bits | 0x80000000u;
}

uint bits_at(uint row, uint column) { return x[x_at + row * x_stride + column]; }

void main() {
  const uint thread = gl_LocalInvocationIndex, row = gl_WorkGroupID.y, first = gl_WorkGroupID.x * run, end = min(n, first + run);
  uint least = 0u, above = 0u;  // the upper bits of the k-th largest key, and how many keys are larger
  for (int shift = 24; shift >= 0; shift -= 8) {
    counts[thread] = 0u;
    barrier();
    for (uint c = first + thread; c < end; c += 256u) {
      const uint key = key_of(bits_at(row, c));
      if (shift == 24 || key >> shift + 8 == least) atomicAdd(counts[key >> shift & 255u], 1u);
    }
    // How many have this digit or a larger one.
    for (uint step = 1u; step < 256u; step *= 2u) {
      barrier();
      const uint more = thread + step < 256u ? counts[thread + step] : 0u;
      barrier();
      counts[thread] += more;
    }
    barrier();
    const uint larger = above + (thread < 255u ? counts[thread + 1u] : 0u);
    if (larger < k && (thread == 0u || above + counts[thread] >= k)) {
      found_digit = thread;
      found_above = larger;
    }
    barrier();
    least = least << 8 | found_digit;
    above = found_above;
    barrier();
  }

  const uint n_equal = least == 0u ? 0u : k - above;  // to be taken, the first ones
  const uint part = (end - first + 255u) / 256u, from = min(end, first + thread * part), to = min(end, from + part);
  uint n_larger = 0u, n_same = 0u;
  for (uint c = from; c < to; ++c) {
    const uint key = key_of(bits_at(row, c));
    n_larger += key > least ? 1u : 0u;
    n_same += key == least ? 1u : 0u;
  }
  counts[thread] = n_larger;
  equals[thread] = n_same;
  for (uint step = 1u; step < 256u; step *= 2u) {
    barrier();
    const uint larger = thread >= step ? counts[thread - step] : 0u, same = thread >= step ? equals[thread - step] : 0u;
    barrier();
    counts[thread] += larger;
    equals[thread] += same;
  }
  uint larger_before = counts[thread] - n_larger, same_before = equals[thread] - n_same;
  for (uint c = from; c < to; ++c) {
    const uint bits = bits_at(row, c), key = key_of(bits);
    if (key < least || key == least && same_before >= n_equal) continue;
    const uint place = larger_before + min(same_before, n_equal);
    chosen[place] = bits;
    chosen_ids[place] = FROM_LISTS == 1u ? list_ids[list_ids_at + row * list_ids_stride + c] : int(c);
    if (key == least) ++same_before;
    else ++larger_before;
  }
  barrier();

  if (thread >= k) return;
  const uint n_chosen = above + n_equal;
  const bool there = thread < n_chosen;
  uint place = thread;
  if (LAST == 1u && there) {
    place = 0u;
    const uint mine = key_of(chosen[thread]);
    for (uint i = 0u; i < n_chosen; ++i) {
      const uint other = key_of(chosen[i]);
      place += other > mine || other == mine && i < thread ? 1u : 0u;
    }
  }
  ids[ids_at + row * ids_stride + gl_WorkGroupID.x * k + place] = there ? chosen_ids[thread] : -1;
  values[values_at + row * values_stride + gl_WorkGroupID.x * k + place] = there ? chosen[thread] : LAST == 1u ? LEAST : NAN;
}
