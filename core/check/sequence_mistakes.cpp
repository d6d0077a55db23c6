#include "core/check/sequence_mistakes.h"

#include <string>
#include <utility>

#include "core/error.h"
#include "core/stage/token_sequences.h"

namespace rung::check {
namespace {

using Run = std::function<Matrix(const Plan&)>;

Plan reserved(const Batch& batch, Sequences& sequences) {
  auto plan = sequences.reserve(batch);
  if (!plan) throw Error(ErrorKind::full, "no room");
  return *std::move(plan);
}

/// A scenario's error without the words of the candidate's own.
std::string ours(const std::string& message) {
  return message.substr(0, message.find(its_own_words));
}

/// Remembers, and answers zeros.
class ComputesNothing : public Stage {
 public:
  ComputesNothing(ModelConfig config, const StageOptions& room, const SequenceMistake& mistake)
      : config_(std::move(config)), sequences_(room), mistake_(&mistake) {}

  const ModelConfig& config() const override { return config_; }
  Sequences& sequences() override { return sequences_; }
  Matrix forward(const Batch& batch, Trace* /*trace*/) override {
    return mistake_->run(batch, sequences_, [&](const Plan&) -> Matrix {
      for (const Row& row : batch.rows) {
        if (row.token < 0 || row.token >= config_.vocab) throw Error(ErrorKind::usage, "token {}", row.token);
      }
      return Matrix::Zero(batch.wanted(), config_.vocab);
    });
  }
  StageCost cost() const override { return {}; }
  std::int64_t weight_bytes() const override { return 0; }
  std::int64_t kv_bytes() const override { return 0; }

 private:
  ModelConfig config_;
  TokenSequences sequences_;
  const SequenceMistake* mistake_;
};

}  // namespace

const std::vector<SequenceMistake>& sequence_mistakes() {
  static const std::vector<SequenceMistake> all = {
      // Before those that say the same of this scenario, but have failed in one before it.
      {.name = "full_as_wrong_usage",
       .sentence = "a batch for which there is no room is reported as wrong usage; the caller did nothing "
                   "wrong: it is "
                   "Error (full)",
       .chapter = 6,
       .run =
           [](const Batch& batch, Sequences& sequences, const Run& run) {
             const auto plan = sequences.reserve(batch);
             if (!plan) throw Error(ErrorKind::usage, "no room");
             try {
               Matrix logits = run(*plan);
               sequences.commit(*plan);
               return logits;
             } catch (...) {
               sequences.abort(*plan);
               throw;
             }
           }},
      {.name = "commit_forgotten",
       .sentence = "the batch is never committed, so that none of its rows is remembered; commit the plan "
                   "after it has run",
       .chapter = 6,
       .run =
           [](const Batch& batch, Sequences& sequences, const Run& run) {
             const Plan plan = reserved(batch, sequences);
             try {
               return run(plan);
             } catch (...) {
               sequences.abort(plan);
               throw;
             }
           }},
      {.name = "committed_before_the_run",
       .sentence = "the batch is committed before it runs, so that its rows count as remembered even if it "
                   "fails; commit "
                   "after it has run",
       .chapter = 6,
       .run =
           [](const Batch& batch, Sequences& sequences, const Run& run) {
             const Plan plan = reserved(batch, sequences);
             sequences.commit(plan);
             return run(plan);
           }},
      {.name = "abort_forgotten",
       .sentence = "a batch that fails is not aborted, so that a sequence which came into being with it "
                   "keeps its room; "
                   "abort the plan and let the error go on",
       .chapter = 6,
       .run =
           [](const Batch& batch, Sequences& sequences, const Run& run) {
             const Plan plan = reserved(batch, sequences);
             Matrix logits = run(plan);
             sequences.commit(plan);
             return logits;
           }},
  };
  return all;
}

std::optional<MatchedMistake> match_sequence_mistake(const Scenario& scenario, const CheckTexts& texts,
                                                     const ModelConfig& config, const StageOptions& room,
                                                     const std::string& message) {
  for (const SequenceMistake& mistake : sequence_mistakes()) {
    ComputesNothing stage(config, room, mistake);
    try {
      scenario.run(stage, texts, nullptr);
    } catch (const Error& error) {
      if (ours(error.what()) == ours(message))
        return MatchedMistake{.name = mistake.name, .sentence = mistake.sentence, .chapter = mistake.chapter};
    }
  }
  return std::nullopt;
}

}  // namespace rung::check
