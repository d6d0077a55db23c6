#include "core/oracle/transformer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/error.h"
#include "core/oracle/attention.h"
#include "core/oracle/rms_norm.h"
#include "core/oracle/rope.h"
#include "core/oracle/routing.h"
#include "core/oracle/swiglu.h"

namespace rung::oracle {
namespace {

constexpr std::int64_t tile = 16;
// Fewer multiplications than this are done before another thread has woken up.
constexpr std::int64_t worth_threads = 1 << 19;

/// Tokens in tiles, so that the loops below read them in order: [tiles, K, tile], zeros behind the last
/// token.
std::vector<double> pack(const Grid& x) {
  const std::int64_t K = x.columns;
  std::vector<double> packed(static_cast<std::size_t>((x.rows + tile - 1) / tile * K * tile));
  for (std::int64_t t = 0; t < x.rows; ++t) {
    for (std::int64_t k = 0; k < K; ++k) packed[(t / tile * K + k) * tile + t % tile] = x.values[t * K + k];
  }
  return packed;
}

/// y = x·Wᵀ with the sums of oracle::linear, each over k from first to last. Only the loops around them stand
/// in another order: a number of w is used for a tile of tokens, whose sums do not wait for each other.
/// @param squares  gets Σ_k (x·w)² for every sum of y; may be null
Grid linear_tiled(const Grid& x, const Matrix& w, Grid* squares) {
  const std::vector<double> packed = pack(x);
  const std::int64_t K = x.columns;
  Grid y(x.rows, w.rows());
  if (squares) *squares = Grid(x.rows, w.rows());
#pragma omp parallel for schedule(static) if (x.rows * w.size() > worth_threads)
  for (std::int64_t n = 0; n < w.rows(); ++n) {
    const float* weights = w.row(n).data();
    for (std::int64_t first = 0; first < x.rows; first += tile) {
      const double* tokens = &packed[first * K];
      std::array<double, tile> sums{};
      std::array<double, tile> sums_of_squares{};
      for (std::int64_t k = 0; k < K; ++k) {
        const double weight = static_cast<double>(weights[k]);
        for (std::int64_t t = 0; t < tile; ++t) sums[t] += tokens[k * tile + t] * weight;
      }
      for (std::int64_t k = 0; squares && k < K; ++k) {
        const double weight = static_cast<double>(weights[k]);
        for (std::int64_t t = 0; t < tile; ++t) {
          const double product = tokens[k * tile + t] * weight;
          sums_of_squares[t] += product * product;
        }
      }
      for (std::int64_t t = first; t < std::min(first + tile, x.rows); ++t) {
        y.values[t * y.columns + n] = sums[t - first];
        if (squares) squares->values[t * y.columns + n] = sums_of_squares[t - first];
      }
    }
  }
  return y;
}

void see(const Hook& hook, const std::string& point, Grid& values) {
  if (hook.see) hook.see(point, values);
}

void add(Grid& x, const Grid& more) {
  for (std::size_t i = 0; i < x.values.size(); ++i) x.values[i] += more.values[i];
}

}  // namespace

Transformer::Transformer(const Checkpoint& checkpoint, ModelConfig config)
    : checkpoint_(&checkpoint),
      config_(std::move(config)),
      frequencies_(rope_frequencies(config_.rope, config_.head_dim)) {}

Grid Transformer::logits(std::span<const std::int32_t> tokens, const Hook& hook) const {
  return output(normed(tokens, hook), hook);
}

Grid Transformer::normed(std::span<const std::int32_t> tokens, const Hook& hook) const {
  Grid x = embed(tokens);  // [T, hidden], the residual stream
  see(hook, "embedding", x);
  for (std::int64_t layer = 0; layer < config_.layers; ++layer) {
    attend(layer, x, hook);
    feed_forward(layer, x, hook);
  }
  x = norm(x, "norm.weight");
  see(hook, "norm", x);
  return x;
}

Grid Transformer::output(const Grid& normed, const Hook& hook) const {
  Grid logits = project(normed, config_.tied_embeddings ? "embedding.weight" : "output.weight", hook);
  see(hook, "logits", logits);
  return logits;
}

Grid Transformer::embed(std::span<const std::int32_t> tokens) const {
  if (tokens.empty())
    throw Error(ErrorKind::usage, "oracle transformer: expected at least one token, found none");
  const Matrix table = load_f32(checkpoint_->tensor("embedding.weight"));  // [V, hidden]
  Grid x(static_cast<std::int64_t>(tokens.size()), table.cols());
  for (std::int64_t t = 0; t < x.rows; ++t) {
    if (tokens[t] < 0 || tokens[t] >= table.rows()) {
      throw Error(ErrorKind::usage, "token {} at position {}: expected an id from 0 to {}", tokens[t], t,
                  table.rows() - 1);
    }
    for (std::int64_t i = 0; i < x.columns; ++i) {
      x.values[t * x.columns + i] = static_cast<double>(table(tokens[t], i));
    }
  }
  return x;
}

Grid Transformer::norm(const Grid& x, const std::string& name) const {
  const Matrix stored = load_f32(checkpoint_->tensor(name));  // [1, hidden]
  const std::vector<double> weight(stored.data(), stored.data() + stored.size());
  Grid y(x.rows, x.columns);
  rms_norm(x.values, weight, x.rows, x.columns, config_.norm_eps, y.values);
  return y;
}

Grid Transformer::project(const Grid& x, const std::string& name, const Hook& hook) const {
  const Matrix weight = load_f32(checkpoint_->tensor(name));  // [out, in]
  if (!hook.sum) return linear_tiled(x, weight, nullptr);
  Grid squares;
  Grid y = linear_tiled(x, weight, &squares);
  hook.sum(y, squares, x.columns);
  return y;
}

void Transformer::attend(std::int64_t layer, Grid& x, const Hook& hook) const {
  const std::string point = fmt::format("layers.{}.attention.", layer);
  Grid normed = norm(x, point + "norm.weight");  // [T, hidden]
  see(hook, point + "norm", normed);
  Grid q = project(normed, point + "q.weight", hook);  // [T, H·D]
  Grid k = project(normed, point + "k.weight", hook);  // [T, G·D]
  Grid v = project(normed, point + "v.weight", hook);  // [T, G·D]
  see(hook, point + "q", q);
  see(hook, point + "k", k);
  see(hook, point + "v", v);

  const std::int64_t T = x.rows;
  const AttentionShape one_query{.T = 1,
                                 .S = T,
                                 .H = q.columns / config_.head_dim,
                                 .G = k.columns / config_.head_dim,
                                 .D = config_.head_dim};
  std::vector<std::int64_t> positions(static_cast<std::size_t>(T));
  std::iota(positions.begin(), positions.end(), 0);
  // load_f32 gives the rows of q and k in half-split order, whatever the file's is.
  rope(RopeLayout::half_split, frequencies_, positions, q.values, one_query.H, q.values);
  rope(RopeLayout::half_split, frequencies_, positions, k.values, one_query.G, k.values);
  see(hook, point + "q_rotated", q);
  see(hook, point + "k_rotated", k);

  Grid out(T, q.columns);
  const double scale = 1 / std::sqrt(static_cast<double>(config_.head_dim));
#pragma omp parallel for schedule(dynamic) if (T * k.columns * T > worth_threads)
  for (std::int64_t t = 0; t < T; ++t) {
    const AttentionMask mask{.causal = true, .window = config_.sliding_window, .first_position = t};
    attention(one_query, mask, scale, std::as_const(q).row(t), k.values, v.values, out.row(t));
  }
  see(hook, point + "output", out);

  Grid projected = project(out, point + "o.weight", hook);  // [T, hidden]
  see(hook, point + "projected", projected);
  add(x, projected);
  see(hook, point + "residual", x);
}

void Transformer::feed_forward(std::int64_t layer, Grid& x, const Hook& hook) const {
  const std::string point = fmt::format("layers.{}.feed_forward.", layer);
  Grid normed = norm(x, point + "norm.weight");  // [T, hidden]
  see(hook, point + "norm", normed);
  Grid out = config_.mixture ? mixture(point, normed, hook) : dense(point, normed, hook);  // [T, hidden]
  see(hook, point + "output", out);
  add(x, out);
  see(hook, point + "residual", x);
}

Grid Transformer::dense(const std::string& point, const Grid& normed, const Hook& hook) const {
  Grid gate = project(normed, point + "gate.weight", hook);  // [T, feed_forward]
  Grid up = project(normed, point + "up.weight", hook);      // [T, feed_forward]
  see(hook, point + "gate", gate);
  see(hook, point + "up", up);
  Grid activation(gate.rows, gate.columns);
  swiglu(gate.values, up.values, activation.values);
  see(hook, point + "activation", activation);
  return project(activation, point + "down.weight", hook);
}

namespace {

/// A place among the k of a row.
struct Place {
  std::int64_t row, slot;
};

/// The places at which an expert was chosen.
std::vector<Place> places_of(const Grid& chosen, std::int64_t expert) {
  std::vector<Place> places;
  for (std::int64_t t = 0; t < chosen.rows; ++t) {
    for (std::int64_t slot = 0; slot < chosen.columns; ++slot) {
      if (chosen.row(t)[slot] == static_cast<double>(expert)) places.push_back({t, slot});
    }
  }
  return places;
}

}  // namespace

Grid Transformer::mixture(const std::string& point, const Grid& normed, const Hook& hook) const {
  const std::int64_t k = config_.mixture->experts_used;
  const std::int64_t width = config_.feed_forward;
  Grid scores = project(normed, point + "router.weight", hook);  // [T, E]
  see(hook, point + "router.scores", scores);
  Grid chosen(normed.rows, k), weights(normed.rows, k);
  for (std::int64_t t = 0; t < normed.rows; ++t) {
    const Route route = softmax_top_k(std::as_const(scores).row(t), k, config_.mixture->renormalize);
    std::ranges::copy(route.chosen, chosen.row(t).begin());
    std::ranges::copy(route.weights, weights.row(t).begin());
  }
  see(hook, point + "router.chosen", chosen);
  see(hook, point + "router.weights", weights);

  const auto matrix = [&point](std::int64_t expert, const char* name) {
    return fmt::format("{}experts.{}.{}.weight", point, expert, name);
  };
  Grid gate(normed.rows, k * width), up(normed.rows, k * width);  // of the chosen, one after the other
  for (std::int64_t expert = 0; expert < config_.mixture->experts; ++expert) {
    const std::vector<Place> places = places_of(chosen, expert);
    if (places.empty()) continue;
    Grid rows(std::ssize(places), normed.columns);
    for (std::int64_t i = 0; i < rows.rows; ++i)
      std::ranges::copy(normed.row(places[i].row), rows.row(i).begin());
    const Grid gates = project(rows, matrix(expert, "gate"), hook);
    const Grid ups = project(rows, matrix(expert, "up"), hook);
    for (std::int64_t i = 0; i < rows.rows; ++i) {
      const auto [row, slot] = places[i];
      std::ranges::copy(gates.row(i), gate.row(row).begin() + slot * width);
      std::ranges::copy(ups.row(i), up.row(row).begin() + slot * width);
    }
  }
  see(hook, point + "gate", gate);
  see(hook, point + "up", up);
  Grid activation(gate.rows, gate.columns);
  swiglu(gate.values, up.values, activation.values);
  see(hook, point + "activation", activation);

  Grid out(normed.rows, normed.columns);
  for (std::int64_t expert = 0; expert < config_.mixture->experts; ++expert) {
    const std::vector<Place> places = places_of(chosen, expert);
    if (places.empty()) continue;
    Grid rows(std::ssize(places), width);
    for (std::int64_t i = 0; i < rows.rows; ++i) {
      const auto [row, slot] = places[i];
      std::copy_n(activation.row(row).begin() + slot * width, width, rows.row(i).begin());
    }
    const Grid results = project(rows, matrix(expert, "down"), hook);
    for (std::int64_t i = 0; i < rows.rows; ++i) {
      const auto [row, slot] = places[i];
      const double weight = std::as_const(weights).row(row)[slot];
      for (std::int64_t n = 0; n < out.columns; ++n) out.row(row)[n] += weight * results.row(i)[n];
    }
  }
  return out;
}

}  // namespace rung::oracle
