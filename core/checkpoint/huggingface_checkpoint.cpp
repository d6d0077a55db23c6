#include "core/checkpoint/opened_model.h"

namespace rung {

OpenedModel open_huggingface(const std::filesystem::path& directory) {
  throw Error(ErrorKind::bad_input, "{}: Hugging Face directories are not read yet", directory.string());
}

}  // namespace rung
