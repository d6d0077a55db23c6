#pragma once

namespace rung {

class Command;

/// Adds the command of that name to `app`: its options, its description and the callback that runs it. One
/// file per command, `cli/NAME.cpp`. A callback throws rung::Error, which main() turns into one line and an
/// exit status; a command that ran well and found something wrong throws FoundWrong.
///@{
void add_bench(Command& app);
void add_cases(Command& app);
void add_chapter(Command& app);
void add_chat(Command& app);
void add_check(Command& app);
void add_generate(Command& app);
void add_inspect(Command& app);
void add_ladder(Command& app);
void add_logits(Command& app);
void add_perplexity(Command& app);
void add_plan(Command& app);
void add_quantize(Command& app);
void add_synthesize(Command& app);
void add_tokenize(Command& app);
void add_trace(Command& app);
///@}

}  // namespace rung
