#include "chapters/candidates.h"

#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>

#include "chapters/02_tensors/matmul.h"
#include "chapters/03_attention/causal_attention.h"
#include "chapters/03_attention/repeated_heads.h"
#include "chapters/03_attention/rope.h"
#include "chapters/03_attention/softmax.h"
#include "chapters/04_transformer/rmsnorm.h"
#include "chapters/04_transformer/swiglu.h"
#include "core/error.h"

namespace rung {
namespace {

using check::Call;
using check::ConstTensor;
using check::MutableTensor;

using ConstMap = Eigen::Map<const Matrix, 0, Eigen::OuterStride<>>;
using Map = Eigen::Map<Matrix, 0, Eigen::OuterStride<>>;

/// All rows of a tensor, where they lie: [rows, columns].
ConstMap view(const ConstTensor& tensor) {
  return {reinterpret_cast<const float*>(tensor.data), tensor.rows(), tensor.columns(),
          Eigen::OuterStride<>(tensor.row_stride)};
}
Map view(const MutableTensor& tensor) {
  return {reinterpret_cast<float*>(tensor.data), tensor.rows(), tensor.columns(),
          Eigen::OuterStride<>(tensor.row_stride)};
}

/// [T, H, D] as the chapters have it, [T, H · D] without gaps between heads.
Matrix heads_together(const ConstTensor& tensor) {
  Matrix rows = view(tensor);  // [T · H, D]
  return Eigen::Map<const Matrix>(rows.data(), tensor.shape[0], tensor.shape[1] * tensor.shape[2]);
}
/// And back.
void heads_apart(const Matrix& values, const MutableTensor& tensor) {
  view(tensor) = Eigen::Map<const Matrix>(values.data(), tensor.rows(), tensor.columns());
}

void run_rmsnorm(const Call& call) {
  const ConstTensor& weight = call.input("weight");
  rmsnorm(view(call.input("x")),
          Eigen::Map<const Vector>(reinterpret_cast<const float*>(weight.data), weight.columns()),
          static_cast<float>(call.param("eps")), view(call.outputs[0]));
}

void run_rope(const Call& call) {
  const ConstTensor& x = call.input("x");
  const auto* const first = reinterpret_cast<const std::int32_t*>(call.input("positions").data);
  const std::vector<std::int32_t> positions(first, first + x.shape[0]);
  const RopeConfig config{.theta = call.param("theta"), .scaling = {}};
  Matrix values = heads_together(x);
  rope(values, Rotations(rope_frequencies(config, x.columns()), positions),
       call.integer("layout") == 0 ? RopeLayout::half_split : RopeLayout::interleaved);
  heads_apart(values, call.outputs[0]);
}

void run_softmax(const Call& call) {
  Map y = view(call.outputs[0]);
  y = view(call.input("x"));
  for (Eigen::Index t = 0; t < y.rows(); ++t) softmax(y.row(t));
}

void run_attention(const Call& call) {
  const ConstTensor& q = call.input("q");
  const ConstTensor& k = call.input("k");
  const std::int64_t heads = q.shape[1];
  const std::int64_t kv_heads = k.shape[1];
  const std::int64_t head_dim = q.columns();
  if (call.integer("causal") == 0 && call.integer("window") > 0) {
    throw Error(ErrorKind::unsupported, "causal_attention has no window without a causal mask");
  }
  AttentionSpan span{.first_query = call.integer("first_position")};
  if (call.integer("causal") == 0)
    span.first_query = k.shape[0];  // from behind all keys, a query sees them all
  if (call.integer("window") > 0) span.window = call.integer("window");
  // The chapter's scale is always 1 / sqrt(D); any other comes with q.
  Matrix queries = heads_together(q);
  const double usual = 1 / std::sqrt(static_cast<double>(head_dim));
  if (call.param("scale") != usual) queries *= static_cast<float>(call.param("scale") / usual);
  Matrix out(q.shape[0], heads * head_dim);
  causal_attention(queries, repeat_heads(heads_together(k), heads, kv_heads, head_dim),
                   repeat_heads(heads_together(call.input("v")), heads, kv_heads, head_dim), head_dim, span,
                   out);
  heads_apart(out, call.outputs[0]);
}

void run_swiglu(const Call& call) {
  swiglu(view(call.input("gate")), view(call.input("up")), view(call.outputs[0]));
}

template <void (*product)(const ConstMatrixView&, const ConstMatrixView&, MatrixView)>
void run_linear(const Call& call) {
  product(view(call.input("x")), view(call.input("w")), view(call.outputs[0]));
}

check::Candidate fp32(std::string name, std::string op, std::function<void(const Call&)> run) {
  return {
      .name = std::move(name), .op = std::move(op), .types = {check::NumberType::f32}, .run = std::move(run)};
}

}  // namespace

std::vector<check::Candidate> chapter_candidates() {
  return {fp32("chapters/04_transformer/rmsnorm", "rmsnorm", run_rmsnorm),
          fp32("chapters/03_attention/rope", "rope", run_rope),
          fp32("chapters/03_attention/softmax", "softmax", run_softmax),
          fp32("chapters/03_attention/causal_attention", "attention", run_attention),
          fp32("chapters/04_transformer/swiglu", "swiglu", run_swiglu),
          fp32("chapters/02_tensors/matmul_loops", "linear", run_linear<matmul_loops>),
          fp32("chapters/02_tensors/matmul", "linear", run_linear<matmul>)};
}

}  // namespace rung
