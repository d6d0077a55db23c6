// ./rung generate: a prompt in, its continuation out.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "chapters/01_tokens/tokenizer.h"
#include "chapters/01_tokens/utf8.h"
#include "chapters/01_tokens/utf8_stream.h"
#include "chapters/05_sampling/continuation.h"
#include "chapters/ladder.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/kv_option.h"
#include "cli/models.h"
#include "cli/note.h"
#include "cli/sampling_options.h"
#include "cli/stage_choice.h"
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/printable.h"
#include "core/error.h"

namespace rung {

namespace {

struct Options {
  std::string prompt;
  std::string model = "smollm2";
  std::string stage;  ///< empty: stage_or_default()
  std::string kv = "f32";
  std::int32_t count = 64;
  SamplerOptions sampling;
  bool stats = false;
};

void print_stats(const Stage& stage, const Continuation& result, std::size_t prompt_tokens,
                 double load_seconds) {
  const auto rate = [](std::size_t tokens, double seconds) {
    return seconds > 0 ? static_cast<double>(tokens) / seconds : 0.0;
  };
  const std::size_t steps = result.tokens.empty() ? 0 : result.tokens.size() - (result.stopped ? 0 : 1);
  note("load     {:8.2f} s", load_seconds);
  note("prefill  {:8.2f} s   {} tokens, {:.1f} tok/s", result.prefill_seconds, prompt_tokens,
       rate(prompt_tokens, result.prefill_seconds));
  note("decode   {:8.2f} s   {} tokens, {:.1f} tok/s", result.decode_seconds, steps,
       rate(steps, result.decode_seconds));
  note("memory   {:8.1f} MB  weights, {:.1f} MB keys and values ({} bytes)",
       static_cast<double>(stage.weight_bytes()) / 1e6, static_cast<double>(stage.kv_bytes()) / 1e6,
       stage.kv_bytes());
}

void run(const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  if (!options.stage.empty())
    find_stage(ladder(), options.stage);  // a wrong name is refused before anything else
  Sampler sampler(options.sampling);
  if (options.prompt.empty()) {
    throw Error(ErrorKind::usage, "the prompt is empty; write a few words to continue");
  }
  if (options.count < 1) throw Error(ErrorKind::usage, "-n: expected at least 1, found {}", options.count);

  const Checkpoint checkpoint = Checkpoint::open(resolve_model(options.model));
  const std::string stage_name = stage_or_default(options.stage, checkpoint.config());
  const StageInfo& info = find_stage(ladder(), stage_name);
  const KvType kv = kv_type_for(info, options.kv);
  const Tokenizer tokenizer(checkpoint.tokenizer());
  std::vector<std::int32_t> history = tokenizer.encode_prompt(options.prompt);
  const std::vector<std::int32_t> prompt = history;
  if (prompt.empty()) {
    throw Error(ErrorKind::usage,
                "the prompt \"{}\" has no tokens: nothing of it can be spelled with the vocabulary of {}; "
                "write other words",
                printable(options.prompt), options.model);
  }
  const auto positions = static_cast<std::int64_t>(prompt.size()) + options.count;
  if (positions > checkpoint.config().context) {
    throw Error(ErrorKind::usage,
                "-n: a prompt of {} tokens and {} new ones make {}; {} was made for {} at most",
                prompt.size(), options.count, positions, options.model, checkpoint.config().context);
  }
  const std::unique_ptr<Stage> stage = info.make(
      checkpoint, {.max_positions = static_cast<std::int32_t>(positions),
                   .max_sequences = 1,
                   .max_batch = static_cast<std::int32_t>(std::min<std::int64_t>(positions, prefill_chunk)),
                   .kv_type = kv});
  const std::chrono::duration<double> load_time = std::chrono::steady_clock::now() - start;

  Utf8Stream text;
  const auto print = [](const std::string& part) {
    std::fwrite(part.data(), 1, part.size(), stdout);
    std::fflush(stdout);
  };
  print(valid_utf8(options.prompt));
  const std::vector<std::int32_t> stops(tokenizer.end_of_turn().begin(), tokenizer.end_of_turn().end());
  Continuation result;
  try {
    result = continue_sequence(
        *stage, sampler, {.sequence = 0, .new_tokens = prompt, .count = options.count, .stop_tokens = stops},
        history, [&](std::int32_t token) { print(text.push(tokenizer.piece_bytes(token))); });
  } catch (...) {
    print("\n");  // the error gets a line of its own
    throw;
  }
  print(text.finish());
  print("\n");
  if (options.stats) print_stats(*stage, result, prompt.size(), load_time.count());
}

}  // namespace

void add_generate(Command& app) {
  const auto options = std::make_shared<Options>();
  Command* command = app.add_subcommand("generate", "Continue a text: ./rung generate \"Once upon a time\"");
  command->add_option("prompt", options->prompt, "The text to continue (behind -- when it begins with -)");
  command->add_option("-m,--model", options->model, "smollm2, tiny, a GGUF file or a Hugging Face directory")
      ->capture_default_str();
  command
      ->add_option("--stage", options->stage, "Which rung of the ladder runs it (./rung ladder lists them)")
      ->default_str(default_stage_text);
  command->add_option("-n", options->count, "New tokens at most")
      ->check(whole_number<std::int32_t>())
      ->capture_default_str();
  add_kv_option(*command, options->kv);
  add_sampling_options(*command, options->sampling);
  command->add_flag("--stats", options->stats, "Times, rates and memory, on stderr");
  command->callback([options] { run(*options); });
}

}  // namespace rung
