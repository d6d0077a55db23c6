#include <functional>
#include <numeric>
#include <span>
#include <string>

#include <fmt/format.h>

#include "core/check/functions/sizing.h"

namespace rung::check {
namespace {

using Input = ModelSizeInput;
using Counts = std::vector<std::int64_t>;
using Part = oracle::SizedMatrix::Part;

/// What people get wrong.
struct Habits {
  bool query_heads = false, one_of_k_and_v = false, no_output_projection = false, hidden_for_heads = false,
       no_gate = false, one_expert = false, no_router = false, norm_in_type = false, router_in_blocks = false,
       no_last_norm = false, one_norm_a_layer = false, tied_twice = false, all_active = false,
       one_active = false, router_of_used = false, bare_bits = false, block_for_each = false,
       integer_bytes = false, int_used = false, norms_left_out = false, numbers_for_bytes = false,
       tied_bytes_twice = false;
  /// Whether rows are stored as another type where blocks do not fit them; else how many blocks are counted.
  enum class Blocks {
    fitting,        ///< they are
    whole,          ///< those that are full in each row
    begun,          ///< those that each row begins
    of_the_matrix,  ///< as if rows were one behind another
  };
  Blocks blocks = Blocks::fitting;
};

/// What rows of `in` numbers are stored as.
DType stored_type(DType wanted, std::int64_t in) {
  if (in % info(wanted).block_elements == 0) return wanted;
  if (wanted == DType::Q4_K) return stored_type(DType::Q5_0, in);
  if (wanted == DType::Q6_K) return stored_type(DType::Q8_0, in);
  return DType::F16;
}

std::int64_t bytes_of(std::int64_t out, std::int64_t in, DType type, const Habits& habits) {
  using Blocks = Habits::Blocks;
  const DTypeInfo& stored = info(habits.blocks == Blocks::fitting ? stored_type(type, in) : type);
  if (habits.blocks == Blocks::begun)
    return out * ((in + stored.block_elements - 1) / stored.block_elements) * stored.block_bytes;
  if (habits.blocks == Blocks::of_the_matrix) return out * in / stored.block_elements * stored.block_bytes;
  if (habits.bare_bits && stored.block_elements > 1) {  // Q4_0: 16 of 18 bytes, Q8_0: 32 of 34
    const std::int64_t bits = stored.block_bytes * 8 / stored.block_elements;
    return out * in * bits / 8;
  }
  if (habits.block_for_each) return out * in * stored.block_bytes;
  if (habits.integer_bytes) return out * in * (stored.block_bytes / stored.block_elements);
  return out * (in / stored.block_elements) * stored.block_bytes;
}

Counts count(const Input& input, const Habits& habits) {
  oracle::SizedShape shape = input.shape;
  if (habits.query_heads) shape.kv_heads = shape.heads;
  if (habits.hidden_for_heads) {  // q and o taken as square
    shape.kv_heads = shape.kv_heads * (shape.hidden / shape.heads);
    shape.heads = shape.hidden;
    shape.head_dim = 1;
  }
  if (habits.tied_twice || (habits.tied_bytes_twice && input.type)) shape.tied = false;
  const bool blocks = input.type && info(*input.type).block_elements > 1;
  Counts counts(6);
  std::int64_t of_experts = 0, matrix = 0, wide = 0;
  for (const oracle::SizedMatrix& one : oracle::matrices_of(shape)) {
    if (one.part == Part::attention) {
      const std::int64_t place = matrix++ % 4;  // q, k, v, o
      if ((place == 2 && habits.one_of_k_and_v) || (place == 3 && habits.no_output_projection)) continue;
    }
    if (one.part == Part::feed_forward && habits.no_gate && wide++ % 3 == 0) continue;  // gate, up, down
    if (one.part == Part::router && habits.no_router) continue;
    if (one.expert > 0 && habits.one_expert) continue;
    DType type = input.type.value_or(DType::F32);
    if (one.part == Part::router && blocks && !habits.router_in_blocks) type = DType::F32;
    const std::int64_t size =
        input.type && !habits.numbers_for_bytes ? bytes_of(one.out, one.in, type, habits) : one.out * one.in;
    counts[static_cast<std::size_t>(one.part) + (one.part == Part::output ? 1 : 0)] += size;
    if (one.expert >= 0) of_experts += size;
  }
  const std::int64_t norms = (habits.one_norm_a_layer ? 1 : 2) * shape.layers + (habits.no_last_norm ? 0 : 1);
  std::int64_t norm_bytes = input.type ? 4 : 1;
  if (habits.norm_in_type && input.type) norm_bytes = blocks ? 1 : info(*input.type).block_bytes;
  counts[4] = habits.norms_left_out ? 0 : norms * input.shape.hidden * norm_bytes;
  Counts active = counts;
  if (shape.experts > 0 && !habits.all_active) {
    const std::int64_t one = of_experts / (habits.one_expert ? 1 : shape.experts);
    active[3] = one * (habits.one_active ? 1 : shape.used);
  }
  if (shape.experts > 0 && habits.router_of_used) active[2] = counts[2] / shape.experts * shape.used;
  counts.push_back(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
  active.push_back(std::accumulate(active.begin(), active.end(), std::int64_t{0}));
  counts.insert(counts.end(), active.begin(), active.end());
  if (habits.int_used) {
    for (std::int64_t& one : counts) one = static_cast<std::int32_t>(one);
  }
  return counts;
}

FunctionMistake<Input, Counts> mistake(std::string name, std::string sentence, const Habits& habits,
                                       const std::vector<Habits>& others = {}) {
  return mistake_of_habits(std::move(name), std::move(sentence), count, habits, others);
}

/// Seven counts: the parts, and all.
std::string show_parts(std::span<const std::int64_t> counts) {
  return fmt::format("embedding {}, attention {}, router {}, feed-forward {}, norms {}, output {}; all {}",
                     counts[0], counts[1], counts[2], counts[3], counts[4], counts[5], counts[6]);
}

std::string show(const Counts& counts) {
  if (counts.size() != 14) return fmt::format("{} numbers", counts.size());
  const std::span<const std::int64_t> both = counts;
  const std::string all = show_parts(both.first(7)), active = show_parts(both.last(7));
  return active == all ? all + "; the same for a token" : all + "; for a token " + active;
}

oracle::SizedShape shape(std::int64_t layers, std::int64_t hidden, std::int64_t heads, std::int64_t kv_heads,
                         std::int64_t head_dim, std::int64_t feed_forward, std::int64_t vocab) {
  return {.layers = layers,
          .hidden = hidden,
          .heads = heads,
          .kv_heads = kv_heads,
          .head_dim = head_dim,
          .feed_forward = feed_forward,
          .vocab = vocab};
}

oracle::SizedShape tied(oracle::SizedShape one) {
  one.tied = true;
  return one;
}

oracle::SizedShape mixture(oracle::SizedShape one, std::int64_t experts, std::int64_t used) {
  one.experts = experts;
  one.used = used;
  return one;
}

}  // namespace

FunctionCheck<Input, Counts> model_size_check() {
  const oracle::SizedShape small = shape(2, 8, 4, 4, 2, 12, 10), grouped = shape(3, 12, 4, 2, 4, 20, 10);
  const oracle::SizedShape blocks = shape(2, 64, 4, 2, 32, 96, 40);
  FunctionCheck<Input, Counts> check;
  check.name = "model_size";
  check.chapter = 21;
  check.what = "numbers and bytes of a model's parts, by its dimensions";
  check.cases = {
      {"dense", "2 layers of 8, H = G = 4, D 2, feed-forward 12, vocabulary 10", {small, {}}},
      {"grouped",
       "3 layers of 12, H 4, G 2, D 4 (H · D is not the hidden size), feed-forward 20",
       {grouped, {}}},
      {"tied", "the same, the embedding used for the output again", {tied(grouped), {}}},
      {"mixture", "the same as grouped, 5 experts, 2 of them for a token", {mixture(grouped, 5, 2), {}}},
      {"one-of-experts", "4 experts, 1 of them for a token", {mixture(small, 4, 1), {}}},
      {"f32", "grouped, bytes as f32", {grouped, DType::F32}},
      {"f16", "mixture, bytes as f16: norms stay f32", {mixture(grouped, 5, 2), DType::F16}},
      {"q8_0",
       "2 layers of 64, H 4, G 2, D 32, feed-forward 96, bytes as q8_0: 34 for 32 numbers",
       {blocks, DType::Q8_0}},
      {"q4_0", "the same as q4_0: 18 bytes for 32 numbers", {blocks, DType::Q4_0}},
      {"q4_1-mixture",
       "with 4 experts, 2 for a token, as q4_1: the router stays f32",
       {mixture(blocks, 4, 2), DType::Q4_1}},
      {"tied-f16", "grouped, tied, bytes as f16", {tied(grouped), DType::F16}},
      {"q4_0-rows-of-40",
       "2 layers of 64, feed-forward 40, as q4_0: 32 do not divide the rows of down, so they are f16",
       {shape(2, 64, 4, 2, 32, 40, 40), DType::Q4_0}},
      {"q4_k",
       "the same with D 64, as q4_k: rows of 256 can be it, those of 64 are q5_0, those of 40 f16",
       {shape(2, 64, 4, 2, 64, 40, 40), DType::Q4_K}},
      {"llama-2-7b", "Llama 2 7B: 6,738,415,616 numbers", {shape(32, 4096, 32, 32, 128, 11008, 32000), {}}},
      {"mixtral",
       "Mixtral 8x7B: 46,702,792,704 numbers",
       {mixture(shape(32, 4096, 32, 8, 128, 14336, 32000), 8, 2), {}}},
      {"llama-2-13b-q4_0", "Llama 2 13B as q4_0", {shape(40, 5120, 40, 40, 128, 13824, 32000), DType::Q4_0}},
  };
  check.oracle = [](const Input& input) { return count(input, {}); };
  check.mistakes = {
      mistake("size_query_heads_for_k_v", "k and v counted with all H heads; they have G",
              {.query_heads = true}),
      mistake("size_k_or_v_forgotten", "k or v counted, not both", {.one_of_k_and_v = true}),
      mistake("size_o_forgotten", "attention without its output matrix o; there are q, k, v and o",
              {.no_output_projection = true}),
      mistake("size_heads_from_hidden", "q and o taken as hidden × hidden; they have H · D rows or columns",
              {.hidden_for_heads = true}),
      mistake("size_two_matrices", "a feed-forward part of two matrices; SwiGLU has three: gate, up and down",
              {.no_gate = true}),
      mistake("size_one_expert", "one expert counted; all E are stored", {.one_expert = true}),
      mistake("size_router_forgotten", "a mixture without its router; each layer has one, [E, hidden]",
              {.no_router = true}),
      mistake("size_last_norm_forgotten", "the norm behind the last layer forgotten", {.no_last_norm = true}),
      mistake("size_one_norm_a_layer",
              "one norm counted for a layer; attention and feed-forward have one each",
              {.one_norm_a_layer = true}),
      mistake("size_norms_left_out", "norms left out; they are few numbers, but they are there",
              {.norms_left_out = true}),
      mistake("size_tied_twice", "a tied embedding counted again as the output matrix", {.tied_twice = true},
              {{.tied_bytes_twice = true}}),
      mistake("size_all_active", "all experts counted for a token; its router picks k of them",
              {.all_active = true}),
      mistake("size_one_active", "one expert counted for a token; its router picks k of them",
              {.one_active = true}),
      mistake("size_router_of_the_used",
              "k rows of the router counted for a token; it scores all E experts to pick k",
              {.router_of_used = true}),
      mistake("size_blocks_do_not_fit",
              "blocks in rows that they do not fit; type_for_rows() says what such rows are stored as",
              {.blocks = Habits::Blocks::whole},
              {{.blocks = Habits::Blocks::begun}, {.blocks = Habits::Blocks::of_the_matrix}}),
      mistake("size_bare_bits",
              "blocks counted without their scales: 4 bits are half a byte, a block of 32 has 2 more",
              {.bare_bits = true}),
      mistake("size_block_for_each", "block_bytes for each number; they hold block_elements numbers",
              {.block_for_each = true}),
      mistake("size_integer_bytes", "the bytes of one number as an integer, 18 / 32 = 0; count whole blocks",
              {.integer_bytes = true}),
      mistake("size_norms_in_type", "norms counted in the matrices' type; they stay f32",
              {.norm_in_type = true}),
      mistake("size_router_in_blocks", "the router counted in blocks; it is not quantised",
              {.router_in_blocks = true}),
      mistake("size_numbers_for_bytes", "numbers counted where bytes were asked for",
              {.numbers_for_bytes = true}),
      mistake("size_in_32_bits", "counted in 32 bits, which end at 2.1 billion; use std::int64_t",
              {.int_used = true}),
  };
  check.show = show;
  return check;
}

}  // namespace rung::check
