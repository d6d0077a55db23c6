#include "chapters/09_mixture_of_experts/grouped_linear.h"

#include <utility>

#include "core/error.h"

namespace rung {

GroupedActivations::GroupedActivations(const ConstMatrixView& values, std::span<const std::int64_t> offsets)
    : offsets_(offsets) {
  segments_.reserve(offsets.size() - 1);
  for (std::size_t e = 0; e + 1 < offsets.size(); ++e)
    segments_.emplace_back(values.middleRows(offsets[e], offsets[e + 1] - offsets[e]));
}

LinearPerExpert::LinearPerExpert(std::vector<std::unique_ptr<Linear>> experts)
    : experts_(std::move(experts)) {
  if (experts_.empty()) throw Error(ErrorKind::usage, "a mixture of no experts; it takes at least one");
  for (const auto& expert : experts_) {
    if (expert->in() != in() || expert->out() != out()) {
      throw Error(ErrorKind::usage, "experts of different shapes: [{}, {}] and [{}, {}]; all must be alike",
                  out(), in(), expert->out(), expert->in());
    }
  }
}

// [apply]
void LinearPerExpert::apply(const GroupedActivations& x, MatrixView out) const {
  for (std::int64_t e = 0; e < experts(); ++e) {
    if (x.count(e) == 0) continue;  // its weights stay where they are: this is what a mixture saves
    apply_expert(e, x.segment(e), out.middleRows(x.first(e), x.count(e)));
  }
}
// [apply]

}  // namespace rung
