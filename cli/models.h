#pragma once

#include <filesystem>
#include <string>

namespace rung {

/// The file or directory that the MODEL argument of a command means:
///
/// - `tiny`: the small checkpoint in the repository, models/tiny.gguf;
/// - `smollm2`: SmolLM2-135M-Instruct in the user's cache directory, fetched first if it is not there or is
///   no longer what was fetched (cli/fetch_smollm2.py does that and says so on stderr);
/// - anything else: a path, of which is only asked that it exists.
///
/// @throws Error(usage) for a name that is neither known nor a path, Error(bad_input) when fetching failed.
std::filesystem::path resolve_model(const std::string& name);

}  // namespace rung
