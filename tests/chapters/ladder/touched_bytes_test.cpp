// What a step of a mixture reads, counted by the processor and not by a formula: the pages of the weights that it touches.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <malloc.h>

#include "chapters/08_quantization/synthetic_model.h"
#include "chapters/ladder.h"
#include "tests/catch.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/touched_pages.h"

namespace {

using namespace rung;
using namespace rung::support;

/// Bytes in fp32, of k or v; each is to have pages of its own.
constexpr int smallest_matrix = 1 << 20;

/// Matrices of many pages: 4 MB each in fp32, 0.6 MB as blocks.
ModelConfig large_matrices() {
  ModelConfig config;
  config.family = "mixtral";
  config.layers = 2;
  config.hidden = 1024;
  config.heads = 8;
  config.kv_heads = 2;
  config.head_dim = 128;
  config.feed_forward = 1024;
  config.vocab = 1024;
  config.context = 64;
  config.mixture = MixtureConfig{.experts = 8, .experts_used = 2};
  return config;
}

/// What the allocator has left of what was freed before, in pieces of a matrix: while somebody holds it, matrices get new
/// pages.
std::vector<std::unique_ptr<std::byte[]>> spare_memory() {
  std::vector<std::unique_ptr<std::byte[]>> taken;
  const auto new_pages = [] { return ::mallinfo2().hblks; };
  for (const auto before = new_pages(); new_pages() == before && taken.size() < 128;)
    taken.emplace_back(new std::byte[smallest_matrix]);
  return taken;
}

/// The pages of one decode step, of those that `weights` names once the stage is made.
double touched_by_a_step(Stage& stage, std::vector<PageRange> weights) {
  constexpr std::array<std::int32_t, 3> prompt{300, 400, 500};
  constexpr std::array<std::int32_t, 1> next{600};
  Batch before;
  before.add(0, 0, prompt, Batch::Logits::last);
  stage.forward(before);
  Batch step;
  step.add(0, 3, next, Batch::Logits::last);
  const TouchedPages touched(std::move(weights));
  stage.forward(step);
  return static_cast<double>(touched.bytes());
}

void check_step(const Stage& stage, double touched) {
  const StageCost cost = stage.cost();
  const auto closed_form = static_cast<double>(cost.bytes_of_one_row());
  INFO("touched " << touched << " bytes, closed form " << closed_form);
  CHECK(std::abs(touched / closed_form - 1) <= 0.03);
  // Another number of experts is far from it.
  const double one_expert = static_cast<double>(cost.expert_bytes) / static_cast<double>(cost.experts);
  CHECK(one_expert > 0.2 * closed_form);
}

}  // namespace

TEST_CASE("a decode step of a mixture touches the bytes of weights that its closed form says") {
  ::mallopt(M_MMAP_THRESHOLD, smallest_matrix);
  const TemporaryDirectory directory;
  const auto path = directory.path() / "large.gguf";
  synthesize_model("large", large_matrices(), DType::Q4_0, 1, path);
  const Checkpoint checkpoint = Checkpoint::open(path);
  const StageOptions room{.max_positions = 16, .max_sequences = 1};

  SECTION("moe, whose weights are fp32 in memory") {
    const auto spare = spare_memory();
    const std::vector<PageRange> before = anonymous_memory();
    const auto stage = find_stage(ladder(), "moe").make(checkpoint, room);
    check_step(*stage, touched_by_a_step(*stage, added_memory(before, anonymous_memory(), smallest_matrix)));
  }
  SECTION("moe_int4, whose weights are blocks in the mapped file") {
    const auto stage = find_stage(ladder(), "moe_int4").make(checkpoint, room);
    const auto& tensors = checkpoint.tensors();
    const auto by_address = [](const Tensor& tensor) { return tensor.view.bytes.data(); };
    const auto [first, last] = std::ranges::minmax_element(tensors, {}, by_address);
    const std::byte* const end = last->view.bytes.data() + last->view.bytes.size();
    check_step(*stage, touched_by_a_step(*stage, {pages_of_file({first->view.bytes.data(), end})}));
  }
}

TEST_CASE("pages are counted once each, and those that were there before are not") {
  const std::vector<PageRange> before = anonymous_memory();
  const std::size_t size = std::size_t{1} << 23;
  const std::unique_ptr<std::byte[]> memory(new std::byte[size]());
  const std::vector<PageRange> added = added_memory(before, anonymous_memory(), smallest_matrix);
  std::size_t bytes = 0;
  for (const PageRange& range : added) bytes += range.end - range.first;
  CHECK(bytes >= size);
  CHECK(bytes < size + (1 << 20));
  const TouchedPages touched(added);
  CHECK(touched.bytes() == 0);
  volatile std::byte* const at = memory.get() + size / 2;
  *at = std::byte{1};
  *(at + 1) = *at;
  const std::int64_t one = touched.bytes();
  CHECK(one > 0);
  *(at + 4 * one) = std::byte{2};
  CHECK(touched.bytes() == 2 * one);
}
