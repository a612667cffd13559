// What every shader begins with. Workgroups have constant 0 as their size.

#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;

// lowering.h: elements from the start of the binding, and from row to row.
struct View {
  uint offset;
  uint stride;
};

uint at(View v, uint row, uint col) { return v.offset + row * v.stride + col; }
