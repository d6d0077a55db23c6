#include "chapters/08_quantization/functions.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>

#include <fmt/format.h>

#include "chapters/08_quantization/block_dot.h"
#include "chapters/08_quantization/integer_dot.h"
#include "chapters/08_quantization/perplexity.h"
#include "chapters/08_quantization/quantize.h"
#include "chapters/08_quantization/quantized_activations.h"
#include "chapters/08_quantization/uniform_quantizer.h"
#include "core/check/functions/block_dot.h"
#include "core/check/functions/block_quantization.h"
#include "core/check/functions/integer_dot.h"
#include "core/check/functions/perplexity.h"
#include "core/check/functions/uniform_quantization.h"
#include "core/error.h"

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

UniformScheme scheme_of(const check::UniformQuantizationInput& input) {
  using Share = check::UniformQuantizationInput::Share;
  UniformScheme scheme{.bits = input.bits,
                       .range = input.asymmetric ? LevelRange::asymmetric : LevelRange::symmetric,
                       .scale_for = ScaleFor::group,
                       .group = input.group};
  if (input.share == Share::tensor) scheme.scale_for = ScaleFor::tensor;
  if (input.share == Share::row) scheme.scale_for = ScaleFor::channel;
  return scheme;
}

bool to_be_refused(const check::UniformQuantizationInput& input) {
  return input.bits < 2 || input.bits > 8 || input.group < 1 ||
         !std::ranges::all_of(input.numbers, [](float x) { return std::isfinite(x); });
}

/// Of one scale for all numbers: that scale and the first level once more, by the functions for one of them.
/// @return what they say otherwise, in words; empty where they say the same
std::string said_apart(const ConstMatrixView& numbers, const UniformMatrix& quantized) {
  const UniformScheme& scheme = quantized.scheme;
  const UniformScale fitted = fit_scale(numbers, scheme);
  const UniformScale& used = quantized.scales.at(0);
  if (fitted.scale != used.scale || fitted.zero != used.zero) {
    return fmt::format("fit_scale, asked for all numbers, gives a scale of {:.6g} and the zero point {}",
                       fitted.scale, fitted.zero);
  }
  const std::int32_t level = nearest_level(numbers(0, 0), used, scheme);
  if (level == quantized.levels(0, 0)) return {};
  return fmt::format("nearest_level, asked for the first number, gives {}", level);
}

check::UniformQuantizationOutput run_uniform_quantization(const check::UniformQuantizationInput& input) {
  const auto rows = static_cast<Eigen::Index>(input.numbers.size()) / input.columns;
  Matrix wide = Matrix::Constant(rows, input.columns + input.between, check::nobodys_number);
  wide.leftCols(input.columns) = Eigen::Map<const Matrix>(input.numbers.data(), rows, input.columns);
  check::UniformQuantizationOutput output;
  try {
    const UniformMatrix quantized = quantize_uniform(wide.leftCols(input.columns), scheme_of(input));
    for (const UniformScale& scale : quantized.scales) {
      output.scales.push_back(double{scale.scale});
      output.zeros.push_back(scale.zero);
    }
    const LevelMatrix& levels = quantized.levels;
    if (quantized.scheme.scale_for == ScaleFor::tensor)
      output.apart = said_apart(wide.leftCols(input.columns), quantized);
    output.levels.assign(levels.data(), levels.data() + levels.size());
  } catch (const Error& error) {
    // What is thrown where nothing is to be refused is told as it is.
    if (!to_be_refused(input)) throw;
    output.refused = error.kind() == ErrorKind::usage ? "usage" : "bad_input";
  }
  return output;
}

check::IntegerDotOutput run_integer_dot(const check::IntegerDotInput& input) {
  using Rule = check::IntegerDotInput::Rule;
  check::IntegerDotOutput output;
  if (input.rule == Rule::activations) {
    for (std::size_t b = 0; b < input.x.size(); b += 32) {
      const ActivationBlock block = quantize_activations(std::span(input.x).subspan(b).first<32>());
      output.numbers.push_back(double{block.scale});
      output.numbers.push_back(block.sum);
      for (const std::int8_t level : block.levels) output.numbers.push_back(level);
    }
    return output;
  }
  std::vector<ActivationBlock> x(input.scales.size());
  for (std::size_t b = 0; b < x.size(); ++b) {
    x[b].scale = input.scales[b];
    std::copy_n(&input.levels[32 * b], 32, x[b].levels.begin());
    for (const std::int8_t level : x[b].levels) x[b].sum += level;
  }
  const auto row = std::as_bytes(std::span(input.row));
  output.numbers = {double{input.rule == Rule::q4_0 ? dot_q4_0(row, x) : dot_q4_1(row, x)}};
  return output;
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

/// @param between  zeros that belong to nobody, behind every row
Matrix logits_of(const std::vector<Numbers>& rows, Eigen::Index between) {
  const auto columns = static_cast<Eigen::Index>(rows.front().size());
  Matrix logits = Matrix::Zero(static_cast<Eigen::Index>(rows.size()), columns + between);
  for (Eigen::Index row = 0; row < logits.rows(); ++row) {
    for (Eigen::Index column = 0; column < columns; ++column) {
      logits(row, column) =
          static_cast<float>(rows[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)]);
    }
  }
  return logits;
}

/// Makes the call that check::perplexity_refusals() has at this index.
/// @return the kind of the Error with which it is refused, or empty
/// @throws Error  what was refused and should not have been, as it is
std::string refused(std::size_t call) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> two = {1, 2};
  const std::vector<float> three = {1, 2, 3};
  const std::vector<float> not_a_number = {1, nan};
  const std::vector<float> infinite = {1, infinity};
  const std::vector<float> impossible = {-infinity, -infinity};
  const std::vector<std::int32_t> tokens = {0, 1};
  const std::vector<std::function<void()>> calls = {
      [&] { cross_entropy(two, -1); },
      [&] { cross_entropy(two, 2); },
      [&] { cross_entropy(not_a_number, 0); },
      [&] { cross_entropy(infinite, 0); },
      [&] { cross_entropy(impossible, 0); },
      [&] { log_probabilities({}); },
      [&] { cross_entropies(Matrix::Zero(2, 2), tokens, 0); },
      [&] { cross_entropies(Matrix::Zero(1, 2), tokens, -1); },
      [&] { mean_of({}); },
      [&] { perplexity({}); },
      [&] { kl_divergence(two, three); },
      [&] { kl_divergence(two, not_a_number); },
      [&] { chunks_of(100, 3); },
      [&] { chunks_of(7, 8); },
      [&] { chunks_of(8, 8); },
  };
  try {
    calls.at(call)();
  } catch (const Error& error) {
    if (check::perplexity_refusals().at(call).kind.empty()) throw;
    return error.kind() == ErrorKind::usage ? "usage" : "bad_input";
  }
  return {};
}

Numbers run_measure(const check::PerplexityInput& input) {
  using Rule = check::PerplexityInput::Rule;
  switch (input.rule) {
    case Rule::chunks:
      return flat_windows(chunks_of(input.tokens, input.context));
    case Rule::strides:
      return flat_windows(strided_windows(input.tokens, input.context, input.stride));
    case Rule::cross_entropies: {
      const Matrix wide = logits_of(input.logits, input.between);
      return cross_entropies(wide.leftCols(wide.cols() - input.between), input.ids, input.first);
    }
    case Rule::log_probabilities: {
      const std::vector<float> logits(input.logits.front().begin(), input.logits.front().end());
      return log_probabilities(logits);
    }
    case Rule::mean: {
      const Estimate estimate = mean_of(input.entropies);
      return {estimate.value, estimate.standard_error};
    }
    case Rule::perplexity:
    case Rule::refusal:
      break;
  }
  const Estimate estimate = perplexity(input.entropies);
  return {estimate.value, estimate.standard_error};
}

check::PerplexityOutput run_perplexity(const check::PerplexityInput& input) {
  if (input.rule == check::PerplexityInput::Rule::refusal) return {.refused = refused(input.call)};
  return {.numbers = run_measure(input)};
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
      check::judged<check::UniformQuantizationInput, check::UniformQuantizationOutput>(
          check::uniform_quantization_check(), "chapters/08_quantization/quantize_uniform",
          run_uniform_quantization),
      check::judged<std::array<float, 32>, std::vector<float>>(
          check::activation_quantization_check(), "chapters/08_quantization/quantized_activations",
          run_activation_quantization),
      check::judged<check::BlockDotInput, check::BlockDotResult>(
          check::block_dot_check(), "chapters/08_quantization/block_dot", run_block_dot),
      check::judged<check::BlockDecodingInput, std::vector<float>>(
          check::block_decoding_check(), "chapters/08_quantization/block_dot", run_block_decoding),
      check::judged<check::BlockQuantizationInput, std::vector<std::uint8_t>>(
          check::block_quantization_check(), "chapters/08_quantization/quantize", run_block_quantization),
      check::judged<check::IntegerDotInput, check::IntegerDotOutput>(
          check::integer_dot_check(), "chapters/08_quantization/integer_dot", run_integer_dot),
      check::judged<check::PerplexityInput, check::PerplexityOutput>(
          check::perplexity_check(), "chapters/08_quantization/perplexity", run_perplexity),
      check::judged<check::KlInput, double>(check::kl_divergence_check(),
                                            "chapters/08_quantization/kl_divergence", run_kl_divergence),
  };
}

}  // namespace rung
