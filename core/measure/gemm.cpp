#include "core/measure/gemm.h"

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "core/measure/clock.h"
#include "core/tensor/matrix.h"

namespace rung::measure {
namespace {

/// Lets Eigen use that many threads as long as it lives.
class EigenThreads {
 public:
  explicit EigenThreads(int threads) : before_(Eigen::nbThreads()) { Eigen::setNbThreads(threads); }
  ~EigenThreads() { Eigen::setNbThreads(before_); }
  EigenThreads(const EigenThreads&) = delete;
  EigenThreads& operator=(const EigenThreads&) = delete;

 private:
  int before_;
};

/// Median seconds of one product.
double product_seconds(const LinearShape& shape, std::int64_t rows, int repeats) {
  const Matrix x = Matrix::Random(rows, shape.in);
  const Matrix weight = Matrix::Random(shape.out, shape.in);
  Matrix y(rows, shape.out);
  y.noalias() = x * weight.transpose();  // warm-up: pages, caches, threads
  std::vector<double> seconds;
  for (int i = 0; i < repeats; ++i) {
    const Stopwatch watch;
    y.noalias() = x * weight.transpose();
    seconds.push_back(watch.seconds());
  }
  return median(seconds);
}

}  // namespace

double eigen_gemm_rate(std::span<const LinearShape> shapes, std::int64_t rows, int threads, int repeats) {
  if (shapes.empty()) throw Error(ErrorKind::usage, "GEMM rate: expected at least one shape, found none");
  if (rows < 1 || threads < 1 || repeats < 1) {
    throw Error(ErrorKind::usage,
                "GEMM rate: expected rows, threads and repeats of at least 1, found {}, {} and {}", rows,
                threads, repeats);
  }
  const EigenThreads use(threads);
  double flops = 0;
  double seconds = 0;
  for (const LinearShape& shape : shapes) {
    if (shape.out < 1 || shape.in < 1 || shape.count < 1) {
      throw Error(ErrorKind::usage, "GEMM rate: expected extents of at least 1, found [{}, {}] x {}",
                  shape.out, shape.in, shape.count);
    }
    const auto count = static_cast<double>(shape.count);
    flops += count * 2.0 * static_cast<double>(rows) * static_cast<double>(shape.out) *
             static_cast<double>(shape.in);
    seconds += count * product_seconds(shape, rows, repeats);
  }
  return flops / seconds;
}

std::vector<LinearShape> layer_shapes(const Checkpoint& checkpoint) {
  std::vector<LinearShape> shapes;
  for (const Tensor& tensor : checkpoint.tensors()) {
    if (!tensor.name.starts_with("layers.") || tensor.view.shape.size() != 2) continue;
    const std::int64_t out = tensor.view.shape[0];
    const std::int64_t in = tensor.view.shape[1];
    const auto same = std::find_if(shapes.begin(), shapes.end(),
                                   [&](const LinearShape& s) { return s.out == out && s.in == in; });
    if (same != shapes.end()) {
      ++same->count;
    } else {
      shapes.push_back({.out = out, .in = in});
    }
  }
  return shapes;
}

}  // namespace rung::measure
