// ./rung chat: a conversation, line by line.

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "chapters/01_tokens/chat_template.h"
#include "chapters/01_tokens/tokenizer.h"
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
#include "core/error.h"

namespace rung {
namespace {

struct Options {
  std::string model = "smollm2";
  std::string stage;  ///< empty: stage_or_default()
  std::string kv = "f32";
  std::optional<std::string> system;
  std::int32_t count = 512;
  std::optional<std::int64_t> context;  // else the model's, but no more than usual_context
  SamplerOptions sampling;
};

constexpr SequenceId conversation_id = 0;
constexpr std::int64_t usual_context = 2048;  // keys and values of a longer one would take much memory

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

// Prints an answer as it comes, without the space that models which read "[/INST]" begin theirs with.
class AnswerPrinter {
 public:
  explicit AnswerPrinter(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  void token(std::int32_t id) { print_text(stream_.push(tokenizer_.piece_bytes(id))); }
  void finish() {
    print_text(stream_.finish());
    print("\n");
  }

 private:
  void print_text(std::string text) {
    if (at_start_) text.erase(0, text.find_first_not_of(' '));
    if (text.empty()) return;
    at_start_ = false;
    print(text);
  }

  const Tokenizer& tokenizer_;
  Utf8Stream stream_;
  bool at_start_ = true;
};

// Asks for a line where a person is typing. @return false at the end of the input
bool read_line(std::string& line) {
  const bool person = isatty(STDIN_FILENO) != 0;
  if (person) {
    std::fputs("> ", stderr);
    std::fflush(stderr);
  }
  if (!std::getline(std::cin, line)) {
    if (person) std::fputs("\n", stderr);
    return false;
  }
  if (line.ends_with('\r')) line.pop_back();
  return true;
}

// Runs what the stage does not remember yet, which is never more than the new turn and one token, and prints
// the answer.
void answer(Stage& stage, Sampler& sampler, const Tokenizer& tokenizer, std::vector<std::int32_t>& history,
            const Options& options, std::int64_t context) {
  const auto remembered = stage.sequences().length(conversation_id);
  const std::vector<std::int32_t> new_tokens(history.begin() + remembered, history.end());
  const std::int64_t room = context - static_cast<std::int64_t>(history.size());
  if (room < 1) {
    throw Error(
        ErrorKind::full,
        "chat: with this line the conversation is {} tokens long, {} of them new, which leaves no room "
        "for an answer in {} positions; write less, start a new one, or give it more with --context",
        history.size(), new_tokens.size(), context);
  }

  AnswerPrinter printer(tokenizer);
  Continuation result;
  try {
    result = continue_sequence(stage, sampler,
                               {.sequence = conversation_id,
                                .new_tokens = new_tokens,
                                .count = std::min<std::int64_t>(options.count, room),
                                .stop_tokens = tokenizer.end_of_turn()},
                               history, [&](std::int32_t token) { printer.token(token); });
  } catch (...) {
    printer.finish();  // the error gets a line of its own
    throw;
  }
  printer.finish();
  if (result.stopped) return;
  if (static_cast<std::int64_t>(result.tokens.size()) == room) {
    throw Error(ErrorKind::full,
                "chat: the conversation has filled its {} positions; start a new one, or give it more room "
                "with --context",
                context);
  }
  note("(stopped after {} tokens; -n raises that)", options.count);
}

void run(const Options& options) {
  if (!options.stage.empty())
    find_stage(ladder(), options.stage);  // a wrong name is refused before anything else
  Sampler sampler(options.sampling);
  if (options.count < 1) throw Error(ErrorKind::usage, "-n: expected at least 1, found {}", options.count);

  const Checkpoint checkpoint = Checkpoint::open(resolve_model(options.model));
  const std::string stage_name = stage_or_default(options.stage, checkpoint.config());
  const StageInfo& info = find_stage(ladder(), stage_name);
  const KvType kv = kv_type_for(info, options.kv);
  const std::int64_t most = checkpoint.config().context;
  const std::int64_t context = options.context.value_or(std::min(usual_context, most));
  if (context < 1 || context > most)
    throw Error(ErrorKind::usage, "--context: expected 1 to {}, what {} was made for, found {}", most,
                options.model, context);
  const Tokenizer tokenizer(checkpoint.tokenizer());
  const auto chat_template = recognise_chat_template(tokenizer.chat_template());
  if (!chat_template)
    throw Error(
        ErrorKind::bad_input, "chat: {} {}; ./rung generate continues any text with it", options.model,
        tokenizer.chat_template().empty()
            ? "carries no chat template, so it was not made for conversations"
            : "has a chat template in none of the styles known here (ChatML, Llama 2, Llama 3, Mistral)");
  Conversation conversation(tokenizer, *chat_template, options.system);
  const auto stage = info.make(
      checkpoint, {.max_positions = static_cast<std::int32_t>(context),
                   .max_sequences = 1,
                   .max_batch = static_cast<std::int32_t>(std::min<std::int64_t>(context, prefill_chunk)),
                   .kv_type = kv});

  std::vector<std::int32_t> history;
  for (std::string line; read_line(line);) {
    if (line.empty()) continue;
    const auto turn = conversation.user_turn(line);
    history.insert(history.end(), turn.begin(), turn.end());
    answer(*stage, sampler, tokenizer, history, options, context);
  }
}

}  // namespace

void add_chat(Command& app) {
  const auto options = std::make_shared<Options>();
  Command* command = app.add_subcommand("chat", "Talk with a model, a line at a time; Ctrl-D ends");
  command->add_option("-m,--model", options->model, "smollm2, a GGUF file or a Hugging Face directory")
      ->capture_default_str();
  command
      ->add_option("--stage", options->stage, "Which rung of the ladder runs it (./rung ladder lists them)")
      ->default_str(default_stage_text);
  command->add_option("--system", options->system,
                      "The system message, instead of the model's own; \"\": none");
  command->add_option("-n", options->count, "Tokens of one answer at most")
      ->check(whole_number<std::int32_t>())
      ->capture_default_str();
  command
      ->add_option("--context", options->context,
                   "Tokens of the whole conversation at most (2048, or what the model was made for)")
      ->check(whole_number<std::int64_t>());
  add_kv_option(*command, options->kv);
  add_sampling_options(*command, options->sampling);
  command->callback([options] { run(*options); });
}

}  // namespace rung
