#include "core/check/runner.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "core/check/index.h"
#include "core/error.h"

namespace rung::check {
namespace {

/// Bytes before and after every array. The data behind it starts at a multiple of 64, as kernels like it.
constexpr std::size_t guard_bytes = 256;
constexpr std::size_t alignment = 64;

/// A NaN whose bits no arithmetic gives, so that "never written" can be told from "computed as NaN".
std::uint32_t poison(NumberType type) {
  switch (type) {
    case NumberType::f32:
      return 0x7fc0dead;
    case NumberType::f16:
      return 0x7e5a;
    case NumberType::bf16:
      return 0x7fda;
  }
  return 0;
}

/// Memory for one array between its guard bands.
class Guarded {
 public:
  Guarded(NumberType type, std::int64_t numbers)
      : size_(static_cast<std::size_t>(numbers) * size_of(type)),
        memory_(size_ + 2 * guard_bytes + alignment) {
    void* start = memory_.data() + guard_bytes;
    std::size_t room = memory_.size() - guard_bytes;
    data_ = static_cast<std::byte*>(std::align(alignment, size_, start, room));
    for (std::size_t i = 0; i + size_of(type) <= memory_.size(); i += size_of(type)) {
      const std::uint32_t bits = poison(type);
      std::memcpy(&memory_[i], &bits, size_of(type));
    }
  }

  Guarded(Guarded&&) noexcept = default;
  Guarded(const Guarded&) = delete;  // data_ points into memory_
  Guarded& operator=(const Guarded&) = delete;
  ~Guarded() = default;

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  /// Everything, guards and all, to compare with later.
  const std::vector<std::byte>& memory() const { return memory_; }
  std::size_t offset() const { return static_cast<std::size_t>(data_ - memory_.data()); }
  std::size_t size() const { return size_; }

 private:
  std::size_t size_;
  std::vector<std::byte> memory_;
  std::byte* data_ = nullptr;
};

std::int64_t rows_of(const Shape& shape) {
  return elements(shape) / shape.back();
}

/// All of a case's arrays in guarded memory, and the Call that hands them out.
class Arena {
 public:
  /// Outputs hold NaN, or ones.
  explicit Arena(const Case& problem, bool ones = false) : problem_(problem) {
    for (const Array& array : problem.inputs) {
      const NumberType width = array.whole ? NumberType::f32 : problem.type;  // an int32 is as wide
      Guarded& memory = inputs_.emplace_back(width, static_cast<std::int64_t>(array.values.size()));
      if (array.whole) {
        store_whole(array.values, memory.data());
      } else {
        store(problem.type, array.values, memory.data());
      }
      before_.push_back(memory.memory());
      input_tensors_.push_back(
          {array.name, problem.type, array.shape, array.row_stride, memory.data(), array.whole});
    }
    for (const OutputInfo& output : problem.outputs) {
      Guarded& memory = outputs_.emplace_back(problem.type, rows_of(output.shape) * output.row_stride);
      if (ones) {
        store(problem.type,
              std::vector<float>(static_cast<std::size_t>(rows_of(output.shape) * output.row_stride), 1.0F),
              memory.data());
      }
      clean_.push_back(memory.memory());
      output_tensors_.push_back({output.name, problem.type, output.shape, output.row_stride, memory.data()});
    }
  }

  void run(const Candidate& candidate) {
    candidate.run(
        {problem_.op, problem_.name, problem_.type, problem_.params, input_tensors_, output_tensors_});
  }

  /// The first thing that is wrong with the memory after a run, or nothing.
  std::string problem() const {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i].memory() != before_[i])
        return fmt::format("input {} was changed", problem_.inputs[i].name);
    }
    for (std::size_t o = 0; o < outputs_.size(); ++o) {
      std::string found = stray_write(o);
      if (!found.empty()) return found;
    }
    return {};
  }

  /// Numbers that are as they were before the call: of all outputs, row by row, without gaps.
  std::vector<bool> untouched() const {
    std::vector<bool> all;
    const std::size_t size = size_of(problem_.type);
    for (std::size_t o = 0; o < outputs_.size(); ++o) {
      const OutputInfo& info = problem_.outputs[o];
      for (std::int64_t r = 0; r < rows_of(info.shape); ++r) {
        const std::size_t row = outputs_[o].offset() + row_offset(info, r);
        for (std::size_t c = 0; c < static_cast<std::size_t>(info.shape.back()); ++c) {
          all.push_back(
              std::memcmp(&outputs_[o].memory()[row + c * size], &clean_[o][row + c * size], size) == 0);
        }
      }
    }
    return all;
  }

  Values results() const {
    Values values;
    for (std::size_t o = 0; o < outputs_.size(); ++o) {
      const OutputInfo& info = problem_.outputs[o];
      std::vector<float> row(static_cast<std::size_t>(info.shape.back()));
      std::vector<double>& numbers = values.emplace_back();
      numbers.reserve(static_cast<std::size_t>(elements(info.shape)));
      for (std::int64_t r = 0; r < rows_of(info.shape); ++r) {
        load(problem_.type, outputs_[o].data() + row_offset(info, r), row);
        numbers.insert(numbers.end(), row.begin(), row.end());
      }
    }
    return values;
  }

  /// Where this arena's outputs and another's differ, or nothing.
  std::string difference(const Arena& other) const {
    for (std::size_t o = 0; o < outputs_.size(); ++o) {
      const auto [mine, theirs] = std::mismatch(outputs_[o].data(), outputs_[o].data() + outputs_[o].size(),
                                                other.outputs_[o].data());
      if (mine == outputs_[o].data() + outputs_[o].size()) continue;
      const auto number = static_cast<std::int64_t>((mine - outputs_[o].data()) /
                                                    static_cast<std::ptrdiff_t>(size_of(problem_.type)));
      const OutputInfo& info = problem_.outputs[o];
      const std::int64_t flat = number / info.row_stride * info.shape.back() + number % info.row_stride;
      return fmt::format("a second run gave other bits, first at {}{}", info.name,
                         to_string(index_of(info.shape, static_cast<std::size_t>(flat))));
    }
    return {};
  }

 private:
  std::size_t row_offset(const OutputInfo& info, std::int64_t r) const {
    return static_cast<std::size_t>(r * info.row_stride) * size_of(problem_.type);
  }

  std::string stray_write(std::size_t o) const {
    const OutputInfo& info = problem_.outputs[o];
    const Guarded& now = outputs_[o];
    const std::size_t start = now.offset();
    const auto changed = [&](std::size_t first, std::size_t last) {
      return std::memcmp(&now.memory()[first], &clean_[o][first], last - first) != 0;
    };
    if (changed(0, start)) return fmt::format("wrote before the start of output {}", info.name);
    const std::size_t width = static_cast<std::size_t>(info.shape.back()) * size_of(problem_.type);
    for (std::int64_t r = 0; r + 1 < rows_of(info.shape); ++r) {
      if (changed(start + row_offset(info, r) + width, start + row_offset(info, r + 1))) {
        return fmt::format("wrote into the gap after row {} of output {} (its row stride is {})", r,
                           info.name, info.row_stride);
      }
    }
    const std::size_t end = start + row_offset(info, rows_of(info.shape) - 1) + width;
    if (changed(end, now.memory().size())) return fmt::format("wrote past the end of output {}", info.name);
    return {};
  }

  const Case& problem_;
  std::vector<Guarded> inputs_;
  std::vector<Guarded> outputs_;
  std::vector<std::vector<std::byte>> before_;  ///< the inputs' memory as it must stay
  std::vector<std::vector<std::byte>> clean_;   ///< the outputs' memory before a run
  std::vector<ConstTensor> input_tensors_;
  std::vector<MutableTensor> output_tensors_;
};

}  // namespace

namespace {

/// What is wrong with numbers that are still NaN, one line; nothing when there are none.
/// @param left  of all outputs, row by row
std::string still_nan(const Case& problem, const std::vector<bool>& left, bool added_to) {
  std::size_t start = 0;
  for (const OutputInfo& info : problem.outputs) {
    const auto first = left.begin() + static_cast<std::ptrdiff_t>(start);
    const auto last = first + static_cast<std::ptrdiff_t>(elements(info.shape));
    start += static_cast<std::size_t>(elements(info.shape));
    const auto missing = std::count(first, last, true);
    if (missing == 0) continue;
    const auto where = static_cast<std::size_t>(std::find(first, last, true) - first);
    return fmt::format(
        "{} of {} numbers of output {} were {}, first {}: it was filled with NaN before the call", missing,
        elements(info.shape), info.name, added_to ? "added to, not overwritten" : "never written",
        to_string(index_of(info.shape, where)));
  }
  return {};
}

/// Whether numbers that stay NaN where an output held NaN change where it held ones.
bool adds_to_output(const Candidate& candidate, const Case& problem, const std::vector<bool>& left) {
  Arena ones(problem, true);
  ones.run(candidate);
  const std::vector<bool> still_one = ones.untouched();
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (left[i] && !still_one[i]) return true;
  }
  return false;
}

}  // namespace

RunResult run_guarded(const Candidate& candidate, const Case& problem, bool deterministic) {
  RunResult result;
  Arena first(problem);
  try {
    first.run(candidate);
    result.outputs = first.results();
    result.problem = first.problem();
    if (result.problem.empty()) {
      const std::vector<bool> left = first.untouched();
      if (std::find(left.begin(), left.end(), true) != left.end()) {
        result.added_to = adds_to_output(candidate, problem, left);
        result.problem = still_nan(problem, left, result.added_to);
      }
    }
    if (result.problem.empty() && deterministic) {
      Arena second(problem);
      second.run(candidate);
      result.problem = first.difference(second);
    }
  } catch (const Error& error) {
    // What it did once it must do again.
    result.supported = error.kind() != ErrorKind::unsupported || !result.outputs.empty();
    result.outputs.clear();
    result.problem = result.supported ? error.what() : "";
  } catch (const std::exception& error) {  // a learner's code throws what it likes
    result.outputs.clear();
    result.problem = error.what();
  }
  return result;
}

}  // namespace rung::check
