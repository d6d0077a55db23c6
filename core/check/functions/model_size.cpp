#include <array>
#include <functional>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "core/check/functions/show.h"
#include "core/check/functions/sizing.h"

namespace rung::check {
namespace {

using Input = ModelSizeInput;
using Counts = std::vector<std::int64_t>;
using Part = oracle::SizedMatrix::Part;

/// What people get wrong.
struct Habits {
  bool query_heads = false, one_of_k_and_v = false, no_output_projection = false, hidden_for_heads = false,
       no_gate = false, one_expert = false, no_router = false, norm_in_type = false, no_last_norm = false,
       one_norm_a_layer = false, tied_twice = false, all_active = false, one_active = false,
       router_of_used = false, bare_bits = false, block_for_each = false, integer_bytes = false,
       int_used = false, norms_left_out = false, numbers_for_bytes = false, tied_bytes_twice = false,
       no_router_of_one = false, active_in_float = false, out_and_in_swapped = false;
  /// What the router is stored as: f32 where the model's type is one of blocks, else of the type.
  enum class Router {
    right,
    of_the_type,     ///< also in blocks
    as_rows_fit,     ///< f32 only where blocks would fit its rows
    f32,             ///< always
    f32_but_in_f16,  ///< for every type but f16
  };
  Router router = Router::right;
  /// Matrices whose type is asked for by their `out` instead of the length of a row.
  enum : unsigned { k_and_v = 1, o = 2, down = 4, embeddings = 8, others = 16, every = 31 };
  unsigned typed_by_out = 0;
  std::vector<std::size_t> narrow = {};  ///< parts that are counted in 32 bits
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

DType router_type(DType wanted, std::int64_t in, const Habits& habits) {
  using Router = Habits::Router;
  const bool blocks = info(wanted).block_elements > 1;
  if (habits.router == Router::of_the_type) return wanted;
  if (habits.router == Router::as_rows_fit)
    return info(stored_type(wanted, in)).block_elements > 1 ? DType::F32 : wanted;
  if (habits.router == Router::f32) return DType::F32;
  if (habits.router == Router::f32_but_in_f16) return wanted == DType::F16 ? wanted : DType::F32;
  return blocks ? DType::F32 : wanted;
}

/// @param by_out  whether the type is asked for by `out`
std::int64_t bytes_of(std::int64_t out, std::int64_t in, DType type, bool by_out, const Habits& habits) {
  using Blocks = Habits::Blocks;
  if (by_out && habits.out_and_in_swapped) std::swap(out, in);
  const std::int64_t row = by_out && !habits.out_and_in_swapped ? out : in;
  const DTypeInfo& stored = info(habits.blocks == Blocks::fitting ? stored_type(type, row) : type);
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
  std::int64_t matrix = 0, wide = 0;
  for (const oracle::SizedMatrix& one : oracle::matrices_of(shape)) {
    unsigned kind =
        one.part == Part::embedding || one.part == Part::output ? Habits::embeddings : Habits::others;
    if (one.part == Part::attention) {
      const std::int64_t place = matrix++ % 4;  // q, k, v, o
      if (place > 0) kind = place == 3 ? Habits::o : Habits::k_and_v;
      if ((place == 2 && habits.one_of_k_and_v) || (place == 3 && habits.no_output_projection)) continue;
    }
    if (one.part == Part::feed_forward) {
      const std::int64_t place = wide++ % 3;  // gate, up, down
      if (place == 2) kind = Habits::down;
      if (place == 0 && habits.no_gate) continue;
    }
    const bool no_router = habits.no_router || (habits.no_router_of_one && shape.experts == 1);
    if (one.part == Part::router && no_router) continue;
    if (one.expert > 0 && habits.one_expert) continue;
    DType type = input.type.value_or(DType::F32);
    if (one.part == Part::router && input.type) type = router_type(type, one.in, habits);
    const bool by_out = (habits.typed_by_out & kind) != 0;
    const std::int64_t size = input.type && !habits.numbers_for_bytes
                                  ? bytes_of(one.out, one.in, type, by_out, habits)
                                  : one.out * one.in;
    counts[static_cast<std::size_t>(one.part) + (one.part == Part::output ? 1 : 0)] += size;
  }
  const std::int64_t norms = (habits.one_norm_a_layer ? 1 : 2) * shape.layers + (habits.no_last_norm ? 0 : 1);
  std::int64_t norm_bytes = input.type ? 4 : 1;
  if (habits.norm_in_type && input.type) norm_bytes = blocks ? 1 : info(*input.type).block_bytes;
  counts[4] = habits.norms_left_out ? 0 : norms * input.shape.hidden * norm_bytes;
  for (const std::size_t part : habits.narrow) counts[part] = static_cast<std::int32_t>(counts[part]);
  Counts active = counts;
  if (shape.experts > 0 && !habits.all_active) {
    const std::int64_t one = counts[3] / (habits.one_expert ? 1 : shape.experts);
    active[3] = one * (habits.one_active ? 1 : shape.used);
    if (habits.active_in_float) {
      const float share = static_cast<float>(shape.used) / static_cast<float>(shape.experts);
      active[3] = static_cast<std::int64_t>(static_cast<float>(counts[3]) * share);
    }
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

std::string difference(const Counts& found, const Counts& expected) {
  static constexpr std::array<std::string_view, 14> places{"embedding",
                                                           "attention",
                                                           "router",
                                                           "feed-forward",
                                                           "norms",
                                                           "output",
                                                           "all",
                                                           "embedding for a token",
                                                           "attention for a token",
                                                           "router for a token",
                                                           "feed-forward for a token",
                                                           "norms for a token",
                                                           "output for a token",
                                                           "all for a token"};
  return first_wrong_count({found.begin(), found.end()}, {expected.begin(), expected.end()}, 0, places);
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
      {"mixture",
       "3 layers of 12, H 4, G 2, D 4, feed-forward 20, 5 experts, 2 of them for a token",
       {mixture(grouped, 5, 2), {}}},
      {"one-of-experts",
       "2 layers of 8, H = G = 4, D 2, feed-forward 12, 4 experts, 1 of them for a token",
       {mixture(small, 4, 1), {}}},
      {"one-expert", "the same with a single expert: it has a router, too", {mixture(small, 1, 1), {}}},
      {"odd-mixture",
       "3 layers of 4099, H 4, G 2, D 128, feed-forward 14,337, 8 experts, 2 of them for a token",
       {mixture(shape(3, 4099, 4, 2, 128, 14337, 1000), 8, 2), {}}},
      {"f32", "3 layers of 12, H 4, G 2, D 4, feed-forward 20, bytes as f32", {grouped, DType::F32}},
      {"f16",
       "the same with 5 experts, 2 for a token, bytes as f16: norms stay f32",
       {mixture(grouped, 5, 2), DType::F16}},
      {"bf16-mixture", "the same as bf16", {mixture(grouped, 5, 2), DType::BF16}},
      {"q8_0",
       "2 layers of 64, H 4, G 2, D 32, feed-forward 96, bytes as q8_0: 34 for 32 numbers",
       {blocks, DType::Q8_0}},
      {"q4_0", "the same as q4_0: 18 bytes for 32 numbers", {blocks, DType::Q4_0}},
      {"q4_1-mixture",
       "the same with 4 experts, 2 for a token, as q4_1: the router stays f32",
       {mixture(blocks, 4, 2), DType::Q4_1}},
      {"tied-f16",
       "3 layers of 12, H 4, G 2, D 4, feed-forward 20, bytes as f16, the embedding used for the output "
       "again",
       {tied(grouped), DType::F16}},
      {"q4_0-rows-of-40",
       "2 layers of 64, feed-forward 40, as q4_0: 32 do not divide the rows of down, so they are f16",
       {shape(2, 64, 4, 2, 32, 40, 40), DType::Q4_0}},
      {"q8_0-k-and-v-of-40",
       "2 layers of 64, H 4, G 2, D 20, feed-forward 96, as q8_0: k and v are [40, 64], so their rows fit",
       {shape(2, 64, 4, 2, 20, 96, 40), DType::Q8_0}},
      {"q8_0-router-of-40",
       "2 layers of 40, H 4, G 2, D 32, feed-forward 64, 4 experts, as q8_0: the router is f32 in a type of "
       "blocks",
       {mixture(shape(2, 40, 4, 2, 32, 64, 40), 4, 2), DType::Q8_0}},
      {"q4_k",
       "2 layers of 64, H 4, G 2, D 64, feed-forward 40, as q4_k: rows of 256 can be it, those of 64 are "
       "q5_0, those of 40 f16",
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
              {.no_router = true}, {{.no_router_of_one = true}}),
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
              {.router = Habits::Router::of_the_type}),
      mistake(
          "size_router_as_its_rows_fit",
          "the router f32 only where blocks would fit its rows; it is f32 wherever the type is one of blocks",
          {.router = Habits::Router::as_rows_fit}),
      mistake("size_router_always_f32",
              "the router f32 for a type that is none of blocks; then it is of the type, like other matrices",
              {.router = Habits::Router::f32}, {{.router = Habits::Router::f32_but_in_f16}}),
      mistake("size_rows_for_columns",
              "type_for_rows() asked with the number of rows; a matrix [out, in] has rows of `in` numbers",
              {.typed_by_out = Habits::every},
              {{.typed_by_out = Habits::k_and_v},
               {.typed_by_out = Habits::o},
               {.typed_by_out = Habits::down},
               {.typed_by_out = Habits::embeddings},
               {.out_and_in_swapped = true, .typed_by_out = Habits::every},
               {.out_and_in_swapped = true, .typed_by_out = Habits::k_and_v},
               {.out_and_in_swapped = true, .typed_by_out = Habits::o},
               {.out_and_in_swapped = true, .typed_by_out = Habits::down},
               {.out_and_in_swapped = true, .typed_by_out = Habits::embeddings}}),
      mistake("size_numbers_for_bytes", "numbers counted where bytes were asked for",
              {.numbers_for_bytes = true}),
      mistake("size_in_32_bits", "counted in 32 bits, which end at 2.1 billion; use std::int64_t",
              {.int_used = true},
              {{.narrow = {0, 1, 2, 3, 4, 5}}, {.narrow = {1, 3}}, {.narrow = {1}}, {.narrow = {3}}}),
      mistake("size_in_float", "a count in float, which holds 24 bits of it; use std::int64_t",
              {.active_in_float = true}),
  };
  check.show = show;
  check.difference = difference;
  return check;
}

}  // namespace rung::check
