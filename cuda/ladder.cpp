#include "cuda/ladder.h"

#include <algorithm>

#include "core/error.h"

namespace rung::cuda {

const std::vector<KernelLadder>& kernel_ladders() {
  static const std::vector<KernelLadder> all = {add_ladder(),         swiglu_ladder(),  rmsnorm_ladder(),
                                                add_rmsnorm_ladder(), softmax_ladder(), rope_ladder(),
                                                embedding_ladder(),   gemm_ladder(),    attention_ladder()};
  return all;
}

const KernelLadder& find_kernel_ladder(std::string_view op) {
  std::string known;
  for (const KernelLadder& ladder : kernel_ladders()) {
    if (ladder.op == op || folder_of(ladder) == op) return ladder;
    known += (known.empty() ? "" : ", ") + ladder.op;
  }
  throw Error(ErrorKind::usage, "there are no kernels for an op '{}'; there are {}", op, known);
}

std::string folder_of(const KernelLadder& ladder) {
  constexpr std::string_view cuda = "cuda/";
  const std::string& source = ladder.rungs.front().source;
  return source.substr(cuda.size(), source.find('/', cuda.size()) - cuda.size());
}

check::Candidate candidate_of(const KernelLadder& ladder, const KernelRung& rung) {
  return {.name = rung.source,
          .op = ladder.op,
          .types = rung.types,
          .run = [run = rung.run](const check::Call& call) { run(call, Memory::of_the_call); },
          .in_place = rung.in_place};
}

double bytes_of(const check::Case& problem) {
  double bytes = 0;
  for (const check::Array& input : problem.inputs) {
    const std::size_t size = input.whole ? 4 : check::size_of(problem.type);
    bytes += static_cast<double>(input.rows() * input.columns()) * static_cast<double>(size);
  }
  for (const check::OutputInfo& output : problem.outputs) {
    bytes += static_cast<double>(elements(output.shape)) * static_cast<double>(check::size_of(problem.type));
  }
  return bytes;
}

}  // namespace rung::cuda
