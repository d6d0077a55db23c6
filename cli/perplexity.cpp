// ./rung perplexity: how well a model predicts a text, and how far it is from another one on it.

#include "chapters/08_quantization/perplexity.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "chapters/01_tokens/tokenizer.h"
#include "chapters/01_tokens/utf8.h"
#include "chapters/05_sampling/distribution.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/kv_option.h"
#include "cli/models.h"
#include "cli/note.h"
#include "cli/progress.h"
#include "cli/stage_choice.h"
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/mapped_file.h"
#include "core/error.h"
#include "core/measure/clock.h"

namespace rung {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string model;
  std::filesystem::path text;
  std::string stage;  ///< empty: stage_or_default()
  std::string kv_type = "f32";
  std::int64_t context = 0;  // 0: 512, or the model's if that is less
  std::optional<std::int64_t> stride;
  std::optional<std::int64_t> chunks;
  std::string against;
  std::string against_stage;
  std::size_t worst = 5;
  bool json = false;
};

// As llama.cpp's own default.
constexpr std::int64_t usual_context = 512;
// Rows that are run together: 25 MB of SmolLM2's logits.
constexpr std::int64_t batch_rows = 128;

/// A model with a stage that runs it.
struct Runner {
  std::string model;
  std::shared_ptr<const Checkpoint> checkpoint;
  StageInfo info;
  KvType kv_type = KvType::f32;
  std::unique_ptr<Stage> stage;
};

/// The text as a model reads it.
struct Text {
  std::vector<std::int32_t> tokens;
  std::optional<std::int32_t> bos;  // begins every window; nothing where the model has no such habit
};

/// What is kept of a scored token: few numbers, so that a long text needs little memory.
struct Position {
  std::int64_t target = 0;  // its token in the text
  double divergence = 0;
  std::int32_t top = 0, against_top = 0;  // likeliest tokens
  double top_probability = 0, against_top_probability = 0;
};

/// What was measured.
struct Scores {
  std::vector<double> entropies;          // of the scored tokens, in order
  std::vector<double> against_entropies;  // the rest: with --against
  std::vector<double> divergences;
  std::int64_t same_top = 0;
  std::vector<Position> worst;  // largest divergence first
};

Text read_text(const Checkpoint& checkpoint, const std::filesystem::path& path) {
  const TokenizerData& data = checkpoint.tokenizer();
  const Tokenizer tokenizer(data);
  const MappedFile file = MappedFile::open(path);
  std::string_view bytes(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  if (bytes.ends_with('\n')) bytes.remove_suffix(1);  // llama.cpp reads files so
  Text text;
  text.tokens =
      tokenizer.encode(bytes, Tokenizer::Special::as_text, Tokenizer::AddSpecial::as_the_model_says);
  if (data.add_eos && !text.tokens.empty())
    text.tokens.pop_back();  // the text's end is nothing to be predicted
  if (data.add_bos) text.bos = data.bos;
  return text;
}

std::int64_t context_of(const Options& options, const ModelConfig& config) {
  if (options.context > config.context) {
    throw Error(ErrorKind::usage, "--context: expected 4 to {}, for which {} was made, found {}",
                config.context, options.model, options.context);
  }
  return options.context == 0 ? std::min(usual_context, config.context) : options.context;
}

std::vector<ScoredWindow> windows_of(const Options& options, std::int64_t tokens, std::int64_t context) {
  if (options.stride && *options.stride >= context) {
    throw Error(ErrorKind::usage, "--stride: expected 1 to {}, which is below the context of {}, found {}",
                context - 1, context, *options.stride);
  }
  const std::int64_t needed = options.stride ? 3 : context;  // two scored tokens have a standard error
  if (tokens < needed) {
    throw Error(
        ErrorKind::bad_input,
        "{}: the text is {} tokens of {}; at least {} are needed{}: take a longer text{}",
        options.text.string(), tokens, options.model, needed,
        options.stride ? "" : fmt::format(" for one chunk of {}", context),
        options.stride ? "" : fmt::format(" or --context {} or less", std::max<std::int64_t>(tokens, 4)));
  }
  std::vector<ScoredWindow> windows =
      options.stride ? strided_windows(tokens, context, *options.stride) : chunks_of(tokens, context);
  if (options.chunks && *options.chunks < std::ssize(windows))
    windows.resize(static_cast<std::size_t>(*options.chunks));
  return windows;
}

std::span<const float> row_of(const Matrix& logits, std::int64_t row) {
  return {logits.row(row).data(), static_cast<std::size_t>(logits.cols())};
}

/// Adds what two models say about the tokens behind rows of logits.
void compare(const Matrix& logits, const Matrix& against, std::int64_t first_target, std::size_t keep,
             Scores& scores) {
  for (std::int64_t row = 0; row < logits.rows(); ++row) {
    const std::span<const float> mine = row_of(logits, row);
    const std::span<const float> other = row_of(against, row);
    Position position{.target = first_target + row,
                      .divergence = kl_divergence(other, mine),
                      .top = greedy(mine),
                      .against_top = greedy(other)};
    scores.divergences.push_back(position.divergence);
    if (position.top == position.against_top) ++scores.same_top;
    const auto place =
        std::ranges::upper_bound(scores.worst, position.divergence, std::greater<>(), &Position::divergence);
    if (static_cast<std::size_t>(place - scores.worst.begin()) >= keep) continue;
    position.top_probability = std::exp(-cross_entropy(mine, position.top));
    position.against_top_probability = std::exp(-cross_entropy(other, position.against_top));
    scores.worst.insert(place, position);
    if (scores.worst.size() > keep) scores.worst.pop_back();
  }
}

std::string progress_line(const Options& options, std::size_t done, std::size_t all, const Scores& scores,
                          double seconds) {
  return fmt::format("perplexity: {} {} of {}, {:.4f} so far, {} left", options.stride ? "window" : "chunk",
                     done, all, perplexity(scores.entropies).value,
                     duration_text(seconds / static_cast<double>(done) * static_cast<double>(all - done)));
}

Scores score(const Options& options, const Text& text, std::span<const ScoredWindow> windows, Stage& stage,
             Stage* against) {
  Scores scores;
  Progress progress;
  const measure::Stopwatch since;
  for (std::size_t w = 0; w < windows.size(); ++w) {
    for (const Batch& batch : batches_of(windows[w], text.tokens, text.bos, batch_rows)) {
      const Matrix logits = stage.forward(batch);
      const Matrix others = against ? against->forward(batch) : Matrix();
      if (logits.rows() == 0) continue;
      const std::int64_t last =
          windows[w].first + batch.rows.back().position;  // the wanted rows are the last
      const std::int64_t first = last + 1 - logits.rows();
      const auto append = [&](const Matrix& rows, std::vector<double>& to) {
        const std::vector<double> entropies = cross_entropies(rows, text.tokens, first);
        to.insert(to.end(), entropies.begin(), entropies.end());
      };
      append(logits, scores.entropies);
      if (!against) continue;
      append(others, scores.against_entropies);
      compare(logits, others, first + 1, options.worst, scores);
    }
    stage.sequences().drop(0);
    if (against) against->sequences().drop(0);
    progress.show(progress_line(options, w + 1, windows.size(), scores, since.seconds()));
  }
  return scores;
}

/// Opens and loads; the checkpoint of `other` is shared when it is the same model.
Runner load(const std::string& model, std::shared_ptr<const Checkpoint> checkpoint, const StageInfo& info,
            std::int64_t context, KvType kv_type = KvType::f32) {
  Runner runner{.model = model,
                .checkpoint = std::move(checkpoint),
                .info = info,
                .kv_type = kv_type,
                .stage = nullptr};
  StageOptions room{.max_positions = static_cast<std::int32_t>(context), .max_sequences = 1};
  room.kv_type = kv_type;
  runner.stage = info.make(*runner.checkpoint, room);
  return runner;
}

std::shared_ptr<const Checkpoint> open_model(const std::string& name) {
  return std::make_shared<const Checkpoint>(Checkpoint::open(resolve_model(name)));
}

/// What --against means: a stage for the same model, or another model.
Runner load_against(const Options& options, const Runner& judged, const Text& text, std::int64_t context) {
  if (const auto stage = find_choice(options.against)) {
    if (!options.against_stage.empty()) {
      throw Error(ErrorKind::usage,
                  "--against-stage: expected only where --against is a model; {} is a stage already",
                  stage->name);
    }
    return load(judged.model, judged.checkpoint, *stage, context);
  }
  const std::string given = options.against_stage.empty() ? options.stage : options.against_stage;
  if (!given.empty()) choose_stage(given, "--against-stage");  // refused before anything else
  std::shared_ptr<const Checkpoint> checkpoint;
  try {
    checkpoint = open_model(options.against);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::usage) throw;
    throw Error(ErrorKind::usage, "--against: neither a stage (./rung ladder lists them) nor a model: {}",
                error.what());
  }
  const ModelConfig& config = checkpoint->config();
  const StageInfo info = choose_stage(stage_or_default(given, config), "--against-stage");
  if (config.vocab != judged.checkpoint->config().vocab ||
      read_text(*checkpoint, options.text).tokens != text.tokens) {
    throw Error(
        ErrorKind::bad_input,
        "--against: {} reads the text as other tokens than {} does ({} and {} in their vocabularies), so "
        "their predictions cannot be compared; take a model of the same family",
        options.against, options.model, config.vocab, judged.checkpoint->config().vocab);
  }
  if (config.context < context) {
    throw Error(ErrorKind::usage, "--context: {} was made for {} at most, found {}", options.against,
                config.context, context);
  }
  return load(options.against, std::move(checkpoint), info, context);
}

/// The difference of the logarithms of both perplexities, token by token: most of what makes a token hard is the same
/// for both, so this is far more certain than either.
Estimate log_ratio(const Scores& scores) {
  std::vector<double> differences(scores.entropies.size());
  std::ranges::transform(scores.entropies, scores.against_entropies, differences.begin(), std::minus<>());
  return mean_of(differences);
}

std::string plus_minus(const Estimate& estimate, int digits) {
  if (std::isnan(estimate.standard_error)) return fmt::format("{:.{}f}", estimate.value, digits);
  return fmt::format("{:.{}f} ± {:.{}f}", estimate.value, digits, estimate.standard_error, digits);
}

/// One line of text that a terminal does not obey.
std::string shown(const std::string& bytes) {
  std::string line;
  for (const char c : valid_utf8(bytes)) {
    if (c == '\n') {
      line += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      line += ' ';
    } else {
      line += c;
    }
  }
  return line;
}

std::string text_before(const Tokenizer& tokenizer, const Text& text, std::int64_t target) {
  const auto first = static_cast<std::size_t>(std::max<std::int64_t>(target - 12, 0));
  return tokenizer.decode(std::span(text.tokens).subspan(first, static_cast<std::size_t>(target) - first));
}

double share_of_same(const Scores& scores) {
  return static_cast<double>(scores.same_top) / static_cast<double>(scores.divergences.size());
}

void print_against(const Runner& runner, const Runner& against, const Text& text, const Scores& scores) {
  const Estimate ratio = log_ratio(scores);
  const double same = share_of_same(scores);
  const auto n = static_cast<double>(scores.divergences.size());
  fmt::print("\nagainst {}, stage {}\n", against.model, against.info.name);
  fmt::print("  its perplexity      {}\n", plus_minus(perplexity(scores.against_entropies), 4));
  fmt::print("  ln of the ratio     {}\n", plus_minus(ratio, 6));
  fmt::print("  mean KL divergence  {} nats, KL(against ‖ judged)\n",
             plus_minus(mean_of(scores.divergences), 6));
  fmt::print("  largest             {:.6f} nats\n", *std::ranges::max_element(scores.divergences));
  fmt::print("  same top token      {:.2f} ± {:.2f} %\n", 100 * same,
             100 * std::sqrt(same * (1 - same) / (n - 1)));
  if (scores.worst.empty()) return;
  const Tokenizer tokenizer(runner.checkpoint->tokenizer());
  fmt::print("\nThe worst positions: the text, [what comes], and what each model holds likeliest.\n");
  for (const Position& one : scores.worst) {
    const std::int32_t token = text.tokens[static_cast<std::size_t>(one.target)];
    fmt::print("  token {:>6}  KL {:.4f}  …{}[{}]\n", one.target, one.divergence,
               shown(text_before(tokenizer, text, one.target)), shown(tokenizer.piece_bytes(token)));
    fmt::print("                judged \"{}\" {:.1f} %, against \"{}\" {:.1f} %\n",
               shown(tokenizer.piece_bytes(one.top)), 100 * one.top_probability,
               shown(tokenizer.piece_bytes(one.against_top)), 100 * one.against_top_probability);
  }
}

void print_text(const Options& options, const Runner& runner, const Runner* against, const Text& text,
                std::span<const ScoredWindow> windows, std::int64_t context, const Scores& scores) {
  const Estimate mean = mean_of(scores.entropies);
  fmt::print(
      "{}, stage {}{}, on {}: {}\n", runner.model, runner.info.name,
      runner.kv_type == KvType::f32 ? "" : fmt::format(" with keys and values as {}", name(runner.kv_type)),
      options.text.string(),
      options.stride
          ? fmt::format("{} windows of {} tokens, {} apart, each token but the first scored once",
                        windows.size(), context, *options.stride)
          : fmt::format("{} chunks of {} tokens, the second half of each scored", windows.size(), context));
  fmt::print("  perplexity          {}\n", plus_minus(perplexity(scores.entropies), 4));
  fmt::print("  cross entropy       {} nats per token, of {} tokens scored\n", plus_minus(mean, 6),
             scores.entropies.size());
  if (against) print_against(runner, *against, text, scores);
}

Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json as_json(const Estimate& estimate) {
  return {{"value", number(estimate.value)}, {"standard_error", number(estimate.standard_error)}};
}

Json against_json(const Runner& runner, const Runner& against, const Text& text, const Scores& scores) {
  const Tokenizer tokenizer(runner.checkpoint->tokenizer());
  Json out = {{"model", against.model},
              {"stage", against.info.name},
              {"perplexity", as_json(perplexity(scores.against_entropies))},
              {"log_ratio", as_json(log_ratio(scores))},
              {"kl_divergence", as_json(mean_of(scores.divergences))},
              {"largest_kl_divergence", number(*std::ranges::max_element(scores.divergences))},
              {"same_top", share_of_same(scores)},
              {"worst", Json::array()}};
  for (const Position& one : scores.worst) {
    const std::int32_t token = text.tokens[static_cast<std::size_t>(one.target)];
    out["worst"].push_back(
        {{"position", one.target},
         {"kl_divergence", number(one.divergence)},
         {"before", text_before(tokenizer, text, one.target)},
         {"token", token},
         {"piece", tokenizer.piece_bytes(token)},
         {"top", {{"token", one.top}, {"probability", one.top_probability}}},
         {"against_top", {{"token", one.against_top}, {"probability", one.against_top_probability}}}});
  }
  return out;
}

void print_json(const Options& options, const Runner& runner, const Runner* against, const Text& text,
                std::span<const ScoredWindow> windows, std::int64_t context, const Scores& scores) {
  Json out = {{"model", runner.model},
              {"stage", runner.info.name},
              {"kv", name(runner.kv_type)},
              {"text", options.text.string()},
              {"tokens", text.tokens.size()},
              {"bos", text.bos ? Json(*text.bos) : Json(nullptr)},
              {"convention", options.stride ? "strided" : "chunks"},
              {"context", context},
              {"stride", options.stride ? Json(*options.stride) : Json(nullptr)},
              {"windows", windows.size()},
              {"scored", scores.entropies.size()},
              {"perplexity", as_json(perplexity(scores.entropies))},
              {"cross_entropy", as_json(mean_of(scores.entropies))}};
  if (against) out["against"] = against_json(runner, *against, text, scores);
  // A path or half a character may hold bytes that are no UTF-8, which JSON cannot.
  fmt::print("{}\n", out.dump(2, ' ', false, Json::error_handler_t::replace));
}

void run(const Options& options) {
  if (!options.stage.empty()) choose_stage(options.stage, "--stage");  // refused before anything else
  if (!options.against_stage.empty() && options.against.empty()) {
    throw Error(ErrorKind::usage, "--against-stage: expected --against MODEL with it, found none");
  }
  const std::shared_ptr<const Checkpoint> checkpoint = open_model(options.model);
  const StageInfo info = choose_stage(stage_or_default(options.stage, checkpoint->config()), "--stage");
  const KvType kv_type = kv_type_for(info, options.kv_type);
  const std::int64_t context = context_of(options, checkpoint->config());
  const Text text = read_text(*checkpoint, options.text);
  const std::vector<ScoredWindow> windows = windows_of(options, std::ssize(text.tokens), context);

  const Runner runner = load(options.model, checkpoint, info, context, kv_type);
  std::optional<Runner> against;
  if (!options.against.empty()) against = load_against(options, runner, text, context);
  const Scores scores =
      score(options, text, windows, *runner.stage, against ? against->stage.get() : nullptr);
  if (options.json) {
    print_json(options, runner, against ? &*against : nullptr, text, windows, context, scores);
  } else {
    print_text(options, runner, against ? &*against : nullptr, text, windows, context, scores);
  }
}

}  // namespace

void add_perplexity(Command& app) {
  const auto options = std::make_shared<Options>();
  Command* command = app.add_subcommand(
      "perplexity",
      "How well a model predicts a text, and what quantisation costs: ./rung perplexity tiny FILE");
  command->add_option("model", options->model, "smollm2, tiny, a GGUF file or a Hugging Face directory")
      ->type_name("MODEL")
      ->required();
  command->add_option("text", options->text, "A text file")
      ->type_name("FILE")
      ->required()
      ->check(not_empty());
  command->add_option("--stage", options->stage, "A rung of the ladder, or oracle: the whole model in double")
      ->default_str(default_stage_text);
  add_kv_option(*command, options->kv_type);
  command
      ->add_option("--context", options->context,
                   "Tokens of a chunk or window; else 512, or what the model was made for if that is less")
      ->check(whole_number<std::int64_t>())
      ->in_range(std::int64_t{4}, std::int64_t{1} << 31);
  command
      ->add_option("--stride", options->stride,
                   "Windows that overlap, this many tokens apart; else chunks, as llama.cpp has them")
      ->check(whole_number<std::int64_t>())
      ->in_range(std::int64_t{1}, std::int64_t{1} << 31);
  command->add_option("--chunks", options->chunks, "Only the first so many chunks or windows")
      ->check(whole_number<std::int64_t>())
      ->in_range(std::int64_t{1}, std::int64_t{1} << 62);
  command
      ->add_option(
          "--against", options->against,
          "Compare with another model, or with another stage on the same one: KL divergence, the same "
          "top tokens, the worst positions")
      ->type_name("MODEL|STAGE")
      ->check(not_empty());
  command
      ->add_option("--against-stage", options->against_stage, "The stage of --against MODEL, if another one")
      ->type_name("STAGE")
      ->check(not_empty());
  command->add_option("--worst", options->worst, "How many of the worst positions to show")
      ->check(whole_number<std::size_t>())
      ->in_range(std::size_t{0}, std::size_t{1000})
      ->capture_default_str();
  command->add_flag("--json", options->json, "For machines");
  command->callback([options] { run(*options); });
}

}  // namespace rung
