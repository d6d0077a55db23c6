#include "core/oracle/sizes.h"

#include "core/error.h"

namespace rung::oracle {

void require_size(std::string_view op, std::string_view argument, std::size_t found, const Shape& shape) {
  if (static_cast<std::int64_t>(found) != elements(shape)) {
    throw Error(ErrorKind::usage, "oracle {}: {} has {} numbers, its shape {} needs {}", op, argument, found,
                to_string(shape), elements(shape));
  }
}

}  // namespace rung::oracle
