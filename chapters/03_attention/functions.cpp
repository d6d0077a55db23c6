#include "chapters/03_attention/functions.h"

#include <cstddef>
#include <cstdint>

#include "chapters/03_attention/causal_attention.h"
#include "chapters/03_attention/rope.h"
#include "core/check/functions/attention.h"

namespace rung {
namespace {

using Numbers = std::vector<double>;

/// Rows that lie `gap` numbers apart in a wider matrix; what lies between them holds `before`.
class RowsApart {
 public:
  RowsApart(Eigen::Index rows, Eigen::Index width, std::int64_t gap)
      : width_(width),
        memory_(Matrix::Constant(rows, width + gap, static_cast<float>(check::AttentionSpansInput::before))) {
  }

  /// The rows alone: [rows, width].
  auto rows() { return memory_.leftCols(width_); }
  Numbers all() const { return {memory_.data(), memory_.data() + memory_.size()}; }

 private:
  Eigen::Index width_;
  Matrix memory_;
};

/// The rows of all parts, one part behind another.
RowsApart gathered(const check::AttentionSpansInput& input, Eigen::Index width, std::int64_t gap,
                   std::vector<double> (*of_part)(const check::AttentionSpansInput&, std::size_t)) {
  Numbers all;
  for (std::size_t i = 0; i < input.parts.size(); ++i) {
    const Numbers own = of_part(input, i);
    all.insert(all.end(), own.begin(), own.end());
  }
  RowsApart apart(static_cast<Eigen::Index>(all.size()) / width, width, gap);
  for (Eigen::Index i = 0; i < static_cast<Eigen::Index>(all.size()); ++i) {
    apart.rows()(i / width, i % width) = static_cast<float>(all[static_cast<std::size_t>(i)]);
  }
  return apart;
}

Numbers run_attention_spans(const check::AttentionSpansInput& input) {
  constexpr std::int64_t head_dim = check::AttentionSpansInput::head_dim;
  constexpr std::int64_t width = check::AttentionSpansInput::heads * head_dim;
  Eigen::Index queries = 0;
  for (const auto& part : input.parts) queries += part.queries;
  RowsApart q(queries, width, input.gaps.q);
  q.rows().setZero();
  for (Eigen::Index i = 0; i < width; i += head_dim)
    q.rows().col(i).setConstant(static_cast<float>(input.query));
  RowsApart keys = gathered(input, width, input.gaps.keys, check::span_keys);
  RowsApart values = gathered(input, width, input.gaps.values, check::span_values);
  RowsApart out(queries, width, input.gaps.out);
  Eigen::Index query = 0;
  Eigen::Index key = 0;
  for (const auto& part : input.parts) {
    causal_attention(q.rows().middleRows(query, part.queries), keys.rows().middleRows(key, part.keys),
                     values.rows().middleRows(key, part.keys), head_dim,
                     {.first_query = part.first_query, .first_key = part.first_key, .window = part.window},
                     out.rows().middleRows(query, part.queries));
    query += part.queries;
    key += part.keys;
  }
  return out.all();
}

Numbers run_rope_frequencies(const check::RopeFrequenciesInput& input) {
  return rope_frequencies(input.config, input.head_dim);
}

Numbers run_rope_rows(const check::RopeRowsInput& input) {
  constexpr Eigen::Index width = check::RopeRowsInput::heads * check::RopeRowsInput::head_dim;
  const Numbers before = check::rope_rows_before(input);
  Matrix memory(static_cast<Eigen::Index>(input.positions.size()), width + input.gap);
  for (std::size_t i = 0; i < before.size(); ++i) memory.data()[i] = static_cast<float>(before[i]);
  rope(memory.leftCols(width), Rotations({1, 0.5}, input.positions), input.layout);
  return {memory.data(), memory.data() + memory.size()};
}

}  // namespace

std::vector<check::JudgedFunction> attention_functions() {
  return {
      check::judged<check::AttentionSpansInput, Numbers>(
          check::attention_spans_check(), "chapters/03_attention/causal_attention", run_attention_spans),
      check::judged<check::RopeFrequenciesInput, Numbers>(
          check::rope_frequencies_check(), "chapters/03_attention/rope_frequencies", run_rope_frequencies),
      check::judged<check::RopeRowsInput, Numbers>(check::rope_rows_check(), "chapters/03_attention/rope",
                                                   run_rope_rows),
  };
}

}  // namespace rung
