#include "chapters/02_tensors/demo.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <fstream>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <omp.h>

#include "chapters/02_tensors/embedding.h"
#include "chapters/02_tensors/matmul.h"
#include "chapters/02_tensors/work.h"
#include "core/measure/clock.h"
#include "core/measure/gemm.h"
#include "core/measure/limits.h"
#include "core/measure/roofline.h"
#include "core/tensor/decode.h"
#include "core/tensor/half.h"

namespace rung {
namespace {

using Json = nlohmann::ordered_json;

// Numbers.

/// "0 01111011 1001101": the sign, `exponent` bits and the rest of the lowest `width` bits.
std::string spaced_bits(std::uint32_t bits, int width, int exponent) {
  const int mantissa = width - 1 - exponent;
  return fmt::format("{} {:0{}b} {:0{}b}", bits >> (width - 1), (bits >> mantissa) & ((1U << exponent) - 1),
                     exponent, bits & ((1U << mantissa) - 1), mantissa);
}

Json show_numbers(const DemoInput& /*input*/, DemoText& text) {
  text.print("{:>9}  {:<5}{:<36}{}\n", "number", "as", "sign, exponent, mantissa", "what is stored");
  for (const float number : {1.0F, 0.1F, 70000.0F, 1e-5F}) {
    const std::uint16_t brain = float_to_bfloat16(number);
    const std::uint16_t half = float_to_half(number);
    text.print("{:>9g}  {:<5}{:<36}{:.9g}\n", number, "fp32",
               spaced_bits(std::bit_cast<std::uint32_t>(number), 32, 8), number);
    text.print("{:>9}  {:<5}{:<36}{:.9g}\n", "", "bf16", spaced_bits(brain, 16, 8), bfloat16_to_float(brain));
    text.print("{:>9}  {:<5}{:<36}{:.9g}\n", "", "fp16", spaced_bits(half, 16, 5), half_to_float(half));
  }
  return nullptr;
}

// Blocks.

std::string hex_bytes(std::span<const std::byte> bytes) {
  std::vector<int> numbers;
  for (const std::byte one : bytes) numbers.push_back(std::to_integer<int>(one));
  return fmt::format("{:02x}", fmt::join(numbers, " "));
}

void show_block(DType dtype, std::span<const std::byte> block, DemoText& text) {
  std::vector<float> numbers(static_cast<std::size_t>(info(dtype).block_elements));
  decode(dtype, block, numbers);
  const auto half_at = [&](std::size_t at) {
    return half_to_float(static_cast<std::uint16_t>(std::to_integer<int>(block[at]) |
                                                    (std::to_integer<int>(block[at + 1]) << 8)));
  };
  constexpr std::size_t shown = 6;
  std::vector<int> integers;
  if (dtype == DType::Q8_0) {
    for (std::size_t i = 0; i < shown; ++i)
      integers.push_back(static_cast<std::int8_t>(std::to_integer<int>(block[2 + i])));
    text.print("  scale         {}\n", half_at(0));
  } else if (dtype == DType::Q4_1) {
    for (std::size_t i = 0; i < shown; ++i) integers.push_back(std::to_integer<int>(block[4 + i]) & 15);
    text.print("  scale         {}\n  minimum       {}\n", half_at(0), half_at(2));
  }
  if (!integers.empty()) text.print("  integers      {:>8} …\n", fmt::join(integers, " "));
  text.print("  numbers       {:>8.4f} …\n",
             fmt::join(std::span(numbers).first(std::min(shown, numbers.size())), " "));
}

Json show_blocks(const DemoInput& input, DemoText& text) {
  std::vector<DType> seen;
  for (const Tensor& tensor : input.checkpoint.tensors()) {
    const DTypeInfo& type = info(tensor.view.dtype);
    if (tensor.view.shape.size() != 2 || std::ranges::count(seen, tensor.view.dtype) > 0) continue;
    seen.push_back(tensor.view.dtype);
    const std::span<const std::byte> block =
        tensor.view.bytes.first(static_cast<std::size_t>(type.block_bytes));
    text.print("{}, {}: a block of {} numbers in {} bytes, {} bits a number\n", tensor.name, type.name,
               type.block_elements, type.block_bytes,
               8 * static_cast<double>(type.block_bytes) / static_cast<double>(type.block_elements));
    text.print("  first bytes   {} …\n", hex_bytes(block.first(std::min<std::size_t>(block.size(), 10))));
    show_block(tensor.view.dtype, block, text);
  }
  return nullptr;
}

// Memory mapping.

/// Bytes of the mapping around `address` that this process has in memory; -1 where the system does not tell.
std::int64_t resident_bytes_around(const std::byte* address) {
  const auto wanted = std::bit_cast<std::uintptr_t>(address);
  std::ifstream maps("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::uintptr_t first = 0;
    std::uintptr_t last = 0;
    char dash = 0;
    if (words >> std::hex >> first >> dash >> last && dash == '-') {
      inside = first <= wanted && wanted < last;
    } else if (inside && line.starts_with("Rss:")) {
      std::int64_t kibibytes = 0;
      std::istringstream(line.substr(4)) >> kibibytes;
      return kibibytes * 1024;
    }
  }
  return -1;
}

/// Touches every byte.
int xor_of(std::span<const std::byte> bytes) {
  std::byte all{};
  for (const std::byte one : bytes) all ^= one;
  return std::to_integer<int>(all);
}

Json show_mapping(const DemoInput& input, DemoText& text) {
  const measure::Stopwatch opening;
  const Checkpoint checkpoint = Checkpoint::open(input.checkpoint.path());
  const double open_seconds = opening.seconds();
  const Tensor& tensor = checkpoint.tensor("layers.0.feed_forward.gate.weight");
  const std::byte* const address = tensor.view.bytes.data();
  std::int64_t bytes = 0;
  for (const Tensor& each : checkpoint.tensors()) bytes += static_cast<std::int64_t>(each.view.bytes.size());

  volatile int used = 0;  // so that the bytes must be read
  const auto print = [&](const std::string& what, double seconds) {
    text.print("{:<40}{:8.1f} ms   {:5.1f} MB of it in memory\n", what, 1e3 * seconds,
               static_cast<double>(resident_bytes_around(address)) / 1e6);
  };
  text.print("{} tensors, {:.1f} MB\n", checkpoint.tensors().size(), static_cast<double>(bytes) / 1e6);
  print("opened", open_seconds);
  const measure::Stopwatch one;
  used = used + xor_of(tensor.view.bytes);
  print(fmt::format("one tensor read, {:.2f} MB", static_cast<double>(tensor.view.bytes.size()) / 1e6),
        one.seconds());
  const measure::Stopwatch rest;
  for (const Tensor& each : checkpoint.tensors()) used = used + xor_of(each.view.bytes);
  print("all tensors read", rest.seconds());
  const measure::Stopwatch again;
  for (const Tensor& each : checkpoint.tensors()) used = used + xor_of(each.view.bytes);
  print("all tensors read again", again.seconds());
  return nullptr;
}

// Strides.

Json show_strides(const DemoInput& /*input*/, DemoText& text) {
  Matrix m(3, 4);
  for (Eigen::Index i = 0; i < m.size(); ++i) m.data()[i] = static_cast<float>(i);
  const ConstMatrixView block = m.block(0, 1, 3, 2);
  const auto offset = [&](const float& number) { return &number - m.data(); };
  text.print("memory              {}\n", fmt::join(std::span(m.data(), 12), " "));
  text.print("m, [3, 4]           stride {}   m(2, 1) is number {}\n", m.outerStride(), offset(m(2, 1)));
  text.print("columns 1 and 2     stride {}   its (2, 0) is number {}\n", block.outerStride(),
             offset(block.coeffRef(2, 0)));
  const auto transposed = m.transpose();
  text.print("m transposed        stride {}   its (1, 2) is number {}, and nothing was moved\n",
             transposed.outerStride(), offset(transposed.coeffRef(1, 2)));
  return nullptr;
}

// The product.

std::string show_matrix(const ConstMatrixView& matrix) {
  std::string text;
  for (Eigen::Index r = 0; r < matrix.rows(); ++r) {
    text += fmt::format(
        "{:>4}\n", fmt::join(std::span(matrix.row(r).data(), static_cast<std::size_t>(matrix.cols())), " "));
  }
  return text;
}

Json show_product(const DemoInput& /*input*/, DemoText& text) {
  const auto table = std::make_shared<Matrix>(4, 2);  // [V, K]
  *table << 1, 2, 3, -1, 0, 1, 2, 2;
  Matrix w(2, 2);  // [N, K]
  w << 1, 0, 2, -1;
  const std::vector<std::int32_t> tokens = {2, 0, 1};
  Matrix x(3, 2);
  DenseEmbedding(table).rows(tokens, x);
  Matrix y(3, 2);
  matmul_loops(x, w, y);
  text.print("tokens {}\nx\n{}W\n{}y = x · Wᵀ\n{}", fmt::join(tokens, " "), show_matrix(x), show_matrix(w),
             show_matrix(y));
  const measure::Work work = linear_work(3, 2, 2, DType::F32);
  text.print("{:.0f} FLOPs, {:.0f} bytes, {:.2f} FLOPs a byte\n", work.flops, work.bytes, work.intensity());
  return nullptr;
}

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

Demo tensors_demo() {
  return {
      .chapter = 2,
      .title = "How fast can this machine run a model?",
      .parts = {
          {"product", "three tokens, worked by hand", show_product},
          {"numbers", "four numbers in three formats, bit by bit", show_numbers},
          {"blocks", "the first block of each format in the model's file", show_blocks},
          {"mapping", "what opening a file reads, and what reading a tensor does", show_mapping},
          {"strides", "where the numbers of a matrix, a part of it and its transpose lie", show_strides},
          {"count", "bytes and FLOPs of the model's operations", show_count},
          {"speed", "the same product in four ways, at one row and at many", show_speed},
          {"roofline", "this machine's limits, and how near the model's operations come", show_roofline}}};
}

}  // namespace rung
