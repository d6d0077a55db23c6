#include "cli/kv_option.h"

#include <algorithm>

#include "chapters/ladder.h"
#include "cli/command.h"
#include "core/error.h"

namespace rung {

void add_kv_option(Command& command, std::string& name) {
  command
      .add_option("--kv", name,
                  "What keys and values are remembered as: f32, f16 or int8 (stage grouped and above)")
      ->type_name("TYPE")
      ->capture_default_str();
}

KvType kv_type_for(const StageInfo& stage, const std::string& name) {
  const auto type = find_kv_type(name);
  if (!type) throw Error(ErrorKind::usage, "--kv: expected f32, f16 or int8, found \"{}\"", name);
  const auto stores = [&](const StageInfo& one) {
    return std::ranges::find(one.kv_types, *type) != one.kv_types.end();
  };
  if (stores(stage)) return *type;
  std::string names;
  for (const StageInfo& one : ladder()) {
    if (stores(one)) names += (names.empty() ? "" : ", ") + one.name;
  }
  throw Error(ErrorKind::usage, "--kv {}: stage {} does not store that; choose one that does (--stage {})",
              name, stage.name, names);
}

}  // namespace rung
