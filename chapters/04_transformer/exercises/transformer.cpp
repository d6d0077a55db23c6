// Exercise 4.3: the skeleton. What it must do stands in chapters/04_transformer/transformer.h, what its parts can do
// in chapters/04_transformer/parts.h and in the headers that it includes.
//
// This file takes the place of chapters/04_transformer/transformer.cpp, so it must define what that one does: the
// constructor, forward, attend and feed_forward. The parts, rmsnorm and rope are the chapters' own.

#include "chapters/04_transformer/transformer.h"

#include <fmt/format.h>

#include "chapters/03_attention/rope.h"
#include "chapters/04_transformer/rmsnorm.h"
#include "core/error.h"

namespace rung {

// Given.
Transformer::Transformer(ModelConfig config, Parts parts)
    : config_(std::move(config)),
      parts_(std::move(parts)),
      frequencies_(rope_frequencies(config_.rope, config_.head_dim)) {}

// From tokens to the logits of the rows that want them: [wanted, V].
Matrix Transformer::forward(const Batch& batch, const Plan& plan, KvStore& store, Trace* trace) const {
  // Given: what the rows say, and a token that the model does not have is refused.
  std::vector<std::int32_t> tokens, positions;  // [T]
  for (const Row& row : batch.rows) {
    if (row.token < 0 || row.token >= parts_.embedding->vocab()) {
      throw Error(ErrorKind::usage, "token {}: expected an id from 0 to {}", row.token,
                  parts_.embedding->vocab() - 1);
    }
    tokens.push_back(row.token);
    positions.push_back(row.position);
  }
  const Rotations rotations(frequencies_, positions);  // for every layer's rope()

  // Yours: trace points "embedding", "norm" and "logits".
  throw Error(
      ErrorKind::bad_input,
      "Transformer::forward is not written yet: chapters/04_transformer/exercises/README.md, exercise 4.3");
}

// Adds to every row of the residual stream x, [T, hidden], what it gets from the tokens before it.
void Transformer::attend(int layer, const Plan& plan, const Rotations& rotations, KvStore& store, Matrix& x,
                         Trace* trace) const {
  const Block& block = parts_.blocks[static_cast<std::size_t>(layer)];
  // Given: see("q", q) shows q under its full name to the trace, if there is one.
  const auto see = [&](const char* name, const Matrix& values) {
    if (trace) trace->see(fmt::format("layers.{}.attention.{}", layer, name), values);
  };

  // Yours: trace points norm, q, k, v, q_rotated, k_rotated, output, projected, residual.
  throw Error(
      ErrorKind::bad_input,
      "Transformer::attend is not written yet: chapters/04_transformer/exercises/README.md, exercise 4.3");
}

// Adds to every row of the residual stream x, [T, hidden], what the feed-forward layer makes of it.
void Transformer::feed_forward(int layer, Matrix& x, Trace* trace) const {
  const Block& block = parts_.blocks[static_cast<std::size_t>(layer)];
  const std::string point = fmt::format("layers.{}.feed_forward", layer);

  // Yours: trace points point + ".norm", ".output" and ".residual"; the part itself shows what is between.
  throw Error(ErrorKind::bad_input,
              "Transformer::feed_forward is not written yet: chapters/04_transformer/exercises/README.md, "
              "exercise 4.3");
}

}  // namespace rung
