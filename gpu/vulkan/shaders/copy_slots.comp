#version 450
// Copies slots of the open pool one after the other, since one's target may be an earlier one's source: an invocation a word of
// a slot, through all copies. z: kv head; y: 0 key, 1 value.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

const uint kPageSlots = 64;

layout(binding = 0) buffer Pages { uint pages[]; };
layout(binding = 1) readonly buffer From { int from[]; };
layout(binding = 2) readonly buffer To { int to[]; };
layout(push_constant) uniform Push {
  View view_pages, view_from, view_to;
  uint n, n_heads, slot_bytes;
};

// Byte in which a slot of this head's tile begins.
uint slot_at(uint slot) {
  const uint tile = kPageSlots * slot_bytes, page = (slot / kPageSlots) * n_heads + gl_WorkGroupID.z;
  return (2 * page + gl_WorkGroupID.y) * tile + slot % kPageSlots * slot_bytes;
}

uint half_word(uint byte) { return (pages[view_pages.offset + byte / 4] >> (8 * (byte & 2u))) & 0xffffu; }

void main() {
  const uint lane = gl_GlobalInvocationID.x;
  if (slot_bytes % 4 == 0) {
    if (lane >= slot_bytes / 4) return;
    for (uint i = 0; i < n; ++i) {
      const uint source = slot_at(uint(from[at(view_from, i, 0)])) / 4 + lane, target = slot_at(uint(to[at(view_to, i, 0)])) / 4 + lane;
      pages[view_pages.offset + target] = pages[view_pages.offset + source];
    }
    return;
  }
  if (lane > 0) return;
  for (uint i = 0; i < n; ++i) {
    const uint source = slot_at(uint(from[at(view_from, i, 0)])), target = slot_at(uint(to[at(view_to, i, 0)]));
    for (uint byte = 0; byte < slot_bytes; byte += 2) {
      const uint value = half_word(source + byte), word = view_pages.offset + (target + byte) / 4, shift = 8 * ((target + byte) & 2u);
      pages[word] = (pages[word] & ~(0xffffu << shift)) | value << shift;
    }
  }
}
