#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cuda/report/measure.h"

namespace rung::cuda {

/// One op's rungs, measured.
struct LadderMeasure {
  const KernelLadder* ladder = nullptr;
  const simt::DeviceDescription* device = nullptr;
  check::NumberType type = check::NumberType::f32;
  std::vector<RungMeasure> rungs = {};
  std::string no_facts = {};  ///< why registers, spills and occupancy are not known; empty where they are
};

/// The table that `./rung kernels` prints, and under it what failed: the harness's words, the checker's findings.
std::string to_text(const LadderMeasure& measured);

/// The same as a JSON object, with the profile of each rung.
std::string to_json(const LadderMeasure& measured);

/// The sources of the rungs with the counts beside their lines. @param root  the repository
std::string annotated_text(const LadderMeasure& measured, const std::filesystem::path& root);

/// The ladders as an SVG figure: per rung, bytes to and from L2 and DRAM as multiples of the least.
std::string to_svg(const std::vector<LadderMeasure>& ladders);

/// Whether every rung is within its budget and the checker found nothing.
bool all_right(const LadderMeasure& measured);

}  // namespace rung::cuda
