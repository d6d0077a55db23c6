#include "cli/stage_choice.h"

#include "chapters/ladder.h"
#include "core/check/oracle_stage.h"
#include "core/error.h"

namespace rung {

const StageInfo& choose_stage(const std::string& name, std::string_view argument) {
  static const StageInfo oracle = check::oracle_stage_info();
  if (name == oracle_name) return oracle;
  std::string names;
  for (const StageInfo& stage : ladder()) {
    if (stage.name == name) return stage;
    names += stage.name + ", ";
  }
  throw Error(ErrorKind::usage, "{}: expected a stage ({}) or {}, found \"{}\"", argument,
              names.substr(0, names.size() - 2), oracle_name, name);
}

}  // namespace rung
