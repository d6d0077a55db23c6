#include "core/check/whole_model.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "core/check/model_match.h"
#include "core/check/model_rounding.h"
#include "core/check/model_scenarios.h"
#include "core/check/random.h"
#include "core/check/sequence_mistakes.h"
#include "core/error.h"

namespace rung::check {
namespace {

using Answers = std::vector<TextAnswer>;

std::vector<std::int32_t> random_tokens(std::int64_t count, std::int64_t vocab, Random& random) {
  std::vector<std::int32_t> tokens;
  tokens.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) tokens.push_back(static_cast<std::int32_t>(random.below(vocab)));
  return tokens;
}

/// Random tokens: nothing a model was trained on, so that every one of them moves the logits, and the same
/// for every tokenizer.
CheckTexts check_texts(const ModelConfig& config, const WholeModelCheck::Options& options) {
  std::int64_t longest = options.longest_text;
  // Twice round a window that is not longer than this check can afford.
  if (config.sliding_window && *config.sliding_window <= 256) {
    longest = std::max(longest, 2 * *config.sliding_window + 3);
  }
  longest = std::min(longest, config.context);
  if (longest < 16) {
    throw Error(ErrorKind::usage, "expected a model for at least 16 positions to check a stage on, found {}",
                longest);
  }
  Random random(options.seed);
  CheckTexts texts;
  texts.common = static_cast<std::int32_t>(longest * 2 / 5);
  for (const std::int64_t length :
       {longest, longest * 2 / 3, std::max<std::int64_t>(longest / 3, 8), longest - 9}) {
    texts.tokens.push_back(random_tokens(length, config.vocab, random));
  }
  std::copy_n(texts.tokens.front().begin(), texts.common, texts.tokens.back().begin());
  return texts;
}

/// Judges every logit of some answers.
StageVerdict judge(const Scenario& scenario, const Answers& answers,
                   const std::vector<ModelReference>& references) {
  StageVerdict verdict{
      .name = scenario.name, .what = scenario.what, .passed = true, .message = {}, .percent = 0};
  for (const auto& [text, answer] : answers) {
    const ModelReference& reference = references[text];
    for (std::size_t t = 0; t < answer.logits.size(); ++t) {
      for (std::size_t v = 0; v < answer.logits[t].size(); ++v) {
        const auto got = static_cast<double>(answer.logits[t][v]);
        const double want = reference.logits.row(static_cast<std::int64_t>(t))[v];
        const double deviation = std::abs(got - want);
        if (deviation == 0) continue;
        const double percent = percent_of(deviation, reference.budget);
        if (percent <= verdict.percent) continue;
        verdict.percent = percent;
        if (percent <= 100) continue;
        verdict.passed = false;
        verdict.message =
            fmt::format("text {}, position {}, token {}: got {:.6g}, want {:.6g}, {} of its budget", text, t,
                        v, got, want, share_text(percent));
      }
    }
  }
  return verdict;
}

/// Where the oracle's best token leads the next one by more than the budget, the stage must choose it.
StageVerdict judge_greedy(const Answers& answers, const std::vector<ModelReference>& references) {
  StageVerdict verdict{.name = "greedy", .what = {}, .passed = true, .message = {}, .percent = 0};
  std::size_t compared = 0, all = 0;
  for (const auto& [text, answer] : answers) {
    const ModelReference& reference = references[text];
    for (std::size_t t = 0; t < answer.logits.size(); ++t, ++all) {
      const auto expected = reference.logits.row(static_cast<std::int64_t>(t));
      const auto best = std::ranges::max_element(expected) - expected.begin();
      double second = -std::numeric_limits<double>::infinity();
      for (std::int64_t v = 0; v < std::ssize(expected); ++v) {
        if (v != best) second = std::max(second, expected[v]);
      }
      if (!(expected[best] - second > reference.budget)) continue;
      ++compared;
      const std::vector<float>& logits = answer.logits[t];
      const auto chosen = std::ranges::max_element(logits) - logits.begin();
      if (chosen == best || !verdict.passed) continue;
      verdict.passed = false;
      verdict.message =
          fmt::format("text {}, position {}: chooses token {}, the oracle {} by a margin of {:.3g}", text, t,
                      chosen, best, expected[best] - second);
    }
  }
  verdict.what = fmt::format("{} of {} positions: the others' margins are within the budget", compared, all);
  return verdict;
}

StageVerdict judge_again(const Answers& answers, Stage& stage, const CheckTexts& texts,
                         const Scenario& scenario) {
  StageVerdict verdict{.name = "again",
                       .what = "a second run gives the same bits",
                       .passed = true,
                       .message = {},
                       .percent = 0};
  const Answers second = scenario.run(stage, texts, nullptr);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto& a = answers[i].answer.logits;
    const auto& b = second[i].answer.logits;
    for (std::size_t t = 0; t < a.size(); ++t) {
      if (a[t] == b[t] || !verdict.passed) continue;
      verdict.passed = false;
      verdict.message =
          fmt::format("text {}, position {}: other logits than the first time", answers[i].text, t);
    }
  }
  return verdict;
}

StageVerdict judge_predecessor(const std::string& name, const Answers& answers, const Answers& predecessors,
                               const std::vector<ModelReference>& references) {
  StageVerdict verdict{.name = "predecessor",
                       .what = "four texts against " + name,
                       .passed = true,
                       .message = {},
                       .percent = 0};
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const double budget = references[answers[i].text].budget;
    const auto& own = answers[i].answer.logits;
    for (std::size_t t = 0; t < own.size(); ++t) {
      for (std::size_t v = 0; v < own[t].size(); ++v) {
        const double deviation = std::abs(static_cast<double>(own[t][v]) -
                                          static_cast<double>(predecessors[i].answer.logits[t][v]));
        verdict.percent = std::max(verdict.percent, percent_of(deviation, budget));
      }
    }
  }
  verdict.passed = verdict.percent <= 100;
  if (!verdict.passed)
    verdict.message = fmt::format("{} of the budget away from {}", share_text(verdict.percent), name);
  return verdict;
}

StageVerdict judge_trace(const PointWatch& watch) {
  StageVerdict verdict{.name = "trace",
                       .what = "every trace point of the longest text within its own budget",
                       .passed = true,
                       .message = watch.complaint(),
                       .percent = 0};
  for (const PointShare& point : watch.points()) verdict.percent = std::max(verdict.percent, point.percent());
  if (const PointShare* outside = watch.first_outside(); outside && verdict.message.empty()) {
    verdict.message = fmt::format("{} is the first outside: off by {:.3g}, {} of its budget", outside->name,
                                  outside->deviation, share_text(outside->percent()));
  }
  verdict.passed = verdict.message.empty();
  return verdict;
}

/// Whether each trace point is right but for what cancels.
StageVerdict judge_gain(const PointWatch& watch) {
  StageVerdict verdict{.name = "gain",
                       .what = "no trace point is too large or too small altogether",
                       .passed = true,
                       .message = {},
                       .percent = 0};
  for (const PointShare& point : watch.points()) {
    if (point.fused) continue;
    const double percent = percent_of(std::abs(point.gain.value()), point.gain_budget);
    if (percent > 100 && verdict.passed) {
      verdict.passed = false;
      verdict.message = fmt::format("{} is the first: {:+.2g} of what it should be, {} of its budget",
                                    point.name, point.gain.value(), share_text(percent));
    }
    verdict.percent = std::max(verdict.percent, percent);
  }
  return verdict;
}

// The model with a window: short enough for the fp64 model, long enough to go round a ring more than three times.
constexpr std::int64_t window = 8;
constexpr std::int32_t window_batch = 5;
constexpr std::int64_t window_text = 45;

CheckTexts window_texts(const ModelConfig& config, const WholeModelCheck::Options& options) {
  const std::int64_t longest = std::min(window_text, config.context);
  Random random(options.seed + 1);
  CheckTexts texts;
  texts.common = static_cast<std::int32_t>(longest * 5 / 9);
  for (const std::int64_t length : {longest, longest - 1})
    texts.tokens.push_back(random_tokens(length, config.vocab, random));
  std::copy_n(texts.tokens.front().begin(), texts.common, texts.tokens.back().begin());
  return texts;
}

/// How often a text of so many tokens may be changed and measured again: some seconds' work, and never for long where a
/// model is too large for that.
std::int64_t settling_rounds(const Checkpoint& checkpoint, std::int64_t tokens) {
  constexpr double affordable = 2e10;  // multiplications and additions
  double weights = 0;
  for (const Tensor& tensor : checkpoint.tensors())
    weights += static_cast<double>(elements(tensor.view.shape));
  const double of_one = (roundings + 1) * 2 * weights * static_cast<double>(tokens);
  return static_cast<std::int64_t>(std::clamp(affordable / of_one, 4.0, 400.0));
}

/// The reference of a text; of a mixture with other tokens where a router's choice is not sure, from position `fixed` on.
/// Otherwise a stage that chooses another expert there, as rightly, would be judged wrong, or by a budget as large as an
/// expert's output. What cannot be settled stays as it is.
ModelReference settled_reference(const Checkpoint& checkpoint, std::vector<std::int32_t> tokens,
                                 std::int64_t fixed, KeepPoints keep, const WholeModelCheck::Options& options,
                                 Random& random) {
  const oracle::Transformer oracle(checkpoint);
  const std::int64_t rounds = settling_rounds(checkpoint, std::ssize(tokens));
  for (std::int64_t round = 0;; ++round) {
    ModelReference reference = measure_reference(oracle, tokens, options.type, options.seed, keep,
                                                 options.kv_type, options.activation_group);
    const auto first = std::ranges::lower_bound(reference.unsure, fixed);
    if (first == reference.unsure.end() || round == rounds) return reference;
    // Those behind it will be others once it is.
    tokens[static_cast<std::size_t>(*first)] = static_cast<std::int32_t>(random.below(oracle.config().vocab));
  }
}

/// The first text keeps its points; the last one begins as it does.
std::vector<ModelReference> measure(const Checkpoint& checkpoint, const CheckTexts& texts,
                                    const WholeModelCheck::Options& options) {
  Random random(options.seed + 2);  // of tokens that take the place of others
  const auto settled = [&](const std::vector<std::int32_t>& tokens, std::int64_t fixed, KeepPoints keep) {
    return settled_reference(checkpoint, tokens, fixed, keep, options, random);
  };
  std::vector<ModelReference> references;
  references.reserve(texts.tokens.size());
  references.push_back(settled(texts.tokens.front(), 0, KeepPoints::values));
  for (std::size_t i = 1; i + 1 < texts.tokens.size(); ++i)
    references.push_back(settled(texts.tokens[i], 0, KeepPoints::budgets));
  for (int attempt = 0;; ++attempt) {
    std::vector<std::int32_t> tokens = texts.tokens.back();
    std::copy_n(references.front().tokens.begin(), texts.common, tokens.begin());
    ModelReference last = settled(tokens, texts.common, KeepPoints::budgets);
    // Other roundings than the first text's, so that the common beginning may be unsure again.
    if (last.unsure.empty() || last.unsure.front() >= texts.common || attempt == 10) {
      references.push_back(std::move(last));
      return references;
    }
    tokens = references.front().tokens;
    tokens[static_cast<std::size_t>(last.unsure.front())] =
        static_cast<std::int32_t>(random.below(checkpoint.config().vocab));
    references.front() = settled(tokens, 0, KeepPoints::values);
  }
}

CheckTexts texts_of(const std::vector<ModelReference>& references, std::int32_t common) {
  CheckTexts texts{.tokens = {}, .common = common};
  for (const ModelReference& reference : references) texts.tokens.push_back(reference.tokens);
  return texts;
}

}  // namespace

WholeModelCheck::WholeModelCheck(const Checkpoint& checkpoint, const Options& options)
    : checkpoint_(&checkpoint), options_(options), window_checkpoint_(checkpoint.with_window(window)) {
  if (options.weights) {
    judged_ = checkpoint.with_weights(options.weights);
    window_judged_ = window_checkpoint_.with_weights(options.weights);
  }
  const CheckTexts texts = check_texts(checkpoint.config(), options);
  common_ = texts.common;
  references_ = measure(this->checkpoint(), texts, options);
  const CheckTexts short_texts = window_texts(checkpoint.config(), options);
  window_common_ = short_texts.common;
  window_references_ = measure(window_judged_ ? *window_judged_ : window_checkpoint_, short_texts, options);
}

QuantizationReport WholeModelCheck::measure_quantization() const {
  const ModelReference& reference = references_.front();
  const auto count = static_cast<double>(reference.logits.values.size());
  double squares = 0;
  for (std::int64_t t = 0; t < reference.logits.rows; ++t) {
    const auto row = reference.logits.row(t);
    double mean = 0;
    for (const double logit : row) mean += logit / static_cast<double>(row.size());
    for (const double logit : row) squares += (logit - mean) * (logit - mean);
  }
  const auto shift = [&](const oracle::Grid& others) {
    LogitShift found;
    double sum = 0;
    for (std::size_t i = 0; i < others.values.size(); ++i) {
      const double off = std::abs(others.values[i] - reference.logits.values[i]);
      found.most = std::max(found.most, off);
      sum += off * off;
    }
    found.rms = std::sqrt(sum / count);
    return found;
  };
  QuantizationReport report{.logits_rms = std::sqrt(squares / count), .weights = {}, .activations = {}};
  if (judged_) report.weights = shift(oracle::Transformer(*checkpoint_).logits(reference.tokens));
  if (options_.activation_group > 0) {
    const oracle::Hook nearest = nearest_activation_hook(options_.activation_group);
    report.activations = shift(oracle::Transformer(checkpoint()).logits(reference.tokens, nearest));
  }
  return report;
}

StageReport WholeModelCheck::check(const StageInfo& info, const StageInfo* predecessor) const {
  if (info.weights || (info.activation_group > 0 && info.activation_group != options_.activation_group)) {
    // Budgets are measured with the numbers that a stage has.
    StageInfo plain = info;
    plain.weights = {};
    Options own = options_;
    own.weights = info.weights;
    own.activation_group = info.activation_group;
    return WholeModelCheck(*checkpoint_, own).check(plain, predecessor);
  }
  StageReport report;
  report.stage = info.name;
  report.model = checkpoint_->path();
  report.type = options_.type;
  report.kv_type = options_.kv_type;
  report.budget = references_.front().budget;
  for (const ModelReference& reference : references_) {
    report.budget = std::min(report.budget, reference.budget);
    report.budget_most = std::max(report.budget_most, reference.budget);
    report.unsure += std::ssize(reference.unsure);
  }
  const auto make = [&](const StageInfo& one, const Checkpoint& checkpoint, const StageOptions& room) {
    const RunningCase running(options_.progress, "the stage", one.name + " is made from the model's weights");
    return one.make(checkpoint, room);
  };
  const auto attempt = [&](const std::string& name, const std::string& what, auto&& judged) {
    StageVerdict verdict;
    try {
      const RunningCase running(options_.progress, name, what);
      verdict = judged();
    } catch (const std::exception& error) {
      verdict = {.name = name, .what = what, .passed = false, .message = error.what(), .percent = 0};
    }
    report.passed = report.passed && verdict.passed;
    report.percent = std::max(report.percent, name == "trace" || name == "gain" ? 0 : verdict.percent);
    report.verdicts.push_back(verdict);
    return verdict.passed;
  };

  // Looks closer at the answers to the first scenario.
  using Closer = std::function<void(Stage&, const Scenario&, const Answers&, const PointWatch&)>;
  // @return whether the next scenarios are wanted
  const auto run_all = [&](const std::vector<Scenario>& all, const Checkpoint& checkpoint,
                           const Checkpoint& judged, const StageOptions& room, const CheckTexts& texts,
                           const std::vector<ModelReference>& references, const Closer& closer) {
    std::unique_ptr<Stage> stage = make(info, checkpoint, room);
    for (const Scenario& scenario : all) {
      Answers answers;
      PointWatch watch(references.front());
      const bool passed = attempt(scenario.name, scenario.what, [&] {
        answers = scenario.run(*stage, texts, &watch);
        return judge(scenario, answers, references);
      });
      if (&scenario == &all.front() && !answers.empty() && closer) closer(*stage, scenario, answers, watch);
      if (passed) continue;
      // What a failed run left behind must not make the next one fail.
      stage = make(info, checkpoint, room);
      if (!report.first_outside) {
        if (const PointShare* outside = watch.first_outside(); outside && outside->seen)
          report.first_outside = *outside;
      }
      if (!report.matched) report.matched = match_model_mistake(judged, answers, references);
      if (!report.matched && answers.empty()) {  // it ended with an error
        report.matched = match_sequence_mistake(scenario, texts, checkpoint.config(), room,
                                                report.verdicts.back().message);
      }
      if (options_.stop_at_failure) return false;
    }
    return true;
  };

  const CheckTexts texts = texts_of(references_, common_);
  const StageOptions room{.max_positions = static_cast<std::int32_t>(texts.tokens.front().size()),
                          .max_sequences = scenario_sequences,
                          .max_batch = 0,
                          .kv_type = options_.kv_type};
  const auto closer = [&](Stage& stage, const Scenario& scenario, const Answers& answers,
                          const PointWatch& watch) {
    attempt("greedy", "the tokens that are likeliest by more than the budget",
            [&] { return judge_greedy(answers, references_); });
    attempt("again", "a second run gives the same bits",
            [&] { return judge_again(answers, stage, texts, scenario); });
    attempt("trace", "every trace point of the longest text within its own budget",
            [&] { return judge_trace(watch); });
    if (options_.activation_group > 0) {
      const bool straight = attempt("gain", "no trace point is too large or too small altogether",
                                    [&] { return judge_gain(watch); });
      if (!straight) report.matched = match_model_mistake(this->checkpoint(), answers, references_);
    }
    if (!predecessor) return;
    attempt("predecessor", "four texts against " + predecessor->name, [&] {
      StageOptions below_room = room;
      below_room.kv_type = KvType::f32;
      const std::unique_ptr<Stage> below = predecessor->make(this->checkpoint(), below_room);
      return judge_predecessor(predecessor->name, answers, scenario.run(*below, texts, nullptr), references_);
    });
  };
  if (!run_all(scenarios(), *checkpoint_, this->checkpoint(), room, texts, references_, closer))
    return report;

  const CheckTexts short_texts = texts_of(window_references_, window_common_);
  const StageOptions short_room{.max_positions = static_cast<std::int32_t>(short_texts.tokens.front().size()),
                                .max_sequences = scenario_sequences,
                                .max_batch = window_batch,
                                .kv_type = options_.kv_type};
  run_all(window_scenarios(window_batch), window_checkpoint_,
          window_judged_ ? *window_judged_ : window_checkpoint_, short_room, short_texts, window_references_,
          {});
  if (judged_ || options_.activation_group > 0) report.quantization = measure_quantization();
  return report;
}

}  // namespace rung::check
