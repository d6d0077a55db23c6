#include "core/check/candidate_arguments.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "core/check/abi.h"
#include "core/error.h"

namespace rung::check {
namespace {

// Wide enough that a row too many, or a vector store over the end, stays inside.
constexpr std::size_t guard_bytes = 4096;
constexpr std::size_t alignment = 64;
// NaN as a float and, either half, as an fp16 or bf16 number, and none that a kernel computes or stores as
// its own (those end in zeros or in ones only): what was written can be told from what was there.
constexpr std::uint32_t guard = 0x7fd57fd5;

/// Lays the arrays of a call one after the other, and keeps where they are.
class Layout {
 public:
  Layout(const Call& call, ArenaCall& laid) : call_(call), laid_(laid) {
    laid_.bytes = guard_bytes;
    for (const ConstTensor& input : call.inputs) add(input, input.data, nullptr);
    for (const MutableTensor& output : call.outputs) add(output, output.data, output.data);
  }

  void add(std::string name, std::size_t bytes, const std::byte* before, std::byte* result) {
    laid_.blocks.push_back({std::move(name), laid_.bytes, bytes, before, result});
    laid_.bytes = (laid_.bytes + bytes + guard_bytes + alignment - 1) / alignment * alignment;
  }

  /// Puts the offset of array `name` at byte `at` of the arguments: a pointer, once the host has added its
  /// base.
  void point(std::size_t at, std::string_view name) {
    const auto block = std::find_if(laid_.blocks.begin(), laid_.blocks.end(),
                                    [&](const ArenaBlock& one) { return one.name == name; });
    if (block == laid_.blocks.end()) {
      throw Error(ErrorKind::usage, "{}: case {} has no array {}", call_.op, call_.case_name, name);
    }
    const std::uint64_t offset = block->offset;
    std::memcpy(laid_.request.arguments.data() + at, &offset, sizeof offset);
    laid_.request.pointer_at.at(laid_.request.pointers++) = static_cast<std::uint32_t>(at);
  }

 private:
  template <typename Tensor>
  void add(const Tensor& tensor, const std::byte* before, std::byte* result) {
    add(std::string(tensor.name), static_cast<std::size_t>(tensor.rows()) * tensor.row_bytes(), before,
        result);
  }

  const Call& call_;
  ArenaCall& laid_;
};

/// Copies the struct into the request; the pointers come after it.
template <typename Arguments>
void set(ArenaCall& laid, const Arguments& arguments) {
  static_assert(sizeof arguments <= sizeof laid.request.arguments);
  std::memcpy(laid.request.arguments.data(), &arguments, sizeof arguments);
  laid.request.arguments_bytes = sizeof arguments;
}

std::int32_t dtype(const Call& call) {
  switch (call.type) {
    case NumberType::f32:
      return RUNG_F32;
    case NumberType::f16:
      return RUNG_F16;
    case NumberType::bf16:
      return RUNG_BF16;
  }
  return RUNG_F32;
}

const MutableTensor& output(const Call& call) {
  return call.outputs.front();
}

void rmsnorm(const Call& call, ArenaCall& laid, Layout& layout) {
  const ConstTensor& x = call.input("x");
  rung_rmsnorm_args a{};
  a.size = sizeof a;
  a.dtype = dtype(call);
  a.rows = x.rows();
  a.n = x.columns();
  a.eps = call.param("eps");
  a.x_stride = x.row_stride;
  a.y_stride = output(call).row_stride;
  set(laid, a);
  layout.point(offsetof(rung_rmsnorm_args, x), "x");
  layout.point(offsetof(rung_rmsnorm_args, weight), "weight");
  layout.point(offsetof(rung_rmsnorm_args, y), "y");
}

void rope(const Call& call, ArenaCall& laid, Layout& layout) {
  const ConstTensor& x = call.input("x");
  rung_rope_args a{};
  a.size = sizeof a;
  a.dtype = dtype(call);
  a.layout = call.integer("layout") == 0 ? RUNG_ROPE_HALF_SPLIT : RUNG_ROPE_INTERLEAVED;
  a.rows = x.shape[0];
  a.heads = x.shape[1];
  a.head_dim = x.shape[2];
  a.theta = call.param("theta");
  a.x_stride = x.row_stride;
  a.y_stride = output(call).row_stride;
  set(laid, a);
  layout.point(offsetof(rung_rope_args, positions), "positions");
  layout.point(offsetof(rung_rope_args, x), "x");
  layout.point(offsetof(rung_rope_args, y), "y");
}

void softmax(const Call& call, ArenaCall& laid, Layout& layout) {
  const ConstTensor& x = call.input("x");
  rung_softmax_args a{};
  a.size = sizeof a;
  a.dtype = dtype(call);
  a.rows = x.rows();
  a.n = x.columns();
  a.x_stride = x.row_stride;
  a.y_stride = output(call).row_stride;
  set(laid, a);
  layout.point(offsetof(rung_softmax_args, x), "x");
  layout.point(offsetof(rung_softmax_args, y), "y");
}

void attention(const Call& call, ArenaCall& laid, Layout& layout) {
  const ConstTensor& q = call.input("q");
  const ConstTensor& k = call.input("k");
  rung_attention_args a{};
  a.size = sizeof a;
  a.dtype = dtype(call);
  a.causal = static_cast<std::int32_t>(call.integer("causal"));
  a.queries = q.shape[0];
  a.keys = k.shape[0];
  a.heads = q.shape[1];
  a.kv_heads = k.shape[1];
  a.head_dim = q.shape[2];
  a.first_position = call.integer("first_position");
  a.window = call.integer("window");
  a.scale = call.param("scale");
  a.q_stride = q.row_stride;
  a.k_stride = k.row_stride;
  a.v_stride = call.input("v").row_stride;
  a.out_stride = output(call).row_stride;
  set(laid, a);
  layout.point(offsetof(rung_attention_args, q), "q");
  layout.point(offsetof(rung_attention_args, k), "k");
  layout.point(offsetof(rung_attention_args, v), "v");
  layout.point(offsetof(rung_attention_args, out), "out");
}

void swiglu(const Call& call, ArenaCall& laid, Layout& layout) {
  const ConstTensor& gate = call.input("gate");
  rung_swiglu_args a{};
  a.size = sizeof a;
  a.dtype = dtype(call);
  a.rows = gate.rows();
  a.n = gate.columns();
  a.gate_stride = gate.row_stride;
  a.up_stride = call.input("up").row_stride;
  a.y_stride = output(call).row_stride;
  set(laid, a);
  layout.point(offsetof(rung_swiglu_args, gate), "gate");
  layout.point(offsetof(rung_swiglu_args, up), "up");
  layout.point(offsetof(rung_swiglu_args, y), "y");
}

void linear(const Call& call, ArenaCall& laid, Layout& layout) {
  const ConstTensor& x = call.input("x");
  const ConstTensor& w = call.input("w");
  rung_linear_args a{};
  a.size = sizeof a;
  a.dtype = dtype(call);
  a.m = x.rows();
  a.n = w.rows();
  a.k = x.columns();
  a.x_stride = x.row_stride;
  a.w_stride = w.row_stride;
  a.y_stride = output(call).row_stride;
  set(laid, a);
  layout.point(offsetof(rung_linear_args, x), "x");
  layout.point(offsetof(rung_linear_args, w), "w");
  layout.point(offsetof(rung_linear_args, y), "y");
}

// In the order of abi_ops.
constexpr std::array<void (*)(const Call&, ArenaCall&, Layout&), abi_ops.size()> builders{
    rmsnorm, rope, softmax, attention, swiglu, linear};

/// The byte at `offset` of an arena that nobody has written to.
std::byte guard_byte(std::size_t offset) {
  return static_cast<std::byte>(guard >> (8 * (offset % sizeof guard)) & 0xff);
}

/// How many bytes of arena[begin, end) were written to.
std::int64_t touched(std::span<const std::byte> arena, std::size_t begin, std::size_t end) {
  if (begin == end) return 0;
  // A band that repeats itself from a right start on: most are, and most of an arena is guard.
  const std::size_t start = std::min(end - begin, sizeof guard);
  bool whole = std::memcmp(arena.data() + begin, arena.data() + begin + start, end - begin - start) == 0;
  for (std::size_t i = begin; i < begin + start; ++i) whole = whole && arena[i] == guard_byte(i);
  if (whole) return 0;
  std::int64_t bytes = 0;
  for (std::size_t i = begin; i < end; ++i) bytes += arena[i] != guard_byte(i) ? 1 : 0;
  return bytes;
}

}  // namespace

ArenaCall lay_out(const Call& call) {
  const auto op = std::find(abi_ops.begin(), abi_ops.end(), call.op);
  if (op == abi_ops.end()) throw Error(ErrorKind::usage, "{}: the C ABI has no such op", call.op);
  const auto index = static_cast<std::size_t>(op - abi_ops.begin());
  ArenaCall laid;
  laid.request.op = static_cast<std::uint32_t>(index);
  Layout layout(call, laid);
  builders[index](call, laid, layout);
  return laid;
}

void fill(const ArenaCall& call, std::span<std::byte> arena) {
  // All of it, not only what the call needs: a write far behind the last array is to be seen too.
  for (std::size_t at = 0; at + sizeof guard <= arena.size(); at += sizeof guard)
    std::memcpy(arena.data() + at, &guard, sizeof guard);
  for (const ArenaBlock& block : call.blocks)
    std::memcpy(arena.data() + block.offset, block.before, block.bytes);
}

void take_results(const ArenaCall& call, std::span<const std::byte> arena) {
  std::size_t before = 0;  // the end of the array before this one
  for (std::size_t i = 0; i < call.blocks.size(); ++i) {
    const ArenaBlock& block = call.blocks[i];
    // What lies between two arrays is told as belonging to the nearer one.
    const std::size_t middle = i == 0 ? 0 : before + (block.offset - before) / 2;
    if (i > 0) {
      if (const auto bytes = touched(arena, before, middle)) {
        throw Error(ErrorKind::bad_input, "wrote {} bytes past the end of {}", bytes,
                    call.blocks[i - 1].name);
      }
    }
    if (const auto bytes = touched(arena, middle, block.offset)) {
      throw Error(ErrorKind::bad_input, "wrote {} bytes before the start of {}", bytes, block.name);
    }
    before = block.offset + block.bytes;
    if (block.result == nullptr && std::memcmp(arena.data() + block.offset, block.before, block.bytes) != 0) {
      throw Error(ErrorKind::bad_input, "input {} was changed", block.name);
    }
  }
  if (const auto bytes = touched(arena, before, arena.size())) {
    throw Error(ErrorKind::bad_input, "wrote {} bytes past the end of {}", bytes, call.blocks.back().name);
  }
  for (const ArenaBlock& block : call.blocks) {
    if (block.result != nullptr) std::memcpy(block.result, arena.data() + block.offset, block.bytes);
  }
}

}  // namespace rung::check
