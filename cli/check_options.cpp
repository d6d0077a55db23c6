#include "cli/check_options.h"

#include "core/error.h"

namespace rung {

std::vector<check::NumberType> wanted_types(const std::string& name) {
  if (name.empty()) return {std::begin(check::number_types), std::end(check::number_types)};
  const auto type = check::number_type(name);
  if (!type) throw Error(ErrorKind::usage, "--dtype {}: expected f32, f16 or bf16", name);
  return {*type};
}

}  // namespace rung
