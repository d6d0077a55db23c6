#include "core/oracle/work.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/check/functions/show.h"
#include "core/check/functions/tensors.h"

namespace rung::check {
namespace {

using Numbers = std::vector<double>;

// One product.

Numbers right_linear(const LinearWorkInput& input) {
  const DTypeInfo& type = info(input.weight);
  const oracle::Work work =
      oracle::linear_work(input.rows, input.out, input.in, type.block_elements, type.block_bytes);
  return {work.flops, work.bytes};
}

/// The right count of an input with something of it changed.
template <typename Change>
std::function<Numbers(const LinearWorkInput&)> of_changed_linear(Change change) {
  return [change](const LinearWorkInput& input) {
    Numbers result = right_linear(input);
    change(input, result[0], result[1]);
    return result;
  };
}

/// What is left of a count in an int32, which overflows.
double in_32_bits(double count) {
  return static_cast<double>(static_cast<std::int32_t>(static_cast<std::int64_t>(count)));
}

double weight_bytes(const LinearWorkInput& input) {
  const std::int64_t blocks = input.out * input.in / info(input.weight).block_elements;
  return static_cast<double>(blocks * info(input.weight).block_bytes);
}

std::string show_work(const Numbers& numbers) {
  std::string text = fmt::format("{:.8g} FLOPs, {:.8g} bytes", numbers.at(0), numbers.at(1));
  if (numbers.size() > 2) text += fmt::format(", {:.8g} s", numbers[2]);
  return text;
}

bool same_work(const Numbers& found, const Numbers& expected) {
  return same_numbers(found, expected, 1e-12);
}

// A forward pass.

Numbers finished(const oracle::Work& work, const ForwardWorkInput& input) {
  return {work.flops, work.bytes,
          oracle::least_seconds(work, input.bytes_per_second, input.flops_per_second)};
}

oracle::Work right_forward(const ForwardWorkInput& input) {
  return oracle::forward_work(input.cost, input.rows, input.past, input.wanted);
}

/// The right work with something added to its FLOPs and bytes.
template <typename Change>
std::function<Numbers(const ForwardWorkInput&)> of_changed_work(Change change) {
  return [change](const ForwardWorkInput& input) {
    oracle::Work work = right_forward(input);
    change(input, work);
    return finished(work, input);
  };
}

/// Positions that row `i` of the batch sees.
std::int64_t seen(const ForwardWorkInput& input, std::int64_t i) {
  const std::int64_t all = input.past + i + 1;
  return input.cost.window ? std::min(all, *input.cost.window) : all;
}

/// FLOPs of attention with another count of positions for each row, less those of the right one.
template <typename Count>
double other_attention(const ForwardWorkInput& input, Count count) {
  std::int64_t difference = 0;
  for (std::int64_t i = 0; i < input.rows; ++i) difference += count(i) - seen(input, i);
  return static_cast<double>(difference) * static_cast<double>(input.cost.flops_per_visible_position);
}

std::vector<FunctionMistake<ForwardWorkInput, Numbers>> forward_mistakes() {
  return {
      {"logits_of_all_rows", "the output matrix applied to all rows; only the rows that want logits meet it",
       of_changed_work([](const ForwardWorkInput& input, oracle::Work& work) {
         work.flops += static_cast<double>((input.rows - input.wanted) * input.cost.flops_per_logits_row);
         if (input.wanted == 0) work.bytes += static_cast<double>(input.cost.output_bytes);
       })},
      {"output_flops_of_all_rows",
       "the output matrix's FLOPs counted for all T rows; count them for the rows that want logits",
       of_changed_work([](const ForwardWorkInput& input, oracle::Work& work) {
         if (input.wanted == 0) return;
         work.flops += static_cast<double>((input.rows - input.wanted) * input.cost.flops_per_logits_row);
       })},
      {"output_flops_whether_wanted",
       "the output matrix's FLOPs counted for all T rows, even if none wants logits; count them for those "
       "that do",
       of_changed_work([](const ForwardWorkInput& input, oracle::Work& work) {
         work.flops += static_cast<double>((input.rows - input.wanted) * input.cost.flops_per_logits_row);
       })},
      {"output_for_each_row",
       "the output matrix read once for each row that wants logits; all of them meet it at one reading",
       of_changed_work([](const ForwardWorkInput& input, oracle::Work& work) {
         if (input.wanted > 1)
           work.bytes += static_cast<double>((input.wanted - 1) * input.cost.output_bytes);
       })},
      {"output_always_read",
       "the output matrix read although no row wants logits; a chunk of a prefill leaves it alone",
       of_changed_work([](const ForwardWorkInput& input, oracle::Work& work) {
         if (input.wanted == 0) work.bytes += static_cast<double>(input.cost.output_bytes);
       })},
      {"weights_for_each_row",
       "the weights read once for each row; all rows of a batch meet a weight while it is there",
       of_changed_work([](const ForwardWorkInput& input, oracle::Work& work) {
         work.bytes += static_cast<double>((input.rows - 1) * input.cost.weight_bytes);
       })},
      {"every_row_sees_all",
       "every row counted as seeing all positions of the batch; row i sees past + i + 1, a triangle",
       of_changed_work([](const ForwardWorkInput& input, oracle::Work& work) {
         work.flops += other_attention(input, [&](std::int64_t) { return seen(input, input.rows - 1); });
       })},
      {"row_misses_itself", "a row counted as seeing the past only; it sees its own position too",
       of_changed_work([](const ForwardWorkInput& input, oracle::Work& work) {
         work.flops += other_attention(input, [&](std::int64_t i) {
           return input.cost.window ? std::min(input.past + i, *input.cost.window) : input.past + i;
         });
       })},
      {"past_not_read",
       "keys and values of the past not counted; they are read, and those of the rows are written",
       of_changed_work([](const ForwardWorkInput& input, oracle::Work& work) {
         std::int64_t read = input.past;
         if (input.cost.window) read = std::min(read, *input.cost.window - 1);
         work.bytes -= static_cast<double>(read * input.cost.kv_bytes_per_position);
       })},
      {"rows_not_written",
       "keys and values of the past read, those of the rows not written; the rows' own move too",
       of_changed_work([](const ForwardWorkInput& input, oracle::Work& work) {
         work.bytes -= static_cast<double>(input.rows * input.cost.kv_bytes_per_position);
       })},
      {"past_beyond_the_window",
       "w positions of the past read with a window of w; the first row is one of the w, so it sees w - 1 "
       "before it",
       of_changed_work([](const ForwardWorkInput& input, oracle::Work& work) {
         if (input.cost.window && input.past >= *input.cost.window)
           work.bytes += static_cast<double>(input.cost.kv_bytes_per_position);
       })},
      {"window_without_the_row",
       "a row counted as seeing w - 1 positions with a window of w; it is itself one of the w that it sees",
       of_changed_work([](const ForwardWorkInput& input, oracle::Work& work) {
         if (!input.cost.window) return;
         work.flops += other_attention(
             input, [&](std::int64_t i) { return std::min(input.past + i + 1, *input.cost.window - 1); });
       })},
      {"window_and_the_row",
       "a row counted as seeing w + 1 positions with a window of w: w of the past and itself; it is one of "
       "the w",
       of_changed_work([](const ForwardWorkInput& input, oracle::Work& work) {
         if (!input.cost.window) return;
         work.flops += other_attention(
             input, [&](std::int64_t i) { return std::min(input.past + i, *input.cost.window) + 1; });
       })},
      {"all_of_the_past_read", "all of the past read in spite of a window; what lies before it is not needed",
       of_changed_work([](const ForwardWorkInput& input, oracle::Work& work) {
         if (input.cost.window && input.past >= *input.cost.window)
           work.bytes +=
               static_cast<double>((input.past - *input.cost.window + 1) * input.cost.kv_bytes_per_position);
       })},
      {"written_rows_cut_to_the_window",
       "no more rows written than the window has; all rows are written, though some are forgotten at once",
       of_changed_work([](const ForwardWorkInput& input, oracle::Work& work) {
         if (input.cost.window && input.rows > *input.cost.window)
           work.bytes -=
               static_cast<double>((input.rows - *input.cost.window) * input.cost.kv_bytes_per_position);
       })},
      {"window_ignored", "a sliding window ignored; a row sees no more positions than the window has",
       [](const ForwardWorkInput& input) {
         ForwardWorkInput without = input;
         without.cost.window = {};
         return finished(right_forward(without), input);
       }},
      {"times_added",
       "the time to move and the time to compute added; they overlap, so the longer of the two is the least",
       [](const ForwardWorkInput& input) {
         const oracle::Work work = right_forward(input);
         return Numbers{work.flops, work.bytes,
                        work.bytes / input.bytes_per_second + work.flops / input.flops_per_second};
       }},
      {"faster_limit",
       "the shorter of the two times taken; work is done when both the moving and the computing are",
       [](const ForwardWorkInput& input) {
         const oracle::Work work = right_forward(input);
         return Numbers{work.flops, work.bytes,
                        std::min(work.bytes / input.bytes_per_second, work.flops / input.flops_per_second)};
       }},
  };
}

}  // namespace

FunctionCheck<LinearWorkInput, std::vector<double>> linear_work_check() {
  FunctionCheck<LinearWorkInput, Numbers> check;
  check.name = "linear_work";
  check.chapter = 2;
  check.what = "FLOPs and bytes of y [T, N] = x [T, K] · Wᵀ";
  check.cases = {
      {"one-number", "T = 1, N = 1, K = 1, fp32", {1, 1, 1, DType::F32}},
      {"matrix-vector", "T = 1, N = 3, K = 5, fp32", {1, 3, 5, DType::F32}},
      {"three-rows", "T = 3, N = 2, K = 4, fp32", {3, 2, 4, DType::F32}},
      {"bf16", "T = 3, N = 2, K = 4, bf16: 2 bytes a weight", {3, 2, 4, DType::BF16}},
      {"q8_0", "T = 2, N = 3, K = 64, Q8_0: 34 bytes for 32 weights", {2, 3, 64, DType::Q8_0}},
      {"odd-and-large",
       "T = 13, N = 1,031, K = 1,291, fp32: FLOPs that need more than the 24 bits of an fp32",
       {13, 1031, 1291, DType::F32}},
      {"q4_1", "T = 2, N = 3, K = 64, Q4_1: 20 bytes for 32 weights", {2, 3, 64, DType::Q4_1}},
      {"model", "T = 16, N = 1,536, K = 576, fp32", {16, 1536, 576, DType::F32}},
      {"prefill",
       "T = 128, N = 49,152, K = 576, fp32: more FLOPs than 32 bits hold",
       {128, 49152, 576, DType::F32}},
      {"4-gigabytes",
       "T = 1, N = K = 32,768, fp32: more bytes than 32 bits hold",
       {1, 32768, 32768, DType::F32}},
  };
  check.oracle = right_linear;
  check.mistakes = {
      {"factor_two_forgotten",
       "one FLOP counted for each term; a multiply and an add are two, 2 · T · N · K in all",
       of_changed_linear([](const LinearWorkInput&, double& flops, double&) { flops /= 2; })},
      {"weights_for_each_row", "W's bytes counted for each row of x; W is read once, whatever T is",
       of_changed_linear([](const LinearWorkInput& input, double&, double& bytes) {
         bytes += static_cast<double>(input.rows - 1) * weight_bytes(input);
       })},
      {"weights_as_fp32",
       "4 bytes for a weight, whatever its type; a block of block_elements takes block_bytes",
       of_changed_linear([](const LinearWorkInput& input, double&, double& bytes) {
         bytes += static_cast<double>(4 * input.out * input.in) - weight_bytes(input);
       })},
      {"block_bytes_divided_in_integers",
       "the bytes of a weight as an integer, 34 / 32 = 1; multiply first, or divide in double",
       of_changed_linear([](const LinearWorkInput& input, double&, double& bytes) {
         const DTypeInfo& type = info(input.weight);
         const std::int64_t of_one = type.block_bytes / type.block_elements;
         bytes += static_cast<double>(input.out * input.in * of_one) - weight_bytes(input);
       })},
      {"block_bytes_for_each_weight",
       "block_bytes for each weight; they hold a whole block of block_elements weights",
       of_changed_linear([](const LinearWorkInput& input, double&, double& bytes) {
         bytes +=
             static_cast<double>(input.out * input.in * info(input.weight).block_bytes) - weight_bytes(input);
       })},
      {"counted_in_float", "counted in fp32, which has no room for such numbers; count in double",
       [](const LinearWorkInput& input) {
         const DTypeInfo& type = info(input.weight);
         const auto t = static_cast<float>(input.rows);
         const auto n = static_cast<float>(input.out);
         const auto k = static_cast<float>(input.in);
         const float of_one = static_cast<float>(type.block_bytes) / static_cast<float>(type.block_elements);
         return Numbers{double{2 * t * n * k}, double{n * k * of_one + 4 * (t * k + t * n)}};
       }},
      {"flops_in_32_bits",
       "FLOPs counted in int32, which overflows at 2^31; count in double from the first factor on",
       of_changed_linear([](const LinearWorkInput&, double& flops, double&) { flops = in_32_bits(flops); })},
      {"bytes_in_32_bits",
       "bytes counted in int32, which overflows at 2^31; count in double from the first factor on",
       of_changed_linear([](const LinearWorkInput&, double&, double& bytes) { bytes = in_32_bits(bytes); })},
      {"counted_in_32_bits",
       "counted in int32, which overflows at 2^31; count in double from the first factor on",
       of_changed_linear([](const LinearWorkInput&, double& flops, double& bytes) {
         flops = in_32_bits(flops);
         bytes = in_32_bits(bytes);
       })},
      {"activations_in_weight_type", "x and y counted in W's type; they are fp32",
       of_changed_linear([](const LinearWorkInput& input, double&, double& bytes) {
         const DTypeInfo& type = info(input.weight);
         const double width =
             static_cast<double>(type.block_bytes) / static_cast<double>(type.block_elements);
         bytes = weight_bytes(input) + static_cast<double>(input.rows * (input.in + input.out)) * width;
       })},
      {"only_weights", "x and y left out; the product reads T · K numbers and writes T · N",
       of_changed_linear(
           [](const LinearWorkInput& input, double&, double& bytes) { bytes = weight_bytes(input); })},
      {"result_left_out", "y left out; T · N numbers are written",
       of_changed_linear([](const LinearWorkInput& input, double&, double& bytes) {
         bytes -= static_cast<double>(4 * input.rows * input.out);
       })},
  };
  check.same = same_work;
  check.show = show_work;
  return check;
}

FunctionCheck<ForwardWorkInput, std::vector<double>> forward_work_check() {
  FunctionCheck<ForwardWorkInput, Numbers> check;
  check.name = "forward_work";
  check.chapter = 2;
  check.what = "FLOPs and bytes of a forward pass, and the roofline's least time for it";
  const StageCost small = {.weight_bytes = 1000,
                           .output_bytes = 200,
                           .flops_per_row = 500,
                           .flops_per_logits_row = 100,
                           .flops_per_visible_position = 8,
                           .kv_bytes_per_position = 16};
  StageCost windowed = small;
  windowed.window = 4;
  StageCost forgetful = small;
  forgetful.kv_bytes_per_position = 0;
  const StageCost large = {.weight_bytes = 140'000'000'000,
                           .output_bytes = 2'000'000'000,
                           .flops_per_row = 140'000'000'000,
                           .flops_per_logits_row = 2'000'000'000,
                           .flops_per_visible_position = 2'600'000,
                           .kv_bytes_per_position = 330'000};
  const std::string costs = "weights 1000 bytes, output 200, 500 + 100 FLOPs, 8 a position, 16 bytes";
  check.cases = {
      {"first-token", "one row after nothing; " + costs, {small, 1, 0, 1}},
      {"decode", "one row after 10; the same costs", {small, 1, 10, 1}},
      {"prefill", "four rows after nothing, logits of the last; the same costs", {small, 4, 0, 1}},
      {"no-logits", "four rows after nothing, no logits; the same costs", {small, 4, 0, 0}},
      {"all-logits", "four rows after nothing, logits of all; the same costs", {small, 4, 0, 4}},
      {"chunk", "three rows after 5, logits of the last; the same costs", {small, 3, 5, 1}},
      {"no-cache", "four rows, keys and values not kept; the same costs", {forgetful, 4, 0, 1}},
      {"window", "one row after 10, a window of 4; the same costs", {windowed, 1, 10, 1}},
      {"into-the-window", "three rows after 2, a window of 4; the same costs", {windowed, 3, 2, 1}},
      {"longer-than-the-window", "seven rows after 3, a window of 4; the same costs", {windowed, 7, 3, 1}},
      {"memory-bound", "one row after 10, 10 bytes/s, 1000 FLOPs/s", {small, 1, 10, 1, 10, 1000}},
      {"compute-bound", "four rows after nothing, 100 bytes/s, 10 FLOPs/s", {small, 4, 0, 1, 100, 10}},
      {"far", "one row after 100,000: more than 16 bits hold; the same costs", {small, 1, 100000, 1}},
      {"many-rows",
       "70,000 rows after nothing, logits of all, a window of 4; the same costs",
       {windowed, 70000, 0, 70000}},
      {"large",
       "512 rows of a model of 140 GB: sizes beyond 2^31, 1 TB/s and 100 TFLOP/s",
       {large, 512, 0, 1, 1e12, 1e14}},
  };
  check.oracle = [](const ForwardWorkInput& input) { return finished(right_forward(input), input); };
  check.mistakes = forward_mistakes();
  check.same = same_work;
  check.show = show_work;
  return check;
}

}  // namespace rung::check
