// ./rung trace: two stages side by side, activation by activation: where do they part?

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "chapters/01_tokens/tokenizer.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/models.h"
#include "cli/note.h"
#include "cli/stage_choice.h"
#include "core/check/model_reference.h"
#include "core/check/point_watch.h"
#include "core/checkpoint/checkpoint.h"
#include "core/error.h"

namespace rung {
namespace {

struct Options {
  std::string a, b;
  std::string model = "smollm2";
  std::string text;
  bool all = false;
  bool json = false;
};

/// Keeps every activation that a stage shows.
class Recording : public Trace {
 public:
  void see(std::string_view point, const ConstMatrixView& values) override {
    points_[std::string(point)] = values;
  }
  const Matrix* find(const std::string& point) const {
    const auto found = points_.find(point);
    return found == points_.end() ? nullptr : &found->second;
  }

 private:
  std::map<std::string, Matrix> points_;
};

/// One trace point of both.
struct Row {
  std::string point;
  double budget = 0;
  std::optional<double> deviation;  ///< the largest |a - b|; nothing where one of them does not show it
  double percent = 0;

  bool parted() const { return deviation && !(*deviation <= budget); }
};

double largest_difference(const Matrix& a, const Matrix& b) {
  double largest = 0;
  for (Eigen::Index i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a.data()[i]) - static_cast<double>(b.data()[i]));
    if (std::isnan(difference)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, difference);
  }
  return largest;
}

Recording record(const StageInfo& info, const Checkpoint& checkpoint,
                 const std::vector<std::int32_t>& tokens) {
  const auto stage =
      info.make(checkpoint, {.max_positions = static_cast<std::int32_t>(tokens.size()), .max_sequences = 1});
  Recording recording;
  Batch batch;
  batch.add(0, 0, tokens, Batch::Logits::all);
  stage->forward(batch, &recording);
  return recording;
}

std::vector<Row> compare(const check::ModelReference& reference, const Recording& a, const Recording& b) {
  std::vector<Row> rows;
  for (const check::ReferencePoint& point : reference.points) {
    Row row{.point = point.name, .budget = point.budget, .deviation = {}, .percent = 0};
    const Matrix* const left = a.find(point.name);
    const Matrix* const right = b.find(point.name);
    if (left && right) {
      const bool alike = left->rows() == right->rows() && left->cols() == right->cols();
      row.deviation = alike ? largest_difference(*left, *right) : std::numeric_limits<double>::infinity();
      row.percent = check::percent_of(*row.deviation, row.budget);
    }
    rows.push_back(row);
  }
  return rows;
}

/// "layers.3" of "layers.3.attention.q"; other points stand for themselves.
std::string group_of(const std::string& point) {
  return point.starts_with("layers.") ? point.substr(0, point.find('.', 7)) : point;
}

/// The row of every layer that used most of its budget.
std::vector<Row> worst_of_each_layer(const std::vector<Row>& rows) {
  std::vector<Row> worst;
  for (const Row& row : rows) {
    if (worst.empty() || group_of(worst.back().point) != group_of(row.point)) {
      worst.push_back(row);
    } else if (row.percent > worst.back().percent) {
      worst.back() = row;
    }
  }
  return worst;
}

void print_text(const Options& options, const std::vector<Row>& rows, const Row* first, std::size_t tokens) {
  fmt::print("{} and {} on {}, {} tokens\n\n", options.a, options.b, options.model, tokens);
  fmt::print("{:<36} {:>14} {:>12} {:>10}\n", "point", "largest |a-b|", "budget", "used");
  for (const Row& row : options.all ? rows : worst_of_each_layer(rows)) {
    if (row.deviation) {
      fmt::print("{:<36} {:>14.3g} {:>12.3g} {:>10}{}\n", row.point, *row.deviation, row.budget,
                 check::share_text(row.percent), row.parted() ? "  parted" : "");
    } else {
      fmt::print("{:<36} not materialised by both\n", row.point);
    }
  }
  if (!options.all) fmt::print("\nOf every layer the worst point; --all prints each.\n");
  if (first) {
    fmt::print("They part at {}: {:.3g} apart, {} of its budget.\n", first->point, *first->deviation,
               check::share_text(first->percent));
  } else {
    fmt::print("They do not part: every point is within its budget.\n");
  }
}

void print_json(const Options& options, const std::vector<Row>& rows, const Row* first,
                const std::vector<std::int32_t>& tokens) {
  const auto number = [](double value) {
    return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
  };
  nlohmann::ordered_json out;
  out["a"] = options.a;
  out["b"] = options.b;
  out["model"] = options.model;
  out["tokens"] = tokens;
  out["parted"] = first != nullptr;
  out["first"] = first ? nlohmann::ordered_json(first->point) : nlohmann::ordered_json(nullptr);
  out["points"] = nlohmann::ordered_json::array();
  for (const Row& row : rows) {
    out["points"].push_back(
        {{"point", row.point},
         {"deviation", row.deviation ? number(*row.deviation) : nlohmann::ordered_json(nullptr)},
         {"budget", row.budget},
         {"percent", number(row.percent)},
         {"materialised", row.deviation.has_value()},
         {"parted", row.parted()}});
  }
  // A model's path may hold bytes that are no UTF-8, which JSON cannot.
  fmt::print("{}\n", out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void run(const Options& options) {
  const StageInfo a = choose_stage(options.a, "A");
  const StageInfo b = choose_stage(options.b, "B");
  const Checkpoint checkpoint = Checkpoint::open(resolve_model(options.model));
  const std::vector<std::int32_t> tokens = Tokenizer(checkpoint.tokenizer()).encode(options.text);
  if (tokens.empty()) {
    throw Error(ErrorKind::usage, "the text has no tokens of {}; write a few words to trace", options.model);
  }
  if (static_cast<std::int64_t>(tokens.size()) > checkpoint.config().context) {
    throw Error(ErrorKind::usage, "the text is {} tokens; {} was made for {} at most", tokens.size(),
                options.model, checkpoint.config().context);
  }

  note("trace: measuring the budgets: the fp64 model runs {} times over {} tokens …", 1 + check::roundings,
       tokens.size());
  const check::ModelReference reference = check::measure_reference(
      oracle::Transformer(checkpoint), tokens, check::NumberType::f32, 1, check::KeepPoints::budgets);
  const std::vector<Row> rows =
      compare(reference, record(a, checkpoint, tokens), record(b, checkpoint, tokens));
  const auto parted = std::ranges::find_if(rows, &Row::parted);
  const Row* const first = parted == rows.end() ? nullptr : &*parted;
  if (options.json) {
    print_json(options, rows, first, tokens);
  } else {
    print_text(options, rows, first, tokens.size());
  }
  if (first) throw FoundWrong();
}

}  // namespace

void add_trace(Command& app) {
  const auto options = std::make_shared<Options>();
  Command* command = app.add_subcommand(
      "trace", "Two stages side by side: ./rung trace recompute kv_cache -m tiny \"In the beginning\"");
  command->add_option("A", options->a, "A stage, or oracle (the whole model in double), or a known mistake")
      ->required();
  command->add_option("B", options->b, "Another")->required();
  command->add_option("text", options->text, "What they run")->required();
  command->add_option("-m,--model", options->model, "smollm2, tiny, a GGUF file or a Hugging Face directory")
      ->capture_default_str();
  command->add_flag("--all", options->all, "Every trace point, not only the worst of each layer");
  command->add_flag("--json", options->json, "Every trace point, for machines");
  command->callback([options] { run(*options); });
}

}  // namespace rung
