#include <chrono>
#include <string>

#include <fmt/format.h>

#include "cuda/simt/profile/profile.h"
#include "cuda/simt/profile/recorder.h"
#include "tests/catch.h"
#include "tests/cuda/profile/marks.h"
#include "tests/cuda/profile/patterns.h"

// The counts that a textbook, or a pencil, gives for kernels written for them.

namespace rung::simt {
namespace {

template <class... Arguments>
KernelProfile profile_of(void (*work)(Arguments...), std::type_identity_t<Arguments>... arguments) {
  const Profile measured = profile([&] { work(arguments...); });
  CHECK(measured.error == "");
  REQUIRE(measured.kernels.size() == 1);
  for (const Problem& problem : measured.kernels[0].problems) {
    UNSCOPED_INFO(problem.message);
  }
  CHECK(measured.quiet());
  return measured.kernels[0];
}

// How often it happened on the line of patterns.cpp with this mark.
std::uint64_t events_on_line(const KernelProfile& kernel, const std::string& mark, const std::string& name) {
  const SourceLine line = test::line_with("patterns.cpp", mark);
  std::uint64_t times = 0;
  for (const LineEvents& events : kernel.events) {
    times += events.where == line && events.name == name ? events.times : 0;
  }
  return times;
}

// The counts of loads or stores on the line of patterns.cpp with this mark.
RequestCounts on_line(const KernelProfile& kernel, const std::string& mark,
                      AccessKind kind = AccessKind::load) {
  const SourceLine line = test::line_with("patterns.cpp", mark);
  RequestCounts sum;
  for (const LineCounts& counts : kernel.lines) {
    if (counts.where == line && counts.kind == kind) {
      sum += counts.counts;
    }
  }
  return sum;
}

struct Row {
  std::uint64_t requests, lanes;
  bool operator==(const Row&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Row& row) {
  return out << row.requests << " requests of " << row.lanes << " lanes";
}

Row row(const RequestCounts& counts) {
  return {counts.requests, counts.lanes};
}

// With sectors: lanes that were put into the wrong request may have the right number, but not the right addresses.
struct Grouped {
  std::uint64_t requests, lanes, sectors;
  bool operator==(const Grouped&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Grouped& g) {
  return out << g.requests << " requests of " << g.lanes << " lanes and " << g.sectors << " sectors";
}

Grouped grouped(const RequestCounts& counts) {
  return {counts.requests, counts.lanes, counts.units};
}

}  // namespace

TEST_CASE("profile: sectors per request of 4-byte loads are 4, 8, 32 and 5") {
  using Case = std::tuple<int, int, double>;
  const auto [stride, offset, expected] =
      GENERATE(Case{1, 0, 4.0}, Case{2, 0, 8.0}, Case{32, 0, 32.0}, Case{1, 1, 5.0});
  CAPTURE(stride, offset);
  const KernelProfile kernel = profile_of(test::copy_strided, stride, offset);
  CHECK(kernel.global_loads.requests == 16);
  CHECK(kernel.global_loads.units_per_request() == expected);
  CHECK(kernel.global_loads.ideal_per_request() == 4);
  CHECK(kernel.global_loads.bytes == 512 * 4);
  CHECK(kernel.global_stores.requests == 16);
  CHECK(kernel.global_stores.units_per_request() == 4);
  CHECK(kernel.unique_bytes_loaded == 2048);
  CHECK(kernel.unique_bytes_stored == 2048);
  CHECK(kernel.l2_sectors == kernel.global_loads.units + kernel.global_stores.units);
  CHECK(row(on_line(kernel, "copy")) == Row{16, 512});
  CHECK(row(on_line(kernel, "copy", AccessKind::store)) == Row{16, 512});
  CHECK(kernel.active_lanes() == 32);
}

TEST_CASE(
    "profile: what the profiler itself runs is not the kernel's, even if it was compiled with the hooks") {
  const auto stored_with = [](void (*aside)(void (*)(float*), float*)) {
    return profile_of(test::store_and_aside, aside).global_stores.requests;
  };
  CHECK(stored_with([](void (*function)(float*), float* out) { function(out); }) == 2);
  CHECK(stored_with([](void (*function)(float*), float* out) {
          const profiling::AtWork here;
          function(out);
        }) == 1);
}

TEST_CASE("profile: a float4 is one request of 16 sectors") {
  KernelProfile kernel = profile_of(test::copy_float4);
  CHECK(kernel.global_loads.requests == 16);
  CHECK(kernel.global_loads.units_per_request() == 16);
  CHECK(kernel.global_stores.requests == 16);
  CHECK(kernel.global_stores.units_per_request() == 16);
  CHECK(kernel.dram_bytes() == kernel.unique_bytes());
  kernel = profile_of(test::sum_float4);
  CHECK(kernel.global_loads.requests == 16);
  CHECK(kernel.global_loads.units_per_request() == 16);
}

TEST_CASE("profile: the transpose has 32 wavefronts a request, and 1 with a padded tile") {
  for (const auto& [padding, expected] : {std::pair{0, 32.0}, std::pair{1, 1.0}}) {
    const KernelProfile kernel = profile_of(test::transpose, padding);
    CAPTURE(padding);
    CHECK(kernel.shared_loads.requests == 128);
    CHECK(kernel.shared_loads.units_per_request() == expected);
    CHECK(kernel.shared_loads.ideal_per_request() == 1);
    CHECK(kernel.shared_stores.requests == 128);
    CHECK(kernel.shared_stores.units_per_request() == 1);
    CHECK(kernel.global_loads.units_per_request() == 4);
    CHECK(kernel.global_stores.units_per_request() == 4);
    CHECK(kernel.loading_warps == 4 * 8);
    CHECK(kernel.storing_blocks == 4);
    CHECK(kernel.block_barriers == 4);
    CHECK(kernel.unique_bytes_loaded == 4096 * 4);
    CHECK(kernel.unique_bytes_stored == 4096 * 4);
    CHECK(kernel.dram_bytes() == 2 * 4096 * 4);
  }
}

TEST_CASE("profile: float4 rows of 128 bytes in shared memory need 32 wavefronts, padded rows 4") {
  CHECK(profile_of(test::shared_float4_rows, 0).shared_loads.units_per_request() == 32);
  const KernelProfile padded = profile_of(test::shared_float4_rows, 1);
  CHECK(padded.shared_loads.requests == 1);
  CHECK(padded.shared_loads.units_per_request() == 4);
  CHECK(padded.shared_loads.ideal_per_request() == 4);
  CHECK(padded.warp_syncs == 1);
}

TEST_CASE("profile: ldmatrix_x4 of rows of 32 bytes needs 8 wavefronts, of rows padded to 48 bytes 4") {
  const KernelProfile plain = profile_of(test::ldmatrix, 0);
  CHECK(plain.shared_loads.requests == 1);
  CHECK(plain.shared_loads.units_per_request() == 8);
  CHECK(plain.matrix_loads == 1);
  CHECK(profile_of(test::ldmatrix, 8).shared_loads.units_per_request() == 4);
}

TEST_CASE("profile: a sum over blocks") {
  const KernelProfile kernel = profile_of(test::block_sum);
  CHECK(row(kernel.global_loads) == Row{32, 1000});  // 1000 numbers in 32 warps, the last one with 8 lanes
  CHECK(row(kernel.global_atomics) == Row{4, 4});
  CHECK(row(kernel.shared_stores) == Row{4 * 8, 4 * 8});
  CHECK(row(kernel.shared_loads) == Row{4, 4 * 8});
  CHECK(kernel.warp_exchanges == 4 * 8 * 5 + 4 * 5);
  CHECK(events_on_line(kernel, "shuffle", "__shfl_xor_sync") == 4 * 8 * 5 + 4 * 5);
  CHECK(kernel.block_barriers == 4);
  CHECK(kernel.unique_bytes_loaded == 1000 * 4 + 4);
  CHECK(kernel.unique_bytes_stored == 4);
}

TEST_CASE("profile: the tiled matrix product") {
  const KernelProfile kernel = profile_of(test::gemm_tiled, 64);
  // 4 blocks of 32 warps, 2 tiles each; per tile a warp loads 2 rows, stores 2, and reads 2 x 32 times.
  CHECK(row(kernel.global_loads) == Row{4 * 32 * 2 * 2, 4 * 32 * 2 * 2 * 32});
  CHECK(kernel.global_loads.units_per_request() == 4);
  CHECK(kernel.shared_loads.requests == 4 * 32 * 2 * 64);
  CHECK(kernel.shared_loads.units_over_ideal() == 1);
  CHECK(kernel.shared_stores.requests == 4 * 32 * 2 * 2);
  CHECK(kernel.block_barriers == 4 * 4);
  CHECK(events_on_line(kernel, "gemm loaded", "__syncthreads") == 4 * 2);
  CHECK(events_on_line(kernel, "gemm used", "__syncthreads") == 4 * 2);
  CHECK(kernel.unique_bytes_loaded == 2 * 4096 * 4);
  CHECK(kernel.unique_bytes_stored == 4096 * 4);
  CHECK(kernel.l2_sectors == 512 * 4 + 128 * 4);
}

TEST_CASE("profile: tensor cores") {
  const KernelProfile wmma = profile_of(test::gemm_wmma);
  CHECK(wmma.tensor_instructions == 1);
  CHECK(wmma.unique_bytes_loaded == 2 * 512);
  CHECK(wmma.unique_bytes_stored == 1024);
  // 16 × 16 halves without gaps: four requests of 4 bytes, each 16 bytes of 8 lines of 32. 16 x 16 floats: four of 8 bytes,
  // each 32 bytes of 8 lines of 64.
  CHECK(grouped(wmma.global_loads) == Grouped{2 * 4, 2 * 4 * 32, 2 * 4 * 8});
  CHECK(grouped(wmma.global_stores) == Grouped{4, 4 * 32, 4 * 8});
  // From shared memory a fragment is one ldmatrix of four matrices, four wavefronts at best: so with rows 80 bytes apart.
  // Rows of 64 bytes meet four to a bank. A column-major store takes eight requests of 4 bytes.
  const KernelProfile shared = profile_of(test::gemm_wmma_shared, 40);
  CHECK(grouped(shared.shared_loads) == Grouped{2, 2 * 32, 2 * 4});
  CHECK(grouped(shared.global_stores) == Grouped{8, 8 * 32, 8 * 4});
  CHECK(profile_of(test::gemm_wmma_shared, 32).shared_loads.units == 2 * 4 * 4);
  const KernelProfile mma = profile_of(test::gemm_mma, 64, 8);
  CHECK(mma.tensor_instructions == 8 * 4 * 4);
  CHECK(mma.matrix_loads == 2 * 8 * 4 * 4);
  // Rows of A are 48 bytes apart and meet nowhere; rows of B are 32 bytes apart and meet in pairs.
  CHECK(mma.shared_loads.units == 128 * (4 + 4));
  CHECK(mma.shared_loads.ideal == 128 * (4 + 2));
  CHECK(row(mma.global_loads) == Row{2 * 128, 128 * (32 + 16)});
  CHECK(mma.unique_bytes_loaded == 2 * 4096 * 2);
  // Without padding it is the other way round: rows of A are 32 bytes apart, rows of B 16.
  const KernelProfile plain = profile_of(test::gemm_mma, 64, 0);
  CHECK(plain.shared_loads.units == 128 * (8 + 2));
  CHECK(plain.shared_loads.ideal == 128 * (4 + 2));
}

TEST_CASE("profile: atomics and their collisions") {
  const KernelProfile one = profile_of(test::histogram, 1);
  CHECK(row(one.global_atomics) == Row{4, 128});
  CHECK(one.atomic_collisions == 4 * 31);
  CHECK(profile_of(test::histogram, 8).atomic_collisions == 4 * 24);
  const KernelProfile many = profile_of(test::histogram, 128);
  CHECK(many.atomic_collisions == 0);
  CHECK(many.unique_bytes_loaded == 512);
  CHECK(many.unique_bytes_stored == 512);
}

TEST_CASE("profile: lanes that part ways are grouped as a warp issues them") {
  KernelProfile kernel = profile_of(test::divergent);
  CHECK(grouped(on_line(kernel, "divergent loop")) == Grouped{2, 32 + 16, 8});
  CHECK(row(on_line(kernel, "divergent half")) == Row{1, 16});
  CHECK(row(on_line(kernel, "divergent all", AccessKind::store)) == Row{1, 32});
  CHECK(kernel.active_lanes() < 32);

  kernel = profile_of(test::early_exit);
  CHECK(row(kernel.global_loads) == Row{4, 100});
  CHECK(row(kernel.global_stores) == Row{4, 100});

  kernel = profile_of(test::break_and_continue);
  CHECK(grouped(on_line(kernel, "break first")) == Grouped{3, 32 + 31 + 31, 12});
  CHECK(grouped(on_line(kernel, "break second")) == Grouped{3, 3 * 15, 12});
  CHECK(row(on_line(kernel, "break all", AccessKind::store)) == Row{1, 32});

  kernel = profile_of(test::switch_of_four);
  CHECK(row(on_line(kernel, "switch 0")) == Row{1, 8});
  CHECK(row(on_line(kernel, "switch 1 and 2")) == Row{1, 16});
  CHECK(row(on_line(kernel, "switch all", AccessKind::store)) == Row{1, 32});
}

TEST_CASE("profile: nested loops whose inner trips depend on the lane are grouped as a warp issues them") {
  KernelProfile kernel = profile_of(test::nested);
  CHECK(grouped(on_line(kernel, "nested inner")) == Grouped{4, 2 * (32 + 16), 16});
  CHECK(row(on_line(kernel, "nested all", AccessKind::store)) == Row{1, 32});

  // Outer trips: all, then the odd lanes. Inner: the first trip of each outer one with all of its lanes, a second one
  // with those whose lane % 4 is 2 or 3: 16 lanes, and of the odd lanes 8.
  kernel = profile_of(test::nested_twice);
  CHECK(grouped(on_line(kernel, "twice outer")) == Grouped{2, 32 + 16, 8});
  CHECK(grouped(on_line(kernel, "twice inner")) == Grouped{4, 32 + 16 + 16 + 8, 16});
  CHECK(grouped(on_line(kernel, "twice after")) == Grouped{2, 32 + 16, 8});
  CHECK(row(on_line(kernel, "twice all", AccessKind::store)) == Row{1, 32});

  kernel = profile_of(test::while_halving);
  CHECK(grouped(on_line(kernel, "halving")) == Grouped{5, 31 + 30 + 28 + 24 + 16, 4 + 2 + 1 + 1 + 1});
}

TEST_CASE("profile: a function called from two places, and in a loop") {
  KernelProfile kernel = profile_of(test::called_from_two_places);
  CHECK(grouped(on_line(kernel, "load one")) == Grouped{2, 16 + 32, 8});
  CHECK(row(on_line(kernel, "two places all", AccessKind::store)) == Row{1, 32});
  kernel = profile_of(test::called_in_a_loop);
  CHECK(grouped(on_line(kernel, "load some")) == Grouped{4, 2 * (32 + 16), 16});
  CHECK(row(on_line(kernel, "in a loop all", AccessKind::store)) == Row{1, 32});
}

TEST_CASE("profile: operators that evaluate one side") {
  KernelProfile kernel = profile_of(test::short_circuit);
  CHECK(row(on_line(kernel, "circuit first")) == Row{1, 32});
  CHECK(row(on_line(kernel, "circuit second")) == Row{1, 16});
  CHECK(row(on_line(kernel, "circuit inside")) == Row{1, 8});
  CHECK(row(on_line(kernel, "circuit all", AccessKind::store)) == Row{1, 32});
  kernel = profile_of(test::conditional_operator);
  CHECK(row(on_line(kernel, "conditional")) == Row{2, 16 + 16});
  CHECK(row(kernel.global_stores) == Row{1, 32});
}

TEST_CASE("profile: the speed of a profiled product, 256 x 256 x 256", "[.speed]") {
  const auto begin = std::chrono::steady_clock::now();
  const KernelProfile kernel = profile_of(test::gemm_tiled, 256);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  fmt::print("gemm_tiled 256: {:.2f} s, {} requests\n", seconds.count(),
             kernel.global().requests + kernel.shared().requests);
}

}  // namespace rung::simt
