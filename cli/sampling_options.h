#pragma once

#include "chapters/05_sampling/sampler.h"

namespace CLI {
class App;
}

namespace rung {

/// Adds --temperature, --top-k, --top-p, --min-p, --repetition-penalty and --seed to a command, stored in
/// `options`, which lives as long as the command.
void add_sampling_options(CLI::App& command, SamplerOptions& options);

}  // namespace rung
