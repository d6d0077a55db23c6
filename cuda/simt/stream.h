#pragma once

#include <functional>
#include <memory>

// Streams and events on the CPU: queues whose work is done, in order, when somebody waits for it. Work of two streams that
// no event orders is thus not done in the order in which it was issued, and a forgotten event shows. Streams are used from
// one host thread. on_gpu.h has the same names for nvcc.

namespace rung::simt {

namespace detail {

class Queue;
struct Marker;

/// Adds work to the end of a queue.
void enqueue(Queue& queue, std::function<void()> work);
/// Does all work of all streams; what goes wrong comes from the next synchronize().
void finish_all_streams() noexcept;

}  // namespace detail

/// What Launch::stream takes; null is the default stream, whose work is done at once.
using stream_t = detail::Queue*;

/// A moment in a stream.
class event {
 public:
  event();
  /// The moment when everything that `stream` has now is done.
  void record(stream_t stream = nullptr);
  /// Waits for that moment; at once where nothing was recorded.
  /// @throws Error of the work before it
  void synchronize();
  /// The time from one moment to another; both must have been waited for.
  /// @throws Error (usage) when one of them was not
  static float milliseconds(const event& from, const event& to);

 private:
  friend class stream;
  std::shared_ptr<detail::Marker> marker_;
};

/// A queue of kernels. It does not wait for the default stream, nor that for it (cudaStreamNonBlocking).
class stream {
 public:
  stream();
  /// Does what is left in it. What goes wrong then comes from the next synchronize().
  ~stream();
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;

  /// For Launch::stream and event::record.
  operator stream_t() const { return queue_.get(); }  // NOLINT(google-explicit-constructor)
  /// What comes after waits for the event as it was recorded last.
  void wait(const event& event);
  /// Waits until the stream is empty.
  /// @throws Error of a kernel in it; what was queued behind that kernel is dropped
  void synchronize();

 private:
  std::unique_ptr<detail::Queue> queue_;
};

/// Waits for all streams.
/// @throws Error of a kernel in one of them
void synchronize();

}  // namespace rung::simt
