#include "chapters/candidates.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "chapters/02_tensors/matmul.h"
#include "chapters/03_attention/causal_attention.h"
#include "chapters/03_attention/repeated_heads.h"
#include "chapters/03_attention/rope.h"
#include "chapters/03_attention/softmax.h"
#include "chapters/04_transformer/rmsnorm.h"
#include "chapters/04_transformer/swiglu.h"
#include "chapters/07_grouped_query/grouped_attention.h"
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
template <typename Tensor>
Matrix heads_together(const Tensor& tensor) {
  Matrix rows = view(tensor);  // [T · H, D]
  return Eigen::Map<const Matrix>(rows.data(), tensor.shape[0], tensor.shape[1] * tensor.shape[2]);
}
Matrix heads_together(const check::Array& array) {
  return heads_together(ConstTensor{array.name, check::NumberType::f32, array.shape, array.row_stride,
                                    reinterpret_cast<const std::byte*>(array.values.data())});
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

/// A [S, G, D] of keys or values for all H query heads: [S, H, D].
check::Array for_all_heads(const check::Array& grouped, std::int64_t heads) {
  const Matrix repeated = repeat_heads(heads_together(grouped), heads, grouped.shape[1], grouped.columns());
  return {.name = grouped.name,
          .shape = {grouped.shape[0], heads, grouped.columns()},
          .row_stride = grouped.columns(),
          .values = std::vector<float>(repeated.data(), repeated.data() + repeated.size())};
}

/// The chapters' functions have a causal mask, and their scale is 1 / sqrt(D). What a case has otherwise is brought about
/// by other inputs.
check::Case grouped_attention_as_called(const check::Case& given) {
  check::Case problem = given;
  check::Array& q = problem.inputs[0];
  const std::int64_t keys = given.input("k").shape[0];
  const auto usual = 1 / std::sqrt(static_cast<double>(q.columns()));
  for (check::Param& param : problem.params) {
    if (param.name == "causal") param.value = 1;
    // From behind all keys, a query sees them all.
    if (param.name == "first_position" && given.integer("causal") == 0)
      param.value = static_cast<double>(keys);
    if (param.name == "scale" && param.value != usual) {
      const auto factor = static_cast<float>(param.value / usual);
      for (float& number : q.values) number *= factor;
      param.value = usual;
    }
  }
  return problem;
}

/// Chapter 03's function also has H heads of keys.
check::Case attention_as_called(const check::Case& given) {
  check::Case problem = grouped_attention_as_called(given);
  for (check::Param& param : problem.params) {
    if (param.name == "G") param.value = given.param("H");
  }
  for (std::size_t i = 1; i <= 2; ++i) problem.inputs[i] = for_all_heads(given.inputs[i], given.integer("H"));
  return problem;
}

void run_attention(const Call& call) {
  if (call.integer("causal") == 0 && call.integer("window") > 0) {
    throw Error(ErrorKind::unsupported, "causal_attention has no window without a causal mask");
  }
  const check::Case problem = attention_as_called(check::to_case(call));
  AttentionSpan span{.first_query = problem.integer("first_position")};
  if (problem.integer("window") > 0) span.window = problem.integer("window");
  Matrix out = heads_together(call.outputs[0]);  // what it holds has to be overwritten
  causal_attention(heads_together(problem.input("q")), heads_together(problem.input("k")),
                   heads_together(problem.input("v")), problem.integer("D"), span, out);
  heads_apart(out, call.outputs[0]);
}

void run_grouped_attention(const Call& call) {
  if (call.integer("causal") == 0 && call.integer("window") > 0) {
    throw Error(ErrorKind::unsupported, "grouped_attention has no window without a causal mask");
  }
  const check::Case problem = grouped_attention_as_called(check::to_case(call));
  GroupedSpan span{.head_dim = problem.integer("D"),
                   .kv_heads = problem.integer("G"),
                   .first_query = problem.integer("first_position")};
  if (problem.integer("window") > 0) span.window = problem.integer("window");
  const Matrix keys = heads_together(problem.input("k"));
  const Matrix values = heads_together(problem.input("v"));
  // In two pieces, as a ring has them.
  const Eigen::Index cut = keys.rows() / 3;
  const std::array<KvPiece, 2> pieces{
      KvPiece{.first = 0, .keys = keys.topRows(cut), .values = values.topRows(cut)},
      KvPiece{.first = cut,
              .keys = keys.bottomRows(keys.rows() - cut),
              .values = values.bottomRows(keys.rows() - cut)}};
  Matrix out = heads_together(call.outputs[0]);  // what it holds has to be overwritten
  grouped_attention(heads_together(problem.input("q")), pieces, span, out);
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

/// One whose output may be an input.
check::Candidate in_place(check::Candidate candidate) {
  candidate.in_place = true;
  return candidate;
}

/// One that gets other inputs than the case has.
check::Candidate as_called(check::Candidate candidate, check::Case (*change)(const check::Case&)) {
  candidate.as_called = change;
  return candidate;
}

}  // namespace

std::vector<check::Candidate> chapter_candidates() {
  return {in_place(fp32("chapters/04_transformer/rmsnorm", "rmsnorm", run_rmsnorm)),
          fp32("chapters/03_attention/rope", "rope", run_rope),
          fp32("chapters/03_attention/softmax", "softmax", run_softmax),
          as_called(fp32("chapters/03_attention/causal_attention", "attention", run_attention),
                    attention_as_called),
          as_called(fp32("chapters/07_grouped_query/grouped_attention", "attention", run_grouped_attention),
                    grouped_attention_as_called),
          in_place(fp32("chapters/04_transformer/swiglu", "swiglu", run_swiglu)),
          fp32("chapters/02_tensors/matmul_loops", "linear", run_linear<matmul_loops>),
          fp32("chapters/02_tensors/matmul", "linear", run_linear<matmul>)};
}

}  // namespace rung
