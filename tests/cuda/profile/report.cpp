#include <stdexcept>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "cuda/simt/profile/profile.h"
#include "tests/catch.h"
#include "tests/cuda/profile/marks.h"
#include "tests/cuda/profile/patterns.h"
#include "tests/cuda/profile/planted.h"

// What is handed out beside the counts themselves.

namespace rung::simt {

TEST_CASE("profile: launches follow each other, and are added up") {
  const Profile measured = profile([] {
    test::copy_strided(1, 0);
    test::copy_strided(2, 0);
  });
  REQUIRE(measured.kernels.size() == 2);
  CHECK(measured.kernels[0].name == "copy_strided");
  CHECK(measured.kernels[0].grid == std::array<unsigned, 3>{4, 1, 1});
  CHECK(measured.kernels[0].block == std::array<unsigned, 3>{128, 1, 1});
  const KernelProfile total = measured.total();
  CHECK(total.global_loads.units == 16 * 4 + 16 * 8);
  CHECK(total.global().requests == 64);
  CHECK(total.lines.size() == 4);
  CHECK(total.unique_bytes_loaded == 2 * 512 * 4);
}

TEST_CASE("profile: bytes of a whole profile are different from those of its launches") {
  const Profile measured = profile([] { test::run_planted(test::Plant::two_launches); });
  REQUIRE(measured.kernels.size() == 2);
  for (const KernelProfile& kernel : measured.kernels) {
    CHECK(kernel.unique_bytes_loaded == 128);
    CHECK(kernel.unique_bytes_stored == 128);
  }
  CHECK(measured.unique_bytes_loaded == 128);  // what the second read, the first had written
  CHECK(measured.unique_bytes_stored == 256);
}

TEST_CASE("profile: the L2 of a launch, by its capacity") {
  // 64 x 64 by tiles of 32: each operand is needed by two blocks. A wave holds all four blocks, and takes turns.
  const auto dram = [](std::size_t bytes) {
    ProfileOptions options;
    options.l2_bytes = bytes;
    const Profile measured = profile([] { test::gemm_tiled(64); }, options);
    REQUIRE(measured.kernels.size() == 1);
    CHECK(measured.kernels[0].l2_bytes == std::max<std::size_t>(128, bytes / 128 * 128));
    CHECK(measured.kernels[0].dram_bytes_stored == 64 * 64 * 4);
    return measured.kernels[0].dram_bytes_loaded;
  };
  CHECK(dram(1 << 20) == 2 * 64 * 64 * 4);
  CHECK(dram(128) > 2 * 64 * 64 * 4);
  CHECK(dram(128) <= 2 * 2 * 64 * 64 * 4);
}

TEST_CASE("profile: the capacity of the L2 is an eighth of the buffers that live") {
  const Profile measured = profile([] { test::gemm_tiled(64); });
  CHECK(measured.kernels[0].l2_bytes == 3 * 64 * 64 * 4 / 8);
}

TEST_CASE("profile: as many blocks side by side as the device holds") {
  const DeviceDescription& a100 = device_description("a100");
  CHECK(resident_blocks(a100, 1024, 0) == 2);
  CHECK(resident_blocks(a100, 256, 0) == 8);
  CHECK(resident_blocks(a100, 32, 0) == 32);
  CHECK(resident_blocks(a100, 33, 0) == 32);
  CHECK(resident_blocks(a100, 256, 48 * 1024) == 3);  // 164 KiB in pieces of 49
  CHECK(resident_blocks(a100, 256, 0, 128) == 2);     // 65536 registers, 32768 a block
  CHECK(resident_blocks(a100, 256, 0, 65) ==
        3);  // 65 x 32 registers of a warp are given as 2304: 18432 a block
  CHECK(resident_blocks(a100, 1024, 160 * 1024, 255) == 1);  // never none
  CHECK(resident_blocks(device_description("rtx4090"), 1024, 0) == 1);
  ProfileOptions options;
  options.device = &device_description("h100");
  const Profile measured = profile([] { test::gemm_tiled(32); }, options);
  CHECK(measured.kernels[0].blocks_in_a_wave == 132 * 2);
}

TEST_CASE("profile: the source with its counts") {
  const Profile measured = profile([] { test::divergent(); });
  const std::string file = "tests/cuda/profile/patterns.cpp";
  const std::vector<AnnotatedLine> lines = annotate(measured.kernels, file);
  REQUIRE(!lines.empty());
  const int loop = test::line_with("patterns.cpp", "divergent loop").line;
  CHECK(lines.front().line == loop - 2);
  CHECK(lines.back().line == test::line_with("patterns.cpp", "divergent all").line + 2);
  CHECK(lines[2].line == loop);
  CHECK(lines[2].text.find("[divergent loop]") != std::string::npos);
  REQUIRE(lines[2].counts.size() == 1);
  CHECK(lines[2].counts[0].counts.requests == 2);
  CHECK(lines[0].counts.empty());
  CHECK(annotate(measured.kernels, "core/error.h").empty());
}

TEST_CASE("profile: as JSON") {
  const Profile measured = profile([] { test::run_planted(test::Plant::no_syncwarp); });
  const nlohmann::json json = nlohmann::json::parse(to_json(measured));
  REQUIRE(json["kernels"].size() == 1);
  const nlohmann::json& kernel = json["kernels"][0];
  CHECK(kernel["name"] == "warp");
  CHECK(kernel["grid"] == nlohmann::json({1, 1, 1}));
  CHECK(kernel["global_loads"]["requests"] == measured.kernels[0].global_loads.requests);
  CHECK(kernel["lines"].size() == measured.kernels[0].lines.size());
  CHECK(kernel["lines"][0]["file"] == "tests/cuda/profile/planted.cpp");
  CHECK(kernel["problems"][0]["kind"] == "race");
  CHECK(kernel["problems"][0]["other"]["line"] == test::line_with("planted.cpp", "warp store").line);
  CHECK(json["error"] == "");
}

TEST_CASE("profile: one at a time, and other exceptions pass through") {
  CHECK(profile([] { profile([] {}); }).error == "profile() was called while another profile() runs");
  CHECK_THROWS_AS(profile([] { throw std::logic_error("mine"); }), std::logic_error);
  CHECK(profile([] {}).kernels.empty());
}

}  // namespace rung::simt
