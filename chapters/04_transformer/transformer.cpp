#include "chapters/04_transformer/transformer.h"

#include <fmt/format.h>

#include "chapters/03_attention/rope.h"
#include "chapters/04_transformer/rmsnorm.h"
#include "core/error.h"

namespace rung {

Transformer::Transformer(ModelConfig config, Parts parts)
    : config_(std::move(config)),
      parts_(std::move(parts)),
      frequencies_(rope_frequencies(config_.rope, config_.head_dim)) {}

Matrix Transformer::forward(const Batch& batch, const Plan& plan, KvStore& store, Trace* trace) const {
  std::vector<std::int32_t> tokens, positions;
  for (const Row& row : batch.rows) {
    if (row.token < 0 || row.token >= parts_.embedding->vocab()) {
      throw Error(ErrorKind::usage, "token {}: expected an id from 0 to {}", row.token,
                  parts_.embedding->vocab() - 1);
    }
    tokens.push_back(row.token);
    positions.push_back(row.position);
  }
  const Rotations rotations(frequencies_, positions);

  // [layers]
  Matrix x(tokens.size(), parts_.embedding->hidden());  // [T, hidden], the residual stream
  parts_.embedding->rows(tokens, x);
  if (trace) trace->see("embedding", x);
  for (int layer = 0; layer < static_cast<int>(parts_.blocks.size()); ++layer) {
    attend(layer, plan, rotations, store, x, trace);
    feed_forward(layer, x, trace);
  }
  // [layers]

  // The output matrix is the largest of all: only the rows that want logits go through it.
  Matrix last(batch.wanted(), x.cols());  // [wanted, hidden]
  Eigen::Index next = 0;
  for (std::size_t t = 0; t < batch.rows.size(); ++t) {
    if (batch.rows[t].wants_logits) last.row(next++) = x.row(static_cast<Eigen::Index>(t));
  }
  Matrix logits(last.rows(), parts_.output->out());  // [wanted, V]
  if (last.rows() > 0) {
    rmsnorm(last, parts_.norm, static_cast<float>(config_.norm_eps), last);
    if (trace) trace->see("norm", last);
    parts_.output->apply(Activations(last), logits);
    if (trace) trace->see("logits", logits);
  }
  return logits;
}

void Transformer::attend(int layer, const Plan& plan, const Rotations& rotations, KvStore& store, Matrix& x,
                         Trace* trace) const {
  const Block& block = parts_.blocks[static_cast<std::size_t>(layer)];
  const auto see = [&](const char* name, const Matrix& values) {
    if (trace) trace->see(fmt::format("layers.{}.attention.{}", layer, name), values);
  };
  Matrix normed(x.rows(), x.cols());  // [T, hidden]
  rmsnorm(x, block.attention_norm, static_cast<float>(config_.norm_eps), normed);
  see("norm", normed);

  const Activations input(normed);
  Matrix q(x.rows(), block.q->out());  // [T, H · D]
  Matrix k(x.rows(), block.k->out());  // [T, G · D]
  Matrix v(x.rows(), block.v->out());  // [T, G · D]
  block.q->apply(input, q);
  block.k->apply(input, k);
  block.v->apply(input, v);
  see("q", q);
  see("k", k);
  see("v", v);
  rope(q, rotations, RopeLayout::half_split);
  rope(k, rotations, RopeLayout::half_split);
  see("q_rotated", q);
  see("k_rotated", k);

  Matrix attended(x.rows(), q.cols());  // [T, H · D]
  parts_.attention->run(layer, q, k, v, store, plan, attended);
  see("output", attended);
  Matrix projected(x.rows(), x.cols());  // [T, hidden]
  block.o->apply(Activations(attended), projected);
  see("projected", projected);
  x += projected;
  see("residual", x);
}

void Transformer::feed_forward(int layer, Matrix& x, Trace* trace) const {
  const Block& block = parts_.blocks[static_cast<std::size_t>(layer)];
  const std::string point = fmt::format("layers.{}.feed_forward", layer);
  Matrix normed(x.rows(), x.cols());  // [T, hidden]
  rmsnorm(x, block.feed_forward_norm, static_cast<float>(config_.norm_eps), normed);
  if (trace) trace->see(point + ".norm", normed);
  Matrix out(x.rows(), x.cols());  // [T, hidden]
  block.feed_forward->run(normed, out, trace, point);
  if (trace) trace->see(point + ".output", out);
  x += out;
  if (trace) trace->see(point + ".residual", x);
}

}  // namespace rung
