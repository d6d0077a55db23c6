#pragma once

// From a call of the harness to a host function of a kernel: what every cuda/<op>/call.h is made of.

#include <concepts>
#include <cstddef>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/check/candidate.h"
#include "core/check/inputs.h"
#include "core/error.h"
#include "cuda/ladder.h"
#include "cuda/simt/simt.h"

namespace rung::cuda {

/// An array of a call where a kernel reads and writes it. T is the kernel's type of number, const for an input.
template <typename T>
class CallArray {
 public:
  /// Of an input.
  CallArray(const check::ConstTensor& tensor, Memory memory)
      : CallArray(reinterpret_cast<T*>(tensor.data), tensor, memory) {}
  /// Of an output.
  CallArray(const check::MutableTensor& tensor, Memory memory)
      : CallArray(reinterpret_cast<T*>(tensor.data), tensor, memory) {}

  /// For the kernel.
  T* data() { return device_.empty() ? host_ : device_[0].data(); }
  /// Numbers from one row to the next.
  int stride() const { return stride_; }

  /// Copies what the kernel wrote back to the call. What lies between rows is left as it was.
  void bring_back() requires(!std::is_const_v<T>) {
    if (!device_.empty()) device_[0].download(std::span<T>(host_, count_));
  }

 private:
  template <typename Tensor>
  CallArray(T* host, const Tensor& tensor, Memory memory)
      : host_(host),
        stride_(static_cast<int>(tensor.row_stride)),
        // Behind the last row there is no gap.
        count_(static_cast<std::size_t>((tensor.rows() - 1) * tensor.row_stride + tensor.columns())) {
    if (tensor.rows() * tensor.row_stride > std::numeric_limits<int>::max())
      throw Error(ErrorKind::unsupported, "{}: the kernels count numbers in 32 bits", tensor.name);
#ifdef __CUDACC__
    if (memory == Memory::of_the_call) memory = Memory::of_the_device;
#endif
    if (memory == Memory::of_the_device) {
      device_.emplace_back(count_);
      device_[0].upload(std::span<const std::remove_const_t<T>>(host, count_));
    }
  }

  T* host_;
  int stride_;
  std::size_t count_;
  std::vector<simt::device_buffer<std::remove_const_t<T>>> device_;  // one or none
};

/// Waits for the kernels and copies the results back, unless they are to stay where they are.
template <typename... Results>
void finish(Memory memory, Results&... results) {
  if (memory == Memory::resident) return;
  simt::synchronize();
  (results.bring_back(), ...);
}

/// Calls `of_type.operator()<T>()` with the T that the call's type is on a device.
template <typename OfType>
void with_device_type(check::NumberType type, OfType&& of_type) {
  switch (type) {
    case check::NumberType::f32:
      return of_type.template operator()<float>();
    case check::NumberType::f16:
      return of_type.template operator()<__half>();
    case check::NumberType::bf16:
      return of_type.template operator()<__nv_bfloat16>();
  }
}

/// The types of number for which `kernel` can be called with what `Arguments<T>` lists, a tuple of types.
template <template <typename> typename Arguments, typename Kernel>
std::vector<check::NumberType> types_of(const Kernel& /*kernel*/) {
  std::vector<check::NumberType> types;
  for (const check::NumberType type : check::number_types) {
    with_device_type(type, [&]<typename T>() {
      const auto callable = []<typename... A>(std::type_identity<void(A...)>) {
        return std::invocable<Kernel, A...>;
      };
      if (callable(std::type_identity<Arguments<T>>{})) types.push_back(type);
    });
  }
  return types;
}

}  // namespace rung::cuda
