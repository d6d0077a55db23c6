#include "chapters/08_quantization/functions.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "chapters/08_quantization/block_dot.h"
#include "chapters/08_quantization/perplexity.h"
#include "chapters/08_quantization/quantize.h"
#include "chapters/08_quantization/quantized_activations.h"
#include "core/check/functions/block_dot.h"
#include "core/check/functions/block_quantization.h"
#include "core/check/functions/perplexity.h"

namespace rung {
namespace {

using Numbers = std::vector<double>;

std::vector<std::uint8_t> run_block_quantization(const check::BlockQuantizationInput& input) {
  const DTypeInfo& type = info(input.type);
  std::vector<std::uint8_t> bytes(input.numbers.size() / static_cast<std::size_t>(type.block_elements) *
                                  static_cast<std::size_t>(type.block_bytes));
  quantize(input.type, input.numbers, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

Numbers flat_windows(const std::vector<ScoredWindow>& windows) {
  Numbers numbers;
  numbers.reserve(3 * windows.size());
  for (const ScoredWindow& window : windows) {
    for (const std::int64_t number : {window.first, window.length, window.first_scored}) {
      numbers.push_back(static_cast<double>(number));
    }
  }
  return numbers;
}

Matrix logits_of(const std::vector<Numbers>& rows) {
  Matrix logits(static_cast<Eigen::Index>(rows.size()), static_cast<Eigen::Index>(rows.front().size()));
  for (Eigen::Index row = 0; row < logits.rows(); ++row) {
    for (Eigen::Index column = 0; column < logits.cols(); ++column) {
      logits(row, column) =
          static_cast<float>(rows[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)]);
    }
  }
  return logits;
}

Numbers run_perplexity(const check::PerplexityInput& input) {
  using Rule = check::PerplexityInput::Rule;
  switch (input.rule) {
    case Rule::chunks:
      return flat_windows(chunks_of(input.tokens, input.context));
    case Rule::strides:
      return flat_windows(strided_windows(input.tokens, input.context, input.stride));
    case Rule::cross_entropies:
      return cross_entropies(logits_of(input.logits), input.ids, input.first);
    case Rule::perplexity:
      break;
  }
  const Estimate estimate = perplexity(input.entropies);
  return {estimate.value, estimate.standard_error};
}

double run_kl_divergence(const check::KlInput& input) {
  const auto rounded = [](const Numbers& logits) { return std::vector<float>(logits.begin(), logits.end()); };
  return kl_divergence(rounded(input.p_logits), rounded(input.q_logits));
}

check::BlockDotResult run_block_dot(const check::BlockDotInput& input) {
  const QuantizedActivations activations(input.activations, input.scales);
  float product = 0;
  block_dot(input.type)(std::as_bytes(std::span(input.blocks)).data(), activations, 0, 1, &product);
  return {.value = static_cast<double>(product), .bound = 0};
}

std::vector<float> run_block_decoding(const check::BlockDecodingInput& input) {
  const DTypeInfo& type = info(input.type);
  std::vector<float> numbers(input.blocks.size() / static_cast<std::size_t>(type.block_bytes) *
                             static_cast<std::size_t>(type.block_elements));
  decode_groups(input.type)(std::as_bytes(std::span(input.blocks)).data(),
                            std::ssize(numbers) / activation_group, numbers.data());
  return numbers;
}

std::vector<float> run_activation_quantization(const std::array<float, 32>& numbers) {
  std::array<std::int16_t, 32> q{};
  std::vector<float> result{quantize_group(numbers.data(), q.data())};
  result.insert(result.end(), q.begin(), q.end());
  return result;
}

}  // namespace

std::vector<check::JudgedFunction> quantization_functions() {
  return {
      check::judged<std::array<float, 32>, std::vector<float>>(
          check::activation_quantization_check(), "chapters/08_quantization/quantized_activations",
          run_activation_quantization),
      check::judged<check::BlockDotInput, check::BlockDotResult>(
          check::block_dot_check(), "chapters/08_quantization/block_dot", run_block_dot),
      check::judged<check::BlockDecodingInput, std::vector<float>>(
          check::block_decoding_check(), "chapters/08_quantization/block_dot", run_block_decoding),
      check::judged<check::BlockQuantizationInput, std::vector<std::uint8_t>>(
          check::block_quantization_check(), "chapters/08_quantization/quantize", run_block_quantization),
      check::judged<check::PerplexityInput, Numbers>(check::perplexity_check(),
                                                     "chapters/08_quantization/perplexity", run_perplexity),
      check::judged<check::KlInput, double>(check::kl_divergence_check(),
                                            "chapters/08_quantization/kl_divergence", run_kl_divergence),
  };
}

}  // namespace rung
