#include "core/check/ops/ops.h"

#include "core/error.h"

namespace rung::check {
namespace {

const Op& find_in(const std::vector<Op>& all, std::string_view name) {
  std::string known;
  for (const Op& op : all) {
    if (op.name == name) return op;
    known += (known.empty() ? "" : ", ") + op.name;
  }
  throw Error(ErrorKind::usage, "no op is called \"{}\"; there are {}", name, known);
}

}  // namespace

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
  return find_in(ops(), name);
}

const Op& find_kernel_op(std::string_view name) {
  return find_in(kernel_ops(), name);
}

}  // namespace rung::check
