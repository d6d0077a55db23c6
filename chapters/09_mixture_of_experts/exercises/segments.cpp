// Exercise 9.2: rows sorted by expert, and the way back. What the three functions must do stands in
// chapters/09_mixture_of_experts/segments.h.
//
// This file takes the place of chapters/09_mixture_of_experts/segments.cpp, so it must define what that one does.

#include "chapters/09_mixture_of_experts/segments.h"

#include <numeric>

#include "core/error.h"

namespace rung {

ExpertSegments segments_of(const Routing& routing) {
  throw Error(
      ErrorKind::bad_input,
      "segments_of is not written yet: chapters/09_mixture_of_experts/exercises/README.md, exercise 9.2");
}

void gather_rows(const ExpertSegments& segments, const ConstMatrixView& x, MatrixView gathered) {
  throw Error(
      ErrorKind::bad_input,
      "gather_rows is not written yet: chapters/09_mixture_of_experts/exercises/README.md, exercise 9.2");
}

void combine_rows(const ExpertSegments& segments, const ConstMatrixView& results, MatrixView out) {
  throw Error(
      ErrorKind::bad_input,
      "combine_rows is not written yet: chapters/09_mixture_of_experts/exercises/README.md, exercise 9.2");
}

}  // namespace rung
