#include <nlohmann/json.hpp>

#include "cuda/simt/profile/profile.h"

namespace rung::simt {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const SourceLine& where) {
  return {{"file", where.file}, {"line", where.line}};
}

Json json_of(const RequestCounts& counts) {
  return {{"requests", counts.requests},
          {"lanes", counts.lanes},
          {"bytes", counts.bytes},
          {"units", counts.units},
          {"ideal", counts.ideal}};
}

Json json_of(const LineCounts& line) {
  Json json = json_of(line.where);
  json["space"] = name_of(line.space);
  json["kind"] = name_of(line.kind);
  json["bytes_per_lane"] = line.bytes_per_lane;
  json.update(json_of(line.counts));
  json["collisions"] = line.collisions;
  return json;
}

Json json_of(const LineEvents& events) {
  Json json = json_of(events.where);
  json["name"] = events.name;
  json["times"] = events.times;
  return json;
}

Json json_of(const ProblemAccess& access) {
  Json json = json_of(access.where);
  json["kind"] = name_of(access.kind);
  json["block"] = access.block;
  json["thread"] = access.thread;
  return json;
}

Json json_of(const Problem& problem) {
  Json json = {{"kind", name_of(problem.kind)},
               {"kernel", problem.kernel},
               {"memory", problem.memory},
               {"access", json_of(problem.access)}};
  if (problem.has_other) {
    json["other"] = json_of(problem.other);
  }
  json["times"] = problem.times;
  json["message"] = problem.message;
  return json;
}

Json json_of(const KernelProfile& kernel);

template <class T>
Json array_of(const std::vector<T>& values) {
  Json array = Json::array();
  for (const T& value : values) {
    array.push_back(json_of(value));
  }
  return array;
}

Json json_of(const KernelProfile& kernel) {
  return {{"name", kernel.name},
          {"grid", kernel.grid},
          {"block", kernel.block},
          {"dynamic_shared_bytes", kernel.dynamic_shared_bytes},
          {"global_loads", json_of(kernel.global_loads)},
          {"global_stores", json_of(kernel.global_stores)},
          {"global_atomics", json_of(kernel.global_atomics)},
          {"shared_loads", json_of(kernel.shared_loads)},
          {"shared_stores", json_of(kernel.shared_stores)},
          {"shared_atomics", json_of(kernel.shared_atomics)},
          {"atomic_collisions", kernel.atomic_collisions},
          {"loading_warps", kernel.loading_warps},
          {"storing_blocks", kernel.storing_blocks},
          {"unique_bytes_loaded", kernel.unique_bytes_loaded},
          {"unique_bytes_stored", kernel.unique_bytes_stored},
          {"l2_sectors", kernel.l2_sectors},
          {"l2_bytes", kernel.l2_bytes},
          {"blocks_in_a_wave", kernel.blocks_in_a_wave},
          {"dram_bytes_loaded", kernel.dram_bytes_loaded},
          {"dram_bytes_stored", kernel.dram_bytes_stored},
          {"block_barriers", kernel.block_barriers},
          {"warp_syncs", kernel.warp_syncs},
          {"warp_exchanges", kernel.warp_exchanges},
          {"matrix_loads", kernel.matrix_loads},
          {"tensor_instructions", kernel.tensor_instructions},
          {"steps", kernel.steps},
          {"lane_steps", kernel.lane_steps},
          {"lines", array_of(kernel.lines)},
          {"events", array_of(kernel.events)},
          {"problems", array_of(kernel.problems)},
          {"problems_left_out", kernel.problems_left_out}};
}

}  // namespace

std::string to_json(const Profile& profile) {
  const Json json = {{"kernels", array_of(profile.kernels)},
                     {"unique_bytes_loaded", profile.unique_bytes_loaded},
                     {"unique_bytes_stored", profile.unique_bytes_stored},
                     {"error", profile.error}};
  return json.dump(2);
}

}  // namespace rung::simt
