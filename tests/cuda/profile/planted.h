#pragma once

// Kernels with one mistake each, and right ones that look like it. Compiled with the profiler's hooks (planted.cpp).

namespace rung::test {

enum class Plant {
  // Shared memory, between barriers and warps.
  nothing_in_gemm,
  no_barrier_before_reading,
  no_barrier_after_reading,
  // Within a warp.
  syncwarp,
  no_syncwarp,
  shuffle_as_a_fence,
  half_masks,
  half_mask_across,
  chain_of_masks,
  broken_chain_of_masks,
  one_word_from_all_lanes,
  wmma_and_syncwarp,
  wmma_as_a_fence,
  // Never written.
  uninitialised_static,
  uninitialised_dynamic,
  uninitialised_global,
  // Out of bounds.
  behind_dynamic_read,
  behind_dynamic_write,
  before_dynamic,
  index_of_an_array,
  index_of_a_row,
  pointer_to_an_array,
  pointer_in_a_helper,
  behind_a_buffer,
  between_two_buffers,
  before_a_buffer,
  far_away,
  null,
  misaligned,
  // cp.async.
  copies_in_two_stages,
  copy_not_waited_for,
  copy_of_a_neighbour_without_syncwarp,
  copy_left_behind,
  copy_over_what_is_read,
  wait_for_one_group_too_few,
  copy_behind_a_buffer,
  // Between blocks.
  blocks_write_their_own,
  blocks_write_the_same,
  block_reads_what_another_writes,
  block_writes_what_another_reads,
  blocks_add_atomically,
  blocks_add_and_store,
  last_block_with_fence,
  last_block_without_fence,
  // Within a block, through global memory.
  global_with_barrier,
  global_without_barrier,
  // Atomics after plain stores, and plain loads after atomics.
  store_and_adds,
  store_without_barrier_and_adds,
  global_store_and_adds,
  global_store_without_barrier_and_adds,
  blocks_store_their_own_and_add,
  one_block_stores_and_all_add,
  adds_and_read,
  adds_and_read_without_barrier,
  adds_of_a_warp_and_read,
  adds_of_a_warp_and_read_without_syncwarp,
  adds_to_own_words_and_read,
  // In the executor's own time.
  two_launches,
};

/// Launches the kernel. Errors as the executor throws them.
void run_planted(Plant plant);

}  // namespace rung::test
