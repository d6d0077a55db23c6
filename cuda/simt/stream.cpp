#include "cuda/simt/stream.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <exception>
#include <utility>
#include <vector>

#include "core/error.h"

namespace rung::simt {

namespace detail {

/// What an event has recorded.
struct Marker {
  Queue* queue = nullptr;  // until it is done
  bool done = false;
  bool dropped = false;  // the work before it failed
  std::chrono::steady_clock::time_point time;

  void reach() {
    done = true;
    queue = nullptr;
    time = std::chrono::steady_clock::now();
  }
};

/// One stream's work.
class Queue {
 public:
  void add(std::function<void()> work, std::shared_ptr<Marker> marker) {
    pending_.push_back({std::move(work), std::move(marker)});
  }

  /// Does the work up to a marker, or all of it.
  void drain(const Marker* until = nullptr) {
    while (!pending_.empty() && !(until != nullptr && until->done)) {
      Item item = std::move(pending_.front());
      pending_.pop_front();
      if (item.marker != nullptr) {
        item.marker->reach();
        continue;
      }
      try {
        item.work();
      } catch (...) {
        drop();
        throw;
      }
    }
  }

 private:
  struct Item {
    std::function<void()> work;
    std::shared_ptr<Marker> marker;
  };

  void drop() {
    for (const Item& item : pending_) {
      if (item.marker == nullptr) continue;
      item.marker->queue = nullptr;
      item.marker->dropped = true;
    }
    pending_.clear();
  }

  std::deque<Item> pending_;
};

void enqueue(Queue& queue, std::function<void()> work) {
  queue.add(std::move(work), nullptr);
}

namespace {

/// All streams there are, and what went wrong in one that is no more.
struct Streams {
  std::vector<Queue*> queues;
  std::exception_ptr left;
};

Streams& streams() {
  static Streams all;
  return all;
}

void wait_for(Marker& marker) {
  if (marker.queue != nullptr) marker.queue->drain(&marker);
  if (marker.dropped) {
    throw Error(ErrorKind::bad_input, "an event is waited for whose stream failed before it got there");
  }
}

}  // namespace

void finish_all_streams() noexcept {
  Streams& all = streams();
  for (Queue* queue : all.queues) {
    try {
      queue->drain();
    } catch (...) {
      if (all.left == nullptr) all.left = std::current_exception();
    }
  }
}

}  // namespace detail

event::event() = default;

void event::record(stream_t stream) {
  marker_ = std::make_shared<detail::Marker>();
  if (stream == nullptr) {
    marker_->reach();
  } else {
    marker_->queue = stream;
    stream->add({}, marker_);
  }
}

void event::synchronize() {
  if (marker_ != nullptr) detail::wait_for(*marker_);
}

float event::milliseconds(const event& from, const event& to) {
  if (from.marker_ == nullptr || to.marker_ == nullptr || !from.marker_->done || !to.marker_->done) {
    throw Error(ErrorKind::usage,
                "the time between two events is asked for before both were recorded and waited for");
  }
  return std::chrono::duration<float, std::milli>(to.marker_->time - from.marker_->time).count();
}

stream::stream() : queue_(std::make_unique<detail::Queue>()) {
  detail::streams().queues.push_back(queue_.get());
}

stream::~stream() {
  try {
    queue_->drain();
  } catch (...) {
    if (detail::streams().left == nullptr) detail::streams().left = std::current_exception();
  }
  auto& queues = detail::streams().queues;
  queues.erase(std::find(queues.begin(), queues.end(), queue_.get()));
}

void stream::wait(const event& event) {
  if (event.marker_ == nullptr) return;
  detail::enqueue(*queue_, [marker = event.marker_] { detail::wait_for(*marker); });
}

void stream::synchronize() {
  queue_->drain();
}

void synchronize() {
  detail::finish_all_streams();
  auto& all = detail::streams();
  if (all.left != nullptr) std::rethrow_exception(std::exchange(all.left, nullptr));
}

}  // namespace rung::simt
