#pragma once

#include <string>

#include "core/stage/stage.h"

namespace rung {

class Command;

/// Adds --kv: what keys and values are remembered as.
/// @param name  receives it, and holds the default; lives as long as the command
void add_kv_option(Command& command, std::string& name);

/// The type of that name, which the stage must be able to store.
/// @throws Error (usage) for a name that is no type, or that the stage does not store, naming those that do
KvType kv_type_for(const StageInfo& stage, const std::string& name);

}  // namespace rung
