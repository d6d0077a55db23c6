#pragma once

#include "chapters/05_sampling/sampler.h"

namespace rung {

class Command;

/// Adds --temperature, --top-k, --top-p, --min-p, --repetition-penalty and --seed to a command, stored in
/// `options`, which lives as long as the command.
void add_sampling_options(Command& command, SamplerOptions& options);

}  // namespace rung
