#include "cuda/simt/device_description.h"

#include <string>

#include "core/error.h"

namespace rung::simt {

namespace {

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * 1024;
constexpr std::size_t gib = 1024 * mib;

// Sizes per SM and per block: CUDA C++ Programming Guide, "Technical Specifications per Compute Capability". Counts, L2,
// bandwidth and rates: NVIDIA A100 Tensor Core GPU Architecture whitepaper and data sheet; NVIDIA Ada GPU Architecture
// whitepaper (RTX 4090); NVIDIA H100 Tensor Core GPU Architecture whitepaper and data sheet.
constexpr DeviceDescription known[] = {
    {"a100", "NVIDIA A100-SXM4-40GB", 80, 108, 2048, 32, 65536, 164 * kib, 163 * kib, 40 * mib, 40 * gib,
     1555e9, 19.5e12, 312e12},
    {"rtx4090", "NVIDIA GeForce RTX 4090", 89, 128, 1536, 24, 65536, 100 * kib, 99 * kib, 72 * mib, 24 * gib,
     1008e9, 82.6e12, 165.2e12},
    {"h100", "NVIDIA H100-SXM5-80GB", 90, 132, 2048, 32, 65536, 228 * kib, 227 * kib, 50 * mib, 80 * gib,
     3352e9, 66.9e12, 989.4e12},
};

const DeviceDescription* chosen = &known[0];

}  // namespace

std::span<const DeviceDescription> device_descriptions() {
  return known;
}

const DeviceDescription& device_description(std::string_view name) {
  std::string names;
  for (const DeviceDescription& one : known) {
    if (one.name == name) return one;
    names += (names.empty() ? "" : ", ") + std::string(one.name);
  }
  throw Error(ErrorKind::usage, "no device '{}' is described; there are: {}", name, names);
}

const DeviceDescription& device() {
  return *chosen;
}

void set_device(const DeviceDescription& device) {
  chosen = &device;
}

}  // namespace rung::simt
