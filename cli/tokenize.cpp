// ./rung tokenize: text in, token ids and pieces out; and the other way.

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "chapters/01_tokens/tokenizer.h"
#include "chapters/01_tokens/utf8.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/models.h"
#include "cli/note.h"
#include "cli/token_list.h"
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/printable.h"
#include "core/error.h"

namespace rung {
namespace {

struct Options {
  std::string model;
  std::optional<std::string> text;
  std::optional<std::string> decode;
  bool special = false;
  bool add_special = false;
  bool json = false;
};

std::string as_json(const Tokenizer& tokenizer, const std::vector<std::int32_t>& ids,
                    const std::string* text) {
  nlohmann::ordered_json out;
  out["ids"] = ids;
  out["pieces"] = nlohmann::json::array();
  for (const std::int32_t id : ids) out["pieces"].push_back(tokenizer.piece(id));
  if (text != nullptr) out["text"] = *text;
  // A piece in somebody's file may hold bytes that are no UTF-8, which JSON cannot.
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void encode(const Tokenizer& tokenizer, const Options& options) {
  const auto special = options.special ? Tokenizer::Special::parse : Tokenizer::Special::as_text;
  const auto add =
      options.add_special ? Tokenizer::AddSpecial::as_the_model_says : Tokenizer::AddSpecial::none;
  const std::vector<std::int32_t> ids = tokenizer.encode(*options.text, special, add);
  if (options.json) {
    fmt::print("{}\n", as_json(tokenizer, ids, nullptr));
  } else {
    for (const std::int32_t id : ids) fmt::print("{:>7}  {}\n", id, tokenizer.piece(id));
  }
  const std::string back = tokenizer.decode(tokenizer.encode(*options.text));
  if (back != *options.text)
    note(
        "note: these tokens decode to another text, \"{}\": the vocabulary cannot spell all of it, or has "
        "its own way "
        "with spaces at the beginning",
        printable(back, 60));
}

void decode(const Tokenizer& tokenizer, const Options& options) {
  const std::vector<std::int32_t> ids = parse_token_list(*options.decode, "--decode");
  const std::string text =
      tokenizer.decode(ids, options.special ? Tokenizer::Control::shown : Tokenizer::Control::hidden);
  fmt::print("{}\n", options.json ? as_json(tokenizer, ids, &text) : text);
}

void run(const Options& options) {
  if (options.text.has_value() == options.decode.has_value())
    throw Error(ErrorKind::usage, "tokenize: expected a text or --decode \"1 2 3\", found {}",
                options.text ? "both" : "neither");
  const Checkpoint checkpoint = Checkpoint::open(resolve_model(options.model));
  const Tokenizer tokenizer(checkpoint.tokenizer());
  if (options.text)
    encode(tokenizer, options);
  else
    decode(tokenizer, options);
}

}  // namespace

void add_tokenize(Command& app) {
  const auto options = std::make_shared<Options>();
  Command* command =
      app.add_subcommand("tokenize", "Text to token ids: ./rung tokenize smollm2 \"Hello there\"");
  command->add_option("model", options->model, "smollm2, tiny, a GGUF file or a Hugging Face directory")
      ->required();
  command->add_option("text", options->text, "The text; printed as one id and piece per line");
  command->add_option("--decode", options->decode, "Ids such as \"1 2 3\" to print as text");
  command->add_flag("--special", options->special,
                    "Read control tokens such as <|im_start|> in the text, or show them with --decode");
  command->add_flag("--add-special", options->add_special,
                    "Add the begin- and end-of-text tokens where the model wants them");
  command->add_flag("--json", options->json, "{\"ids\": […], \"pieces\": […]}");
  command->callback([options] { run(*options); });
}

}  // namespace rung
