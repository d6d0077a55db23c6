// Exercise 9.3: how DeepSeek-V3 chooses experts. What sigmoid_in_groups must do stands in
// chapters/09_mixture_of_experts/group_routing.h.
//
// This file takes the place of chapters/09_mixture_of_experts/group_routing.cpp, so it must define what that one does.
// require_groups is given.

#include "chapters/09_mixture_of_experts/group_routing.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "core/error.h"

namespace rung {

namespace {

/// Given: refuses what does not fit.
void require_groups(std::int64_t experts, std::int64_t used, const GroupRule& rule) {
  if (rule.groups < 1 || experts % rule.groups != 0) {
    throw Error(ErrorKind::usage, "{} experts cannot be divided into {} equal groups", experts, rule.groups);
  }
  if (rule.groups_used < 1 || rule.groups_used > rule.groups) {
    throw Error(ErrorKind::usage, "{} of {} groups cannot be used; at least 1 and at most all are",
                rule.groups_used, rule.groups);
  }
  if (used > rule.groups_used * (experts / rule.groups)) {
    throw Error(ErrorKind::usage, "{} of {} groups have {} experts; {} cannot be chosen of them",
                rule.groups_used, rule.groups, rule.groups_used * (experts / rule.groups), used);
  }
}

}  // namespace

Routing sigmoid_in_groups(const ConstMatrixView& scores, const ConstVectorView& bias, std::int64_t used,
                          const GroupRule& rule) {
  throw Error(ErrorKind::bad_input,
              "sigmoid_in_groups is not written yet: chapters/09_mixture_of_experts/exercises/README.md, "
              "exercise 9.3");
}

}  // namespace rung
