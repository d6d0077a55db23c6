#include "core/check/candidate.h"

#include <cmath>

#include "core/error.h"

namespace rung::check {
namespace {

std::int64_t rows_of(std::span<const std::int64_t> shape) {
  std::int64_t rows = 1;
  for (const std::int64_t extent : shape.first(shape.size() - 1)) rows *= extent;
  return rows;
}

}  // namespace

std::int64_t ConstTensor::rows() const {
  return rows_of(shape);
}
std::int64_t MutableTensor::rows() const {
  return rows_of(shape);
}

std::size_t ConstTensor::row_bytes() const {
  return static_cast<std::size_t>(row_stride) * (whole ? sizeof(std::int32_t) : size_of(type));
}
std::size_t MutableTensor::row_bytes() const {
  return static_cast<std::size_t>(row_stride) * size_of(type);
}

double Call::param(std::string_view wanted) const {
  for (const Param& p : params) {
    if (p.name == wanted) return p.value;
  }
  throw Error(ErrorKind::usage, "{}: no param {}", op, wanted);
}

std::int64_t Call::integer(std::string_view wanted) const {
  return std::llround(param(wanted));
}

const ConstTensor& Call::input(std::string_view wanted) const {
  for (const ConstTensor& tensor : inputs) {
    if (tensor.name == wanted) return tensor;
  }
  throw Error(ErrorKind::usage, "{}: no input {}", op, wanted);
}

Candidate from_values(std::string name, std::string op, std::function<Values(const Case&)> values) {
  Candidate candidate;
  candidate.name = std::move(name);
  candidate.op = std::move(op);
  candidate.types.assign(std::begin(number_types), std::end(number_types));
  candidate.run = [values = std::move(values)](const Call& call) {
    const Case rebuilt = to_case(call);
    const Values results = values(rebuilt);
    std::vector<float> row;
    for (std::size_t o = 0; o < call.outputs.size(); ++o) {
      const MutableTensor& output = call.outputs[o];
      const std::int64_t columns = output.columns();
      row.resize(static_cast<std::size_t>(columns));
      for (std::int64_t r = 0; r < output.rows(); ++r) {
        for (std::int64_t c = 0; c < columns; ++c) row[c] = round_to(call.type, results[o][r * columns + c]);
        store(call.type, row, output.data + static_cast<std::size_t>(r) * output.row_bytes());
      }
    }
  };
  return candidate;
}

Case to_case(const Call& call) {
  Case rebuilt;
  rebuilt.op = call.op;
  rebuilt.type = call.type;
  rebuilt.name = call.case_name;
  rebuilt.params.assign(call.params.begin(), call.params.end());
  for (const ConstTensor& tensor : call.inputs) {
    Array array{.name = std::string(tensor.name),
                .shape = Shape(tensor.shape.begin(), tensor.shape.end()),
                .row_stride = tensor.row_stride,
                .values = std::vector<float>(static_cast<std::size_t>(tensor.rows() * tensor.row_stride)),
                .whole = tensor.whole};
    if (tensor.whole) {
      load_whole(tensor.data, array.values);
    } else {
      load(call.type, tensor.data, array.values);
    }
    rebuilt.inputs.push_back(std::move(array));
    if (!call.outputs.empty() && tensor.data == call.outputs.front().data) rebuilt.in_place = tensor.name;
  }
  for (const MutableTensor& tensor : call.outputs) {
    rebuilt.outputs.push_back({.name = std::string(tensor.name),
                               .shape = Shape(tensor.shape.begin(), tensor.shape.end()),
                               .row_stride = tensor.row_stride});
  }
  return rebuilt;
}

}  // namespace rung::check
