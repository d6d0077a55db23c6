// ./rung logits: what a model says at every position of a text, as a NumPy file.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/kv_option.h"
#include "cli/models.h"
#include "cli/note.h"
#include "cli/stage_choice.h"
#include "cli/token_list.h"
#include "core/check/npy_rows.h"
#include "core/checkpoint/checkpoint.h"
#include "core/error.h"
#include "core/oracle/transformer.h"

namespace rung {
namespace {

struct Options {
  std::string model;
  std::string tokens;
  std::string stage;  ///< empty: stage_or_default()
  std::string kv = "f32";
  std::filesystem::path out;
};

// Positions whose logits are in memory at a time: 25 MB of SmolLM2's.
constexpr std::size_t chunk = 128;

void from_stage(const StageInfo& info, KvType kv, const Checkpoint& checkpoint,
                std::span<const std::int32_t> tokens, NpyRows& out) {
  const auto stage =
      info.make(checkpoint, {.max_positions = static_cast<std::int32_t>(tokens.size()),
                             .max_sequences = 1,
                             .max_batch = static_cast<std::int32_t>(std::min(chunk, tokens.size())),
                             .kv_type = kv});
  for (std::size_t first = 0; first < tokens.size(); first += chunk) {
    Batch batch;
    batch.add(0, static_cast<std::int32_t>(first),
              tokens.subspan(first, std::min(chunk, tokens.size() - first)), Batch::Logits::all);
    const Matrix logits = stage->forward(batch);  // [rows, V]
    out.append({logits.data(), static_cast<std::size_t>(logits.size())});
  }
}

void from_oracle(const Checkpoint& checkpoint, std::span<const std::int32_t> tokens, NpyRows& out) {
  const oracle::Transformer transformer(checkpoint);
  const oracle::Grid normed = transformer.normed(tokens);  // [T, hidden]
  for (std::int64_t first = 0; first < normed.rows; first += chunk) {
    oracle::Grid rows(std::min<std::int64_t>(chunk, normed.rows - first), normed.columns);
    std::copy_n(normed.row(first).data(), rows.values.size(), rows.values.data());
    const oracle::Grid logits = transformer.output(rows);
    const std::vector<float> rounded(logits.values.begin(), logits.values.end());
    out.append(rounded);
  }
}

void run(const Options& options) {
  const std::vector<std::int32_t> tokens = parse_token_list(options.tokens, "--tokens");
  if (tokens.empty()) throw Error(ErrorKind::usage, "--tokens: expected ids such as \"1 2 3\", found none");
  if (!options.stage.empty()) choose_stage(options.stage, "--stage");  // refused before anything else
  const Checkpoint checkpoint = Checkpoint::open(resolve_model(options.model));
  const ModelConfig& config = checkpoint.config();
  const StageInfo stage = choose_stage(stage_or_default(options.stage, config), "--stage");
  const KvType kv = kv_type_for(stage, options.kv);
  for (const std::int32_t token : tokens) {
    if (token >= config.vocab) {
      throw Error(ErrorKind::usage, "--tokens: {} is no token of {}: expected ids from 0 to {}", token,
                  options.model, config.vocab - 1);
    }
  }
  if (static_cast<std::int64_t>(tokens.size()) > config.context) {
    throw Error(ErrorKind::usage, "--tokens: {} of them; {} was made for {} at most", tokens.size(),
                options.model, config.context);
  }

  NpyRows out(options.out, static_cast<std::int64_t>(tokens.size()), config.vocab);
  if (stage.name == oracle_name) {
    from_oracle(checkpoint, tokens,
                out);  // once over all tokens; as a stage it would run them again per chunk
  } else {
    from_stage(stage, kv, checkpoint, tokens, out);
  }
  out.finish();
  note("{}: float32 [{}, {}], {} on {}", options.out.string(), tokens.size(), config.vocab, stage.name,
       options.model);
}

}  // namespace

void add_logits(Command& app) {
  const auto options = std::make_shared<Options>();
  Command* command = app.add_subcommand(
      "logits",
      "Logits of every position, for NumPy: ./rung logits tiny --tokens \"1 2 3\" --out logits.npy");
  command->add_option("model", options->model, "smollm2, tiny, a GGUF file or a Hugging Face directory")
      ->type_name("MODEL")
      ->required();
  command->add_option("--tokens", options->tokens, "Ids such as \"1 2 3\"; no special token is added")
      ->required();
  command->add_option("--stage", options->stage, "A rung of the ladder, or oracle: the whole model in double")
      ->default_str(default_stage_text);
  add_kv_option(*command, options->kv);
  command->add_option("--out", options->out, "The .npy file: float32, [tokens, vocabulary], teacher-forced")
      ->type_name("FILE.npy")
      ->required()
      ->check(not_empty());
  command->callback([options] { run(*options); });
}

}  // namespace rung
