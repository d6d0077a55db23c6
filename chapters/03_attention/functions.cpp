#include "chapters/03_attention/functions.h"

#include <cstddef>
#include <cstdint>

#include "chapters/03_attention/causal_attention.h"
#include "core/check/functions/attention.h"

namespace rung {
namespace {

using Numbers = std::vector<double>;

Numbers run_attention_spans(const check::AttentionSpansInput& input) {
  constexpr std::int64_t width = check::AttentionSpansInput::heads * check::AttentionSpansInput::head_dim;
  Numbers values;
  Eigen::Index queries = 0;
  for (std::size_t i = 0; i < input.parts.size(); ++i) {
    const Numbers own = check::span_values(input, i);
    values.insert(values.end(), own.begin(), own.end());
    queries += input.parts[i].queries;
  }
  const Matrix q = Matrix::Zero(queries, width);
  // Of all sequences, [keys, width]; the values are the same numbers.
  Matrix keys(static_cast<Eigen::Index>(values.size()) / width, width);
  for (std::size_t i = 0; i < values.size(); ++i) keys.data()[i] = static_cast<float>(values[i]);
  Matrix out = Matrix::Constant(queries, width, static_cast<float>(check::AttentionSpansInput::before));
  Eigen::Index query = 0;
  Eigen::Index key = 0;
  for (const auto& part : input.parts) {
    causal_attention(q.middleRows(query, part.queries), keys.middleRows(key, part.keys),
                     keys.middleRows(key, part.keys), check::AttentionSpansInput::head_dim,
                     {.first_query = part.first_query, .first_key = part.first_key, .window = part.window},
                     out.middleRows(query, part.queries));
    query += part.queries;
    key += part.keys;
  }
  return {out.data(), out.data() + out.size()};
}

}  // namespace

std::vector<check::JudgedFunction> attention_functions() {
  return {
      check::judged<check::AttentionSpansInput, Numbers>(
          check::attention_spans_check(), "chapters/03_attention/causal_attention", run_attention_spans),
  };
}

}  // namespace rung
