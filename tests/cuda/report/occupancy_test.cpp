// Our formula for occupancy against the CUDA toolkit's own calculator. Where there is no toolkit this says so and proves
// nothing.

#include "cuda/report/occupancy.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "cuda/simt/profile/profile.h"
#include "tests/catch.h"

using namespace rung;
using namespace rung::cuda;

TEST_CASE("occupancy is the toolkit's, for A100, RTX 4090 and H100") {
  if (!toolkit_resident_blocks(simt::device_description("a100"), 32, 0, 32)) {
    WARN("this was built without the CUDA toolkit's cuda_occupancy.h");
    return;
  }
  int compared = 0;
  std::string different;
  for (const simt::DeviceDescription& device : simt::device_descriptions()) {
    for (unsigned threads = 1; threads <= 1024; threads += threads % 3 == 0 ? 33 : 31) {
      for (unsigned registers = 1; registers <= 255; registers += registers < 64 ? 7 : 1) {
        for (std::size_t shared = 0; shared <= device.shared_per_block; shared += 1721) {
          const unsigned toolkit = *toolkit_resident_blocks(device, threads, shared, registers);
          const unsigned ours = simt::resident_blocks(device, threads, shared, registers);
          ++compared;
          if (ours != std::max(1U, toolkit) && different.size() < 1000) {
            different += std::string(device.name) + ": " + std::to_string(threads) + " threads, " +
                         std::to_string(registers) + " registers, " + std::to_string(shared) +
                         " bytes: " + std::to_string(ours) + ", toolkit " + std::to_string(toolkit) + "\n";
          }
        }
      }
    }
  }
  CHECK(compared > 100000);
  CHECK(different == "");
  CHECK(toolkit_resident_blocks(simt::device_description("a100"), 1024, 0, 255) == 0U);  // cannot run
  CHECK(occupancy_blocks(simt::device_description("a100"), 1024, 0, 255) == 1);
}
