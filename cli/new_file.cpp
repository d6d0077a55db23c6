#include "cli/new_file.h"

#include <system_error>

#include "core/error.h"

namespace rung {

namespace fs = std::filesystem;

void require_new_file(const fs::path& file, bool force) {
  std::error_code ignored;
  if (fs::is_directory(file, ignored)) {
    throw Error(ErrorKind::usage, "{}: is a directory; give the name of a file in it, such as model.gguf",
                file.string());
  }
  if (fs::is_regular_file(file, ignored) && !force) {
    throw Error(ErrorKind::usage, "{}: is there already and was left as it is; --force replaces it",
                file.string());
  }
}

}  // namespace rung
