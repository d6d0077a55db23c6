#include "cli/stage_choice.h"

#include "chapters/ladder.h"
#include "core/check/model_mistakes.h"
#include "core/check/oracle_stage.h"
#include "core/error.h"

namespace rung {

StageInfo choose_stage(const std::string& name, std::string_view argument) {
  if (name == oracle_name) return check::oracle_stage_info();
  std::string names;
  for (const StageInfo& stage : ladder()) {
    if (stage.name == name) return stage;
    names += stage.name + ", ";
  }
  for (const check::ModelMistake& mistake : check::model_mistakes()) {
    if (mistake.name == name) return check::oracle_stage_info({.mistake = &mistake, .rounding = {}});
  }
  throw Error(ErrorKind::usage,
              "{}: expected a stage ({}), {}, or a known mistake of the whole model such as {}, found \"{}\"",
              argument, names.substr(0, names.size() - 2), oracle_name, check::model_mistakes().front().name,
              name);
}

}  // namespace rung
