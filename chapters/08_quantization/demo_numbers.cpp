#include <algorithm>
#include <array>
#include <numbers>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "chapters/08_quantization/demo_parts.h"
#include "chapters/08_quantization/quantize.h"
#include "chapters/08_quantization/uniform_quantizer.h"

namespace rung {
namespace {

using Json = nlohmann::ordered_json;

std::string list(const Matrix& numbers, const char* digits) {
  std::string line;
  for (Eigen::Index i = 0; i < numbers.size(); ++i) {
    line += fmt::format(fmt::runtime(digits), numbers.data()[i]);
  }
  return line;
}

/// Eight numbers, by hand.
Json show_example(const DemoInput& /*input*/, DemoText& text) {
  Matrix weights(1, 8);
  weights << 2.1F, -0.7F, 0.4F, -1.6F, 0.2F, 1.0F, -2.0F, 0.1F;
  Matrix positive(1, 8);
  positive << 2.8F, -0.2F, 0.65F, 1.15F, 0.0F, 1.85F, 0.28F, 2.4F;
  const auto show = [&](const std::string& title, const Matrix& x, LevelRange range) {
    const UniformMatrix quantized = quantize_uniform(x, {.bits = 4, .range = range, .group = 8});
    const Matrix back = dequantize(quantized);
    const UniformScale scale = quantized.scales.at(0);
    text.print("{}: scale {:.4g}{}\n", title, scale.scale,
               range == LevelRange::symmetric ? "" : fmt::format(", zero point {}", scale.zero));
    text.print("  x            {}\n", list(x, "{:>7.2f}"));
    text.print("  q            {}\n", list(quantized.levels.cast<float>(), "{:>7.0f}"));
    text.print("  decoded      {}\n", list(back, "{:>7.2f}"));
    text.print("  error        {}\n", list(back - x, "{:>7.2f}"));
    const double rms = std::sqrt(double{(back - x).squaredNorm()} / double(x.size()));
    text.print("  root mean square error {:.3f}; scale / √12 is {:.3f}\n", rms,
               scale.scale / std::sqrt(12.0));
  };
  show("symmetric", weights, LevelRange::symmetric);
  show("\nsymmetric", positive, LevelRange::symmetric);
  show("asymmetric", positive, LevelRange::asymmetric);
  return nullptr;
}

/// What a block consists of: bits of its levels, and the rest, which is scales and minima.
Json show_formats(const DemoInput& /*input*/, DemoText& text) {
  struct Format {
    DType type;
    int level_bits;
    const char* scales;
  };
  constexpr std::array formats = {
      Format{DType::Q8_0, 8, "fp16 scale"},
      Format{DType::Q6_K, 6, "fp16 scale · 16 int8"},
      Format{DType::Q5_1, 5, "fp16 scale, fp16 minimum"},
      Format{DType::Q5_K, 5, "2 fp16 · 8 times (6 + 6 bits)"},
      Format{DType::Q5_0, 5, "fp16 scale"},
      Format{DType::Q4_1, 4, "fp16 scale, fp16 minimum"},
      Format{DType::Q4_K, 4, "2 fp16 · 8 times (6 + 6 bits)"},
      Format{DType::Q4_0, 4, "fp16 scale"},
  };
  const Matrix numbers = normal_numbers(64, 4096, 1);
  text.print("{:<5} {:>7} {:>6} {:>12} {:>11}   {:<30} {:>7} {:>7}\n", "type", "weights", "bytes",
             "level bits", "other bits", "which are", "bits/w", "error");
  Json data = Json::array();
  for (const Format& format : formats) {
    const auto& [name, elements, bytes] = info(format.type);
    const std::int64_t levels = elements * format.level_bits;
    const double bits = 8 * static_cast<double>(bytes) / static_cast<double>(elements);
    const bool written = can_quantize(format.type);
    const double error = written ? relative_error(rounded_to(format.type, numbers), numbers) : 0;
    text.print("{:<5} {:>7} {:>6} {:>12} {:>11}   {:<30} {:>7.4f} {:>7}\n", name, elements, bytes, levels,
               8 * bytes - levels, format.scales, bits,
               written ? fmt::format("{:.2f} %", 100 * error) : std::string("-"));
    data.push_back({{"type", name}, {"bits", bits}, {"error", written ? Json(error) : Json()}});
  }
  return data;
}

// Outliers.

constexpr std::array<std::pair<ScaleFor, const char*>, 3> shares = {
    {{ScaleFor::tensor, "tensor"}, {ScaleFor::channel, "channel"}, {ScaleFor::group, "group of 32"}}};

/// What one large number does to all others.
Json show_outlier(const DemoInput& /*input*/, DemoText& text) {
  const Matrix clean = normal_numbers(64, 1024, 2);
  text.print("64 · 1024 normal numbers, 4 bits symmetric; error of all numbers but the outlier\n");
  text.print("{:>22} {:>10} {:>10} {:>12}\n", "one scale for each", "tensor", "channel", "group of 32");
  Json data;
  for (const float size : {0.0F, 10.0F, 30.0F, 100.0F}) {
    Matrix numbers = clean;
    if (size > 0) numbers(20, 500) = size;
    std::string line = size > 0 ? fmt::format("one number is {:g}", size) : "no outlier";
    line = fmt::format("{:>22}", line);
    for (const auto& [share, name] : shares) {
      const UniformMatrix quantized = quantize_uniform(numbers, {.bits = 4, .scale_for = share});
      Matrix back = dequantize(quantized);
      back(20, 500) = numbers(20, 500) = clean(20, 500);  // the outlier itself does not count
      line +=
          fmt::format(" {:>{}.1f} %", 100 * relative_error(back, numbers), share == ScaleFor::group ? 10 : 8);
      if (size > 0) numbers(20, 500) = size;
    }
    text.print("{}\n", line);
  }
  // For the figure: one row's numbers, and the levels without and with the outlier.
  Json bins = Json::array();
  for (int bin = -16; bin < 16; ++bin) {
    const auto inside = [bin](float x) { return x >= 0.25F * float(bin) && x < 0.25F * float(bin + 1); };
    bins.push_back(
        {{"from", 0.25 * bin}, {"count", std::count_if(clean.data(), clean.data() + clean.size(), inside)}});
  }
  data["bins"] = std::move(bins);
  const auto scale_with = [&](float outlier) {
    Matrix row = clean.row(20);
    if (outlier > 0) row(0, 500) = outlier;
    return quantize_uniform(row, {.bits = 4, .scale_for = ScaleFor::channel}).scales.at(0).scale;
  };
  data["scale"] = scale_with(0);
  data["scale_with_outlier"] = scale_with(10);
  return data;
}

/// "layers.3.attention.q.weight" is of the kind "attention.q".
std::string kind_of(const std::string& name) {
  std::string kind = name.substr(0, name.rfind(".weight"));
  if (kind.starts_with("layers.")) kind = kind.substr(kind.find('.', 7) + 1);
  return kind;
}

/// The largest weights of real matrices.
Json show_weights(const DemoInput& input, DemoText& text) {
  struct Seen {
    int matrices = 0;
    double largest = 0;  // over the root mean square, the worst of the kind
    double beyond = 0, count = 0;
  };
  std::vector<std::pair<std::string, Seen>> kinds;
  for (const Tensor& tensor : input.checkpoint.tensors()) {
    if (tensor.view.shape.size() < 2) continue;
    const std::string kind = kind_of(tensor.name);
    auto found = std::ranges::find(kinds, kind, &std::pair<std::string, Seen>::first);
    if (found == kinds.end()) found = kinds.insert(kinds.end(), {kind, Seen()});
    Seen& seen = found->second;
    const Matrix weights = load_f32(tensor);
    const double rms = std::sqrt(weights.cast<double>().squaredNorm() / double(weights.size()));
    ++seen.matrices;
    seen.largest = std::max(seen.largest, double{weights.cwiseAbs().maxCoeff()} / rms);
    seen.beyond += double((weights.array().abs() > static_cast<float>(6 * rms)).count());
    seen.count += double(weights.size());
  }
  text.print("{}\n{:<20} {:>8} {:>20} {:>28}\n", input.model, "matrices", "", "largest / rms",
             "beyond 6 rms, of a million");
  Json data = Json::array();
  for (const auto& [kind, seen] : kinds) {
    text.print("{:<20} {:>8} {:>20.1f} {:>28.1f}\n", kind, seen.matrices, seen.largest,
               1e6 * seen.beyond / seen.count);
    data.push_back({{"kind", kind}, {"largest", seen.largest}});
  }
  return data;
}

// Groups.

/// The mean square of the largest magnitude of n normal numbers: its distribution is P(largest < t) = erf(t/√2)^n.
double largest_squared(double n) {
  double sum = 0;
  constexpr double step = 1e-3;
  for (double t = step / 2; t < 8; t += step) {
    sum += 2 * t * (1 - std::pow(std::erf(t / std::numbers::sqrt2), n)) * step;
  }
  return sum;
}

// [predicted]
/// The relative error of normal numbers in groups of n with symmetric levels of b bits: steps of largest / last, an error
/// of step²/12 for all but the largest, which is a level.
double predicted_error(double n, int bits) {
  const double last = std::exp2(bits - 1) - 1;
  return std::sqrt(largest_squared(n) / (last * last) / 12 * (n - 1) / n);
}
// [predicted]

/// The error of all matrices of a model together.
double error_of_weights(const std::vector<Matrix>& matrices, const UniformScheme& scheme) {
  double off = 0;
  double all = 0;
  for (const Matrix& weights : matrices) {
    off += double{(dequantize(quantize_uniform(weights, scheme)) - weights).squaredNorm()};
    all += double{weights.squaredNorm()};
  }
  return std::sqrt(off / all);
}

Json show_groups(const DemoInput& input, DemoText& text) {
  const Checkpoint tiny = input.open("tiny");
  std::vector<Matrix> matrices;
  for (const Tensor& tensor : tiny.tensors()) {
    if (tensor.view.shape.size() == 2) matrices.push_back(load_f32(tensor));
  }
  const Matrix normal = normal_numbers(128, 4096, 3);
  text.print("4 bits, symmetric; rows of 4096 normal numbers, and the weights of tiny\n");
  text.print("{:>7} {:>8} {:>22} {:>22} {:>9}\n", "group", "bits/w", "normal, predicted", "measured", "tiny");
  Json data = Json::array();
  for (const int bits : {3, 4, 5}) {
    for (const std::int64_t group : {8, 16, 32, 64, 128, 256, 512, 1024, 4096}) {
      const UniformScheme scheme{.bits = bits, .group = group};
      const double predicted = predicted_error(static_cast<double>(group), bits);
      const double measured = relative_error(dequantize(quantize_uniform(normal, scheme)), normal);
      const double weight_bits = bits_per_weight(scheme, normal.rows(), normal.cols());
      Json row{{"bits", bits},
               {"group", group},
               {"bits_per_weight", weight_bits},
               {"predicted", predicted},
               {"measured", measured}};
      std::string of_tiny;
      if (group <= 128) {
        const double error = error_of_weights(matrices, scheme);
        of_tiny = fmt::format("{:.2f} %", 100 * error);
        row["tiny"] = error;
      }
      if (bits == 4) {
        text.print("{:>7} {:>8.3f} {:>20.2f} % {:>20.2f} % {:>9}\n", group, weight_bits, 100 * predicted,
                   100 * measured, of_tiny);
      }
      data.push_back(std::move(row));
    }
  }
  return data;
}

}  // namespace

std::vector<DemoPart> number_parts() {
  return {{"example", "eight numbers in 4 bits, by hand", show_example},
          {"formats", "what the blocks consist of, bit by bit", show_formats},
          {"outlier", "what one large number does to all others", show_outlier},
          {"weights", "the largest weights of a real model", show_weights},
          {"groups", "what smaller groups buy: predicted, then measured", show_groups}};
}

}  // namespace rung
