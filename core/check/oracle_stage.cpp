#include "core/check/oracle_stage.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/check/model_rounding.h"
#include "core/error.h"
#include "core/stage/token_sequences.h"

namespace rung::check {
namespace {

/// Collects the trace points of the sequences of a batch, one sequence after the other, and shows each once.
class StackedTrace {
 public:
  /// Adds rows of `values`, counted from its first.
  void add(std::string_view point, const oracle::Grid& values, const std::vector<std::int64_t>& rows) {
    auto found = points_.begin();
    while (found != points_.end() && found->first != point) ++found;
    if (found == points_.end()) found = points_.insert(points_.end(), {std::string(point), {}});
    for (const std::int64_t row : rows) {
      found->second.emplace_back(values.row(row).begin(), values.row(row).end());
    }
  }
  void show(Trace& trace) const {
    for (const auto& [point, rows] : points_) {
      if (rows.empty()) continue;
      Matrix values(rows.size(), rows.front().size());
      for (Eigen::Index t = 0; t < values.rows(); ++t) {
        for (Eigen::Index i = 0; i < values.cols(); ++i) {
          values(t, i) = static_cast<float>(rows[static_cast<std::size_t>(t)][static_cast<std::size_t>(i)]);
        }
      }
      trace.see(point, values);
    }
  }

 private:
  std::vector<std::pair<std::string, std::vector<std::vector<double>>>> points_;
};

class OracleStage : public Stage {
 public:
  OracleStage(const Checkpoint& checkpoint, const StageOptions& options, const OracleStageVariant& variant)
      : config_(checkpoint.config()),
        variant_(variant),
        transformer_(variant.mistake ? mistaken_transformer(checkpoint, *variant.mistake)
                                     : oracle::Transformer(checkpoint)),
        sequences_(options),
        max_batch_(options.max_batch < options.max_positions ? options.max_batch : 0) {}

  const ModelConfig& config() const override { return config_; }
  Sequences& sequences() override { return sequences_; }

  Matrix forward(const Batch& batch, Trace* trace) override {
    for (const Row& row : batch.rows) {
      if (row.token < 0 || row.token >= config_.vocab) {
        throw Error(ErrorKind::usage, "token {}: expected an id from 0 to {}", row.token, config_.vocab - 1);
      }
    }
    return run_reserved(batch, sequences_, [&](const Plan& plan) {
      Matrix logits(batch.wanted(), config_.vocab);  // [wanted, V]
      Eigen::Index next = 0;
      StackedTrace stacked;
      for (const SequencePlan& part : plan.sequences)
        run(batch, part, logits, next, trace ? &stacked : nullptr);
      if (trace) stacked.show(*trace);
      return logits;
    });
  }

  StageCost cost() const override { return {}; }
  std::int64_t weight_bytes() const override { return 0; }
  std::int64_t kv_bytes() const override { return 0; }

 private:
  void run(const Batch& batch, const SequencePlan& part, Matrix& logits, Eigen::Index& next,
           StackedTrace* stacked) const {
    std::vector<std::int64_t> new_rows, wanted;  // positions
    for (std::int32_t row = 0; row < part.rows; ++row) {
      new_rows.push_back(part.past + row);
      if (batch.rows[static_cast<std::size_t>(part.first_row) + static_cast<std::size_t>(row)].wants_logits) {
        wanted.push_back(part.past + row);
      }
    }

    const auto tokens = sequences_.tokens(part.sequence);
    const auto starts = sequences_.starts(part.sequence);
    const Feeding feeding{.tokens = {tokens.begin(), tokens.end()},
                          .starts = {starts.begin(), starts.end()},
                          .max_batch = max_batch_};
    oracle::Hook hook;
    if (variant_.mistake) hook = mistaken_hook(*variant_.mistake, transformer_, feeding);
    if (variant_.rounding) hook = chain(std::move(hook), rounding_hook(*variant_.rounding, variant_.seed));
    const auto see = [&](std::string_view point, oracle::Grid& values) {
      if (point == "norm")
        stacked->add(point, values, wanted);
      else if (point != "logits")
        stacked->add(point, values, new_rows);
    };
    if (stacked) hook = chain(std::move(hook), {.see = see, .sum = {}});

    const oracle::Grid normed = transformer_.normed(feeding.tokens, hook);
    if (wanted.empty()) return;
    oracle::Grid last(static_cast<std::int64_t>(wanted.size()), normed.columns);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      std::ranges::copy(normed.row(wanted[i]), last.row(static_cast<std::int64_t>(i)).begin());
    }
    const oracle::Grid out = transformer_.output(last, hook);
    for (std::int64_t i = 0; i < out.rows; ++i, ++next) {
      for (std::int64_t v = 0; v < out.columns; ++v) logits(next, v) = static_cast<float>(out.row(i)[v]);
      if (stacked) stacked->add("logits", out, {i});
    }
  }

  ModelConfig config_;
  OracleStageVariant variant_;
  oracle::Transformer transformer_;
  TokenSequences sequences_;
  std::int64_t max_batch_;  // see Feeding
};

}  // namespace

std::unique_ptr<Stage> make_oracle_stage(const Checkpoint& checkpoint, const StageOptions& options,
                                         const OracleStageVariant& variant) {
  return std::make_unique<OracleStage>(checkpoint, with_defaults(options, checkpoint.config()), variant);
}

StageInfo oracle_stage_info(const OracleStageVariant& variant) {
  return {.name = variant.mistake ? variant.mistake->name : "oracle",
          .chapter = 0,
          .what_is_new =
              variant.mistake ? variant.mistake->sentence : "the whole model in double, as plain loops",
          .checked_against = "",
          .make = [variant](const Checkpoint& checkpoint, const StageOptions& options) {
            return make_oracle_stage(checkpoint, options, variant);
          }};
}

}  // namespace rung::check
