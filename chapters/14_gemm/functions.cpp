#include "chapters/14_gemm/functions.h"

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "chapters/14_gemm/gemm_cost.h"
#include "chapters/14_gemm/mma_tile.h"
#include "chapters/14_gemm/split_gemm.h"
#include "chapters/14_gemm/tiled_gemm.h"
#include "core/check/functions/gemm.h"

namespace rung {
namespace {

using Numbers = std::vector<double>;

std::int64_t run_gemm_traffic(const check::GemmTrafficInput& input) {
  return tiled_bytes({.m = input.m,
                      .n = input.n,
                      .k = input.k,
                      .tile_rows = input.tile_rows,
                      .tile_columns = input.tile_columns,
                      .number_bytes = input.number_bytes});
}

std::int64_t run_wavefronts(const check::WavefrontsInput& input) {
  return wavefronts(input.addresses, input.bytes_per_lane);
}

/// Device memory with these numbers.
template <typename T>
simt::device_buffer<T> on_device(const Numbers& numbers) {
  std::vector<T> rounded;
  rounded.reserve(numbers.size());
  for (const double number : numbers) rounded.push_back(static_cast<T>(static_cast<float>(number)));
  simt::device_buffer<T> buffer(rounded.size());
  buffer.upload(std::span<const T>(rounded));
  return buffer;
}

Numbers from_device(simt::device_buffer<float>& buffer) {
  std::vector<float> numbers(buffer.size());
  buffer.download(std::span(numbers));
  return {numbers.begin(), numbers.end()};
}

using Gemm = std::function<void(const float*, const float*, float*, const cuda::GemmShape&)>;

Numbers run_gemm(const check::GemmKernelInput& input, const Gemm& gemm) {
  const cuda::GemmShape shape{.m = static_cast<int>(input.m),
                              .n = static_cast<int>(input.n),
                              .k = static_cast<int>(input.k),
                              .a_stride = static_cast<int>(input.k + input.a_gap),
                              .w_stride = static_cast<int>(input.k + input.w_gap),
                              .c_stride = static_cast<int>(input.n + input.c_gap)};
  simt::device_buffer<float> a = on_device<float>(input.a());
  simt::device_buffer<float> w = on_device<float>(input.w());
  simt::device_buffer<float> c = on_device<float>(Numbers(
      static_cast<std::size_t>((input.m - 1) * shape.c_stride + input.n), check::GemmKernelInput::untouched));
  gemm(a.data(), w.data(), c.data(), shape);
  simt::synchronize();
  return from_device(c);
}

Numbers run_tiled_gemm(const check::GemmKernelInput& input) {
  return run_gemm(input, tiled_gemm);
}

Numbers run_split_gemm(const check::GemmKernelInput& input) {
  simt::device_buffer<float> sums =
      on_device<float>(Numbers(static_cast<std::size_t>(input.parts * input.m * input.n), 1e6));
  return run_gemm(input, [&](const float* a, const float* w, float* c, const cuda::GemmShape& shape) {
    split_gemm(a, w, sums.data(), c, shape, static_cast<int>(input.parts));
  });
}

Numbers run_mma_tile(const check::MmaTileInput& input) {
  simt::device_buffer<half> a = on_device<half>(input.a);
  simt::device_buffer<half> w = on_device<half>(input.w);
  simt::device_buffer<float> c =
      on_device<float>(Numbers(std::size_t{16} * 8, check::GemmKernelInput::untouched));
  mma_tile(a.data(), w.data(), c.data());
  simt::synchronize();
  return from_device(c);
}

}  // namespace

std::vector<check::JudgedFunction> gemm_functions() {
  return {check::judged<check::GemmTrafficInput, std::int64_t>(
              check::gemm_traffic_check(), "chapters/14_gemm/gemm_cost", run_gemm_traffic),
          check::judged<check::WavefrontsInput, std::int64_t>(check::wavefronts_check(),
                                                              "chapters/14_gemm/gemm_cost", run_wavefronts),
          check::judged<check::GemmKernelInput, Numbers>(check::tiled_gemm_check(),
                                                         "chapters/14_gemm/tiled_gemm", run_tiled_gemm),
          check::judged<check::MmaTileInput, Numbers>(check::mma_tile_check(), "chapters/14_gemm/mma_tile",
                                                      run_mma_tile),
          check::judged<check::GemmKernelInput, Numbers>(check::split_gemm_check(),
                                                         "chapters/14_gemm/split_gemm", run_split_gemm)};
}

}  // namespace rung
