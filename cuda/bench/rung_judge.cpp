#include "cuda/bench/rung_judge.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>

namespace rung::cuda {

RungJudge::RungJudge(const check::Op& op, const ProblemSize& size, const check::Case& whole,
                     std::int64_t rows)
    : op_(op), whole_(whole), rows_(sampled_rows(whole.outputs.front().shape.front(), rows)) {
  parts_ = parts_of(op, size, whole, rows_);
  references_.reserve(parts_.size());
  baselines_.reserve(parts_.size());
  for (const check::Case& part : parts_) {
    references_.push_back(op.reference(part));
    baselines_.push_back(check::baseline_runs(op, part));
  }
}

RowsVerdict RungJudge::judge(std::span<const std::vector<std::byte>> outputs) const {
  std::vector<check::Values> results(parts_.size(), check::Values(outputs.size()));
  const std::size_t rows_of_part = rows_.size() / parts_.size();
  for (std::size_t output = 0; output < outputs.size(); ++output) {
    const check::OutputInfo& info = whole_.outputs[output];
    const auto numbers = static_cast<std::size_t>(elements(info.shape) / info.shape.front());  // of a row
    const std::size_t row_bytes = numbers * check::size_of(whole_.type);
    std::vector<float> row(numbers);
    const auto read = [&](std::int64_t r) {
      check::load(whole_.type, outputs[output].data() + static_cast<std::size_t>(r) * row_bytes, row);
    };
    for (std::int64_t r = 0; r < info.shape.front(); ++r) {
      read(r);
      if (const auto nan = std::ranges::find_if(row, [](float x) { return std::isnan(x); }); nan != row.end())
        return {.passed = false,
                .message = fmt::format("{}: number {} of row {} is NaN, or was never written", info.name,
                                       nan - row.begin(), r)};
    }
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      read(rows_[i]);
      std::vector<double>& values = results[i / rows_of_part][output];
      values.insert(values.end(), row.begin(), row.end());
    }
  }
  const std::vector<std::string> problems(parts_.size());
  RowsVerdict verdict;
  for (const check::CaseVerdict& one : check::judge(op_, {.cases = parts_,
                                                         .results = results,
                                                         .problems = problems,
                                                         .references = references_,
                                                         .baselines = baselines_})) {
    verdict.percent = std::max(verdict.percent, one.percent);
    if (one.passed || !verdict.passed) continue;
    verdict.passed = false;
    verdict.message = one.message;
  }
  return verdict;
}

}  // namespace rung::cuda
