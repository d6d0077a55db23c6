#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <span>
#include <sstream>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "chapters/02_tensors/demo_parts.h"
#include "chapters/02_tensors/embedding.h"
#include "chapters/02_tensors/matmul.h"
#include "chapters/02_tensors/work.h"
#include "core/measure/clock.h"
#include "core/tensor/decode.h"
#include "core/tensor/half.h"

namespace rung {
namespace {

using Json = nlohmann::ordered_json;

// Numbers.

/// "0 01111011 1001101": the sign, `exponent` bits and the rest of the lowest `width` bits.
std::string spaced_bits(std::uint32_t bits, int width, int exponent) {
  const int mantissa = width - 1 - exponent;
  return fmt::format("{} {:0{}b} {:0{}b}", bits >> (width - 1), (bits >> mantissa) & ((1U << exponent) - 1),
                     exponent, bits & ((1U << mantissa) - 1), mantissa);
}

Json show_numbers(const DemoInput& /*input*/, DemoText& text) {
  text.print("{:>9}  {:<5}{:<36}{}\n", "number", "as", "sign, exponent, mantissa", "what is stored");
  for (const float number : {1.0F, 0.1F, 70000.0F, 1e-5F}) {
    const std::uint16_t brain = float_to_bfloat16(number);
    const std::uint16_t half = float_to_half(number);
    text.print("{:>9g}  {:<5}{:<36}{:.9g}\n", number, "fp32",
               spaced_bits(std::bit_cast<std::uint32_t>(number), 32, 8), number);
    text.print("{:>9}  {:<5}{:<36}{:.9g}\n", "", "bf16", spaced_bits(brain, 16, 8), bfloat16_to_float(brain));
    text.print("{:>9}  {:<5}{:<36}{:.9g}\n", "", "fp16", spaced_bits(half, 16, 5), half_to_float(half));
  }
  return nullptr;
}

// Blocks.

std::string hex_bytes(std::span<const std::byte> bytes) {
  std::vector<int> numbers;
  for (const std::byte one : bytes) numbers.push_back(std::to_integer<int>(one));
  return fmt::format("{:02x}", fmt::join(numbers, " "));
}

void show_block(DType dtype, std::span<const std::byte> block, DemoText& text) {
  std::vector<float> numbers(static_cast<std::size_t>(info(dtype).block_elements));
  decode(dtype, block, numbers);
  const auto half_at = [&](std::size_t at) {
    return half_to_float(static_cast<std::uint16_t>(std::to_integer<int>(block[at]) |
                                                    (std::to_integer<int>(block[at + 1]) << 8)));
  };
  constexpr std::size_t shown = 6;
  std::vector<int> integers;
  if (dtype == DType::Q8_0) {
    for (std::size_t i = 0; i < shown; ++i)
      integers.push_back(static_cast<std::int8_t>(std::to_integer<int>(block[2 + i])));
    text.print("  scale         {}\n", half_at(0));
  } else if (dtype == DType::Q4_1) {
    for (std::size_t i = 0; i < shown; ++i) integers.push_back(std::to_integer<int>(block[4 + i]) & 15);
    text.print("  scale         {}\n  minimum       {}\n", half_at(0), half_at(2));
  }
  if (!integers.empty()) text.print("  integers      {:>8} …\n", fmt::join(integers, " "));
  text.print("  numbers       {:>8.4f} …\n",
             fmt::join(std::span(numbers).first(std::min(shown, numbers.size())), " "));
}

Json show_blocks(const DemoInput& input, DemoText& text) {
  std::vector<DType> seen;
  for (const Tensor& tensor : input.checkpoint.tensors()) {
    const DTypeInfo& type = info(tensor.view.dtype);
    if (tensor.view.shape.size() != 2 || std::ranges::count(seen, tensor.view.dtype) > 0) continue;
    seen.push_back(tensor.view.dtype);
    const std::span<const std::byte> block =
        tensor.view.bytes.first(static_cast<std::size_t>(type.block_bytes));
    text.print("{}, {}: a block of {} numbers in {} bytes, {} bits a number\n", tensor.name, type.name,
               type.block_elements, type.block_bytes,
               8 * static_cast<double>(type.block_bytes) / static_cast<double>(type.block_elements));
    text.print("  first bytes   {} …\n", hex_bytes(block.first(std::min<std::size_t>(block.size(), 10))));
    show_block(tensor.view.dtype, block, text);
  }
  return nullptr;
}

// Memory mapping.

/// Bytes of the mapping around `address` that this process has in memory; -1 where the system does not tell.
std::int64_t resident_bytes_around(const std::byte* address) {
  const auto wanted = std::bit_cast<std::uintptr_t>(address);
  std::ifstream maps("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::uintptr_t first = 0;
    std::uintptr_t last = 0;
    char dash = 0;
    if (words >> std::hex >> first >> dash >> last && dash == '-') {
      inside = first <= wanted && wanted < last;
    } else if (inside && line.starts_with("Rss:")) {
      std::int64_t kibibytes = 0;
      std::istringstream(line.substr(4)) >> kibibytes;
      return kibibytes * 1024;
    }
  }
  return -1;
}

/// Touches every byte.
int xor_of(std::span<const std::byte> bytes) {
  std::byte all{};
  for (const std::byte one : bytes) all ^= one;
  return std::to_integer<int>(all);
}

Json show_mapping(const DemoInput& input, DemoText& text) {
  const measure::Stopwatch opening;
  const Checkpoint checkpoint = Checkpoint::open(input.checkpoint.path());
  const double open_seconds = opening.seconds();
  const Tensor& tensor = checkpoint.tensor("layers.0.feed_forward.gate.weight");
  const std::byte* const address = tensor.view.bytes.data();
  std::int64_t bytes = 0;
  for (const Tensor& each : checkpoint.tensors()) bytes += static_cast<std::int64_t>(each.view.bytes.size());

  volatile int used = 0;  // so that the bytes must be read
  const auto print = [&](const std::string& what, double seconds) {
    text.print("{:<40}{:8.1f} ms   {:5.1f} MB of it in memory\n", what, 1e3 * seconds,
               static_cast<double>(resident_bytes_around(address)) / 1e6);
  };
  text.print("{} tensors, {:.1f} MB\n", checkpoint.tensors().size(), static_cast<double>(bytes) / 1e6);
  print("opened", open_seconds);
  const measure::Stopwatch one;
  used = used + xor_of(tensor.view.bytes);
  print(fmt::format("one tensor read, {:.2f} MB", static_cast<double>(tensor.view.bytes.size()) / 1e6),
        one.seconds());
  const measure::Stopwatch rest;
  for (const Tensor& each : checkpoint.tensors()) used = used + xor_of(each.view.bytes);
  print("all tensors read", rest.seconds());
  const measure::Stopwatch again;
  for (const Tensor& each : checkpoint.tensors()) used = used + xor_of(each.view.bytes);
  print("all tensors read again", again.seconds());
  return nullptr;
}

// Strides.

Json show_strides(const DemoInput& /*input*/, DemoText& text) {
  Matrix m(3, 4);
  for (Eigen::Index i = 0; i < m.size(); ++i) m.data()[i] = static_cast<float>(i);
  const ConstMatrixView block = m.block(0, 1, 3, 2);
  const auto offset = [&](const float& number) { return &number - m.data(); };
  text.print("memory              {}\n", fmt::join(std::span(m.data(), 12), " "));
  text.print("m, [3, 4]           stride {}   m(2, 1) is number {}\n", m.outerStride(), offset(m(2, 1)));
  text.print("columns 1 and 2     stride {}   its (2, 0) is number {}\n", block.outerStride(),
             offset(block.coeffRef(2, 0)));
  const auto transposed = m.transpose();
  text.print("m transposed        stride {}   its (1, 2) is number {}, and nothing was moved\n",
             transposed.outerStride(), offset(transposed.coeffRef(1, 2)));
  return nullptr;
}

// The product.

std::string show_matrix(const ConstMatrixView& matrix) {
  std::string text;
  for (Eigen::Index r = 0; r < matrix.rows(); ++r) {
    text += fmt::format(
        "{:>4}\n", fmt::join(std::span(matrix.row(r).data(), static_cast<std::size_t>(matrix.cols())), " "));
  }
  return text;
}

Json show_product(const DemoInput& /*input*/, DemoText& text) {
  const auto table = std::make_shared<Matrix>(4, 2);  // [V, K]
  *table << 1, 2, 3, -1, 0, 1, 2, 2;
  Matrix w(2, 2);  // [N, K]
  w << 1, 0, 2, -1;
  const std::vector<std::int32_t> tokens = {2, 0, 1};
  Matrix x(3, 2);
  DenseEmbedding(table).rows(tokens, x);
  Matrix y(3, 2);
  matmul_loops(x, w, y);
  text.print("tokens {}\nx\n{}W\n{}y = x · Wᵀ\n{}", fmt::join(tokens, " "), show_matrix(x), show_matrix(w),
             show_matrix(y));
  const measure::Work work = linear_work(3, 2, 2, DType::F32);
  text.print("{:.0f} FLOPs, {:.0f} bytes, {:.2f} FLOPs a byte\n", work.flops, work.bytes, work.intensity());
  return nullptr;
}

}  // namespace

std::vector<DemoPart> memory_parts() {
  return {
      {"product", "three tokens, worked by hand", show_product},
      {"numbers", "four numbers in three formats, bit by bit", show_numbers},
      {"blocks", "the first block of each format in the model's file", show_blocks},
      {"mapping", "what opening a file reads, and what reading a tensor does", show_mapping},
      {"strides", "where the numbers of a matrix, a part of it and its transpose lie", show_strides},
  };
}

}  // namespace rung
