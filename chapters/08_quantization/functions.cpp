#include "chapters/08_quantization/functions.h"

#include <cstddef>
#include <cstdint>
#include <span>

#include "chapters/08_quantization/perplexity.h"
#include "chapters/08_quantization/quantize.h"
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

}  // namespace

std::vector<check::JudgedFunction> quantization_functions() {
  return {
      check::judged<check::BlockQuantizationInput, std::vector<std::uint8_t>>(
          check::block_quantization_check(), "chapters/08_quantization/quantize", run_block_quantization),
      check::judged<check::PerplexityInput, Numbers>(check::perplexity_check(),
                                                     "chapters/08_quantization/perplexity", run_perplexity),
      check::judged<check::KlInput, double>(check::kl_divergence_check(),
                                            "chapters/08_quantization/kl_divergence", run_kl_divergence),
  };
}

}  // namespace rung
