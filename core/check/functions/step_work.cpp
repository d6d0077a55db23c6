#include <algorithm>
#include <functional>
#include <string>

#include <fmt/format.h>

#include "core/check/functions/show.h"
#include "core/check/functions/sizing.h"
#include "core/oracle/work.h"

namespace rung::check {
namespace {

using Input = StepWorkInput;
using Numbers = std::vector<double>;
using Asked = Input::Rule;
using Part = oracle::SizedMatrix::Part;

/// What people get wrong.
struct Habits {
  bool all_experts_read = false, used_experts_read = false, experts_times_rows = false,
       all_experts_computed = false, one_flop = false, embedding_read = false, no_output = false,
       tied_output_left_out = false, kv_shared = false, weights_for_each = false, kv_heads_compute = false,
       window_left_out = false, quarter_attention = false, weights_as_f32 = false, kv_one_row_short = false,
       exponent_one_less = false, output_for_prompt_rows = false, no_router = false, norms_counted = false,
       read_for_each = false;
};

double touched(const Input& input, const Habits& habits) {
  const std::int64_t experts = input.shape.experts, used = input.shape.used;
  if (habits.all_experts_read) return static_cast<double>(experts);
  if (habits.used_experts_read) return static_cast<double>(used);
  if (habits.experts_times_rows) return static_cast<double>(std::min(experts, used * input.rows));
  return oracle::touched_experts(experts, used, habits.exponent_one_less ? input.rows - 1 : input.rows);
}

double block_bytes_of(const oracle::SizedMatrix& matrix, DType type) {
  const DTypeInfo& stored = info(type);
  const std::int64_t bytes = matrix.out * (matrix.in / stored.block_elements) * stored.block_bytes;
  return static_cast<double>(bytes);
}

/// Cost of a stage, but for its weights' bytes, which are no whole number here.
struct Counted {
  StageCost cost;
  double weight_bytes = 0, output_bytes = 0;
};

Counted counted(const Input& input, const Habits& habits) {
  const oracle::SizedShape& shape = input.shape;
  const DType type = habits.weights_as_f32 ? DType::F32 : input.weights;
  const DType of_router = info(type).block_elements > 1 ? DType::F32 : type;
  Counted all;
  double flops = 0;
  double experts_bytes = 0, experts_flops = 0;
  for (const oracle::SizedMatrix& one : oracle::matrices_of(shape)) {
    const double terms = static_cast<double>(2 * one.out * one.in);
    if (one.part == Part::embedding) {
      if (habits.embedding_read) all.weight_bytes += block_bytes_of(one, type);
      if (shape.tied && !habits.tied_output_left_out) all.output_bytes = block_bytes_of(one, type);
      all.cost.flops_per_logits_row = 2 * one.out * one.in;
    } else if (one.part == Part::output) {
      all.output_bytes = block_bytes_of(one, type);
    } else if (one.expert >= 0) {
      experts_bytes += block_bytes_of(one, type);
      experts_flops += terms;
    } else if (one.part != Part::router || !habits.no_router) {
      all.weight_bytes += block_bytes_of(one, one.part == Part::router ? of_router : type);
      flops += terms;
    }
  }
  if (shape.experts > 0) {
    const auto experts = static_cast<double>(shape.experts);
    all.weight_bytes += experts_bytes * touched(input, habits) / experts;
    flops += habits.all_experts_computed ? experts_flops
                                         : experts_flops * static_cast<double>(shape.used) / experts;
  }
  if (habits.norms_counted)
    all.weight_bytes += static_cast<double>(4 * (2 * shape.layers + 1) * shape.hidden);
  if (habits.no_output) all.output_bytes = 0;
  all.cost.flops_per_row = static_cast<std::int64_t>(flops);
  const std::int64_t heads = habits.kv_heads_compute ? shape.kv_heads : shape.heads;
  all.cost.flops_per_visible_position =
      (habits.quarter_attention ? 2 : 4) * shape.layers * heads * shape.head_dim;
  const std::int64_t number = input.kv == GroupedCostInput::Type::f32   ? 4
                              : input.kv == GroupedCostInput::Type::f16 ? 2
                                                                        : 1;
  const std::int64_t scale = input.kv == GroupedCostInput::Type::int8 ? 4 : 0;
  all.cost.kv_bytes_per_position = 2 * shape.layers * shape.kv_heads * (shape.head_dim * number + scale);
  if (input.window > 0 && !habits.window_left_out) all.cost.window = input.window;
  return all;
}

Numbers work(const Input& input, const Habits& habits) {
  const Counted all = counted(input, habits);
  const double shared = all.weight_bytes + all.output_bytes;
  if (input.rule == Asked::weights)
    return {shared * static_cast<double>(habits.read_for_each ? input.rows : 1)};
  if (input.rule == Asked::prompt) {
    const oracle::Work of_rows = oracle::forward_work(all.cost, input.rows, 0, 1);
    const double more = habits.output_for_prompt_rows ? static_cast<double>(input.rows - 1) *
                                                            static_cast<double>(all.cost.flops_per_logits_row)
                                                      : 0;
    return {(of_rows.flops + more) / (habits.one_flop ? 2 : 1), of_rows.bytes + shared};
  }
  const oracle::Work one = oracle::forward_work(all.cost, 1, input.past, 1);
  const auto rows = static_cast<double>(input.rows);
  double bytes = habits.kv_shared ? one.bytes : rows * one.bytes;
  if (habits.kv_one_row_short) bytes -= rows * static_cast<double>(all.cost.kv_bytes_per_position);
  return {rows * one.flops / (habits.one_flop ? 2 : 1),
          bytes + (habits.weights_for_each ? rows : 1) * shared};
}

FunctionMistake<Input, Numbers> mistake(std::string name, std::string sentence, const Habits& habits,
                                        const std::vector<Habits>& others = {}) {
  return mistake_of_habits(std::move(name), std::move(sentence), work, habits, others);
}

/// A mistake in what a pass reads: made in weights_read() and in the step that calls it. Others make it in prompts, too,
/// or in one of the two alone.
FunctionMistake<Input, Numbers> reading_mistake(std::string name, std::string sentence, Habits habits) {
  const auto in = [habits](bool prompts, bool steps, bool weights) {
    return FunctionMistake<Input, Numbers>::Run([=](const Input& input) {
      const bool wrong = input.rule == Asked::prompt ? prompts : input.rule == Asked::step ? steps : weights;
      return work(input, wrong ? habits : Habits{});
    });
  };
  return {std::move(name),
          std::move(sentence),
          in(false, true, true),
          {in(true, true, true), in(false, false, true), in(false, true, false), in(true, true, false)}};
}

oracle::SizedShape dense() {
  return {
      .layers = 2, .hidden = 64, .heads = 4, .kv_heads = 2, .head_dim = 16, .feed_forward = 96, .vocab = 50};
}

oracle::SizedShape with_experts(std::int64_t experts, std::int64_t used) {
  oracle::SizedShape shape = dense();
  shape.experts = experts;
  shape.used = used;
  return shape;
}

std::string show(const Numbers& numbers) {
  if (numbers.size() == 1) return fmt::format("{:.10g} bytes", numbers[0]);
  if (numbers.size() != 2) return fmt::format("{} numbers", numbers.size());
  return fmt::format("{:.10g} FLOPs, {:.10g} bytes", numbers[0], numbers[1]);
}

}  // namespace

std::vector<double> right_step_work(const Input& input) {
  return work(input, {});
}

std::vector<double> step_work_of_all_experts(const Input& input) {
  return work(input, {.all_experts_read = true});
}

FunctionCheck<Input, Numbers> step_work_check() {
  using Kv = GroupedCostInput::Type;
  oracle::SizedShape tied = dense();
  tied.tied = true;
  const oracle::SizedShape seven{.layers = 32,
                                 .hidden = 4096,
                                 .heads = 32,
                                 .kv_heads = 32,
                                 .head_dim = 128,
                                 .feed_forward = 11008,
                                 .vocab = 32000};
  oracle::SizedShape mixtral{.layers = 32,
                             .hidden = 4096,
                             .heads = 32,
                             .kv_heads = 8,
                             .head_dim = 128,
                             .feed_forward = 14336,
                             .vocab = 32000};
  mixtral.experts = 8;
  mixtral.used = 2;
  FunctionCheck<Input, Numbers> check;
  check.name = "step_work";
  check.chapter = 21;
  check.what = "FLOPs and bytes of a prompt and of a decode step for many sequences";
  check.cases = {
      {"step-first",
       "2 layers of 64, H 4, G 2, D 16, f32; one sequence, nothing before it",
       {Asked::step, dense(), DType::F32, Kv::f32, 1, 0}},
      {"step-past",
       "the same after 20 positions, keys and values in f16",
       {Asked::step, dense(), DType::F32, Kv::f16, 1, 20}},
      {"step-batch", "the same for 5 sequences", {Asked::step, dense(), DType::F16, Kv::f16, 5, 20}},
      {"step-tied",
       "5 sequences, the embedding used again for the output",
       {Asked::step, tied, DType::F16, Kv::f16, 5, 20}},
      {"step-window",
       "3 sequences after 20 positions with a window of 8",
       {Asked::step, dense(), DType::F16, Kv::f16, 3, 20, 8}},
      {"step-int8",
       "3 sequences, weights in q8_0, keys and values in int8",
       {Asked::step, dense(), DType::Q8_0, Kv::int8, 3, 20}},
      {"step-mixture",
       "one sequence, 8 experts, 2 for each row, q4_0",
       {Asked::step, with_experts(8, 2), DType::Q4_0, Kv::f16, 1, 20}},
      {"step-mixture-batch",
       "6 sequences, 8 experts, 2 for each row, f16",
       {Asked::step, with_experts(8, 2), DType::F16, Kv::f16, 6, 20}},
      {"weights",
       "weights that 5 rows read, f16, the embedding used again for the output",
       {Asked::weights, tied, DType::F16, Kv::f16, 5}},
      {"weights-mixture",
       "weights that 3 rows read, 8 experts, 2 for each row, f16",
       {Asked::weights, with_experts(8, 2), DType::F16, Kv::f16, 3}},
      {"prompt", "a prompt of 7, f32", {Asked::prompt, dense(), DType::F32, Kv::f32, 7, 0}},
      {"prompt-window",
       "a prompt of 20 with a window of 8",
       {Asked::prompt, dense(), DType::F16, Kv::f16, 20, 0, 8}},
      {"prompt-mixture",
       "a prompt of 3, 16 experts, 2 for each row",
       {Asked::prompt, with_experts(16, 2), DType::F16, Kv::f16, 3, 0}},
      {"llama-2-7b",
       "Llama 2 7B in f16, 16 sequences after 1000 positions",
       {Asked::step, seven, DType::F16, Kv::f16, 16, 1000}},
      {"mixtral",
       "Mixtral 8x7B in q4_0, 4 sequences after 1000 positions",
       {Asked::step, mixtral, DType::Q4_0, Kv::f16, 4, 1000}},
  };
  check.oracle = right_step_work;
  check.mistakes = {
      reading_mistake("step_all_experts_read", "all experts read; only those that some row picks are",
                      {.all_experts_read = true}),
      reading_mistake("step_used_experts_read",
                      "k experts read, whatever the batch; its rows pick different ones",
                      {.used_experts_read = true}),
      reading_mistake("step_experts_times_rows",
                      "k experts more with each row; rows pick the same one now and then",
                      {.experts_times_rows = true}),
      reading_mistake(
          "step_one_row_less",
          "an expert missed with chance (1 − k/E) to the power rows − 1; each of the rows can miss it",
          {.exponent_one_less = true}),
      mistake("step_all_experts_computed", "all experts computed for each row; k of them are",
              {.all_experts_computed = true}),
      mistake("step_router_forgotten", "the router left out; it is read and computed like any matrix",
              {.no_router = true}),
      mistake("step_one_flop", "one FLOP for each term; a multiply and an add are two", {.one_flop = true}),
      mistake("step_embedding_read", "the whole embedding read; a token looks up one row",
              {.embedding_read = true}),
      reading_mistake("step_output_left_out", "the output matrix not read; it makes the logits",
                      {.no_output = true}),
      mistake("step_tied_output_left_out",
              "no output matrix read where the embedding is used again; then that is read",
              {.tied_output_left_out = true}),
      mistake("step_kv_shared", "keys and values read once for the batch; each sequence has its own",
              {.kv_shared = true}),
      mistake("step_weights_for_each",
              "weights read once for each sequence; all rows of a step meet them at one reading",
              {.weights_for_each = true},
              {{.weights_for_each = true, .read_for_each = true}, {.read_for_each = true}}),
      mistake("step_norms_counted", "norms counted among the bytes; a plan leaves them out",
              {.norms_counted = true}),
      mistake("step_kv_heads_compute",
              "attention's FLOPs counted with G heads; every one of the H query heads computes",
              {.kv_heads_compute = true}),
      mistake("step_half_of_attention",
              "scores counted and the weighted sum of values not; both take 2 · D a head and position",
              {.quarter_attention = true}),
      mistake("step_window_left_out", "all positions seen in spite of a window", {.window_left_out = true}),
      mistake("step_own_position_left_out", "keys and values of the past alone; the new row writes its own",
              {.kv_one_row_short = true}),
      mistake("step_weights_as_f32", "4 bytes for each weight, whatever its type", {.weights_as_f32 = true}),
      mistake("step_logits_of_the_prompt", "logits counted for all rows of a prompt; the last one wants them",
              {.output_for_prompt_rows = true}),
  };
  check.same = [](const Numbers& found, const Numbers& expected) {
    return same_numbers(found, expected, 1e-9);
  };
  check.show = show;
  return check;
}

}  // namespace rung::check
