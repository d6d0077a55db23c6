#include "core/stage/stage.h"

#include "core/error.h"

namespace rung {

const StageInfo& find_stage(const std::vector<StageInfo>& ladder, const std::string& name) {
  std::string names;
  for (const StageInfo& stage : ladder) {
    if (stage.name == name) return stage;
    names += (names.empty() ? "" : ", ") + stage.name;
  }
  throw Error(ErrorKind::usage, "--stage: expected one of {}, found \"{}\"", names, name);
}

}  // namespace rung
