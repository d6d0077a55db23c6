#include "chapters/04_transformer/demo.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/ranges.h>

#include "chapters/01_tokens/tokenizer.h"
#include "chapters/02_tensors/linear.h"
#include "chapters/03_attention/softmax.h"
#include "chapters/04_transformer/rmsnorm.h"
#include "chapters/04_transformer/swiglu.h"
#include "core/measure/clock.h"
#include "core/measure/limits.h"
#include "core/measure/roofline.h"

namespace rung {
namespace {

using Json = nlohmann::ordered_json;

/// What the demo reads when the reader gives no text. The model knows how it goes on.
constexpr const char* sentence = "The Eiffel Tower is in the city of";

/// Keeps every activation of one forward pass.
class Kept : public Trace {
 public:
  void see(std::string_view point, const ConstMatrixView& values) override {
    points_[std::string(point)] = values;
  }
  const Matrix& at(const std::string& point) const { return points_.at(point); }

 private:
  std::map<std::string, Matrix> points_;
};

std::unique_ptr<DenseLinear> dense(Matrix weight) {
  return std::make_unique<DenseLinear>(std::make_shared<const Matrix>(std::move(weight)));
}

double rms(const Eigen::Ref<const Eigen::RowVectorXf>& x) {
  return std::sqrt(static_cast<double>(x.squaredNorm()) / static_cast<double>(x.size()));
}

/// Three tokens through a feed-forward layer of width two and the output matrix, all numbers shown.
Json show_by_hand(const DemoInput& /*input*/, DemoText& text) {
  Matrix x(3, 2), gate(2, 2), up(2, 2), down(2, 2);
  x << 3, 4, 1, -1, 0, -2;
  gate << 1, 0, 0, 1;
  up << 1, 1, 1, -1;
  down << 1, 0, 0, 1;
  const Matrix embedding = x;  // the vocabulary is these three tokens
  const SwiGlu feed_forward(dense(gate), dense(up), dense(down));
  const Vector ones = Vector::Ones(2);

  Kept kept;
  Matrix normed(3, 2), out(3, 2), logits(3, 3);
  rmsnorm(x, ones, 0, normed);
  feed_forward.run(normed, out, &kept, "ff");
  const Matrix residual = x + out;
  Matrix last(3, 2);
  rmsnorm(residual, ones, 0, last);
  dense(embedding)->apply(Activations(last), logits);

  const std::vector<std::pair<std::string, Matrix>> steps = {{"x", x},
                                                             {"norm", normed},
                                                             {"gate", kept.at("ff.gate")},
                                                             {"up", kept.at("ff.up")},
                                                             {"silu(gate) · up", kept.at("ff.activation")},
                                                             {"residual", residual},
                                                             {"last norm", last},
                                                             {"logits", logits}};
  text.print("{:<16}{:^22}{:^22}{:^22}\n", "", "token 0", "token 1", "token 2");
  Json data;
  for (const auto& [name, values] : steps) {
    // Padded by hand: the dot in a name is two bytes and one column.
    text.write(name +
               std::string(name.find("·") == std::string::npos ? 16 - name.size() : 17 - name.size(), ' '));
    for (Eigen::Index t = 0; t < values.rows(); ++t) {
      std::vector<std::string> numbers;
      for (const float number : values.row(t)) numbers.push_back(fmt::format("{:.2f}", number + 0.0F));
      text.print("{:<22}", fmt::format("({})", fmt::join(numbers, ", ")));
      data[name].push_back(std::vector<float>(values.row(t).begin(), values.row(t).end()));
    }
    text.write("\n");
  }
  return data;
}

/// Parameters and FLOPs by part, counted from the shapes in the file and by the stage.
Json show_parameters(const DemoInput& input, DemoText& text) {
  const ModelConfig& config = input.checkpoint.config();
  std::map<std::string, std::int64_t> parameters;
  for (const Tensor& tensor : input.checkpoint.tensors()) {
    const bool norm = tensor.name.ends_with("norm.weight");
    const std::string part = norm                                                   ? "norms"
                             : tensor.name.find(".attention.") != std::string::npos ? "attention"
                             : tensor.name.starts_with("layers.")                   ? "feed-forward"
                             : tensor.name.starts_with("embedding.")                ? "embedding"
                             : tensor.name == "output.weight"                       ? "output"
                                                                                    : "other";
    parameters[part] += elements(tensor.view.shape);
  }
  std::map<std::string, std::int64_t> flops = {{"attention", 2 * parameters["attention"]},
                                               {"feed-forward", 2 * parameters["feed-forward"]},
                                               {"output", 2 * config.vocab * config.hidden}};
  std::int64_t all_parameters = 0;
  std::int64_t all_flops = 0;
  for (const auto& [part, count] : parameters) all_parameters += count;
  for (const auto& [part, count] : flops) all_flops += count;
  const auto percent = [](std::int64_t part, std::int64_t all) {
    return 100 * static_cast<double>(part) / static_cast<double>(all);
  };

  Json data;
  text.print("{:<14}{:>14}{:>9}{:>20}{:>9}\n", "part", "parameters", "share", "FLOPs per token", "share");
  for (const char* const part : {"embedding", "attention", "feed-forward", "norms", "output", "other"}) {
    if (parameters[part] == 0 && flops[part] == 0) continue;
    text.print("{:<14}{:>14}{:>7.1f} %{:>20}{:>7.1f} %\n", part, fmt::group_digits(parameters[part]),
               percent(parameters[part], all_parameters), fmt::group_digits(flops[part]),
               percent(flops[part], all_flops));
    data["parts"].push_back({{"part", part}, {"parameters", parameters[part]}, {"flops", flops[part]}});
  }
  text.print("{:<14}{:>14}{:>9}{:>20}\n", "all", fmt::group_digits(all_parameters), "",
             fmt::group_digits(all_flops));

  const StageCost cost = input.stage("recompute", {.max_positions = 1, .max_sequences = 1})->cost();
  text.print("\nthe stage counts {} FLOPs for a row's matrices, {} for its logits,\n",
             fmt::group_digits(cost.flops_per_row), fmt::group_digits(cost.flops_per_logits_row));
  text.print("and {} for every position that the row sees\n",
             fmt::group_digits(cost.flops_per_visible_position));
  data["all_parameters"] = all_parameters;
  data["all_flops"] = all_flops;
  return data;
}

/// The first text: the likeliest token is taken, put behind the text, and all of it is run again.
Json show_text(const DemoInput& input, DemoText& text) {
  constexpr int new_tokens = 12;
  const Tokenizer tokenizer(input.checkpoint.tokenizer());
  const std::vector<std::int32_t> prompt = tokenizer.encode_prompt(input.text_or(sentence));
  const auto most = static_cast<std::int32_t>(prompt.size() + new_tokens);
  const std::unique_ptr<Stage> stage = input.stage("recompute", {.max_positions = most, .max_sequences = 1});

  std::vector<std::int32_t> tokens = prompt;
  std::span<const std::int32_t> unread = tokens;  // what the stage has not been given yet
  std::int32_t read = 0;
  for (int step = 0; step < new_tokens; ++step) {
    Batch batch;
    batch.add(/*sequence=*/0, /*first=*/read, unread, Batch::Logits::last);
    const Matrix logits = stage->forward(batch);  // [1, V]
    read = static_cast<std::int32_t>(tokens.size());
    Eigen::Index best = 0;
    logits.row(0).maxCoeff(&best);
    tokens.push_back(static_cast<std::int32_t>(best));
    unread = std::span(tokens).last(1);
  }

  const std::int64_t last = read;
  const auto first = static_cast<std::int64_t>(prompt.size());
  const std::int64_t run = (first + last) * (last - first + 1) / 2;
  const std::string continued = tokenizer.decode(std::span(tokens).last(new_tokens));
  text.print("prompt      {}\n", in_quotes(tokenizer.decode(prompt), '\''));
  text.print("continued   {}\n", in_quotes(continued, '\''));
  text.print("\n{} steps ran {}, {}, … {} rows: {} rows in all for {} tokens\n", new_tokens, first, first + 1,
             last, run, tokens.size());
  return {{"prompt", prompt}, {"continued", continued}, {"rows", run}};
}

/// The residual stream behind the embedding and behind every layer, at the last position and the first.
struct Stream {
  Matrix last;                                          ///< [layers + 1, hidden]
  std::vector<double> first_rms;                        ///< of the text's first position
  std::vector<double> attention_rms, feed_forward_rms;  ///< what a layer adds, at the last position
};

Stream run_stream(const DemoInput& input, const std::vector<std::int32_t>& tokens) {
  const ModelConfig& config = input.checkpoint.config();
  const std::unique_ptr<Stage> stage = input.stage(
      "recompute", {.max_positions = static_cast<std::int32_t>(tokens.size()), .max_sequences = 1});
  Batch batch;
  batch.add(0, 0, tokens, Batch::Logits::last);
  Kept kept;
  stage->forward(batch, &kept);

  Stream stream;
  stream.last.resize(config.layers + 1, config.hidden);
  const Eigen::Index at = static_cast<Eigen::Index>(tokens.size()) - 1;
  const auto add = [&](std::int64_t row, const Matrix& x) {
    stream.last.row(row) = x.row(at);
    stream.first_rms.push_back(rms(x.row(0)));
  };
  add(0, kept.at("embedding"));
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    const std::string name = fmt::format("layers.{}.", layer);
    stream.attention_rms.push_back(rms(kept.at(name + "attention.projected").row(at)));
    stream.feed_forward_rms.push_back(rms(kept.at(name + "feed_forward.output").row(at)));
    add(layer + 1, kept.at(name + "feed_forward.residual"));
  }
  return stream;
}

/// What the model would say if it ended after each layer.
Json show_lens(const DemoInput& input, DemoText& text) {
  const ModelConfig& config = input.checkpoint.config();
  const Tokenizer tokenizer(input.checkpoint.tokenizer());
  const std::vector<std::int32_t> tokens = tokenizer.encode_prompt(input.text_or(sentence));
  const Stream stream = run_stream(input, tokens);

  const Vector weight = load_f32(input.checkpoint.tensor("norm.weight")).row(0).transpose();
  const Tensor& output =
      input.checkpoint.tensor(config.tied_embeddings ? "embedding.weight" : "output.weight");
  Matrix normed(stream.last.rows(), stream.last.cols());  // [layers + 1, hidden]
  rmsnorm(stream.last, weight, static_cast<float>(config.norm_eps), normed);
  Matrix chances(stream.last.rows(), config.vocab);  // [layers + 1, V]: logits, then probabilities
  dense(load_f32(output))->apply(Activations(normed), chances);
  for (Eigen::Index row = 0; row < chances.rows(); ++row) softmax(chances.row(row));

  Eigen::Index answer = 0;
  chances.row(chances.rows() - 1).maxCoeff(&answer);
  const auto piece = [&](Eigen::Index id) {
    return in_quotes(tokenizer.piece_bytes(static_cast<std::int32_t>(id), Tokenizer::Control::shown), '\'');
  };
  text.print("behind {}, at its last token:\n\n", in_quotes(tokenizer.decode(tokens), '\''));
  text.print("{:<10}  {:<18}{:>12}{:>20}\n", "after", "likeliest token", "probability",
             fmt::format("of {}", piece(answer)));
  Json data = {{"text", tokenizer.decode(tokens)}, {"answer", piece(answer)}, {"layers", Json::array()}};
  for (Eigen::Index row = 0; row < chances.rows(); ++row) {
    Eigen::Index best = 0;
    const double probability = static_cast<double>(chances.row(row).maxCoeff(&best));
    const auto of_answer = static_cast<double>(chances(row, answer));
    text.print("{:<10}  {:<18}{:>12.2f}{:>20}\n", row == 0 ? "embedding" : fmt::format("layer {}", row - 1),
               piece(best), probability, of_answer < 1e-4 ? "< 0.0001" : fmt::format("{:.2g}", of_answer));
    data["layers"].push_back({{"token", piece(best)}, {"probability", probability}, {"answer", of_answer}});
  }
  return data;
}

/// How long the residual stream's rows get, and what the layers add to them.
Json show_stream(const DemoInput& input, DemoText& text) {
  const Tokenizer tokenizer(input.checkpoint.tokenizer());
  const Stream stream = run_stream(input, tokenizer.encode_prompt(input.text_or(sentence)));
  text.print("root mean square of             what the layer adds, last token    the stream after it\n");
  text.print("{:<16}{:>24}{:>16}{:>16}{:>14}\n", "", "attention", "feed-forward", "last token",
             "first token");
  Json data = Json::array();
  const auto layers = static_cast<std::int64_t>(stream.attention_rms.size());
  for (std::int64_t row = 0; row <= layers; ++row) {
    const auto i = static_cast<std::size_t>(row);
    const double last = rms(stream.last.row(row));
    data.push_back({{"last", last}, {"first", stream.first_rms[i]}});
    if (row > 0) {
      data.back()["attention"] = stream.attention_rms[i - 1];
      data.back()["feed_forward"] = stream.feed_forward_rms[i - 1];
    }
    if (row > 3 && row % 5 != 0 && row < layers) continue;
    text.print(
        "{:<16}{:>24}{:>16}{:>16.2f}{:>14.1f}\n", row == 0 ? "embedding" : fmt::format("layer {}", row - 1),
        row == 0 ? "" : fmt::format("{:.2f}", stream.attention_rms[i - 1]),
        row == 0 ? "" : fmt::format("{:.2f}", stream.feed_forward_rms[i - 1]), last, stream.first_rms[i]);
  }
  return data;
}

/// Seconds of a forward pass against the least that this machine's limits allow.
Json show_speed(const DemoInput& input, DemoText& text) {
  constexpr int repeats = 3;
  constexpr std::int32_t longest = 128;
  const std::unique_ptr<Stage> stage =
      input.stage("recompute", {.max_positions = longest, .max_sequences = 1});
  const int threads = Eigen::nbThreads();
  const measure::Limits limits{.bytes_per_second = measure::read_bandwidth(threads),
                               .flops_per_second = measure::fma_peak(threads)};
  text.print("limits: {:.1f} GB/s, {:.0f} GFLOP/s with {} threads\n\n", limits.bytes_per_second / 1e9,
             limits.flops_per_second / 1e9, threads);
  text.print("{:>6}{:>10}{:>14}{:>14}{:>12}{:>10}{:>10}\n", "rows", "GFLOP", "FLOPs/byte", "least ms",
             "took ms", "share", "GFLOP/s");
  Json data = Json::array();
  for (const std::int32_t rows : {1, 8, 32, longest}) {
    const std::vector<std::int32_t> tokens(static_cast<std::size_t>(rows), 1);
    double took =
        std::numeric_limits<double>::infinity();  // the best: whatever else runs only makes it longer
    for (int i = 0; i <= repeats; ++i) {
      Batch batch;
      batch.add(0, 0, tokens, Batch::Logits::last);
      const measure::Stopwatch watch;
      stage->forward(batch);
      if (i > 0) took = std::min(took, watch.seconds());  // the first one warms up
      stage->sequences().drop(0);
    }
    const measure::Work work = measure::prefill_work(stage->cost(), rows);
    const double least = measure::least_seconds(work, limits);
    text.print("{:>6}{:>10.2f}{:>14.1f}{:>14.1f}{:>12.1f}{:>8.0f} %{:>10.1f}\n", rows, work.flops / 1e9,
               work.intensity(), 1e3 * least, 1e3 * took, 100 * least / took, work.flops / took / 1e9);
    data.push_back({{"rows", rows}, {"flops", work.flops}, {"least", least}, {"took", took}});
  }
  return data;
}

}  // namespace

Demo transformer_demo() {
  return {.chapter = 4,
          .title = "How do attention and matrices become a model that writes text?",
          .parts = {{"hand", "three tokens through norm, feed-forward, residual and logits", show_by_hand},
                    {"parameters", "parameters and FLOPs by part", show_parameters},
                    {"text", "the first text, from stage recompute", show_text},
                    {"lens", "what the model would say if it ended after each layer", show_lens},
                    {"stream", "how the residual stream grows", show_stream},
                    {"speed", "the time of a forward pass against this machine's limits", show_speed}}};
}

}  // namespace rung
