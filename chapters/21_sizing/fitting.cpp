#include "chapters/21_sizing/fitting.h"

#include "chapters/21_sizing/step_work.h"

namespace rung {

std::optional<std::int64_t> devices_for(double bytes, double memory_bytes, std::int64_t most) {
  for (std::int64_t count = 1; count <= most; count *= 2) {
    if (bytes <= static_cast<double>(count) * memory_bytes) return count;
  }
  return std::nullopt;
}

std::optional<Offer> cheapest(std::span<const Device> devices, double bytes) {
  std::optional<Offer> best;
  for (const Device& device : devices) {
    const auto count = devices_for(bytes, device.memory_bytes);
    if (!count || !device.dollars_an_hour) continue;
    const double dollars = static_cast<double>(*count) * *device.dollars_an_hour;
    if (!best || dollars < best->dollars_an_hour) best = Offer{device, *count, dollars};
  }
  return best;
}

std::optional<std::int64_t> turning_batch(const ModelConfig& config, const ModelParts& bytes, KvType kv,
                                          std::int64_t past, const measure::Limits& limits) {
  const auto computes = [&](std::int64_t batch) {
    const measure::Work work = step_work(config, bytes, kv, batch, past);
    return work.flops / limits.flops_per_second >= work.bytes / limits.bytes_per_second;
  };
  // Each sequence adds the same FLOPs, and never more bytes than the one before it did: once it turns, it stays so.
  constexpr std::int64_t most = std::int64_t{1} << 40U;
  std::int64_t above = 1;
  while (!computes(above)) {
    above *= 2;
    if (above > most) return std::nullopt;
  }
  std::int64_t below = above / 2;  // does not, or is 0
  while (above - below > 1) {
    const std::int64_t middle = below + (above - below) / 2;
    (computes(middle) ? above : below) = middle;
  }
  return above;
}

}  // namespace rung
