#pragma once

namespace CLI {
class App;
}

namespace rung {

/// Adds the command of that name to `app`: its options, its description and the callback that runs it. One
/// file per command, `cli/NAME.cpp`. A callback throws rung::Error, which main() turns into one line and an
/// exit status; a command that ran well and found something wrong throws CLI::RuntimeError(1).
///@{
void add_bench(CLI::App& app);
void add_cases(CLI::App& app);
void add_chapter(CLI::App& app);
void add_chat(CLI::App& app);
void add_check(CLI::App& app);
void add_generate(CLI::App& app);
void add_inspect(CLI::App& app);
void add_ladder(CLI::App& app);
void add_logits(CLI::App& app);
void add_perplexity(CLI::App& app);
void add_plan(CLI::App& app);
void add_quantize(CLI::App& app);
void add_synthesize(CLI::App& app);
void add_tokenize(CLI::App& app);
void add_trace(CLI::App& app);
///@}

}  // namespace rung
