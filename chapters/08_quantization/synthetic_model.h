#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/checkpoint/config.h"
#include "core/checkpoint/tokenizer_data.h"
#include "core/tensor/dtype.h"

namespace rung {

// Models of a real shape with random weights: what they say means nothing, but every byte is moved and every product
// computed as in the real one, so that its speed and memory can be measured where the real one is not at hand.

/// The shape of a published model.
struct ModelPreset {
  std::string name;  ///< "llama2-7b"
  ModelConfig config;
};

/// Llama 2 7B and 13B (Touvron et al., arXiv:2307.09288), Mistral 7B (Jiang et al., arXiv:2310.06825) and Mixtral 8x7B
/// (Jiang et al., arXiv:2401.04088), by their config.json; and `gpt4-shaped`, which has the proportions that were reported
/// of GPT-4 (Patel and Wong, SemiAnalysis, July 2023: a rumour), with widths by which they come out.
std::vector<ModelPreset> model_presets();

/// A model's shape, made smaller: `layers` layers, and heads (of queries and of keys), hidden and feed-forward widths divided
/// by `shrink`, so that a layer has 1/shrink² of the weights. At least one head of keys is left.
/// @throws Error (usage) when `shrink` does not divide the heads and the feed-forward width
ModelConfig resized(const ModelConfig& config, std::int64_t layers, std::int64_t shrink);

/// A SentencePiece vocabulary by a rule: `<unk>`, `<s>`, `</s>`; the 256 bytes; then, from short to long, the space's sign and
/// ASCII, and strings of one to three small letters with and without a space before them. Earlier pieces have better
/// scores, so that each longer one can be merged from two shorter; what no piece spells falls back to bytes, and every
/// text comes back from its tokens.
/// @param vocab  how many pieces, 259 (bytes alone) to 36884
/// @throws Error (usage) for another number
TokenizerData synthetic_tokenizer(std::int64_t vocab);

/// The standard deviation of a tensor's weights, so that activations keep their size through all layers. A row of y =
/// x·Wᵀ sums fan_in products, so W of 1/√fan_in gives y the size of x, which behind RMSNorm is 1. Each layer adds to the
/// residual stream twice; the two matrices that do (attention.o and down of the feed-forward layer or of an expert) are smaller by 1/√(2·layers), as
/// in GPT-2 (Radford et al., 2019, section 2.3), so that the stream's variance, 1 from the embedding, is at most doubled
/// at the end.
/// @param tensor  the project's name of a matrix: "layers.3.attention.o.weight"
double synthetic_deviation(std::string_view tensor, const ModelConfig& config);

/// The weights `first`, `first` + 1, … of a tensor. Each is a function of seed, name and place alone, so they can be
/// made in any order and by any thread: the four 16-bit quarters of a 64-bit hash (SplitMix64's, OOPSLA 2014), summed,
/// less their mean, times a factor. That is a bell shape that ends at 3.46 deviations, in integers but for one fp32
/// product, and so the same on every platform.
void synthetic_weights(std::uint64_t seed, std::string_view tensor, std::int64_t first, double deviation,
                       std::span<float> out);

/// What was written.
struct SyntheticModel {
  std::int64_t weights = 0;
  std::int64_t file_bytes = 0;
};

/// Called now and then with the bytes of weights written and all of them. May throw to stop.
using SynthesizeProgress = std::function<void(std::int64_t done, std::int64_t all)>;

/// Writes a GGUF file of that shape: matrices, the embedding included, as `dtype` or what type_for_rows() makes of it,
/// norms of 1 as F32, and synthetic_tokenizer(). The weights are quantised random numbers, made and written a few
/// megabytes at a time. The same arguments give the same file everywhere.
/// @param name  for general.name
/// @throws Error (bad_input) when the disk has no room for it or cannot be written; nothing is left under `out` then
SyntheticModel synthesize_model(const std::string& name, const ModelConfig& config, DType dtype,
                                std::uint64_t seed, const std::filesystem::path& out,
                                const SynthesizeProgress& progress = {});

}  // namespace rung
