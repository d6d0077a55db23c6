#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "cuda/simt/device_memory.h"

namespace rung::simt {

/// `count` numbers in the device's memory, undefined until they are written. On the CPU that memory is ordinary memory,
/// aligned to 256 bytes, which an observer is told of; on a GPU it is the GPU's.
template <typename T>
class device_buffer {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  /// @throws Error (full) when the device has no room for that many
  explicit device_buffer(std::size_t count) : count_(count) {
    data_ = static_cast<T*>(detail::allocate_device_memory(count, sizeof(T)));
  }
  /// As many as there are values, and the values.
  explicit device_buffer(std::span<const T> values) : device_buffer(values.size()) { upload(values); }
  /// Takes the other one's memory, and leaves it none.
  device_buffer(device_buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)) {}
  /// Exchanges the two.
  device_buffer& operator=(device_buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    return *this;
  }
  /// Waits for all streams first, as cudaFree does.
  ~device_buffer() { detail::release_device_memory(data_, count_ * sizeof(T)); }

  /// Where it begins. For kernels; on a GPU the host must not read there.
  T* data() { return data_; }
  /// The same, to read from.
  const T* data() const { return data_; }
  /// How many numbers it holds.
  std::size_t size() const { return count_; }

  /// Writes all of it.
  /// @throws Error (usage) when there are not as many values as it holds
  void upload(std::span<const T> values) {
    detail::check_copy_size(values.size(), count_, "upload to");
    detail::copy_to_device(data_, values.data(), count_ * sizeof(T));
  }
  /// Reads all of it.
  /// @throws Error (usage) when there is not room for as many values as it holds, or for more
  void download(std::span<T> values) const {
    detail::check_copy_size(values.size(), count_, "download from");
    detail::copy_from_device(values.data(), data_, count_ * sizeof(T));
  }
  /// A copy of all of it.
  std::vector<T> download() const {
    std::vector<T> values(count_);
    download(values);
    return values;
  }

 private:
  T* data_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace rung::simt
