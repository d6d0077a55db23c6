#include "core/check/oracle_stage.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "core/check/model_rounding.h"
#include "core/error.h"

namespace rung::check {
namespace {

/// Remembers the tokens of each sequence, and the batches they came in.
class TokenSequences : public Sequences {
 public:
  explicit TokenSequences(const StageOptions& options) : options_(options) {}

  std::optional<Plan> reserve(const Batch& batch) override {
    Plan plan = plan_rows(batch);
    std::size_t unknown = 0;
    for (const SequencePlan& part : plan.sequences) {
      check_continues(part, length(part.sequence));
      if (part.length() > options_.max_positions) return std::nullopt;
      if (!feedings_.contains(part.sequence)) ++unknown;
    }
    if (feedings_.size() + unknown > static_cast<std::size_t>(options_.max_sequences)) return std::nullopt;
    for (const SequencePlan& part : plan.sequences) {
      Feeding& reserved = reserved_[part.sequence];
      const auto found = feedings_.find(part.sequence);
      reserved = found == feedings_.end() ? Feeding{} : found->second;
      reserved.starts.push_back(part.past);
      for (std::int32_t row = 0; row < part.rows; ++row) {
        reserved.tokens.push_back(
            batch.rows[static_cast<std::size_t>(part.first_row) + static_cast<std::size_t>(row)].token);
      }
    }
    return plan;
  }
  void commit(const Plan& plan) override {
    for (const SequencePlan& part : plan.sequences) {
      feedings_[part.sequence] = std::move(reserved_.at(part.sequence));
    }
    reserved_.clear();
  }
  void abort(const Plan& plan) override {
    for (const SequencePlan& part : plan.sequences) {
      if (part.past == 0) feedings_.erase(part.sequence);
    }
    reserved_.clear();
  }

  std::int32_t length(SequenceId sequence) const override {
    const auto found = feedings_.find(sequence);
    return found == feedings_.end() ? 0 : static_cast<std::int32_t>(found->second.tokens.size());
  }
  void fork(SequenceId from, SequenceId to) override {
    check_known(from, feedings_.contains(from));
    if (!feedings_.contains(to) && feedings_.size() == static_cast<std::size_t>(options_.max_sequences)) {
      throw Error(ErrorKind::full, "fork of sequence {}: all {} sequences are taken", from,
                  options_.max_sequences);
    }
    feedings_[to] = feedings_[from];
  }
  void truncate(SequenceId sequence, std::int32_t new_length) override {
    check_truncation(sequence, length(sequence), new_length);
    if (!feedings_.contains(sequence)) return;
    Feeding& feeding = feedings_[sequence];
    feeding.tokens.resize(static_cast<std::size_t>(new_length));
    std::erase_if(feeding.starts, [&](std::int64_t start) { return start >= new_length; });
  }
  void drop(SequenceId sequence) override { feedings_.erase(sequence); }

  /// With the tokens that are reserved and not committed yet.
  const Feeding& reserved(SequenceId sequence) const { return reserved_.at(sequence); }

 private:
  StageOptions options_;
  std::map<SequenceId, Feeding> feedings_, reserved_;
};

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
        sequences_(options) {}

  const ModelConfig& config() const override { return config_; }
  Sequences& sequences() override { return sequences_; }

  Matrix forward(const Batch& batch, Trace* trace) override {
    for (const Row& row : batch.rows) {
      if (row.token < 0 || row.token >= config_.vocab) {
        throw Error(ErrorKind::usage, "token {}: expected an id from 0 to {}", row.token, config_.vocab - 1);
      }
    }
    const auto plan = sequences_.reserve(batch);
    if (!plan) throw no_room(batch, sequences_);
    Matrix logits(batch.wanted(), config_.vocab);  // [wanted, V]
    Eigen::Index next = 0;
    StackedTrace stacked;
    for (const SequencePlan& part : plan->sequences)
      run(batch, part, logits, next, trace ? &stacked : nullptr);
    if (trace) stacked.show(*trace);
    sequences_.commit(*plan);
    return logits;
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

    const Feeding& feeding = sequences_.reserved(part.sequence);
    oracle::Hook hook;
    if (variant_.mistake) hook = mistaken_hook(*variant_.mistake, transformer_.config(), feeding);
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
