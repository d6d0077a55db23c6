#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <fmt/format.h>
#include <omp.h>

#include "chapters/02_tensors/demo_parts.h"
#include "chapters/02_tensors/matmul.h"
#include "chapters/02_tensors/work.h"
#include "core/measure/clock.h"
#include "core/measure/gemm.h"
#include "core/measure/limits.h"
#include "core/measure/roofline.h"

namespace rung {
namespace {

using Json = nlohmann::ordered_json;

// The same product in four ways.

/// Weights of one shape, so many that no cache holds them all: each product reads the next one from memory,
/// as a forward pass does.
class ManyWeights {
 public:
  ManyWeights(Eigen::Index out, Eigen::Index in) {
    const std::int64_t each = out * in * std::int64_t{sizeof(float)};
    const std::int64_t enough = std::min(4 * measure::last_level_cache_bytes(), std::int64_t{512} << 20);
    const std::int64_t count = std::clamp<std::int64_t>(enough / each + 1, 2, 4096);
    weights_.resize(static_cast<std::size_t>(count));
    for (Matrix& weight : weights_) weight = Matrix::Constant(out, in, 0.01F);
  }
  const Matrix& next() {
    at_ = (at_ + 1) % weights_.size();
    return weights_[at_];
  }
  std::size_t count() const { return weights_.size(); }

 private:
  std::vector<Matrix> weights_;
  std::size_t at_ = 0;
};

/// Runs something with so many threads, in OpenMP and in Eigen.
template <typename Function>
void with_threads(int threads, Function run) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(threads);
  Eigen::setNbThreads(threads);
  run();
  omp_set_num_threads(before);
  Eigen::setNbThreads(before);
}

using Product = void (*)(const ConstMatrixView&, const ConstMatrixView&, MatrixView);

void eigen_product(const ConstMatrixView& x, const ConstMatrixView& w, MatrixView y) {
  y.noalias() = x * w.transpose();
}

// A roof is what nothing exceeds, so limits are the best of several measurements here and times the shortest of
// several runs: whatever else the machine does can only make both worse.

/// The shortest time of a run: of three at least, and of as many as `budget` seconds allow.
template <typename Run>
double shortest(double budget, Run run) {
  double best = run();
  const measure::Stopwatch whole;
  for (int runs = 1; runs < 3 || whole.seconds() < budget; ++runs) best = std::min(best, run());
  return best;
}

/// Seconds of one product with T rows.
double product_seconds(Product product, ManyWeights& weights, Eigen::Index rows) {
  const Matrix& first = weights.next();
  const Matrix x = Matrix::Constant(rows, first.cols(), 0.5F);
  Matrix y(rows, first.rows());
  product(x, first, y);  // warm-up
  return shortest(0.25, [&] {
    const Matrix& w = weights.next();
    const measure::Stopwatch watch;
    product(x, w, y);
    return watch.seconds();
  });
}

/// The higher of each limit.
measure::Limits higher(const measure::Limits& a, const measure::Limits& b) {
  return {.bytes_per_second = std::max(a.bytes_per_second, b.bytes_per_second),
          .flops_per_second = std::max(a.flops_per_second, b.flops_per_second)};
}

measure::Limits measured_limits(int threads) {
  return {.bytes_per_second = measure::read_bandwidth(threads),
          .flops_per_second = measure::fma_peak(threads)};
}

/// The largest weight of the first layer, whose product the demo times.
const Tensor& timed_weight(const DemoInput& input) {
  return input.checkpoint.tensor("layers.0.feed_forward.gate.weight");
}

Json show_speed(const DemoInput& input, DemoText& text) {
  const Shape& shape = timed_weight(input).view.shape;
  ManyWeights weights(shape[0], shape[1]);
  const int threads = omp_get_max_threads();
  struct Way {
    std::string name;
    Product product;
    int threads;
  };
  const std::vector<Way> ways = {{"three loops", matmul_loops, 1},
                                 {"Eigen, 1 thread", eigen_product, 1},
                                 {fmt::format("Eigen, {} threads", threads), eigen_product, threads},
                                 {fmt::format("matmul, {} threads", threads), matmul, threads}};
  measure::Limits limits = measured_limits(threads);
  struct Timed {
    std::int64_t rows;
    const Way* way;
    double seconds;
  };
  std::vector<Timed> all;
  for (const std::int64_t rows : {1, 16, 128}) {
    for (const Way& way : ways) {
      Timed timed{.rows = rows, .way = &way, .seconds = 0};
      with_threads(way.threads, [&] { timed.seconds = product_seconds(way.product, weights, rows); });
      all.push_back(timed);
    }
    limits = higher(limits, measured_limits(threads));
  }
  text.print("W {}, {} of them, fp32; limits {:.1f} GB/s and {:.0f} GFLOP/s\n\n", to_string(shape),
             weights.count(), limits.bytes_per_second / 1e9, limits.flops_per_second / 1e9);
  text.print("{:>5}  {:<20}{:>10}{:>12}{:>10}{:>16}\n", "T", "", "ms", "GFLOP/s", "GB/s", "of the limit");
  Json data = Json::array();
  for (const Timed& timed : all) {
    const measure::Work work = linear_work(timed.rows, shape[0], shape[1], DType::F32);
    const double share = measure::least_seconds(work, limits) / timed.seconds;
    text.print("{:>5}  {:<20}{:>10.3f}{:>12.1f}{:>10.1f}{:>14.0f} %\n", timed.rows, timed.way->name,
               1e3 * timed.seconds, work.flops / timed.seconds / 1e9, work.bytes / timed.seconds / 1e9,
               100 * share);
    data.push_back(
        {{"rows", timed.rows}, {"way", timed.way->name}, {"seconds", timed.seconds}, {"share", share}});
  }
  return data;
}

// What a model costs, and the roofline.

/// One operation of the model: a forward pass of `rows` rows after `past`, or a single product.
struct Operation {
  std::string name;
  measure::Work work;
  std::int64_t rows = 1;
  std::int64_t past = 0;
  bool product = false;
};

std::unique_ptr<Stage> make_stage(const DemoInput& input) {
  const auto context = std::min<std::int64_t>(input.checkpoint.config().context, 1024);
  return input.stage("kv_cache", {.max_positions = static_cast<std::int32_t>(context), .max_sequences = 1});
}

constexpr std::int64_t decode_past = 128;

std::vector<Operation> operations(const DemoInput& input, const Stage& stage) {
  const StageCost cost = stage.cost();
  const Shape& shape = timed_weight(input).view.shape;
  std::vector<Operation> all = {
      {.name = "one product, T = 1", .work = linear_work(1, shape[0], shape[1], DType::F32), .product = true},
      {.name = "decode after 128", .work = measure::decode_work(cost, decode_past), .past = decode_past}};
  for (const std::int64_t rows : {16, 128, 512}) {
    if (rows > stage.config().context) continue;
    all.push_back({.name = fmt::format("prefill of {}", rows),
                   .work = measure::prefill_work(cost, rows),
                   .rows = rows});
  }
  return all;
}

/// A decode step that reads the weights as the file stores them, in place of the stage's fp32.
measure::Work decode_from_stored(const DemoInput& input, const Stage& stage) {
  StageCost cost = stage.cost();
  cost.weight_bytes = 0;
  for (const Tensor& tensor : input.checkpoint.tensors()) {
    if (tensor.name.starts_with("layers.") && tensor.view.shape.size() == 2)
      cost.weight_bytes += static_cast<std::int64_t>(tensor.view.bytes.size());
  }
  const Tensor* const output =
      input.checkpoint.find("output.weight");  // none: the embedding is the output matrix
  cost.output_bytes = static_cast<std::int64_t>(
      (output != nullptr ? *output : input.checkpoint.tensor("embedding.weight")).view.bytes.size());
  return measure::decode_work(cost, decode_past);
}

Json show_count(const DemoInput& input, DemoText& text) {
  const std::unique_ptr<Stage> stage = make_stage(input);
  const StageCost cost = stage->cost();
  text.print("weights of the layers    {:8.1f} MB   {:8.1f} MFLOP a row\n",
             static_cast<double>(cost.weight_bytes) / 1e6, static_cast<double>(cost.flops_per_row) / 1e6);
  text.print("output matrix            {:8.1f} MB   {:8.1f} MFLOP a row that wants logits\n",
             static_cast<double>(cost.output_bytes) / 1e6,
             static_cast<double>(cost.flops_per_logits_row) / 1e6);
  text.print("attention                {:8.3f} MB   {:8.3f} MFLOP a position\n\n",
             static_cast<double>(cost.kv_bytes_per_position) / 1e6,
             static_cast<double>(cost.flops_per_visible_position) / 1e6);
  text.print("{:<22}{:>12}{:>12}{:>14}\n", "", "MB", "GFLOP", "FLOPs a byte");
  Json data = Json::array();
  for (const Operation& each : operations(input, *stage)) {
    text.print("{:<22}{:>12.1f}{:>12.3f}{:>14.2f}\n", each.name, each.work.bytes / 1e6, each.work.flops / 1e9,
               each.work.intensity());
    data.push_back({{"name", each.name}, {"bytes", each.work.bytes}, {"flops", each.work.flops}});
  }
  const measure::Work stored = decode_from_stored(input, *stage);
  text.print("{:<22}{:>12.1f}{:>12.3f}{:>14.2f}   with the weights as the file stores them\n",
             "decode after 128", stored.bytes / 1e6, stored.flops / 1e9, stored.intensity());
  return data;
}

/// Seconds of one forward pass of `rows` rows after `past`.
double forward_seconds(Stage& stage, std::int64_t rows, std::int64_t past) {
  stage.sequences().drop(0);
  const std::vector<std::int32_t> tokens = any_tokens(past + rows, stage.config().vocab);
  const std::span<const std::int32_t> all(tokens);
  if (past > 0) {
    Batch before;
    before.add(0, 0, all.first(static_cast<std::size_t>(past)), Batch::Logits::none);
    stage.forward(before);
  }
  Batch batch;
  batch.add(0, static_cast<std::int32_t>(past), all.subspan(static_cast<std::size_t>(past)),
            Batch::Logits::last);
  const measure::Stopwatch watch;
  stage.forward(batch);
  return watch.seconds();
}

Json show_roofline(const DemoInput& input, DemoText& text) {
  const int threads = omp_get_max_threads();
  const std::unique_ptr<Stage> stage = make_stage(input);
  const Shape& shape = timed_weight(input).view.shape;
  ManyWeights weights(shape[0], shape[1]);
  const std::vector<Operation> all = operations(input, *stage);
  std::vector<double> seconds;
  measure::Limits limits = measured_limits(threads);
  for (const Operation& each : all) {
    seconds.push_back(each.product ? product_seconds(matmul, weights, 1) : shortest(1.0, [&] {
      return forward_seconds(*stage, each.rows, each.past);
    }));
    limits = higher(limits, measured_limits(threads));
  }
  const std::vector<measure::LinearShape> shapes = measure::layer_shapes(input.checkpoint);
  const std::int64_t gemm_rows = std::min<std::int64_t>(512, stage->config().context);
  double gemm = 0;
  for (int i = 0; i < 2; ++i) gemm = std::max(gemm, measure::eigen_gemm_rate(shapes, gemm_rows, threads));
  const double ridge = limits.flops_per_second / limits.bytes_per_second;
  text.print("read bandwidth   {:8.1f} GB/s\n", limits.bytes_per_second / 1e9);
  text.print("FMA peak         {:8.1f} GFLOP/s; the ridge is at {:.1f} FLOPs a byte\n",
             limits.flops_per_second / 1e9, ridge);
  text.print("Eigen's GEMM     {:8.1f} GFLOP/s at this model's shapes\n\n", gemm / 1e9);
  text.print("{:<22}{:>14}{:>10}{:>10}{:>10}{:>14}  {}\n", "", "FLOPs a byte", "least ms", "took ms",
             "GFLOP/s", "of the roof", "limited by");
  const measure::Work stored = decode_from_stored(input, *stage);
  Json data = {{"bytes_per_second", limits.bytes_per_second},
               {"flops_per_second", limits.flops_per_second},
               {"gemm_flops_per_second", gemm},
               {"stored", {{"bytes", stored.bytes}, {"flops", stored.flops}}},
               {"points", Json::array()}};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const measure::Work& work = all[i].work;
    const double least = measure::least_seconds(work, limits);
    text.print("{:<22}{:>14.2f}{:>10.2f}{:>10.2f}{:>10.1f}{:>12.0f} %  {}\n", all[i].name, work.intensity(),
               1e3 * least, 1e3 * seconds[i], work.flops / seconds[i] / 1e9, 100 * least / seconds[i],
               work.intensity() < ridge ? "memory" : "arithmetic");
    data["points"].push_back(
        {{"name", all[i].name}, {"bytes", work.bytes}, {"flops", work.flops}, {"seconds", seconds[i]}});
  }
  return data;
}

}  // namespace

std::vector<DemoPart> speed_parts() {
  return {
      {"count", "bytes and FLOPs of the model's operations", show_count},
      {"speed", "the same product in four ways, at one row and at many", show_speed},
      {"roofline", "this machine's limits, and how near the model's operations come", show_roofline},
  };
}

}  // namespace rung
