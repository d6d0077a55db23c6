#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "chapters/01_tokens/tokenizer.h"
#include "chapters/02_tensors/matmul.h"
#include "chapters/06_kv_cache/kv_cache_stage.h"
#include "chapters/08_quantization/demo_parts.h"
#include "chapters/08_quantization/uniform_quantizer.h"

namespace rung {
namespace {

using Json = nlohmann::ordered_json;

/// A weight of the model and what it was multiplied with while the model read a text.
struct Product {
  Matrix x;  // [T, in]
  Matrix w;  // [out, in]
};

/// x · wᵀ.
Matrix product_of(const Matrix& x, const Matrix& w) {
  Matrix y(x.rows(), w.rows());
  matmul(x, w, y);
  return y;
}

/// The trace points whose numbers are the inputs of products.
class Inputs : public Trace {
 public:
  void see(std::string_view point, const ConstMatrixView& values) override {
    for (const std::string_view end :
         {"attention.norm", "attention.output", "feed_forward.norm", "feed_forward.activation"}) {
      if (point.ends_with(end)) seen_.emplace(std::string(point), Matrix(values));
    }
  }
  const Matrix& at(const std::string& point) const { return seen_.at(point); }

 private:
  std::map<std::string, Matrix> seen_;
};

/// The inputs of all layers while the model reads the beginning of the text.
Inputs read_text(const Checkpoint& checkpoint, Stage& stage, const std::string& text, std::size_t most) {
  std::vector<std::int32_t> tokens = Tokenizer(checkpoint.tokenizer()).encode(text);
  tokens.resize(std::min(tokens.size(), most));
  Batch batch;
  batch.add(0, 0, tokens, Batch::Logits::none);
  Inputs inputs;
  stage.forward(batch, &inputs);
  return inputs;
}

struct Kind {
  const char* point;                  ///< of the input
  std::vector<const char*> matrices;  ///< that it is multiplied with
};
const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {{"attention.norm", {"attention.q", "attention.k", "attention.v"}},
                                        {"attention.output", {"attention.o"}},
                                        {"feed_forward.norm", {"feed_forward.gate", "feed_forward.up"}},
                                        {"feed_forward.activation", {"feed_forward.down"}}};
  return all;
}

/// The products of one kind in all layers.
std::vector<Product> products_of(const Checkpoint& checkpoint, const Inputs& inputs, const Kind& kind) {
  std::vector<Product> products;
  for (std::int64_t layer = 0; layer < checkpoint.config().layers; ++layer) {
    for (const char* matrix : kind.matrices) {
      products.push_back(
          {.x = inputs.at(fmt::format("layers.{}.{}", layer, kind.point)),
           .w = load_f32(checkpoint.tensor(fmt::format("layers.{}.{}.weight", layer, matrix)))});
    }
  }
  return products;
}

/// The products of tiny, whose weights nobody has quantised, on the text beside it.
std::vector<Product> products_of_tiny(const DemoInput& input) {
  const Checkpoint tiny = input.open("tiny");
  const Inputs inputs = read_text(tiny, *make_kv_cache(tiny, {.max_sequences = 1}), heldout_text(tiny), 256);
  std::vector<Product> products;
  for (const Kind& kind : kinds()) {
    for (Product& product : products_of(tiny, inputs, kind)) products.push_back(std::move(product));
  }
  return products;
}

/// Sums of squares over many products.
struct Error {
  double off = 0, all = 0;
  void add(const Matrix& wrong, const Matrix& right) {
    off += double{(wrong - right).squaredNorm()};
    all += double{right.squaredNorm()};
  }
  double relative() const { return std::sqrt(off / all); }
};

// [variance]
/// What the mean square of y = x · Wᵀ is off by if each rounded weight is off on its own, evenly spread over its step: a
/// variance of step²/12 each, which counts as much as the square of the x that it is multiplied with.
double predicted_square(const Matrix& x, const UniformMatrix& w) {
  const Eigen::Index columns = x.cols();
  const Eigen::Index width = w.scheme.scale_for == ScaleFor::group ? w.scheme.group : columns;
  double sum = 0;
  auto scale = w.scales.begin();
  for (Eigen::Index row = 0; row < w.levels.rows(); ++row) {
    for (Eigen::Index column = 0; column < columns; column += width, ++scale) {
      const Eigen::Index here = std::min(width, columns - column);
      const double squares = double{x.middleCols(column, here).squaredNorm()};  // of all tokens
      sum += double{scale->scale} * double{scale->scale} / 12 * squares;
    }
  }
  return sum;
}
// [variance]

Json show_dot(const DemoInput& input, DemoText& text) {
  const std::vector<Product> products = products_of_tiny(input);
  text.print("all {} matrix products of tiny's layers on 256 tokens; errors relative to what comes out\n",
             products.size());
  text.print("{:>5} {:<12} {:<9} {:>11} {:>11} {:>7}\n", "bits", "range", "scale for", "predicted",
             "measured", "ratio");
  Json data = Json::array();
  const auto row = [&](const UniformScheme& scheme, const char* share) {
    double predicted = 0;
    Error measured;
    for (const Product& product : products) {
      const UniformMatrix quantized = quantize_uniform(product.w, scheme);
      predicted += predicted_square(product.x, quantized);
      measured.add(product_of(product.x, dequantize(quantized)), product_of(product.x, product.w));
    }
    const double expected = std::sqrt(predicted / measured.all);
    const char* range = scheme.range == LevelRange::symmetric ? "symmetric" : "asymmetric";
    text.print("{:>5} {:<12} {:<9} {:>9.3f} % {:>9.3f} % {:>7.2f}\n", scheme.bits, range, share,
               100 * expected, 100 * measured.relative(), measured.relative() / expected);
    data.push_back({{"bits", scheme.bits},
                    {"range", range},
                    {"share", share},
                    {"predicted", expected},
                    {"measured", measured.relative()}});
  };
  for (const int bits : {8, 6, 5, 4, 3, 2}) {
    row({.bits = bits, .scale_for = ScaleFor::channel}, "channel");
    row({.bits = bits, .group = 32}, "32");
  }
  row({.bits = 4, .range = LevelRange::asymmetric, .group = 32}, "32");
  row({.bits = 4, .group = 8}, "8");
  return data;
}

// Activations.

/// What remains of activations in 8 bits.
Matrix eight_bits(const Matrix& x, ScaleFor share) {
  return dequantize(quantize_uniform(x, {.bits = 8, .scale_for = share, .group = 32}));
}

Json show_activations(const DemoInput& input, DemoText& text) {
  const auto stage = input.stage("kv_cache", {.max_positions = 64, .max_sequences = 1});
  const Inputs inputs = read_text(input.checkpoint, *stage, heldout_text(input.open("tiny")), 64);
  text.print("{}, 64 tokens; weights as they are, activations in 8 bits with one scale for\n", input.model);
  text.print("{:<26} {:>14} {:>10} {:>10} {:>10}\n", "input of a product", "largest / rms", "all tokens",
             "a token", "32 of one");
  Json data;
  for (const Kind& kind : kinds()) {
    double largest = 0;
    std::array<Error, 3> errors;
    for (const Product& product : products_of(input.checkpoint, inputs, kind)) {
      const double rms = std::sqrt(double{product.x.squaredNorm()} / double(product.x.size()));
      largest = std::max(largest, double{product.x.cwiseAbs().maxCoeff()} / rms);
      const Matrix right = product_of(product.x, product.w);
      for (std::size_t i = 0; i < 3; ++i) {
        constexpr std::array shares = {ScaleFor::tensor, ScaleFor::channel, ScaleFor::group};
        errors[i].add(product_of(eight_bits(product.x, shares[i]), product.w), right);
      }
    }
    text.print("{:<26} {:>14.0f} {:>8.2f} % {:>8.2f} % {:>8.2f} %\n", kind.point, largest,
               100 * errors[0].relative(), 100 * errors[1].relative(), 100 * errors[2].relative());
    data["inputs"].push_back({{"point", kind.point}, {"largest", largest}, {"group", errors[2].relative()}});
  }
  return data;
}

Json show_both(const DemoInput& input, DemoText& text) {
  const std::vector<Product> products = products_of_tiny(input);
  text.print("tiny, 256 tokens; error of the products by rounding\n");
  text.print("{:<16} {:>10} {:>14} {:>8} {:>24}\n", "", "weights", "activations", "both",
             "√(weights² + act.²)");
  Json data = Json::array();
  for (const int bits : {4, 8}) {
    Error weights;
    Error activations;
    Error both;
    for (const Product& product : products) {
      const Matrix x = eight_bits(product.x, ScaleFor::group);
      const Matrix w = dequantize(quantize_uniform(product.w, {.bits = bits, .group = 32}));
      const Matrix right = product_of(product.x, product.w);
      weights.add(product_of(product.x, w), right);
      activations.add(product_of(x, product.w), right);
      both.add(product_of(x, w), right);
    }
    text.print("W{} A8           {:>10.3f} % {:>12.3f} % {:>6.3f} % {:>22.3f} %\n", bits,
               100 * weights.relative(), 100 * activations.relative(), 100 * both.relative(),
               100 * std::hypot(weights.relative(), activations.relative()));
    data.push_back({{"bits", bits},
                    {"weights", weights.relative()},
                    {"activations", activations.relative()},
                    {"both", both.relative()}});
  }
  return data;
}

}  // namespace

std::vector<DemoPart> error_parts() {
  return {
      {"dot", "the error of matrix products by rounded weights: predicted, then measured", show_dot},
      {"activations", "activations in 8 bits: how large they get, and their error alone", show_activations},
      {"both", "the errors of weights and of activations, apart and together", show_both}};
}

}  // namespace rung
