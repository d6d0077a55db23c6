#include "core/checkpoint/config_checks.h"

#include <cmath>
#include <limits>
#include <string_view>

#include "core/error.h"

namespace rung {

namespace {

constexpr std::int64_t most_layers = 1 << 12;
constexpr std::int64_t widest = 1 << 24;  // of the residual stream, a head, or the feed-forward layer
constexpr std::int64_t most_heads = 1 << 16;
constexpr std::int64_t most_experts = 1 << 12;
constexpr std::int64_t most_positions =
    std::numeric_limits<std::int32_t>::max();  // positions and ids are int32

struct Checker {
  const std::filesystem::path& file;

  void range(std::string_view what, std::int64_t value, std::int64_t most) const {
    if (value < 1 || value > most) {
      throw Error(ErrorKind::bad_input, "{}: {}: expected 1 to {}, found {}", file.string(), what, most,
                  value);
    }
  }
  void positive(std::string_view what, double value) const {
    if (!(value > 0) || !std::isfinite(value)) {
      throw Error(ErrorKind::bad_input, "{}: {}: expected a positive number, found {}", file.string(), what,
                  value);
    }
  }

  void operator()(const std::monostate&) const {}
  void operator()(const LinearRopeScaling& scaling) const { positive("rope scaling factor", scaling.factor); }
  void operator()(const Llama3RopeScaling& scaling) const {
    positive("rope scaling factor", scaling.factor);
    positive("rope scaling low_freq_factor", scaling.low_freq_factor);
    positive("rope scaling high_freq_factor", scaling.high_freq_factor);
    positive("rope scaling original context", scaling.original_context);
    if (scaling.low_freq_factor >= scaling.high_freq_factor) {
      throw Error(ErrorKind::bad_input,
                  "{}: rope scaling: low_freq_factor {} must be below high_freq_factor {}", file.string(),
                  scaling.low_freq_factor, scaling.high_freq_factor);
    }
  }
  void operator()(const RopeFrequencyFactors& scaling) const {
    for (const float factor : scaling.factors) positive("rope frequency factor", static_cast<double>(factor));
  }
};

}  // namespace

void check_config(const std::filesystem::path& file, const ModelConfig& config) {
  const Checker check{file};
  check.range("number of layers", config.layers, most_layers);
  check.range("hidden size", config.hidden, widest);
  check.range("number of heads", config.heads, most_heads);
  check.range("number of key/value heads", config.kv_heads, most_heads);
  check.range("head_dim", config.head_dim, widest);
  check.range("feed-forward size", config.feed_forward, widest);
  check.range("vocabulary size", config.vocab, most_positions);
  check.range("context length", config.context, most_positions);
  if (config.sliding_window) check.range("sliding window", *config.sliding_window, most_positions);
  if (config.mixture) {
    check.range("number of experts", config.mixture->experts, most_experts);
    check.range("number of experts used", config.mixture->experts_used, config.mixture->experts);
  }
  if (config.heads % config.kv_heads != 0) {
    throw Error(ErrorKind::bad_input, "{}: {} heads cannot share {} key/value heads evenly", file.string(),
                config.heads, config.kv_heads);
  }
  if (config.head_dim % 2 != 0) {
    throw Error(ErrorKind::bad_input, "{}: head_dim {} is odd; rotary embedding turns pairs", file.string(),
                config.head_dim);
  }
  if (!(config.norm_eps >= 0) || !std::isfinite(config.norm_eps)) {
    throw Error(ErrorKind::bad_input, "{}: norm epsilon: expected a number of at least 0, found {}",
                file.string(), config.norm_eps);
  }
  check.positive("rope theta", config.rope.theta);
  std::visit(check, config.rope.scaling);
}

}  // namespace rung
