#pragma once

#include <string>

#include "core/stage/stage.h"

namespace CLI {
class App;
}

namespace rung {

/// Adds --kv: what keys and values are remembered as.
/// @param name  receives it, and holds the default; lives as long as the command
void add_kv_option(CLI::App& command, std::string& name);

/// @throws Error (usage) for a name that is no type
KvType kv_type_named(const std::string& name);

}  // namespace rung
