#include "cli/stage_choice.h"

#include "chapters/ladder.h"
#include "core/check/model_mistakes.h"
#include "core/check/oracle_stage.h"
#include "core/error.h"

namespace rung {

std::optional<StageInfo> find_choice(const std::string& name) {
  if (name == oracle_name) return check::oracle_stage_info();
  for (const StageInfo& stage : ladder()) {
    if (stage.name == name) return stage;
  }
  for (const check::ModelMistake& mistake : check::model_mistakes()) {
    if (mistake.name == name) return check::oracle_stage_info({.mistake = &mistake, .rounding = {}});
  }
  return std::nullopt;
}

StageInfo choose_stage(const std::string& name, std::string_view argument) {
  if (std::optional<StageInfo> found = find_choice(name)) return *std::move(found);
  std::string names;
  for (const StageInfo& stage : ladder()) names += stage.name + ", ";
  throw Error(ErrorKind::usage,
              "{}: expected a stage ({}), {}, or a known mistake of the whole model such as {}, found \"{}\"",
              argument, names.substr(0, names.size() - 2), oracle_name, check::model_mistakes().front().name,
              name);
}

std::string stage_or_default(const std::string& given, const ModelConfig& config) {
  if (!given.empty()) return given;
  return config.mixture ? "moe" : "kv_cache";
}

}  // namespace rung
