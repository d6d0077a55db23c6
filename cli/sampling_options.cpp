#include "cli/sampling_options.h"

#include "cli/arguments.h"
#include "cli/command.h"

namespace rung {

void add_sampling_options(Command& command, SamplerOptions& options) {
  command.add_option("--temperature", options.temperature, "0: the likeliest token; higher: more variety")
      ->capture_default_str();
  command.add_option("--top-k", options.top_k, "Draw from the K likeliest tokens only")
      ->check(whole_number<std::int64_t>());
  command.add_option("--top-p", options.top_p,
                     "Draw from the fewest tokens that have probability P together");
  command.add_option("--min-p", options.min_p,
                     "Draw from tokens at least this share as likely as the likeliest");
  command
      .add_option("--repetition-penalty", options.repetition_penalty, "Above 1: repeat less; 1: no penalty")
      ->capture_default_str();
  command.add_option("--seed", options.seed, "Same seed, same text")
      ->check(whole_number<std::uint64_t>())
      ->capture_default_str();
}

}  // namespace rung
