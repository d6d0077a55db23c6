#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

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

/// What is told of a cost, in this order.
constexpr std::array<std::string_view, 10> cost_members{
    "weight_bytes",          "output_bytes",  "expert_bytes",         "experts",
    "experts_used",          "flops_per_row", "flops_per_logits_row", "flops_per_visible_position",
    "kv_bytes_per_position", "window"};

/// What people get wrong.
struct Habits {
  // In what weights_read() says.
  bool all_experts_read = false, used_experts_read = false, experts_times_rows = false,
       exponent_one_less = false, whole_experts = false;
  // In the cost.
  bool all_experts_computed = false, one_flop_a_row = false, one_flop_of_logits = false,
       embedding_read = false, embedding_computed = false, no_output = false, tied_output_left_out = false,
       tied_logits_left_out = false, embedding_for_output = false, kv_heads_compute = false,
       hidden_for_heads = false, quarter_attention = false, window_left_out = false, weights_as_f32 = false,
       router_not_read = false, router_not_computed = false, router_among_experts = false,
       norms_counted = false, mixture_as_dense = false, dense_as_mixture = false, logits_of_each_row = false;
  // In the step or the prompt.
  bool kv_shared = false, weights_for_each = false, read_for_each = false, output_for_each = false,
       experts_for_each = false, kv_one_row_short = false, one_position_more = false, batch_as_rows = false,
       no_logits = false, output_for_prompt_rows = false;
};

double touched(const StageCost& cost, std::int64_t rows, const Habits& habits) {
  const std::int64_t experts = cost.experts, used = cost.experts_used;
  if (habits.all_experts_read) return static_cast<double>(experts);
  if (habits.used_experts_read) return static_cast<double>(used);
  if (habits.experts_times_rows) return static_cast<double>(std::min(experts, used * rows));
  const double mean = oracle::touched_experts(experts, used, habits.exponent_one_less ? rows - 1 : rows);
  return habits.whole_experts ? std::ceil(mean) : mean;
}

std::int64_t bytes_of(const oracle::SizedMatrix& matrix, DType type) {
  const DTypeInfo& stored = info(type);
  return matrix.out * (matrix.in / stored.block_elements) * stored.block_bytes;
}

/// Adds what the matrices cost.
void count_matrices(const Input& input, const Habits& habits, StageCost& cost) {
  const oracle::SizedShape& shape = input.shape;
  const DType type = habits.weights_as_f32 ? DType::F32 : input.weights;
  const DType of_router = info(type).block_elements > 1 ? DType::F32 : type;
  const DType of_output =
      habits.weights_as_f32 || habits.embedding_for_output ? type : input.output.value_or(type);
  for (const oracle::SizedMatrix& one : oracle::matrices_of(shape)) {
    const std::int64_t flops = 2 * one.out * one.in;
    if (one.part == Part::embedding) {
      if (habits.embedding_read) cost.weight_bytes += bytes_of(one, type);
      if (habits.embedding_computed) cost.flops_per_row += flops;
      if (!shape.tied) continue;
      if (!habits.tied_output_left_out) cost.output_bytes = bytes_of(one, type);
      if (!habits.tied_logits_left_out) cost.flops_per_logits_row = flops;
    } else if (one.part == Part::output) {
      cost.output_bytes = bytes_of(one, of_output);
      cost.flops_per_logits_row = flops;
    } else if (one.part == Part::router) {
      if (!habits.router_not_read)
        (habits.router_among_experts ? cost.expert_bytes : cost.weight_bytes) += bytes_of(one, of_router);
      if (!habits.router_not_computed) cost.flops_per_row += flops;
    } else {
      const bool among_experts = one.part == Part::feed_forward &&
                                 (one.expert >= 0 ? !habits.mixture_as_dense : habits.dense_as_mixture);
      (among_experts ? cost.expert_bytes : cost.weight_bytes) += bytes_of(one, type);
      if (one.expert < shape.used || habits.all_experts_computed) cost.flops_per_row += flops;
    }
  }
}

StageCost counted(const Input& input, const Habits& habits) {
  const oracle::SizedShape& shape = input.shape;
  StageCost cost;
  count_matrices(input, habits, cost);
  if (shape.experts > 0 && !habits.mixture_as_dense) {
    cost.experts = shape.experts;
    cost.experts_used = shape.used;
  } else if (shape.experts == 0 && habits.dense_as_mixture) {
    cost.experts = cost.experts_used = 1;
  }
  if (habits.norms_counted) cost.weight_bytes += 4 * (2 * shape.layers + 1) * shape.hidden;
  if (habits.no_output) cost.output_bytes = 0;
  if (habits.one_flop_a_row) cost.flops_per_row /= 2;
  if (habits.one_flop_of_logits) cost.flops_per_logits_row /= 2;
  if (habits.logits_of_each_row) cost.flops_per_row += std::exchange(cost.flops_per_logits_row, 0);
  const std::int64_t heads = habits.kv_heads_compute ? shape.kv_heads : shape.heads;
  const std::int64_t width = habits.hidden_for_heads ? shape.hidden : heads * shape.head_dim;
  cost.flops_per_visible_position = (habits.quarter_attention ? 2 : 4) * shape.layers * width;
  const std::int64_t number = input.kv == GroupedCostInput::Type::f32   ? 4
                              : input.kv == GroupedCostInput::Type::f16 ? 2
                                                                        : 1;
  const std::int64_t scale = input.kv == GroupedCostInput::Type::int8 ? 4 : 0;
  cost.kv_bytes_per_position = 2 * shape.layers * shape.kv_heads * (shape.head_dim * number + scale);
  if (input.window > 0 && !habits.window_left_out) cost.window = input.window;
  return cost;
}

Numbers work(const Input& input, const Habits& habits) {
  const StageCost cost = counted(input, habits);
  if (input.rule == Asked::cost) return members_of_cost(cost);
  double of_experts = 0;
  if (cost.experts > 0)
    of_experts = static_cast<double>(cost.expert_bytes) * touched(cost, input.rows, habits) /
                 static_cast<double>(cost.experts);
  const auto output = static_cast<double>(cost.output_bytes);
  const double shared = static_cast<double>(cost.weight_bytes) + output + of_experts;
  const auto rows = static_cast<double>(input.rows);
  if (input.rule == Asked::weights) return {shared * (habits.read_for_each ? rows : 1)};
  StageCost own = cost;
  own.weight_bytes = own.output_bytes = own.expert_bytes = 0;
  if (input.rule == Asked::prompt) {
    const oracle::Work of_rows = oracle::forward_work(own, input.rows, 0, 1);
    const double more =
        habits.output_for_prompt_rows ? (rows - 1) * static_cast<double>(cost.flops_per_logits_row) : 0;
    return {of_rows.flops + more, of_rows.bytes + shared};
  }
  if (habits.batch_as_rows) {
    const oracle::Work of_rows = oracle::forward_work(own, input.rows, input.past, input.rows);
    return {of_rows.flops, of_rows.bytes + shared};
  }
  const std::int64_t past = input.past + (habits.one_position_more ? 1 : 0);
  const oracle::Work one = oracle::forward_work(own, 1, past, habits.no_logits ? 0 : 1);
  double bytes = habits.kv_shared ? one.bytes : rows * one.bytes;
  if (habits.kv_one_row_short) bytes -= rows * static_cast<double>(cost.kv_bytes_per_position);
  if (habits.output_for_each) bytes += rows * output;
  if (habits.experts_for_each && cost.experts > 0)
    bytes += rows * static_cast<double>(cost.expert_bytes) * static_cast<double>(cost.experts_used) /
             static_cast<double>(cost.experts);
  return {rows * one.flops, bytes + (habits.weights_for_each ? rows : 1) * shared};
}

FunctionMistake<Input, Numbers> mistake(std::string name, std::string sentence, const Habits& habits,
                                        const std::vector<Habits>& others = {}) {
  return mistake_of_habits(std::move(name), std::move(sentence), work, habits, others);
}

/// A mistake in what a pass reads: made in weights_read() and in the step that calls it. Others make it in prompts, too,
/// or in one of the two alone, or put `in_the_cost` what leads to it everywhere.
FunctionMistake<Input, Numbers> reading_mistake(std::string name, std::string sentence, Habits habits,
                                                const std::vector<Habits>& in_the_cost = {}) {
  using Run = FunctionMistake<Input, Numbers>::Run;
  const auto in = [habits](bool prompts, bool steps, bool weights) {
    return Run([=](const Input& input) {
      const bool wrong = input.rule == Asked::prompt    ? prompts
                         : input.rule == Asked::step    ? steps
                         : input.rule == Asked::weights ? weights
                                                        : false;
      return work(input, wrong ? habits : Habits{});
    });
  };
  std::vector<Run> others{in(true, true, true), in(false, false, true), in(false, true, false),
                          in(true, true, false)};
  for (const Habits& one : in_the_cost)
    others.emplace_back([one](const Input& input) { return work(input, one); });
  return {std::move(name), std::move(sentence), in(false, true, true), std::move(others)};
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

std::string difference(const Numbers& found, const Numbers& expected) {
  return expected.size() == cost_members.size() ? first_wrong_count(found, expected, 0, cost_members) : "";
}

std::string show(const Numbers& numbers) {
  if (numbers.size() == 1) return fmt::format("{:.10g} bytes", numbers[0]);
  if (numbers.size() != 2) return fmt::format("{} numbers", numbers.size());
  return fmt::format("{:.10g} FLOPs, {:.10g} bytes", numbers[0], numbers[1]);
}

}  // namespace

std::vector<double> members_of_cost(const StageCost& cost) {
  std::vector<double> members;
  const std::int64_t used = cost.experts > 0 ? cost.experts_used : 0;  // of no experts there is no k
  members.reserve(cost_members.size());
  for (const std::int64_t one :
       {cost.weight_bytes, cost.output_bytes, cost.expert_bytes, cost.experts, used, cost.flops_per_row,
        cost.flops_per_logits_row, cost.flops_per_visible_position, cost.kv_bytes_per_position,
        cost.window.value_or(0)})
    members.push_back(static_cast<double>(one));
  return members;
}

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
  oracle::SizedShape wide_heads = dense();
  wide_heads.head_dim = 32;
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
      {"cost",
       "model_cost() of 2 layers of 64, H 4, G 2, D 16, feed-forward 96, vocabulary 50, all f32",
       {Asked::cost, dense(), DType::F32, Kv::f32}},
      {"cost-wide-heads",
       "the same with D 32 (H · D is not the hidden size), a window of 8, keys and values in int8",
       {Asked::cost, wide_heads, DType::F32, Kv::int8, 1, 0, 8}},
      {"cost-tied",
       "D 16, f16, the embedding used again for the output",
       {Asked::cost, tied, DType::F16, Kv::f16}},
      {"cost-output-q8_0",
       "D 16, q4_0, the output matrix q8_0 as a file may hold it",
       {Asked::cost, dense(), DType::Q4_0, Kv::f16, 1, 0, 0, DType::Q8_0}},
      {"cost-mixture",
       "D 16, 8 experts, 2 for each row, f16",
       {Asked::cost, with_experts(8, 2), DType::F16, Kv::f16}},
      {"step-first",
       "step_work() of 2 layers of 64, H 4, G 2, D 16, f32; one sequence, nothing before it",
       {Asked::step, dense(), DType::F32, Kv::f32, 1, 0}},
      {"step-past",
       "the same after 20 positions, keys and values in f16",
       {Asked::step, dense(), DType::F32, Kv::f16, 1, 20}},
      {"step-wide-heads",
       "the same with D 32 (H · D is not the hidden size)",
       {Asked::step, wide_heads, DType::F32, Kv::f16, 1, 20}},
      {"step-batch", "D 16, f16, for 5 sequences", {Asked::step, dense(), DType::F16, Kv::f16, 5, 20}},
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
                      {.all_experts_read = true}, {{.mixture_as_dense = true}}),
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
      reading_mistake("step_whole_experts",
                      "touched experts rounded up; it is a mean, which need not be whole",
                      {.whole_experts = true}),
      mistake("step_all_experts_computed", "all experts computed for each row; k of them are",
              {.all_experts_computed = true}),
      mistake("step_router_forgotten", "the router left out; it is read and computed like any matrix",
              {.router_not_read = true, .router_not_computed = true},
              {{.router_not_read = true}, {.router_not_computed = true}}),
      mistake("step_router_among_experts",
              "the router among the experts' bytes; every row meets all of it, so it is among weight_bytes",
              {.router_among_experts = true}),
      mistake(
          "step_dense_as_mixture",
          "a dense model as a mixture of one expert; it has 0, and its feed-forward part is in weight_bytes",
          {.dense_as_mixture = true}),
      mistake("step_one_flop", "one FLOP for each term; a multiply and an add are two",
              {.one_flop_a_row = true, .one_flop_of_logits = true, .quarter_attention = true},
              {{.one_flop_a_row = true},
               {.one_flop_of_logits = true},
               {.one_flop_a_row = true, .one_flop_of_logits = true}}),
      mistake("step_embedding_computed", "FLOPs counted for the embedding; a row of it is looked up",
              {.embedding_computed = true}),
      mistake("step_embedding_read", "the whole embedding read; a token looks up one row",
              {.embedding_read = true}),
      reading_mistake("step_output_left_out", "the output matrix not read; it makes the logits",
                      {.no_output = true}, {{.no_output = true}}),
      mistake(
          "step_embedding_for_output",
          "the embedding's bytes taken for those of an output matrix that is not tied; files hold it in a "
          "type of its own",
          {.embedding_for_output = true}),
      mistake("step_tied_output_left_out",
              "no output matrix read where the embedding is used again; then that is read",
              {.tied_output_left_out = true}),
      mistake(
          "step_tied_logits_left_out",
          "no FLOPs for logits where the embedding is used again; it is multiplied like any output matrix",
          {.tied_logits_left_out = true}),
      mistake("step_logits_left_out", "a step without logits; every sequence wants those of its row",
              {.no_logits = true}),
      mistake("step_batch_as_a_prompt",
              "the batch taken for rows of one sequence; each is the next row of a sequence of its own",
              {.batch_as_rows = true}),
      mistake("step_kv_shared", "keys and values read once for the batch; each sequence has its own",
              {.kv_shared = true}),
      mistake("step_weights_for_each",
              "weights read once for each sequence; all rows of a step meet them at one reading",
              {.weights_for_each = true},
              {{.weights_for_each = true, .read_for_each = true},
               {.read_for_each = true},
               {.output_for_each = true},
               {.experts_for_each = true},
               {.output_for_each = true, .experts_for_each = true}}),
      mistake("step_norms_counted", "norms counted among the bytes; a plan leaves them out",
              {.norms_counted = true}),
      mistake("step_kv_heads_compute",
              "attention's FLOPs counted with G heads; every one of the H query heads computes",
              {.kv_heads_compute = true}),
      mistake("step_hidden_for_heads",
              "attention's FLOPs counted with the hidden size; heads are H · D numbers wide, which need not "
              "be it",
              {.hidden_for_heads = true}),
      mistake("step_half_of_attention",
              "scores counted and the weighted sum of values not; both take 2 · D a head and position",
              {.quarter_attention = true}),
      mistake("step_window_left_out", "all positions seen in spite of a window", {.window_left_out = true}),
      mistake("step_own_position_left_out", "keys and values of the past alone; the new row writes its own",
              {.kv_one_row_short = true}),
      mistake("step_one_position_more",
              "a step after one position more; `past` are those before it, and its own is counted with them",
              {.one_position_more = true}),
      mistake("step_weights_as_f32", "4 bytes for each weight, whatever its type", {.weights_as_f32 = true}),
      mistake("step_logits_of_the_prompt", "logits counted for all rows of a prompt; the last one wants them",
              {.output_for_prompt_rows = true}, {{.logits_of_each_row = true}}),
  };
  check.same = [](const Numbers& found, const Numbers& expected) {
    return same_numbers(found, expected, 1e-9);
  };
  check.show = show;
  check.difference = difference;
  return check;
}

}  // namespace rung::check
