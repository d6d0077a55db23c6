#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace rung {

/// Which two numbers of a head's D are rotated together (RoFormer, arXiv:2104.09864, section 3.4.2).
enum class RopeLayout {
  half_split,   ///< (i, i + D/2): Hugging Face, and this project's models once loaded
  interleaved,  ///< (2i, 2i + 1): the RoFormer paper, Meta's own checkpoints, GGUF's `llama`
};

/// Every position is divided by `factor` (position interpolation, arXiv:2306.15595).
struct LinearRopeScaling {
  double factor = 1;
};

/// Llama 3.1: low frequencies are divided by `factor`, high ones kept, those between blended.
struct Llama3RopeScaling {
  double factor = 8;
  double low_freq_factor = 1;
  double high_freq_factor = 4;
  double original_context = 8192;
};

/// GGUF's `rope_freqs.weight`: frequency i is divided by factors[i]; D/2 of them.
struct RopeFrequencyFactors {
  std::vector<float> factors;
};

/// Rotary position embedding: frequency i is theta^(-2i/D), then scaled.
struct RopeConfig {
  double theta = 10000;
  std::variant<std::monostate, LinearRopeScaling, Llama3RopeScaling, RopeFrequencyFactors> scaling;
};

/// A feed-forward part made of experts (Mixtral, arXiv:2401.04088, section 2.1): a router scores all of them for every
/// token, softmax turns the scores into weights, and the token goes through the experts of the largest weights only.
struct MixtureConfig {
  std::int64_t experts = 0;       ///< E, in every layer
  std::int64_t experts_used = 0;  ///< k, for every token; at most E
  bool renormalize = true;        ///< the k weights are divided by their sum
};

/// What a checkpoint says the model is. Dimensions of a loaded *stage* come from its weights; these are what
/// the weights were checked against.
struct ModelConfig {
  std::string family;  ///< "llama", "mistral" or "mixtral"
  std::int64_t layers = 0;
  std::int64_t hidden = 0;        ///< width of the residual stream
  std::int64_t heads = 0;         ///< H, query heads
  std::int64_t kv_heads = 0;      ///< G, key/value heads; divides H
  std::int64_t head_dim = 0;      ///< D; even; not always hidden / heads
  std::int64_t feed_forward = 0;  ///< width of the gated hidden layer; of one expert's in a mixture
  std::int64_t vocab = 0;         ///< V, rows of the embedding
  std::int64_t context = 0;       ///< the longest sequence the model was made for
  double norm_eps = 1e-5;
  RopeConfig rope;
  bool tied_embeddings = false;                ///< the output matrix is the embedding
  std::optional<std::int64_t> sliding_window;  ///< W: a query sees its own position and the W - 1 before it
  std::optional<MixtureConfig> mixture;        ///< none: every layer has one dense feed-forward part
};

}  // namespace rung
