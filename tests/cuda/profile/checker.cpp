#include <algorithm>
#include <string>
#include <vector>

#include "cuda/simt/profile/profile.h"
#include "tests/catch.h"
#include "tests/cuda/profile/marks.h"
#include "tests/cuda/profile/planted.h"

// Each planted mistake is found and both of its lines are named; each right kernel is quiet.

namespace rung::simt {
namespace {

using test::Plant;

Profile profile_of(Plant plant) {
  return profile([plant] { test::run_planted(plant); });
}

std::vector<Problem> problems_of(Plant plant) {
  const Profile measured = profile_of(plant);
  std::vector<Problem> all;
  for (const KernelProfile& kernel : measured.kernels) {
    all.insert(all.end(), kernel.problems.begin(), kernel.problems.end());
  }
  return all;
}

struct Lines {
  ProblemKind kind;
  std::string one, other;  // marks; the order does not matter
};

bool is(const Problem& problem, const Lines& expected) {
  const SourceLine one = test::line_with("planted.cpp", expected.one);
  const SourceLine other = test::line_with("planted.cpp", expected.other);
  return problem.kind == expected.kind && problem.has_other &&
         ((problem.access.where == one && problem.other.where == other) ||
          (problem.access.where == other && problem.other.where == one));
}

// Exactly these are found, perhaps more than once.
void check_pairs(Plant plant, const std::vector<Lines>& expected) {
  const std::vector<Problem> found = problems_of(plant);
  for (const Lines& lines : expected) {
    CAPTURE(lines.one, lines.other);
    CHECK(
        std::any_of(found.begin(), found.end(), [&](const Problem& problem) { return is(problem, lines); }));
  }
  for (const Problem& problem : found) {
    INFO(problem.message);
    CHECK(std::any_of(expected.begin(), expected.end(),
                      [&](const Lines& lines) { return is(problem, lines); }));
  }
}

// One problem with one line.
Problem check_single(Plant plant, ProblemKind kind, const std::string& mark, const std::string& in_message) {
  const std::vector<Problem> found = problems_of(plant);
  for (const Problem& problem : found) {
    UNSCOPED_INFO(problem.message);
  }
  REQUIRE(found.size() == 1);
  CHECK(found[0].kind == kind);
  CHECK(found[0].access.where == test::line_with("planted.cpp", mark));
  INFO(found[0].message);
  CHECK(found[0].message.find(in_message) != std::string::npos);
  return found[0];
}

void check_quiet(Plant plant) {
  const Profile measured = profile_of(plant);
  CHECK(measured.error == "");
  for (const KernelProfile& kernel : measured.kernels) {
    for (const Problem& problem : kernel.problems) {
      UNSCOPED_INFO(problem.message);
    }
  }
  CHECK(measured.quiet());
}

}  // namespace

TEST_CASE("checker: right kernels are quiet") {
  for (const Plant plant :
       {Plant::nothing_in_gemm, Plant::syncwarp, Plant::half_masks, Plant::chain_of_masks,
        Plant::wmma_and_syncwarp, Plant::copies_in_two_stages, Plant::blocks_write_their_own,
        Plant::blocks_add_atomically, Plant::last_block_with_fence, Plant::global_with_barrier,
        Plant::two_launches, Plant::store_and_adds, Plant::global_store_and_adds,
        Plant::blocks_store_their_own_and_add, Plant::adds_and_read, Plant::adds_of_a_warp_and_read,
        Plant::adds_to_own_words_and_read}) {
    CAPTURE(static_cast<int>(plant));
    check_quiet(plant);
  }
}

TEST_CASE("checker: a missing __syncthreads is a race between two lines") {
  check_pairs(Plant::no_barrier_before_reading, {{ProblemKind::race, "gemm store a", "gemm read a"},
                                                 {ProblemKind::race, "gemm store b", "gemm read b"}});
  check_pairs(Plant::no_barrier_after_reading, {{ProblemKind::race, "gemm store a", "gemm read a"},
                                                {ProblemKind::race, "gemm store b", "gemm read b"}});
}

TEST_CASE(
    "checker: a missing __syncwarp is a race; a shuffle is no fence; a mask orders its own lanes only") {
  for (const Plant plant : {Plant::no_syncwarp, Plant::shuffle_as_a_fence, Plant::half_mask_across,
                            Plant::broken_chain_of_masks}) {
    CAPTURE(static_cast<int>(plant));
    check_pairs(plant, {{ProblemKind::race, "warp store", "warp read"}});
  }
}

TEST_CASE("checker: a wmma store is no fence for what other lanes read after it") {
  check_pairs(Plant::wmma_as_a_fence, {{ProblemKind::race, "wmma store", "wmma read"}});
}

TEST_CASE("checker: lanes that store to one word at once") {
  check_pairs(Plant::one_word_from_all_lanes, {{ProblemKind::race, "one word", "one word"}});
}

TEST_CASE("checker: the report of a race names kernel, block, threads, array and lines") {
  const std::vector<Problem> found = problems_of(Plant::no_syncwarp);
  REQUIRE(found.size() == 1);
  const Problem& problem = found[0];
  CHECK(problem.kernel == "warp");
  CHECK(problem.access.block == std::array<unsigned, 3>{0, 0, 0});
  CHECK(problem.access.thread != problem.other.thread);
  CHECK(problem.memory.find(" of s") != std::string::npos);
  const std::string read = std::to_string(problem.access.where.line);
  const std::string store = std::to_string(problem.other.where.line);
  CHECK(problem.message ==
        "kernel warp: race on byte 124 of s: load at tests/cuda/profile/planted.cpp:" + read +
            " by thread (0, 0, 0) of block (0, 0, 0), and store at tests/cuda/profile/planted.cpp:" + store +
            " by thread (31, 0, 0) of block (0, 0, 0); no barrier orders them");
}

TEST_CASE("checker: what nobody has written") {
  CHECK(check_single(Plant::uninitialised_static, ProblemKind::uninitialised_read, "unwritten static",
                     "byte 20 of fixed")
            .access.thread == std::array<unsigned, 3>{58, 0, 0});
  check_single(Plant::uninitialised_dynamic, ProblemKind::uninitialised_read, "unwritten dynamic",
               "byte 20 of dynamic shared memory");
  check_single(Plant::uninitialised_global, ProblemKind::uninitialised_read, "unwritten global",
               " of device buffer 1 (256 bytes)");
}

TEST_CASE("checker: an access out of bounds is named, and ends its kernel before it happens") {
  const auto bounds = [](Plant plant, const std::string& mark, const std::string& text) {
    CAPTURE(mark);
    check_single(plant, ProblemKind::out_of_bounds, mark, text);
    CHECK(profile_of(plant).error.find("kernel bounds, block (0, 0, 0), thread (") == 0);
  };
  bounds(Plant::behind_dynamic_read, "dynamic read",
         "4 bytes at byte 256 of dynamic shared memory (256 bytes): load");
  bounds(Plant::behind_dynamic_write, "dynamic write",
         "4 bytes at byte 256 of dynamic shared memory (256 bytes): store");
  bounds(Plant::before_dynamic, "dynamic before",
         "4 bytes at byte -4 of dynamic shared memory (256 bytes): load");
  bounds(Plant::index_of_an_array, "array index", "index 32 of an array of type 'float [32]'");
  bounds(Plant::index_of_a_row, "row index", "of an array of type 'float [32]'");
  for (const Plant plant : {Plant::pointer_to_an_array, Plant::pointer_in_a_helper}) {
    bounds(plant, plant == Plant::pointer_to_an_array ? "array pointer" : "helper",
           "by a pointer past the end of the array that it was made from");
  }
  bounds(Plant::behind_a_buffer, "behind buffer", "0 bytes behind the end of device buffer 2 (256 bytes)");
  bounds(Plant::before_a_buffer, "before buffer", "4 bytes at 4 bytes before the begin of device buffer");
  bounds(Plant::between_two_buffers, "between buffers", "behind the end of device buffer 1 (256 bytes)");
  bounds(Plant::far_away, "far away", " of device buffer");
  check_single(Plant::misaligned, ProblemKind::misaligned, "misaligned",
               "16 bytes to an address that is 4 past a multiple of 16");
  check_single(Plant::copy_behind_a_buffer, ProblemKind::out_of_bounds, "copy",
               "16 bytes at the last 8 bytes of device buffer 1 (504 bytes), and what is behind it");
  CHECK(profile_of(Plant::null).error.find("kernel bounds") == 0);
}

TEST_CASE("checker: the profiler goes on after an error") {
  for (int again = 0; again < 3; ++again) {
    CHECK(!profile_of(Plant::far_away).quiet());
    check_quiet(Plant::nothing_in_gemm);
  }
}

TEST_CASE("checker: cp.async that nobody waited for") {
  check_pairs(Plant::copy_not_waited_for, {{ProblemKind::unwaited_copy, "copy read", "copy"}});
  check_pairs(Plant::copy_of_a_neighbour_without_syncwarp, {{ProblemKind::race, "copy read", "copy"}});
  check_single(Plant::copy_left_behind, ProblemKind::unwaited_copy, "copy",
               "copy to byte 0 of s was never waited for");
  check_pairs(Plant::copy_over_what_is_read, {{ProblemKind::race, "stage copy", "stage read"}});
  check_pairs(Plant::wait_for_one_group_too_few, {{ProblemKind::unwaited_copy, "stage copy", "stage read"},
                                                  {ProblemKind::unwaited_copy, "stage copy", "stage copy"}});
}

TEST_CASE("checker: blocks of one launch") {
  check_pairs(Plant::blocks_write_the_same,
              {{ProblemKind::race_across_blocks, "blocks write", "blocks write"}});
  check_pairs(Plant::block_reads_what_another_writes,
              {{ProblemKind::race_across_blocks, "block writes", "block reads"}});
  check_pairs(Plant::block_writes_what_another_reads,
              {{ProblemKind::race_across_blocks, "block writes last", "block reads first"}});
  check_pairs(Plant::blocks_add_and_store, {{ProblemKind::race_across_blocks, "blocks add", "blocks store"}});
  check_pairs(Plant::last_block_without_fence, {{ProblemKind::race_across_blocks, "partial", "partials"}});
  check_pairs(Plant::global_without_barrier, {{ProblemKind::race, "global store", "global read"}});
}

TEST_CASE("checker: a plain store is at odds with the atomics of others that follow") {
  check_pairs(Plant::store_without_barrier_and_adds, {{ProblemKind::race, "begin of a sum", "add to a sum"}});
  check_pairs(Plant::global_store_without_barrier_and_adds,
              {{ProblemKind::race, "begin of a sum in a buffer", "add to a sum in a buffer"}});
  check_pairs(Plant::one_block_stores_and_all_add,
              {{ProblemKind::race_across_blocks, "begin of sums by a block", "add to sums by all blocks"}});
}

TEST_CASE("checker: a plain load is at odds with the atomics of others, whoever was the last to add") {
  check_pairs(Plant::adds_and_read_without_barrier,
              {{ProblemKind::race, "add before a read", "read after adds"}});
  check_pairs(Plant::adds_of_a_warp_and_read_without_syncwarp,
              {{ProblemKind::race, "add in a warp", "read in a warp"}});
}

TEST_CASE("checker: findings are kept up to a number, and can be left out") {
  ProfileOptions few;
  few.most_problems = 1;
  const Profile one = profile([] { test::run_planted(Plant::no_barrier_before_reading); }, few);
  REQUIRE(one.kernels.size() == 1);
  CHECK(one.kernels[0].problems.size() == 1);
  CHECK(one.kernels[0].problems_left_out >= 1);
  ProfileOptions none;
  none.check = false;
  CHECK(profile([] { test::run_planted(Plant::no_syncwarp); }, none).quiet());
}

}  // namespace rung::simt
