#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/check/case.h"

namespace rung::check {

/// An array as a kernel sees it: the case's numbers in their own type (int32 where they are `whole`), in
/// memory that the harness guards.
struct ConstTensor {
  std::string_view name;
  NumberType type;
  std::span<const std::int64_t> shape;
  std::int64_t row_stride;  ///< in numbers
  const std::byte* data;
  bool whole = false;

  /// Numbers in a row.
  std::int64_t columns() const { return shape.back(); }
  /// Product of the other dimensions.
  std::int64_t rows() const;
  /// Bytes from one row to the next.
  std::size_t row_bytes() const;
};

/// A result's place: holds NaN until the kernel writes it.
struct MutableTensor {
  std::string_view name;
  NumberType type;
  std::span<const std::int64_t> shape;
  std::int64_t row_stride;  ///< in numbers
  std::byte* data;

  /// Numbers in a row.
  std::int64_t columns() const { return shape.back(); }
  /// Product of the other dimensions.
  std::int64_t rows() const;
  /// Bytes from one row to the next.
  std::size_t row_bytes() const;
};

/// One call of a kernel. Params, inputs and outputs come in the order of the Op's lists.
struct Call {
  std::string_view op;
  std::string_view case_name;
  NumberType type;
  std::span<const Param> params;
  std::span<const ConstTensor> inputs;
  std::span<const MutableTensor> outputs;

  /// @throws Error (usage) when there is none of that name
  double param(std::string_view name) const;
  /// The same for a param that is a whole number.
  std::int64_t integer(std::string_view name) const;
  /// @throws Error (usage) when there is none of that name
  const ConstTensor& input(std::string_view name) const;
};

/// A kernel to be judged. `run` may throw rung::Error; the report then says so. An Error of kind
/// `unsupported` means that the kernel does not do this case (its shape, its type): the case is then not
/// judged.
struct Candidate {
  std::string name;
  std::string op;
  std::vector<NumberType> types;  ///< those it can be called with
  std::function<void(const Call&)> run;
  /// Whether the output may be any of the op's `in_place` inputs: it is then judged that way too. Kernels of others
  /// promise nothing of the kind.
  bool in_place = false;
  /// A case as the candidate's own function gets it, with the same right result: one that has no parameter for the
  /// scale gets it with q. Known mistakes are looked for there. Empty: as it is.
  std::function<Case(const Case&)> as_called = nullptr;
};

/// The case that a call came from, read back from the call's own memory (without seed and description).
Case to_case(const Call& call);

/// A candidate that writes what `values` returns, rounded to the case's type: known mistakes, reorderings and
/// baselines take the same way through the harness as everybody else.
Candidate from_values(std::string name, std::string op, std::function<Values(const Case&)> values);

}  // namespace rung::check
