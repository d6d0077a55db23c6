#include "chapters/03_attention/demo.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <numbers>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chapters/01_tokens/tokenizer.h"
#include "chapters/03_attention/causal_attention.h"
#include "chapters/03_attention/repeated_heads.h"
#include "chapters/03_attention/rope.h"
#include "chapters/03_attention/softmax.h"

namespace rung {
namespace {

using Json = nlohmann::ordered_json;
using Tokens = std::vector<std::int32_t>;

/// Words come back in it, so that one sees heads that look for what was there before.
const std::string sentence =
    "The cat sat on the mat because it was tired. The dog lay on the floor because it was sick.";

/// Long enough to see what the distance between two tokens does.
const std::string story =
    "Every morning the baker opened her shop at six o'clock. She swept the floor, lit the oven and put the "
    "first loaves on the shelf. The children of the village came on their way to school and bought warm "
    "rolls "
    "for a penny. One day a stranger walked in. He looked at the shelf for a long time and asked for the "
    "smallest loaf in the shop. The baker gave it to him and would not take his money. A year later a letter "
    "came from the city. The stranger had opened a shop of his own, and on the shelf by the door he kept one "
    "small loaf of bread that was not for sale.";

// ---- by hand -----------------------------------------------------------------------------------------------

std::string row_text(const Eigen::RowVectorXf& row, const char* masked = "      -") {
  std::string text;
  for (const float x : row) text += std::isfinite(x) ? fmt::format(" {:6.3f}", x) : fmt::format("{}", masked);
  return text;
}

/// The tutorial's three tokens, one head of four numbers.
Json show_average(const DemoInput& /*input*/, DemoText& text) {
  Matrix q(3, 4), k(3, 4), v(3, 4), out(3, 4);
  q << 1, 0, 1, 0, 0, 2, 0, 2, 2, 2, 0, 0;
  k << 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1;
  v << 4, 0, 0, 1, 0, 2, 0, 1, 0, 0, 8, 1;
  const Matrix scores = q * k.transpose() / 2;  // sqrt(4)
  causal_attention(q, k, v, 4, {}, out);
  const char* const names[] = {"The", "cat", "sat"};
  text.print("{:<6}{:^21}  {:^21}  {:^28}\n", "query", "scores of the keys", "weights", "out");
  for (Eigen::Index t = 0; t < 3; ++t) {
    Eigen::RowVectorXf seen = scores.row(t);
    for (Eigen::Index s = t + 1; s < 3; ++s) seen[s] = -INFINITY;
    Eigen::RowVectorXf weights = seen;
    softmax(weights);
    text.print("{:<6}{}  {}  {}\n", names[t], row_text(seen), row_text(weights), row_text(out.row(t)));
  }
  return nullptr;
}

// ---- softmax -----------------------------------------------------------------------------------------------

std::string weight_text(float weight) {
  return std::isnan(weight) ? "  NaN" : fmt::format("{:5.3f}", weight);
}

/// Scores whose exponentials fp32 can hold, the same 100 higher and 200 lower, where it cannot, and a masked
/// one.
Json show_softmax(const DemoInput& /*input*/, DemoText& text) {
  Json data = Json::array();
  text.print("{:^20}   {:^19}   {:^19}\n", "scores", "maximum subtracted", "not subtracted");
  const float rows[][3] = {{1, 2, 3}, {101, 102, 103}, {-199, -198, -197}, {1, 2, -INFINITY}};
  for (const auto& row : rows) {
    const Eigen::RowVectorXf scores = Eigen::Map<const Eigen::RowVector3f>(row);
    Eigen::RowVectorXf weights = scores, naive = scores;
    softmax(weights);
    for (float& x : naive) x = std::exp(x);
    naive /= naive.sum();
    text.print("{:6.0f} {:6.0f} {:6.0f}   {:>6} {:>6} {:>6}   {:>6} {:>6} {:>6}\n", row[0], row[1], row[2],
               weight_text(weights[0]), weight_text(weights[1]), weight_text(weights[2]),
               weight_text(naive[0]), weight_text(naive[1]), weight_text(naive[2]));
    if (std::isfinite(row[2])) {
      data.push_back({{"scores", std::vector<float>(scores.begin(), scores.end())},
                      {"weights", std::vector<float>(weights.begin(), weights.end())}});
    }
  }
  return data;
}

// ---- a real model ------------------------------------------------------------------------------------------

/// Queries and keys of every layer, as a model has them on a text.
class Heads : public Trace {
 public:
  Heads(const DemoInput& input, const std::string& text)
      : H_(input.checkpoint.config().heads),
        G_(input.checkpoint.config().kv_heads),
        D_(input.checkpoint.config().head_dim),
        layers_(input.checkpoint.config().layers) {
    const Tokenizer tokenizer(input.checkpoint.tokenizer());
    tokens_ = tokenizer.encode(text);
    for (const std::int32_t token : tokens_) pieces_.push_back(tokenizer.piece_bytes(token));
    const auto stage = input.stage(
        "kv_cache", {.max_positions = static_cast<std::int32_t>(tokens_.size()), .max_sequences = 1});
    Batch batch;
    batch.add(0, 0, tokens_, Batch::Logits::last);
    stage->forward(batch, this);
  }

  void see(std::string_view point, const ConstMatrixView& values) override {
    for (const char* const name : {".q", ".k", ".q_rotated", ".k_rotated"}) {
      if (point.ends_with(name)) points_[std::string(point)] = values;
    }
  }

  const Tokens& tokens() const { return tokens_; }
  const std::vector<std::string>& pieces() const { return pieces_; }
  std::int64_t length() const { return static_cast<std::int64_t>(tokens_.size()); }
  std::int64_t layers() const { return layers_; }
  std::int64_t heads() const { return H_; }
  std::int64_t head_dim() const { return D_; }

  /// "q", "k", "q_rotated" or "k_rotated" of a layer, keys repeated to all heads: [T, H · D].
  Matrix all_heads(std::int64_t layer, const std::string& name) const {
    const Matrix& values = points_.at(fmt::format("layers.{}.attention.{}", layer, name));
    return name.front() == 'k' ? repeat_heads(values, H_, G_, D_) : values;
  }

  /// softmax of q · k / divisor, causal: [T, T].
  Matrix weights(const Matrix& q, const Matrix& k, std::int64_t head, double divisor) const {
    Matrix weights = q.middleCols(head * D_, D_) * k.middleCols(head * D_, D_).transpose();
    weights /= static_cast<float>(divisor);
    for (Eigen::Index t = 0; t < weights.rows(); ++t) {
      weights.row(t).tail(weights.cols() - 1 - t).setConstant(-INFINITY);
      softmax(weights.row(t));
    }
    return weights;
  }

 private:
  std::int64_t H_, G_, D_, layers_;
  Tokens tokens_;
  std::vector<std::string> pieces_;
  std::map<std::string, Matrix> points_;
};

/// What a head can be looked at for: the mean weight of some key of each query that has such a key.
struct Habit {
  const char* name;
  const char* what;
  /// The key that query t should look at; nothing when it has none.
  std::optional<std::int64_t> (*key)(const Tokens& tokens, std::int64_t t);
};

constexpr Habit habits[] = {
    {"first", "the first token",
     [](const Tokens&, std::int64_t t) { return t >= 4 ? std::optional<std::int64_t>(0) : std::nullopt; }},
    {"previous", "the token just before",
     [](const Tokens&, std::int64_t t) { return t >= 4 ? std::optional(t - 1) : std::nullopt; }},
    {"content", "what followed this word when it came before",
     [](const Tokens& tokens, std::int64_t t) -> std::optional<std::int64_t> {
       for (std::int64_t s = t - 2; s >= 1; --s) {
         if (tokens[static_cast<std::size_t>(s)] == tokens[static_cast<std::size_t>(t)]) return s + 1;
       }
       return std::nullopt;
     }},
};

/// The mean weight that a head gives to the keys of a habit; 0 when no query has one.
double strength(const Habit& habit, const Tokens& tokens, const Matrix& weights) {
  double sum = 0;
  int count = 0;
  for (Eigen::Index t = 0; t < weights.rows(); ++t) {
    const std::optional<std::int64_t> key = habit.key(tokens, t);
    if (!key) continue;
    sum += static_cast<double>(weights(t, *key));
    ++count;
  }
  return count > 0 ? sum / count : 0;
}

std::vector<std::vector<double>> rounded(const Matrix& weights) {
  std::vector<std::vector<double>> rows;
  for (Eigen::Index t = 0; t < weights.rows(); ++t) {
    rows.emplace_back();
    for (const float w : weights.row(t))
      rows.back().push_back(std::round(static_cast<double>(w) * 1e4) / 1e4);
  }
  return rows;
}

/// Of all heads of the model, the one that has each habit most.
Json show_heads(const DemoInput& input, DemoText& text) {
  const Heads model(input, input.text_or(sentence));
  struct Best {
    double strength = 0;
    std::int64_t layer = 0, head = 0;
    int strong = 0;  ///< heads that give it more than half
    Matrix weights;
  };
  Best best[std::size(habits)];
  for (std::int64_t layer = 0; layer < model.layers(); ++layer) {
    const Matrix q = model.all_heads(layer, "q_rotated");
    const Matrix k = model.all_heads(layer, "k_rotated");
    for (std::int64_t head = 0; head < model.heads(); ++head) {
      const Matrix weights = model.weights(q, k, head, std::sqrt(static_cast<double>(model.head_dim())));
      for (std::size_t i = 0; i < std::size(habits); ++i) {
        const double found = strength(habits[i], model.tokens(), weights);
        best[i].strong += found > 0.5 ? 1 : 0;
        if (found > best[i].strength) best[i] = {found, layer, head, best[i].strong, weights};
      }
    }
  }
  text.print("{} heads in {} layers, {} tokens. Mean weight of\n\n", model.layers() * model.heads(),
             model.layers(), model.length());
  Json data{{"pieces", model.pieces()}, {"heads", Json::array()}};
  for (std::size_t i = 0; i < std::size(habits); ++i) {
    const Best& one = best[i];
    text.print("{:<44} most in layer {:>2}, head {}: {:.2f}; over half in {} heads\n", habits[i].what,
               one.layer, one.head, one.strength, one.strong);
    data["heads"].push_back({{"name", habits[i].name},
                             {"layer", one.layer},
                             {"head", one.head},
                             {"strength", one.strength},
                             {"weights", rounded(one.weights)}});
  }
  return data;
}

/// How peaked the weights are when the scores are q · k, when they are divided by sqrt(D), and by D.
Json show_scale(const DemoInput& input, DemoText& text) {
  const Heads model(input, input.text_or(sentence));
  const auto D = static_cast<double>(model.head_dim());
  const struct {
    const char* name;
    double divisor;
  } scales[] = {{"q·k", 1}, {"q·k / sqrt(D)", std::sqrt(D)}, {"q·k / D", D}};
  Json data = Json::array();
  text.print("{} heads, the last query of {} tokens, D = {}\n\n", model.layers() * model.heads(),
             model.length(), model.head_dim());
  text.print("{:<14} {:>16} {:>16}\n", "scores", "largest weight", "keys over 1 %");
  for (const auto& [name, divisor] : scales) {
    double largest = 0;
    double many = 0;
    for (std::int64_t layer = 0; layer < model.layers(); ++layer) {
      const Matrix q = model.all_heads(layer, "q_rotated");
      const Matrix k = model.all_heads(layer, "k_rotated");
      for (std::int64_t head = 0; head < model.heads(); ++head) {
        const auto last = model.weights(q, k, head, divisor).bottomRows(1).eval();
        largest += static_cast<double>(last.maxCoeff());
        many += static_cast<double>((last.array() > 0.01F).count());
      }
    }
    const auto all = static_cast<double>(model.layers() * model.heads());
    text.print("{:<14} {:>16.2f} {:>16.0f}\n", name, largest / all, many / all);
    data.push_back({{"scores", name}, {"largest", largest / all}, {"keys", many / all}});
  }
  return data;
}

// ---- rotations ---------------------------------------------------------------------------------------------

/// How fast the pairs of the model turn, and that a score knows only the distance.
Json show_rope(const DemoInput& input, DemoText& text) {
  const ModelConfig& config = input.checkpoint.config();
  const std::int64_t D = config.head_dim;
  const std::vector<double> frequencies = rope_frequencies(config.rope, D);
  text.print("D = {}, theta = {}: {} pairs\n\n", D, config.rope.theta, D / 2);
  text.print("{:>4}   {:>16}   {:>17}\n", "pair", "radians per token", "tokens for a turn");
  for (std::int64_t i = 0; i < D / 2; i += std::max<std::int64_t>(1, D / 8)) {
    const double frequency = frequencies[static_cast<std::size_t>(i)];
    text.print("{:>4}   {:>17.3g}   {:>17.3g}\n", i, frequency, 2 * std::numbers::pi / frequency);
  }
  text.print("{:>4}   {:>17.3g}   {:>17.3g}\n\n", D / 2 - 1, frequencies.back(),
             2 * std::numbers::pi / frequencies.back());

  // One query and one key, turned to where they stand.
  Matrix q(1, D), k(1, D);
  for (Eigen::Index d = 0; d < D; ++d) {
    q(0, d) = d % 3 == 0 ? 1.0F : 0.5F;
    k(0, d) = d % 2 == 0 ? 1.0F : 0.25F;
  }
  const auto turned = [&](Matrix x, std::int32_t position) {
    rope(x, Rotations(frequencies, std::vector<std::int32_t>{position}), RopeLayout::half_split);
    return x;
  };
  text.print("{:>10} {:>10} {:>10}   {}\n", "query at", "key at", "distance", "q·k");
  for (const auto& [m, n] : {std::pair(5, 5), std::pair(205, 205), std::pair(5, 2), std::pair(205, 202),
                             std::pair(25, 5), std::pair(225, 205)}) {
    text.print("{:>10} {:>10} {:>10}   {:.2f}\n", m, n, m - n, turned(q, m).row(0).dot(turned(k, n).row(0)));
  }
  return {{"frequencies", frequencies}, {"context", config.context}};
}

/// Ranges of distances, the last one open.
constexpr std::int64_t bounds[] = {0, 1, 2, 4, 8, 16, 32, 64};

std::size_t range_of(std::int64_t distance) {
  std::size_t range = 0;
  while (range + 1 < std::size(bounds) && distance >= bounds[range + 1]) ++range;
  return range;
}

std::string range_text(std::size_t range, std::int64_t last) {
  const std::int64_t from = bounds[range];
  const std::int64_t to = std::min(range + 1 < std::size(bounds) ? bounds[range + 1] - 1 : last, last);
  return from == to ? fmt::format("{}", from) : fmt::format("{} to {}", from, to);
}

/// Real queries and keys turned in their own layout and in the other: how far the scores move, by distance.
Json show_layouts(const DemoInput& input, DemoText& text) {
  const Heads model(input, input.text_or(story));
  const std::int64_t D = model.head_dim();
  const std::vector<double> frequencies = rope_frequencies(input.checkpoint.config().rope, D);
  std::vector<std::int32_t> positions(static_cast<std::size_t>(model.length()));
  std::iota(positions.begin(), positions.end(), 0);
  const Rotations rotations(frequencies, positions);

  struct Sum {
    double moved = 0, square = 0;
    std::int64_t count = 0;
  };
  std::vector<Sum> sums(std::size(bounds));
  const double root = std::sqrt(static_cast<double>(D));
  for (std::int64_t layer = 0; layer < model.layers(); ++layer) {
    Matrix q[2], k[2];
    for (const RopeLayout layout : {RopeLayout::half_split, RopeLayout::interleaved}) {
      const int at = layout == RopeLayout::half_split ? 0 : 1;
      q[at] = model.all_heads(layer, "q");
      k[at] = model.all_heads(layer, "k");
      rope(q[at], rotations, layout);
      rope(k[at], rotations, layout);
    }
    for (std::int64_t head = 0; head < model.heads(); ++head) {
      Matrix scores[2];  // [T, T]
      for (const int at : {0, 1}) {
        scores[at] = q[at].middleCols(head * D, D) * k[at].middleCols(head * D, D).transpose();
      }
      for (std::int64_t t = 0; t < model.length(); ++t) {
        for (std::int64_t s = 0; s <= t; ++s) {
          Sum& sum = sums[range_of(t - s)];
          sum.moved += std::abs(static_cast<double>(scores[1](t, s) - scores[0](t, s))) / root;
          sum.count += 1;
        }
      }
    }
  }
  text.print("{} heads, {} tokens; scores are q·k / sqrt(D)\n\n", model.layers() * model.heads(),
             model.length());
  text.print("{:>11}   {:>16}   {}\n", "distance", "score moves by", "pairs turned by 1 radian or more");
  Json data = Json::array();
  for (std::size_t range = 0; range < sums.size(); ++range) {
    const Sum& sum = sums[range];
    if (sum.count == 0) continue;
    const auto turned = std::ranges::count_if(
        frequencies, [&](double frequency) { return frequency * static_cast<double>(bounds[range]) >= 1; });
    const double moved = sum.moved / static_cast<double>(sum.count);
    text.print("{:>11}   {:>16.1f}   {:>2} of {}\n", range_text(range, model.length() - 1), moved, turned,
               D / 2);
    data.push_back({{"from", bounds[range]}, {"moved", moved}});
  }
  return data;
}

/// -log2 of the probability that each next token had, in order.
std::vector<double> surprises(const DemoInput& input, const std::string& stage, const Tokens& tokens) {
  Batch batch;
  batch.add(0, 0, tokens, Batch::Logits::all);
  const Matrix logits =
      input.stage(stage, {.max_positions = static_cast<std::int32_t>(tokens.size()), .max_sequences = 1})
          ->forward(batch);
  std::vector<double> bits;
  for (std::size_t t = 0; t + 1 < tokens.size(); ++t) {
    const Eigen::RowVectorXd row = logits.row(static_cast<Eigen::Index>(t)).cast<double>();
    const double largest = row.maxCoeff();
    const double log_sum = largest + std::log((row.array() - largest).exp().sum());
    bits.push_back((log_sum - row[tokens[t + 1]]) / std::numbers::ln2);
  }
  return bits;
}

/// How well the whole model guesses the next token, with the right layout and the other, along a text.
Json show_mixed(const DemoInput& input, DemoText& text) {
  const Tokens tokens = Tokenizer(input.checkpoint.tokenizer()).encode(input.text_or(story));
  const std::vector<double> right = surprises(input, "oracle", tokens);
  const std::vector<double> wrong = surprises(input, "rope_interleaved", tokens);
  text.print("bits per token: how surprised the model is by the next token of the text\n\n");
  text.print("{:>16}   {:>10}   {:>12}\n", "tokens before it", "half-split", "interleaved");
  for (std::size_t range = 1; range < std::size(bounds); ++range) {
    double sums[2] = {};
    int count = 0;
    for (std::size_t t = 0; t < right.size(); ++t) {
      if (range_of(static_cast<std::int64_t>(t) + 1) != range) continue;
      sums[0] += right[t];
      sums[1] += wrong[t];
      ++count;
    }
    if (count == 0) continue;
    text.print("{:>16}   {:>10.1f}   {:>12.1f}\n", range_text(range, static_cast<std::int64_t>(right.size())),
               sums[0] / count, sums[1] / count);
  }
  return {{"half_split", right}, {"interleaved", wrong}};
}

/// What a stage writes behind a text, always the likeliest token, on one line.
std::string continued(const DemoInput& input, const std::string& stage_name, const std::string& prompt,
                      std::int32_t count) {
  const Tokenizer tokenizer(input.checkpoint.tokenizer());
  Tokens tokens = tokenizer.encode(prompt);
  const auto length = static_cast<std::int32_t>(tokens.size());
  const auto stage = input.stage(stage_name, {.max_positions = length + count, .max_sequences = 1});
  Tokens written;
  while (static_cast<std::int32_t>(written.size()) < count) {
    Batch batch;
    const std::int32_t first = written.empty() ? 0 : length + static_cast<std::int32_t>(written.size()) - 1;
    batch.add(0, first, tokens, Batch::Logits::last);
    Eigen::Index likeliest = 0;
    stage->forward(batch).row(0).maxCoeff(&likeliest);
    written.push_back(static_cast<std::int32_t>(likeliest));
    if (tokenizer.ends_turn(written.back())) break;
    tokens = {written.back()};
  }
  std::string line;
  for (const char c : tokenizer.decode(written)) line += c == '\n' ? std::string("\\n") : std::string(1, c);
  return line;
}

/// What the model says with the right pairs and with the wrong ones.
Json show_listen(const DemoInput& input, DemoText& text) {
  const std::string prompt = input.text_or("Water boils when");
  constexpr std::int32_t count = 24;
  text.print("{} …\n\n", prompt);
  text.print("half-split: {}\n", continued(input, "kv_cache", prompt, count));
  text.print("interleaved: {}\n", continued(input, "rope_interleaved", prompt, count));
  return nullptr;
}

}  // namespace

Demo attention_demo() {
  return {.chapter = 3,
          .title = "How does a token look at the tokens before it?",
          .parts = {{"average", "three tokens by hand: scores, weights, and the average of the values",
                     show_average},
                    {"softmax", "scores to weights, and why the maximum is subtracted", show_softmax},
                    {"scale", "why scores are divided by the square root of D", show_scale},
                    {"heads", "where real heads look", show_heads},
                    {"rope", "how fast pairs turn, and that a score knows only the distance", show_rope},
                    {"layouts", "real queries and keys, turned in the wrong pairs", show_layouts},
                    {"mixed", "the whole model with the wrong pairs, along a text", show_mixed},
                    {"listen", "what it says then", show_listen}}};
}

}  // namespace rung
