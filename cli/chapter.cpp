// ./rung chapter N: runs a chapter's demo, or one part of it. What the tutorials quote and draw comes from here.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "chapters/demos.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/models.h"
#include "cli/stage_choice.h"
#include "core/checkpoint/checkpoint.h"
#include "core/error.h"

namespace rung {
namespace {

struct Options {
  int chapter = 0;
  std::string part;
  std::string model = "smollm2";
  std::string text;
  bool list = false;
  bool json = false;
};

/// @throws Error (usage) listing the chapters that have a demo
const Demo& find_demo(int chapter) {
  std::vector<int> known;
  for (const Demo& demo : demos()) {
    if (demo.chapter == chapter) return demo;
    known.push_back(demo.chapter);
  }
  throw Error(ErrorKind::usage, "chapter {} has no demo; chapters with one: {}", chapter,
              fmt::join(known, ", "));
}

/// The part of that name, or all of them.
/// @throws Error (usage) listing the parts there are
std::vector<DemoPart> choose_parts(const Demo& demo, const std::string& name) {
  if (name.empty()) return demo.parts;
  std::vector<std::string> known;
  for (const DemoPart& part : demo.parts) {
    if (part.name == name) return {part};
    known.push_back(part.name);
  }
  throw Error(ErrorKind::usage, "the demo of chapter {} has no part '{}'; its parts are {}", demo.chapter,
              name, fmt::join(known, ", "));
}

void run(const Options& options) {
  const Demo& demo = find_demo(options.chapter);
  const std::vector<DemoPart> parts = choose_parts(demo, options.part);
  if (options.list) {
    for (const DemoPart& part : parts) fmt::print("{:<12} {}\n", part.name, part.what);
    return;
  }
  const Checkpoint checkpoint = Checkpoint::open(resolve_model(options.model));
  const DemoInput input{
      .model = options.model,
      .checkpoint = checkpoint,
      .text = options.text,
      .stage =
          [&](const std::string& name, const StageOptions& stage_options) {
            return choose_stage(name, "stage").make(checkpoint, stage_options);
          },
      .open = [](const std::string& model) { return Checkpoint::open(resolve_model(model)); }};
  DemoText text(options.json);
  nlohmann::ordered_json data;
  if (parts.size() > 1) text.print("Chapter {:02}. {}\n", demo.chapter, demo.title);
  for (const DemoPart& part : parts) {
    if (parts.size() > 1) text.print("\n{}: {}\n\n", part.name, part.what);
    data[part.name] = part.run(input, text);
  }
  if (options.json) fmt::print("{}\n", data.dump(1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace

void add_chapter(Command& app) {
  const auto options = std::make_shared<Options>();
  Command* const command = app.add_subcommand(
      "chapter", "A chapter's demo, which prints what its tutorial quotes: ./rung chapter 3");
  command->add_option("N", options->chapter, "The chapter")->required()->check(whole_number<int>());
  command->add_option("PART", options->part, "One part of it; all if not given")->check(not_empty());
  command->add_option("-m,--model", options->model, "smollm2, tiny, a GGUF file or a Hugging Face directory")
      ->capture_default_str();
  command->add_option("--text", options->text, "Your own text, for parts that look at one")
      ->check(not_empty());
  command->add_flag("--list", options->list, "The parts, a line each");
  command->add_flag("--json", options->json, "The numbers behind it, from which the figures are drawn");
  command->callback([options] { run(*options); });
}

}  // namespace rung
