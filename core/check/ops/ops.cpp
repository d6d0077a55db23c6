#include "core/check/ops/ops.h"

#include "core/error.h"

namespace rung::check {

const std::vector<Op>& ops() {
  static const std::vector<Op> all = {rms_norm_op(),  rope_op(),   softmax_op(),
                                      attention_op(), swiglu_op(), linear_op()};
  return all;
}

const std::vector<Op>& kernel_ops() {
  static const std::vector<Op> all = {add_op(), embedding_op(), add_rms_norm_op()};
  return all;
}

const Op& find_op(std::string_view name) {
  std::string known;
  for (const Op& op : ops()) {
    if (op.name == name) return op;
    known += (known.empty() ? "" : ", ") + op.name;
  }
  throw Error(ErrorKind::usage, "no op is called \"{}\"; there are {}", name, known);
}

}  // namespace rung::check
